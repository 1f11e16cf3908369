package import DeconvDevice
package import DeconvVolume
import Glibc

/// The noise of an image, told from its structure by the frequencies that no light of it can have: those outside the support of the
/// transfer function.
package struct NoiseSpectrum: Hashable, Sendable {
    /// Mean variance of the noise of a voxel, counts².
    package let variance: Double
    /// The variance that white noise would have that is as strong as this at its strongest frequencies: those of the upper or lower
    /// half along an axis, counts².
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
    /// Part of an axis over which the image is faded out at each end, so that its borders leave no traces.
    private static let taperShare = 0.12

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
        let voxels = Self.filled(voxels, weights)
        let transfer = try PowerSpectrum(of: psf.onGrid(of: shape), shape: shape).values
        let tapers = (0..<3).map { Self.taper(shape[$0]) }
        var (sum, square) = (0.0, 0.0)
        var tapered = [Float](repeating: 0, count: shape.voxelCount)
        func forEach(_ body: (_ voxel: Int, _ taper: Double) -> Void) {
            var voxel = 0
            for z in 0..<shape.z {
                for y in 0..<shape.y {
                    let row = tapers[0][z] * tapers[1][y]
                    for x in 0..<shape.x {
                        body(voxel, row * tapers[2][x])
                        voxel += 1
                    }
                }
            }
        }
        var flat = 0.0
        var all = 0.0
        forEach { voxel, taper in
            all += taper
            flat += taper * Double(voxels[voxel])
            square += taper * taper
            sum += taper * taper * Double(voxels[voxel])
        }
        guard square > 0 else { return nil }
        // Nothing is left at frequency 0 that could leak from there.
        let level = flat / all
        forEach { voxel, taper in tapered[voxel] = Float(taper * (Double(voxels[voxel]) - level)) }
        let power = try PowerSpectrum(of: tapered, shape: shape)
        var (count, emptyCount) = (0, 0)
        var empty: [(place: [Double], power: Float)] = []
        for index in power.values.indices {
            let (row, x) = index.quotientAndRemainder(dividingBy: power.width)
            let multiplicity = power.multiplicity(x)
            count += multiplicity
            guard transfer[index] < Self.emptyTransfer else { continue }
            emptyCount += multiplicity
            let place = [(row / shape.y, shape.z), (row % shape.y, shape.y), (x, shape.x)].map {
                abs(PowerSpectrum.frequency($0.0, of: $0.1))
            }
            empty.append((place, power.values[index]))
        }
        guard Double(emptyCount) > Self.leastEmptyShare * Double(count) else { return nil }
        let variance = Self.meanPower(empty.map(\.power)) / square
        var largest = variance
        slopes = (0..<3).map { axis in
            guard shape[axis] >= Self.leastVoxels else { return 1 }
            let middle = empty.map { $0.place[axis] }.sorted()[empty.count / 2]
            let (low, high) = (empty.filter { $0.place[axis] < middle }, empty.filter { $0.place[axis] >= middle })
            let powers = (low: Self.meanPower(low.map(\.power)), high: Self.meanPower(high.map(\.power)))
            largest = max(largest, powers.low / square, powers.high / square)
            return powers.low > 0 ? powers.high / powers.low : 1
        }
        self.variance = variance
        largestVariance = largest
        mean = sum / square
    }

    /// The mean of powers of noise, from their median: they are distributed exponentially, and the median does not see what leaks of
    /// bright structure that the box cuts off.
    private static func meanPower(_ powers: [Float]) -> Double {
        powers.isEmpty ? 0 : Double(powers.sorted()[powers.count / 2]) / log(2)
    }

    /// The good voxel before it in the place of each bad one: holes would have edges, which have all frequencies.
    private static func filled(_ voxels: [Float], _ weights: [Float]?) -> [Float] {
        guard let weights, let first = voxels.indices.first(where: { weights[$0] > 0 }) else { return voxels }
        var filled = voxels
        var last = voxels[first]
        for index in voxels.indices {
            if weights[index] > 0 { last = voxels[index] } else { filled[index] = last }
        }
        return filled
    }

    /// sin² at both ends of an axis, 1 between them; an axis of few voxels has none.
    private static func taper(_ count: Int) -> [Double] {
        let width = Int((taperShare * Double(count)).rounded(.up))
        guard count >= 4 else { return [Double](repeating: 1, count: count) }
        return (0..<count).map { index in
            let distance = min(index, count - 1 - index)
            guard distance < width else { return 1 }
            let value = sin(Double.pi / 2 * (Double(distance) + 0.5) / Double(width))
            return value * value
        }
    }
}

extension Volume {
    /// The PSF's central part on the grid of an image, its center n/2 on voxel 0, what lies before it at the far ends.
    fileprivate func onGrid(of grid: VolumeShape) -> [Float] {
        var part = centralPart(VolumeShape { min(shape[$0], grid[$0]) })
        let sum = part.voxels.reduce(0.0) { $0 + Double($1) }
        part.voxels = part.voxels.map { $0 / Float(sum) }
        var voxels = [Float](repeating: 0, count: grid.voxelCount)
        let size = part.shape
        for z in 0..<size.z {
            for y in 0..<size.y {
                for x in 0..<size.x {
                    let place = zip([z, y, x], zip(size.axes, grid.axes)).map { ($0 - $1.0 / 2 + $1.1) % $1.1 }
                    voxels[(place[0] * grid.y + place[1]) * grid.x + place[2]] =
                        part.voxels[(z * size.y + y) * size.x + x]
                }
            }
        }
        return voxels
    }
}
