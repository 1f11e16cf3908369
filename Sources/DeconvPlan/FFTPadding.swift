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
        for length in Self.smoothLengths(in: start...start + start / 4) where !real || length % 2 == 0 {
            if cost.ofLine(length, real: real) < cost.ofLine(best, real: real) { best = length }
        }
        return best
    }

    /// The lengths of a range that have the factors 2, 3, 5 and 7 only, in order: few, however long the range is.
    static func smoothLengths(in range: ClosedRange<Int>) -> [Int] {
        var lengths: [Int] = []
        for sevens in powers(of: 7, upTo: range.upperBound) {
            for fives in powers(of: 5, upTo: range.upperBound / sevens) {
                for threes in powers(of: 3, upTo: range.upperBound / sevens / fives) {
                    let odd = sevens * fives * threes
                    // The first power of two that brings it into the range.
                    let quotient = (range.lowerBound + odd - 1) / odd
                    var length = quotient <= 1 ? odd : odd << (Int.bitWidth - (quotient - 1).leadingZeroBitCount)
                    while length <= range.upperBound {
                        lengths.append(length)
                        length *= 2
                    }
                }
            }
        }
        return lengths.sorted()
    }

    private static func powers(of factor: Int, upTo limit: Int) -> some Sequence<Int> {
        sequence(first: 1) { $0 <= limit / factor ? $0 * factor : nil }
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
