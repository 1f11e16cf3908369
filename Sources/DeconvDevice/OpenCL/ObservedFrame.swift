import DeconvKernels
import DeconvVolume

/// An observed frame on a device, with the constants of its ratio, which transforms read along with it.
final class ObservedFrame {
    /// A header for the callbacks of transforms, then the voxels.
    let buffer: DeviceBuffer
    /// The voxels, as stored.
    let voxels: DeviceBuffer
    /// What the header holds.
    private var constants: RatioConstants?

    /// Room for a frame.
    init(_ layout: WorkspaceLayout, in context: OpenCLContext) throws(DeconvolutionError) {
        let header = KernelSource.headerBytes
        let byteCount = layout.frame.shape.voxelCount * layout.pixelType.byteCount
        buffer = try DeviceBuffer(byteCount: header + byteCount, in: context)
        voxels = try DeviceBuffer(partOf: buffer, offset: header, byteCount: byteCount)
    }

    /// Writes what the callback of the next transform reads.
    func setConstants(_ constants: RatioConstants, on queue: CommandQueue) throws(DeconvolutionError) {
        guard constants != self.constants else { return }
        let words = SIMD4<Float>(
            constants.offset,
            constants.background,
            constants.readNoiseVariance,
            constants.floor
        )
        try queue.fill(buffer, with: words, byteCount: MemoryLayout<SIMD4<Float>>.size)
        self.constants = constants
    }
}
