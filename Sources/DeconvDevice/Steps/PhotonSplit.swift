/// How the photons of an image are parted into two random halves.
///
///     half = g / 2 + gain · ( Σ_i c_i + √φ c ),   m = V(g) / gain²,   φ = m − ⌊m⌋
///
/// The c are fair coins, +½ or −½, ⌊m⌋ of them in the sum: for whole photons the half is binomial and the other half, g − half, is
/// independent of it. From 128 photons on, 128 coins times √(m / 128) take their place. A voxel's coins are the bits of the Philox block
/// of its place in the image and of the step, so that they are the same on every device and in any tiles.
package struct PhotonSplit: Sendable {
    /// What coins are drawn with.
    package var random: Philox
    /// The step of the method, from 1.
    package var step: Int
    /// The first voxel of the image, in the coordinates of the domain.
    package var origin: (z: Int, y: Int, x: Int)
    /// V: how the noise of the image grows with its counts.
    package var noise: PhotonNoise

    /// A split.
    package init(random: Philox, step: Int, origin: (z: Int, y: Int, x: Int), noise: PhotonNoise) {
        self.random = random
        self.step = step
        self.origin = origin
        self.noise = noise
    }

    /// Photons from which on coins stand for more than one.
    static let mostCoins: Float = 128

    /// By how much half the counts of a voxel of the domain differ from g / 2, in photons.
    /// - Parameter photons: m, at least 0.
    @inline(__always)
    package func excess(photons: Float, z: Int, y: Int, x: Int) -> Float {
        let counter = SIMD4<UInt32>(
            UInt32(truncatingIfNeeded: x - origin.x),
            UInt32(truncatingIfNeeded: y - origin.y),
            UInt32(truncatingIfNeeded: z - origin.z),
            UInt32(truncatingIfNeeded: step)
        )
        let words = random.block(counter)
        guard photons < Self.mostCoins else {
            // What is no number of photons is none afterwards.
            let heads = (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount }
            return Float(heads - 64) * (photons / Self.mostCoins).squareRoot()
        }
        let whole = Int(photons)
        var heads = 0
        for word in 0..<4 {
            let coins = min(max(whole - 32 * word, 0), 32)
            heads += (words[word] & UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(coins)) - 1)).nonzeroBitCount
        }
        let last = Float((words[whole >> 5] >> UInt32(whole & 31)) & 1) - 0.5
        return Float(heads) - 0.5 * Float(whole) + (photons - Float(whole)).squareRoot() * last
    }
}
