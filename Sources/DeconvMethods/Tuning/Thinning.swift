package import DeconvDevice
import Glibc

/// An image whose photons are parted into some that are kept and some that are held out, as if two cameras had shared its light.
///
///     kept = max(p g + √(p (1 − p) V(g)) N, 0),   held out = g − kept
///
/// N are normal and V is the variance of the noise; the noise of both parts is then independent, whether g are whole photons or not
/// (Gaussian thinning: Neufeld et al. 2024, J. Mach. Learn. Res. 25:57). A voxel's N depends on its place in the whole image and on
/// the seed alone.
package struct Thinning: Sendable {
    /// p: the part that is kept.
    package static let keptShare = 0.9

    /// The kept part of each voxel.
    package let kept: [Float]
    /// The part that is held out; may be negative.
    package let heldOut: [Float]

    /// Parts the photons of a box.
    /// - Parameters:
    ///   - voxels: counts, x fastest.
    ///   - number: the place of a voxel in the whole image, by its place in the box.
    ///   - noise: how the noise grows with the counts.
    package init(_ voxels: [Float], numbers number: (Int) -> UInt64, noise: PhotonNoise, random: Philox) {
        let share = Self.keptShare
        var normals = NormalNumbers(random)
        var kept = voxels
        var heldOut = voxels
        for index in voxels.indices {
            let counts = Double(voxels[index])
            let deviation = (share * (1 - share) * noise.variance(counts)).squareRoot()
            let part = Float(max(share * counts + deviation * normals[number(index)], 0))
            kept[index] = part
            heldOut[index] = voxels[index] - part
        }
        self.kept = kept
        self.heldOut = heldOut
    }
}

/// Normal numbers by their number (Box and Muller 1958, Ann. Math. Stat. 29:610), four a block.
package struct NormalNumbers {
    private let random: Philox
    private var last: (block: UInt64, values: SIMD4<Double>)?

    /// Those of a sequence.
    package init(_ random: Philox) { self.random = random }

    /// A number of mean 0 and variance 1.
    package subscript(_ number: UInt64) -> Double {
        mutating get {
            let block = number >> 2
            if last?.block != block { last = (block, values(block)) }
            return last!.values[Int(number & 3)]
        }
    }

    private func values(_ block: UInt64) -> SIMD4<Double> {
        let words = random.block(block)
        func pair(_ first: UInt32, _ second: UInt32) -> (Double, Double) {
            // From 2⁻³³ on, so that the logarithm is finite.
            let radius = (-2 * log((Double(first) + 0.5) * 0x1p-32)).squareRoot()
            let angle = 2 * Double.pi * (Double(second) + 0.5) * 0x1p-32
            return (radius * cos(angle), radius * sin(angle))
        }
        let (a, b) = pair(words[0], words[1])
        let (c, d) = pair(words[2], words[3])
        return SIMD4(a, b, c, d)
    }
}
