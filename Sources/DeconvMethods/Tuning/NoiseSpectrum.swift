package import DeconvDevice
package import DeconvVolume
import Glibc

/// The noise of an image, told from its structure by the frequencies that no light of it can have: those outside the support of the
/// transfer function.
package struct NoiseSpectrum: Hashable, Sendable {
    /// Mean variance of the noise of a voxel, counts².
    package let variance: Double
    /// The variance of white noise of which an interpolation along an axis has left this, as far as its upper and lower frequencies
    /// tell, counts²: the largest of those by an axis.
    package let largestVariance: Double
    /// Mean counts of a voxel, weighted alike.
    package let mean: Double
    /// The noise at high frequencies over that at low ones along z, y and x: 1 where it is white, or where an axis has too few voxels
    /// to say.
    package let slopes: [Double]

    /// Transfer below which a frequency holds nothing but noise, of 1 at frequency 0, squared.
    private static let emptyTransfer: Float = 1e-6
    /// Part of the frequencies that must be empty.
    private static let leastEmptyShare = 0.02
    /// Voxels of an axis along which noise can have a slope.
    private static let leastVoxels = 8

    /// Measures the noise of a box.
    /// - Parameters:
    ///   - voxels: counts, z, y, x.
    ///   - weights: 0 on voxels that do not count; nil where all do.
    ///   - psf: centered, sum 1.
    /// - Returns: nil where the transfer function leaves no room for it.
    /// - Throws: `outOfMemory`.
    package init?(
        _ voxels: [Float],
        _ shape: VolumeShape,
        weights: [Float]?,
        psf: Volume
    ) throws(DeconvolutionError) {
        self.init(try TaperedImage(voxels, shape, weights: weights, psf: psf))
    }

    /// Measures an image that is transformed already.
    /// - Returns: nil where the transfer function leaves no room for it.
    package init?(_ image: TaperedImage) {
        let (shape, square) = (image.power.shape, image.square)
        guard square > 0 else { return nil }
        var (count, emptyCount) = (0, 0)
        var empty: [(place: [Double], power: Float)] = []
        image.power.forEachFrequency { index, frequency, multiplicity in
            count += multiplicity
            guard image.transfer[index] < Self.emptyTransfer else { return }
            emptyCount += multiplicity
            empty.append(((0..<3).map { abs(frequency[$0]) }, image.power.values[index]))
        }
        guard Double(emptyCount) > Self.leastEmptyShare * Double(count) else { return nil }
        let variance = Self.meanPower(empty.map(\.power)) / square
        var largest = variance
        slopes = (0..<3).map { axis in
            guard shape[axis] >= Self.leastVoxels else { return 1 }
            let middle = empty.map { $0.place[axis] }.sorted()[empty.count / 2]
            let (low, high) = (empty.filter { $0.place[axis] < middle }, empty.filter { $0.place[axis] >= middle })
            let powers = (low: Self.meanPower(low.map(\.power)), high: Self.meanPower(high.map(\.power)))
            largest = max(largest, Self.whole(powers.low, powers.high) / square)
            return powers.low > 0 ? powers.high / powers.low : 1
        }
        self.variance = variance
        largestVariance = largest
        mean = image.mean
    }

    /// The power that noise had before an interpolation along an axis, from what is left in its lower and upper half.
    ///
    /// One that takes neighbors by all fractions alike passes the power 1 − a (1 − cos k), for a linear one a = 1/3; in the mean
    /// 1 − a (1 ∓ 2/π) of each half.
    private static func whole(_ low: Double, _ high: Double) -> Double {
        let (strong, weak) = (max(low, high), min(low, high))
        guard strong > 0 else { return 0 }
        let (inStrong, inWeak) = (1 - 2 / Double.pi, 1 + 2 / Double.pi)
        let ratio = weak / strong
        let loss = (1 - ratio) / (inWeak - inStrong * ratio)
        return strong / (1 - inStrong * loss)
    }

    /// The mean of powers of noise, from their median: they are distributed exponentially, and the median does not see what leaks of
    /// bright structure that the box cuts off.
    private static func meanPower(_ powers: [Float]) -> Double {
        powers.isEmpty ? 0 : Double(powers.sorted()[powers.count / 2]) / log(2)
    }
}
