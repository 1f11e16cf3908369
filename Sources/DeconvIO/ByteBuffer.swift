import DeconvVolume
import Foundation

/// Uninitialised memory whose size comes from a file, so that too much of it is an error and not a crash.
final class ByteBuffer {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Throws: `outOfMemory` naming `path`.
    init(byteCount: Int, for path: String) throws(DeconvolutionError) {
        // 64 suits every vector unit, and aligned_alloc wants a multiple of it.
        let (rounded, overflow) = byteCount.addingReportingOverflow(63)
        guard !overflow, let memory = aligned_alloc(64, max(64, rounded & ~63)) else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(path.inMessage): no memory for \(byteCount) bytes; close other programs or use a smaller image"
            )
        }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    deinit { free(bytes.baseAddress) }
}
