import DeconvKernels
import DeconvVolume

/// The optical transfer function of a work volume on a device, times 1/N.
///
/// A PSF that is symmetric about its centre has a real one, which takes half the memory and half the reads.
final class TransferFunction {
    /// What single precision leaves in the imaginary part of a real transfer function, relative to its value at frequency 0.
    static let rounding = 5e-7

    /// Whether its values are real numbers.
    let isReal: Bool
    /// A header for the callbacks of transforms, then the values.
    let buffer: DeviceBuffer
    /// The values: as many as the spectrum has.
    let values: DeviceBuffer

    init(count: Int, isReal: Bool, in context: OpenCLContext) throws(DeconvolutionError) {
        let header = KernelSource.headerBytes
        let byteCount = count * (isReal ? 4 : 8)
        self.isReal = isReal
        buffer = try DeviceBuffer(byteCount: header + byteCount, in: context)
        values = try DeviceBuffer(partOf: buffer, offset: header, byteCount: byteCount)
    }

    /// Writes what the callbacks of the next transforms read: the sign of the imaginary part, and the ranges of complex
    /// values that hold data and that are read afterwards.
    func setHeader(
        adjoint: Bool,
        data: Range<Int>,
        output: Range<Int>,
        on queue: CommandQueue
    ) throws(DeconvolutionError) {
        let words = SIMD8<UInt32>(
            Float(adjoint ? -1 : 1).bitPattern,
            UInt32(data.lowerBound),
            UInt32(data.upperBound),
            UInt32(output.lowerBound),
            UInt32(output.upperBound),
            0,
            0,
            0
        )
        try queue.fill(buffer, with: words, byteCount: MemoryLayout<SIMD8<UInt32>>.size)
    }
}
