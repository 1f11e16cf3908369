import CFFTW
package import DeconvVolume

/// |F|² of a real volume, unnormalized, in the half of the frequencies along x that says everything.
package struct PowerSpectrum: Sendable {
    /// Voxels of the volume.
    package let shape: VolumeShape
    /// For each frequency z, y and x of 0 ... shape.x / 2, x fastest.
    package let values: [Float]

    /// Frequencies along x.
    package var width: Int { shape.x / 2 + 1 }

    /// Transforms a volume once, on one thread.
    /// - Parameter voxels: z, y, x.
    /// - Throws: `outOfMemory`.
    package init(of voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        precondition(voxels.count == shape.voxelCount, "as many voxels as the shape has")
        self.shape = shape
        let width = shape.x / 2 + 1
        let count = shape.z * shape.y * width
        let reals = try HostMemory(byteCount: 4 * shape.voxelCount)
        let spectrum = try HostMemory(byteCount: 8 * count)
        let plan = try FFTWPlan.realForward(shape, reals, spectrum)
        voxels.withUnsafeBufferPointer { reals.floats.update(from: $0.baseAddress!, count: $0.count) }
        plan.forward(reals.floats, to: spectrum.floats)
        let parts = spectrum.floats
        values = (0..<count).map { parts[2 * $0] * parts[2 * $0] + parts[2 * $0 + 1] * parts[2 * $0 + 1] }
    }

    /// Calls a body with the place of every frequency among the values, with what it is along z, y and x in cycles a voxel, from −1/2
    /// to 1/2, and with how often the whole spectrum has it.
    package func forEachFrequency(_ body: (_ index: Int, _ frequency: SIMD3<Double>, _ multiplicity: Int) -> Void) {
        Self.forEachFrequency(of: shape, body)
    }

    /// The same for the half spectrum of any volume.
    static func forEachFrequency(
        of shape: VolumeShape,
        _ body: (_ index: Int, _ frequency: SIMD3<Double>, _ multiplicity: Int) -> Void
    ) {
        var index = 0
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0...shape.x / 2 {
                    let place = SIMD3(
                        frequency(z, of: shape.z),
                        frequency(y, of: shape.y),
                        frequency(x, of: shape.x)
                    )
                    // Once where it is its own mirror image.
                    body(index, place, x == 0 || 2 * x == shape.x ? 1 : 2)
                    index += 1
                }
            }
        }
    }

    /// Cycles a voxel of a frequency along an axis, from −1/2 to 1/2.
    private static func frequency(_ index: Int, of count: Int) -> Double {
        Double(2 * index > count ? index - count : index) / Double(count)
    }
}
