import DeconvDevice
package import DeconvVolume
import Glibc

/// What takes the place of the adjoint of the blur in an iteration, so that few of them do.
///
/// A projector B̂ = conj(ĥ)·F(|ĥ|, k) with B̂(0) = 1, cut to the size of the PSF in space, so that it reaches no further than H does and
/// tiles hold it as well.
package enum BackProjector: Hashable, Sendable {
    /// None: the adjoint.
    case adjoint
    /// F = 1 / (|ĥ|² + 0.05 + 16 N/S(k)), with the noise N and the light S of the image itself.
    case spectrum
    /// F = 1 / (|ĥ|² + 0.05) / √(1 + ε² ρ²⁰), a Wiener filter and a Butterworth filter of order 10 that ends where the PSF's width does
    /// (Guo et al. 2020, Nat. Biotechnol. 38:1337).
    case wienerButterworth
    /// F = A(k) / (|ĥ|² + 0.05), A = 1 falling to 0 over the outer fifth of the ellipsoid that holds 90 % of Σ|ĥ| (after Ruan et al.
    /// 2024, Nat. Methods 21:1093, whose mask is convex).
    case maskedWiener

    /// What keeps a filter from raising noise without end.
    private static let floor = 0.05
    /// What noise over signal is taken times.
    private static let caution = 16.0
    /// Twice the order of the Butterworth filter.
    private static let butterworthPower = 20.0
    /// The part of Σ|ĥ| within the mask, and the part of its radius from which on it falls.
    private static let (maskShare, maskEdge) = (0.9, 0.8)

    /// A PSF whose adjoint is the projector.
    /// - Parameters:
    ///   - psf: centered, sum 1.
    ///   - signal: of the image; for `spectrum`.
    /// - Throws: `outOfMemory`.
    package func kernel(of psf: Volume, _ signal: SignalSpectrum?) throws(DeconvolutionError) -> Volume {
        // Twice as long, so that what is cut off does not come back at the other end.
        let grid = VolumeShape { psf.shape[$0] == 1 ? 1 : 2 * psf.shape[$0] }
        var filter = try HostFilter(of: psf, on: grid)
        let widths = psf.widths
        func isMean(_ frequency: SIMD3<Double>) -> Bool { frequency == SIMD3(0, 0, 0) }
        switch self {
        case .adjoint: return psf
        case .spectrum:
            guard let signal else { preconditionFailure("the image was looked at") }
            filter.multiply { frequency, transfer in
                let ratio = signal.noiseToSignal((frequency * widths).length)
                return isMean(frequency) ? 1 / transfer : 1 / (transfer * transfer + Self.floor + Self.caution * ratio)
            }
        case .wienerButterworth:
            let edge = max(Self.transfer(of: filter, atEdgeOf: widths), 1e-3)
            let wiener = edge / (edge * edge + Self.floor)
            let ripple = max((wiener / edge) * (wiener / edge) - 1, 0)
            filter.multiply { frequency, transfer in
                let radius = (frequency * widths).length
                let damping = (1 + ripple * pow(radius, Self.butterworthPower)).squareRoot()
                return isMean(frequency) ? 1 / transfer : 1 / (transfer * transfer + Self.floor) / damping
            }
        case .maskedWiener:
            let ends = Self.ellipsoid(of: filter)
            filter.multiply { frequency, transfer in
                let radius = (frequency / ends).length
                let edge = (radius - Self.maskEdge) / (1 - Self.maskEdge)
                let mask = edge <= 0 ? 1 : edge < 1 ? pow(cos(.pi / 2 * edge), 2) : 0
                return isMean(frequency) ? 1 / transfer : mask / (transfer * transfer + Self.floor)
            }
        }
        return try filter.kernel(psf.shape)
    }

    /// Mean |ĥ| about ρ = 1: within as little as holds enough frequencies.
    private static func transfer(of filter: HostFilter, atEdgeOf widths: SIMD3<Double>) -> Double {
        var distances: [(distance: Double, transfer: Double, count: Int)] = []
        filter.forEach { frequency, transfer, multiplicity in
            distances.append((abs((frequency * widths).length - 1), transfer, multiplicity))
        }
        let closest = distances.map(\.distance).min() ?? 0
        let chosen = distances.filter { $0.distance < max(0.05, 1.5 * closest) }
        let count = chosen.reduce(0) { $0 + $1.count }
        return chosen.reduce(0) { $0 + Double($1.count) * $1.transfer } / Double(max(count, 1))
    }

    /// The largest frequencies along z, y and x at which |ĥ| is as high as where 90 % of Σ|ĥ| are higher.
    private static func ellipsoid(of filter: HostFilter) -> SIMD3<Double> {
        var transfers: [(frequency: SIMD3<Double>, transfer: Double, count: Int)] = []
        filter.forEach { transfers.append(($0, $1, $2)) }
        transfers.sort { $0.transfer > $1.transfer }
        let wanted = maskShare * transfers.reduce(0) { $0 + Double($1.count) * $1.transfer }
        var ends = SIMD3<Double>(1e-3, 1e-3, 1e-3)
        var sum = 0.0
        for (frequency, transfer, count) in transfers where transfer > 1e-3 {
            sum += Double(count) * transfer
            if sum >= wanted { break }
            for axis in 0..<3 { ends[axis] = max(ends[axis], abs(frequency[axis])) }
        }
        return ends
    }
}
