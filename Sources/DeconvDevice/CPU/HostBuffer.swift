import DeconvVolume
import Glibc

/// Floats in host memory, aligned for SIMD and for the transforms; owns them.
///
/// Unchecked: the workspace that owns it hands disjoint planes or blocks to its threads.
final class HostBuffer: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) throws(DeconvolutionError) {
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 4096, max(count, 1) * 4) == 0, let raw else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(count * 4) bytes of memory could not be had: set a lower --memory-limit"
            )
        }
        base = raw.bindMemory(to: Float.self, capacity: count)
        self.count = count
        HandleCounter.made(.hostBuffer)
    }

    deinit {
        free(base)
        HandleCounter.released(.hostBuffer)
    }

    /// Sets all values to 0.
    func clear() { memset(base, 0, count * 4) }
}
