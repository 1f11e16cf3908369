import DeconvVolume
import Foundation

/// Uninitialised memory whose size comes from a file, so that too much of it is an error and not a crash.
final class ByteBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `outOfMemory` naming `path`.
    init(byteCount: Int, for path: String) throws(DeconvolutionError) {
        // 64 suits every vector unit; aligned_alloc wants a multiple of the alignment.
        let alignment = byteCount < DirectWriting.leastByteCount ? 64 : DirectWriting.alignment
        let (rounded, overflow) = byteCount.addingReportingOverflow(alignment - 1)
        guard !overflow, let memory = aligned_alloc(alignment, max(64, rounded / alignment * alignment)) else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(path.inMessage): no memory for \(byteCount) bytes; close other programs or use a smaller image"
            )
        }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    deinit { free(bytes.baseAddress) }
}
