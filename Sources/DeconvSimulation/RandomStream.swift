import Glibc

/// A stream of random numbers that is the same on every machine: xoshiro256** 1.0 of Blackman and Vigna (ACM Trans. Math.
/// Softw. 47:36, 2021).
///
/// A stream is named by a seed and an index, so that each plane of an image has its own and the result does not depend on
/// how many threads draw from them.
package struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// The stream with this state, which must not be all zero.
    init(state: (UInt64, UInt64, UInt64, UInt64)) {
        precondition(state.0 | state.1 | state.2 | state.3 != 0, "the state that is all zero stays there")
        self.state = state
    }

    /// Stream number `index` of a seed.
    package init(seed: UInt64, index: UInt64 = 0) {
        // States of SplitMix64 that differ by its increment give shifted copies of one sequence, so both numbers are
        // scrambled, and one after the other, so that they cannot be exchanged.
        var seeds = SplitMix64(state: seed)
        var indices = SplitMix64(state: seeds.next() ^ index)
        var words = SplitMix64(state: indices.next())
        self.init(state: (words.next(), words.next(), words.next(), words.next()))
    }

    /// The next 64 random bits.
    package mutating func next() -> UInt64 {
        let result = Self.rotated(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotated(state.3, by: 45)
        return result
    }

    /// A number uniform in [0, 1), a multiple of 2⁻⁵³.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number uniform between two bounds.
    package mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A number from the normal distribution with mean 0 and standard deviation 1, by Marsaglia's polar method.
    package mutating func normal() -> Double {
        while true {
            let u = 2 * uniform() - 1
            let v = 2 * uniform() - 1
            let squared = u * u + v * v
            if squared < 1 && squared > 0 { return u * (-2 * log(squared) / squared).squareRoot() }
        }
    }

    private static func rotated(_ word: UInt64, by count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): turns one seed into the state of a larger generator.
struct SplitMix64 {
    private var state: UInt64

    /// The sequence of a seed.
    init(state: UInt64) { self.state = state }

    /// The next 64 random bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
