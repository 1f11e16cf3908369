package import DeconvVolume
import Glibc

/// Bytes in host memory, or in an unnamed scratch file that stands for memory; owns them.
///
/// Page-aligned, and 0 at first. A scratch file is gone whatever happens to the process, and the system writes to it
/// only what does not fit in memory.
///
/// Unchecked: the workspace that owns it hands disjoint planes or blocks to its threads.
package final class HostMemory: @unchecked Sendable {
    /// The first byte.
    package let bytes: UnsafeMutableRawPointer
    /// Number of bytes.
    package let byteCount: Int

    /// Memory of a number of bytes.
    /// - Parameter folder: where the scratch file goes, or nil for memory.
    /// - Throws: `outOfMemory`; `inputOutput` when the folder has no room.
    package init(byteCount: Int, scratchFolder folder: String? = nil) throws(DeconvolutionError) {
        // A system that overcommits grants more than it has, and ends the process when it is used.
        guard folder != nil || byteCount <= HostSystem.memoryBytes else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(HostSystem.processorName) has too little memory for \(byteCount) bytes: set a lower \(.memoryLimit)"
            )
        }
        self.byteCount = max(byteCount, 1)
        var flags = MAP_PRIVATE | MAP_ANONYMOUS
        var descriptor: Int32 = -1
        if let folder {
            descriptor = try Self.scratchFile(in: folder, byteCount: self.byteCount)
            flags = MAP_SHARED
        }
        let map = mmap(nil, self.byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        // The mapping keeps the file.
        if descriptor >= 0 { close(descriptor) }
        guard let map, map != MAP_FAILED else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(byteCount) bytes of memory could not be had: set a lower \(.memoryLimit)"
            )
        }
        // Lines along y and z touch a page each; large ones keep them within reach of the processor's table of pages.
        if folder == nil, self.byteCount >= Self.hugePageBytes { madvise(map, self.byteCount, MADV_HUGEPAGE) }
        bytes = map
        HandleCounter.made(.hostBuffer)
        HandleCounter.changeHostBytes(by: self.byteCount)
    }

    deinit {
        HandleCounter.released(.hostBuffer, succeeded: munmap(bytes, byteCount) == 0)
        HandleCounter.changeHostBytes(by: -byteCount)
    }

    private static let hugePageBytes = 2 << 20

    /// The bytes as floats.
    package var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

    private static func scratchFile(in folder: String, byteCount: Int) throws(DeconvolutionError) -> Int32 {
        var name = Array("\(folder)/.gpudeconv-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            throw DeconvolutionError(
                .inputOutput,
                "\(folder): no scratch file can be made (\(String(cString: strerror(errno)))); choose another folder"
            )
        }
        unlink(name)
        let status = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard status == 0 else {
            close(descriptor)
            throw DeconvolutionError(
                status.meansFullDisk ? .diskFull : .inputOutput,
                "\(folder): no room for \(byteCount) bytes of scratch (\(String(cString: strerror(status)))); "
                    + "free some, choose another folder, or raise \(.memoryLimit)"
            )
        }
        return descriptor
    }
}
