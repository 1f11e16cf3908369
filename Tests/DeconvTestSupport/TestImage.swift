import DeconvPlan
public import DeconvVolume

/// Images and PSFs of any shape with nothing regular about them, the same in every run.
public enum TestImage {
    /// Uniform random numbers in 0 ..< 1.
    public static func random(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(generator.uniform()) }
    }

    /// A PSF of sum 1 without any symmetry that could hide a flip or swapped axes.
    public static func psf(_ shape: VolumeShape, seed: UInt64 = 5) -> Volume {
        let center = zip(shape.axes, [0.2, -0.3, 0.4]).map { Double($0 / 2) + ($0 > 2 ? $1 : 0) }
        let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: shape.axes.map { Double($0) / 4 + 0.3 })
        let noise = random(shape.voxelCount, seed: seed)
        let voxels = zip(blob, noise).map { $0 * (0.5 + Double($1)) }
        let sum = voxels.reduce(0, +)
        return Volume(shape: shape, voxels: voxels.map { Float($0 / sum) })
    }

    /// Whole counts from `background` up to about 250: points of light, blurred, with Poisson noise.
    public static func observed(_ shape: VolumeShape, psf: Volume, background: Double = 0, seed: UInt64 = 9) -> [Float]
    {
        var generator = SeededGenerator(seed: seed)
        var light = [Double](repeating: 3, count: shape.voxelCount)
        for _ in 0..<max(shape.voxelCount / 60, 1) {
            light[Int(generator.uniform() * Double(shape.voxelCount))] += 400 * generator.uniform()
        }
        let blurred = DirectConvolution(psf, frame: shape, boundary: .periodic).forward(light)
        return blurred.map { Float(min(generator.poisson($0 + background), 250)) }
    }
}
