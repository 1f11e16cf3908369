package import DeconvVolume

/// Real filters of the transfer function of a PSF, on a grid of their own, made once and on one thread.
package struct HostFilter {
    /// Voxels of the grid.
    package let shape: VolumeShape
    /// Re ĥ and Im ĥ in turns, for each frequency z, y and x of 0 ... shape.x / 2, x fastest.
    private var spectrum: [Float]

    /// Transforms a PSF.
    /// - Parameters:
    ///   - psf: centered on voxel n/2 (integer division) of each axis.
    ///   - shape: at least as large along every axis.
    /// - Throws: `outOfMemory`.
    package init(of psf: Volume, on shape: VolumeShape) throws(DeconvolutionError) {
        self.shape = shape
        let width = shape.x / 2 + 1
        let reals = try HostMemory(byteCount: 4 * shape.voxelCount)
        let spectrum = try HostMemory(byteCount: 8 * shape.z * shape.y * width)
        let plan = try FFTWPlan.realForward(shape, reals, spectrum)
        reals.floats.update(repeating: 0, count: shape.voxelCount)
        Self.forEachVoxel(of: psf.shape, on: shape) { voxel, place in reals.floats[place] = psf.voxels[voxel] }
        plan.forward(reals.floats, to: spectrum.floats)
        self.spectrum = Array(UnsafeBufferPointer(start: spectrum.floats, count: 2 * shape.z * shape.y * width))
    }

    /// Calls a body with every frequency, in cycles a voxel from −1/2 to 1/2 along z, y and x, |ĥ| there, and how often the whole
    /// spectrum has it.
    package func forEach(_ body: (_ frequency: SIMD3<Double>, _ transfer: Double, _ multiplicity: Int) -> Void) {
        PowerSpectrum.forEachFrequency(of: shape) { index, frequency, multiplicity in
            body(frequency, transfer(index), multiplicity)
        }
    }

    /// Takes ĥ times a real factor of the frequency and |ĥ| there.
    package mutating func multiply(by factor: (_ frequency: SIMD3<Double>, _ transfer: Double) -> Double) {
        var factors = [Float](repeating: 0, count: spectrum.count / 2)
        PowerSpectrum.forEachFrequency(of: shape) { index, frequency, _ in
            factors[index] = Float(factor(frequency, transfer(index)))
        }
        for index in factors.indices {
            spectrum[2 * index] *= factors[index]
            spectrum[2 * index + 1] *= factors[index]
        }
    }

    /// What it is in space, centered on voxel n/2 of each axis.
    /// - Parameter shape: how much of it, at most the grid along every axis.
    /// - Throws: `outOfMemory`.
    package func kernel(_ shape: VolumeShape) throws(DeconvolutionError) -> Volume {
        let reals = try HostMemory(byteCount: 4 * self.shape.voxelCount)
        let values = try HostMemory(byteCount: 4 * spectrum.count)
        let plan = try FFTWPlan.realInverse(self.shape, values, reals)
        spectrum.withUnsafeBufferPointer { values.floats.update(from: $0.baseAddress!, count: $0.count) }
        plan.inverse(values.floats, to: reals.floats)
        let scale = 1 / Float(self.shape.voxelCount)
        var voxels = [Float](repeating: 0, count: shape.voxelCount)
        Self.forEachVoxel(of: shape, on: self.shape) { voxel, place in voxels[voxel] = scale * reals.floats[place] }
        return Volume(shape: shape, voxels: voxels)
    }

    private func transfer(_ index: Int) -> Double {
        let (real, imaginary) = (Double(spectrum[2 * index]), Double(spectrum[2 * index + 1]))
        return (real * real + imaginary * imaginary).squareRoot()
    }

    /// Calls a body with every voxel of a centered volume and its place on a grid with the center at voxel 0.
    private static func forEachVoxel(
        of shape: VolumeShape,
        on grid: VolumeShape,
        _ body: (_ voxel: Int, _ place: Int) -> Void
    ) {
        var voxel = 0
        for z in 0..<shape.z {
            let placeZ = (z - shape.z / 2 + grid.z) % grid.z
            for y in 0..<shape.y {
                let placeY = (y - shape.y / 2 + grid.y) % grid.y
                for x in 0..<shape.x {
                    body(voxel, (placeZ * grid.y + placeY) * grid.x + (x - shape.x / 2 + grid.x) % grid.x)
                    voxel += 1
                }
            }
        }
    }
}
