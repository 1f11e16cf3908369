import Glibc

/// Which transform lengths are fast, and which one to pad to.
package enum FFTPadding {
    /// The length of least modelled cost that is at least `minimum`, with the factors 2, 3, 5 and 7 only.
    ///
    /// A factor of 11 or 13 halves the rate of FFTW, and clFFT has no length beyond those.
    /// - Parameters:
    ///   - minimum: at least 1.
    ///   - even: for the axis of the real transform, where an odd length has no fast algorithm.
    package static func length(atLeast minimum: Int, even: Bool = false) -> Int {
        let start = max(minimum, 2)
        // A power of two lies below twice the start, so the search ends; 1.25 leaves room for a cheaper neighbour.
        var best = 1
        while best < start { best *= 2 }
        for length in start...max(start, start * 5 / 4) where (!even || length % 2 == 0) && isSmooth(length) {
            if cost(length) < cost(best) { best = length }
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

    /// Modelled time of one axis of a transform, per line of that axis; only ratios mean anything.
    ///
    /// Arithmetic n·log2(n) over the rate that FFTW 3.3.10 reached for columns in cache (lengths 256 to 1152,
    /// one AVX core: powers of two 26 GFLOP/s, with 3 or 5 about 21, with 7 about 19), plus the passes over
    /// memory that every padded voxel costs, whatever its length.
    package static func cost(_ length: Int) -> Double {
        let n = Double(length)
        let rate = length % 7 == 0 ? 0.73 : (length % 5 == 0 || length % 3 == 0) ? 0.83 : 1
        return n * (log2(n) / rate + 12)
    }
}
