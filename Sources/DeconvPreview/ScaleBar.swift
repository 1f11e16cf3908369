import Glibc

/// A bar of a round length: 1, 2 or 5 times a power of ten.
package struct ScaleBar: Sendable, Equatable {
    /// Its length in the unit of the picture: micrometers, or voxels where their size is unknown.
    package let length: Double
    /// Its length in pixels, at least 1.
    package let pixelCount: Int
    /// Its length in words, for example `5 µm`, `200 nm` or `50 voxels`.
    package let label: String

    /// The longest round bar within a quarter of a view's width.
    /// - Parameters:
    ///   - width: width of the view, pixels.
    ///   - unitsPerPixel: micrometers, or voxels, that a pixel covers.
    ///   - isMicrometres: whether the unit is known.
    init(width: Int, unitsPerPixel: Double, isMicrometres: Bool) {
        let limit = max(Double(width) / 4, 1) * unitsPerPixel
        let decade = pow(10, log10(limit).rounded(.down))
        let length = [5.0, 2, 1, 0.5].lazy.map { $0 * decade }.first { $0 <= limit * (1 + 1e-9) } ?? decade
        self.length = length
        pixelCount = max(1, Int((length / unitsPerPixel).rounded()))
        label =
            isMicrometres
            ? Self.metric(micrometers: length) : Self.number(length) + (length == 1 ? " voxel" : " voxels")
    }

    private static func metric(micrometers: Double) -> String {
        switch micrometers {
        case 999.9...: number(micrometers / 1000) + " mm"
        case 0.9999...: number(micrometers) + " µm"
        default: number(micrometers * 1000) + " nm"
        }
    }

    /// A round number without a fraction where it has none.
    private static func number(_ value: Double) -> String {
        let whole = value.rounded()
        return abs(value - whole) < 1e-6 * value && whole < 1e15 ? "\(Int(whole))" : "\(Float(value))"
    }
}
