import DeconvVolume
import Glibc

/// Which values are shown black and which white.
package enum Contrast: Sendable, Equatable {
    /// Black below the `low` fraction and white above the `high` fraction of an image's own projection along z.
    case percentiles(low: Double, high: Double)
    /// Black up to one value, white from another on: the same for every image.
    case range(Float, Float)

    /// 1 % and 99.8 %, as results have it for other programs.
    package static let standard = Contrast.percentiles(low: DisplayWindow.standardLow, high: DisplayWindow.standardHigh)

    /// Refuses fractions outside 0 … 1 and ranges that are empty.
    func validate() throws(DeconvolutionError) {
        switch self {
        case .percentiles(let low, let high):
            guard low >= 0 && low < high && high <= 1 else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "contrast from \(100 * low) % to \(100 * high) % is not a range within 0 and 100 %"
                )
            }
        case .range(let black, let white):
            guard black < white && (white - black).isFinite else {
                throw DeconvolutionError(.invalidArgument, "contrast from \(black) to \(white) is not a range")
            }
        }
    }

    /// The values that come out black and white for an image.
    func limits(of projection: [Float]) -> (black: Float, white: Float) {
        switch self {
        case .range(let black, let white): return (black, white)
        case .percentiles(let low, let high):
            let window = DisplayWindow(of: projection, low: low, high: high)
            return (window.black, window.white)
        }
    }
}

extension Contrast {
    /// The values that come out black and white for each of several images.
    /// - Parameters:
    ///   - projections: of each image.
    ///   - isCommon: whether from black to white it is as many counts for all, each counted from what is black for itself: its
    ///     background.
    func limits(of projections: [[Float]], isCommon: Bool) -> [(black: Float, white: Float)] {
        let own = projections.map { limits(of: $0) }
        guard isCommon, let widest = own.map({ $0.white - $0.black }).max() else { return own }
        return own.map { ($0.black, $0.black + widest) }
    }
}

/// What values look like: from 0 (black) to 255 (white).
struct Shading {
    private let table: [UInt8]

    /// A value v from 0 to 1 becomes v^gamma.
    init(gamma: Double) {
        // A table makes a power cheap: 4096 steps are finer than 256 shades need for any sensible gamma.
        table = (0...4095).map { UInt8((255 * pow(Double($0) / 4095, gamma)).rounded()) }
    }

    /// The shades of values; those that are not finite are black.
    func shades(_ values: [Float], _ limits: (black: Float, white: Float)) -> [UInt8] {
        let scale = 1 / (Double(limits.white) - Double(limits.black))
        return values.map { value in
            let level = value.isFinite ? (Double(value) - Double(limits.black)) * scale : 0
            return table[Int((min(max(level, 0), 1) * 4095).rounded())]
        }
    }
}
