package import DeconvDevice
package import DeconvVolume
import Glibc

/// The power of an image that fades out towards its borders, by frequency, and what its PSF passes there.
package struct TaperedImage: Sendable {
    /// |F((g − mean)·t)|² in a unit of its own, which `square` has too, with the fading t.
    package let power: PowerSpectrum
    /// |ĥ|² of the same frequencies.
    package let transfer: [Float]
    /// Σ t², in that unit: a power over it is a variance in counts².
    package let square: Double
    /// Mean counts of a voxel, weighted by t².
    package let mean: Double

    /// Part of an axis over which the image is faded out at each end, so that its borders leave no traces.
    private static let taperShare = 0.12

    /// Transforms a box.
    /// - Parameters:
    ///   - voxels: counts, z, y, x.
    ///   - weights: 0 on voxels that do not count; nil where all do.
    ///   - psf: centered, sum 1.
    /// - Throws: `outOfMemory`.
    package init(
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
        // Nothing is left at frequency 0 that could leak from there.
        let level = flat / all
        // Squares of very large counts are beyond single precision.
        let unit = max(voxels.reduce(0.0) { max($0, abs(Double($1) - level)) }, .leastNormalMagnitude)
        forEach { voxel, taper in tapered[voxel] = Float(taper * (Double(voxels[voxel]) - level) / unit) }
        let power = try PowerSpectrum(of: tapered, shape: shape)
        (self.square, mean) = (square / unit / unit, square > 0 ? sum / square : 0)
        (self.power, self.transfer) = (power, transfer)
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
