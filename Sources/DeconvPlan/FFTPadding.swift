import Glibc

/// Which transform lengths are fast, and which one to pad to.
package enum FFTPadding {
    /// The length of least modelled cost that is at least `minimum`, with the factors 2, 3, 5 and 7 only.
    ///
    /// A factor of 11 or 13 halves the rate of FFTW, and clFFT has no length beyond those.
    /// - Parameters:
    ///   - minimum: at least 1.
    ///   - real: for the axis of the real transform, whose length is even.
    package static func length(atLeast minimum: Int, real: Bool = false) -> Int {
        let start = max(minimum, 2)
        // A power of two lies below twice the start, so the search ends; 1.25 leaves room for a cheaper neighbor.
        var best = 1
        while best < start { best *= 2 }
        for length in start...max(start, start * 5 / 4) where (!real || length % 2 == 0) && isSmooth(length) {
            if cost(length, real: real) < cost(best, real: real) { best = length }
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

    /// Modelled time of a convolution for each line of voxels along one axis, in ns on one core.
    ///
    /// What decides is how often 2 is a factor: FFTW 3.3.10 took so many ns a value and level of lines in cache (all lengths of
    /// factors up to 7 from 32 to 2100, one core of a Sapphire Rapids; half of them within 8 % of the model). The
    /// other axes and the passes over memory cost every padded voxel the same.
    package static func cost(_ length: Int, real: Bool = false) -> Double {
        let perLevel = real ? realNanosecondsPerLevel : complexNanosecondsPerLevel
        let rate = perLevel[min(length.trailingZeroBitCount, perLevel.count - 1)] * (length % 7 == 0 ? 1.1 : 1)
        // Forward and inverse; two real values make a complex one.
        let transforms = (real ? 2 : 1) * log2(Double(length)) * rate
        return Double(length) * (transforms + otherNanoseconds)
    }

    private static let complexNanosecondsPerLevel = [0.34, 0.24, 0.17, 0.14, 0.115, 0.115, 0.105, 0.09, 0.085]
    private static let realNanosecondsPerLevel = [0.36, 0.23, 0.17, 0.15, 0.135, 0.125, 0.12, 0.115, 0.1]
    private static let otherNanoseconds = 6.0
}
