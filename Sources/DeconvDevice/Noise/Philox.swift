/// Random numbers by their number, in any order and on any thread: Philox4x32-10 (Salmon et al. 2011, SC11, doi:10.1145/2063384.2063405).
package struct Philox: Sendable {
    /// Seed and stream.
    let key: SIMD2<UInt32>

    /// A sequence.
    /// - Parameters:
    ///   - seed: tells it from others.
    ///   - stream: the same, for what is drawn with one seed.
    package init(seed: UInt32, stream: UInt32 = 0) { key = SIMD2(seed, stream) }

    /// The block of a number: four random words.
    package func block(_ number: UInt64) -> SIMD4<UInt32> {
        block(SIMD4(UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32), 0, 0))
    }

    /// The block of a counter of four words.
    package func block(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var (counter, key) = (counter, key)
        for _ in 0..<10 {
            let first = UInt64(counter[0]) * 0xd251_1f53
            let second = UInt64(counter[2]) * 0xcd9e_8d57
            counter = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ counter[1] ^ key[0],
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ counter[3] ^ key[1],
                UInt32(truncatingIfNeeded: first)
            )
            key &+= SIMD2(0x9e37_79b9, 0xbb67_ae85)
        }
        return counter
    }
}
