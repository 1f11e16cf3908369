package import DeconvVolume

/// Which transforms a back end has, which of their lengths are fast, and which one to pad to.
package struct FFTPadding: Sendable {
    /// What a length costs there.
    package let cost: FFTCost
    private let hasTransform: @Sendable (VolumeShape) -> Bool

    /// Padding for a back end.
    /// - Parameter hasTransform: whether one library has all transforms of a volume. Lengths chosen here have the factors 2, 3,
    ///   5 and 7 only, but axes that may not be padded keep theirs.
    package init(_ cost: FFTCost, hasTransform: @escaping @Sendable (VolumeShape) -> Bool) {
        self.cost = cost
        self.hasTransform = hasTransform
    }

    /// FFTW on this machine's cores, which has every length.
    package static let fftw = FFTPadding(.fftw) { _ in true }

    /// Whether a volume of this shape can be transformed.
    package func canTransform(_ shape: VolumeShape) -> Bool { hasTransform(shape) }

    /// The length of least modeled cost that is at least `minimum`, with the factors 2, 3, 5 and 7 only.
    ///
    /// A factor of 11 or 13 halves the rate of FFTW, and clFFT has no length beyond those.
    /// - Parameters:
    ///   - minimum: at least 1.
    ///   - real: for the axis of the real transform, whose length is even.
    package func length(atLeast minimum: Int, real: Bool = false) -> Int {
        let start = max(minimum, 2)
        // A power of two lies below twice the start, so the search ends; 1.25 leaves room for a cheaper neighbor.
        var best = 1
        while best < start { best *= 2 }
        for length in start...max(start, start * 5 / 4) where (!real || length % 2 == 0) && Self.isSmooth(length) {
            if cost.ofLine(length, real: real) < cost.ofLine(best, real: real) { best = length }
        }
        return best
    }

    /// Whether a length has no prime factor above `largest`.
    package static func isSmooth(_ length: Int, largest: Int = 7) -> Bool {
        var rest = length
        for factor in [2, 3, 5, 7, 11, 13] where factor <= largest {
            while rest % factor == 0 { rest /= factor }
        }
        return rest == 1
    }
}
