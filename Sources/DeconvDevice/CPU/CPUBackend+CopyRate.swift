package import DeconvVolume
import Glibc

extension CPUBackend {
    /// `memcpy` on all threads, each its own part.
    package func measureCopyRate() throws(DeconvolutionError) -> Double {
        let part = CopyRate.byteCount(free: HostSystem.freeBytes) / pool.threadCount
        let source = try HostMemory(byteCount: part * pool.threadCount)
        let target = try HostMemory(byteCount: part * pool.threadCount)
        // Memory that nobody has written to is one page of zeros, which stays in cache.
        memset(source.bytes, 1, source.byteCount)
        return try CopyRate.best(of: part * pool.threadCount) {
            pool.forEach(pool.threadCount) { _, index in
                memcpy(target.bytes + index * part, source.bytes + index * part, part)
            }
        }
    }
}
