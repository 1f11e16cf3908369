import COpenCL
import DeconvVolume
import Glibc

/// Host memory that a device reads and writes by itself, at the full rate of its bus.
///
/// Asked for as OpenCL has it: a buffer that the driver allocates in host memory, mapped for as long as it lives.
///
/// Unchecked: its owner says which thread may touch the bytes.
final class PinnedBuffer: @unchecked Sendable {
    /// The first byte.
    let bytes: UnsafeMutableRawPointer
    /// Number of bytes.
    let byteCount: Int
    /// Those that the system does not count as the process's, since the driver maps memory of its own.
    let uncountedByteCount: Int
    private let buffer: DeviceBuffer
    private let queue: CommandQueue

    init(byteCount: Int, on queue: CommandQueue) throws(DeconvolutionError) {
        let buffer = try DeviceBuffer(byteCount: byteCount, in: queue.context, flags: CL_MEM_ALLOC_HOST_PTR)
        var status = CL_SUCCESS
        let access = cl_map_flags(CL_MAP_READ | CL_MAP_WRITE)
        let bytes = clEnqueueMapBuffer(
            queue.handle,
            buffer.handle,
            cl_bool(CL_TRUE),
            access,
            0,
            max(byteCount, 1),
            0,
            nil,
            nil,
            &status
        )
        try check(status, "clEnqueueMapBuffer", for: .memory, on: queue.context.name)
        guard let bytes else { preconditionFailure("a driver that maps nothing says why") }
        // Only what was written to is there.
        memset(bytes, 0, byteCount)
        self.bytes = bytes
        self.byteCount = byteCount
        uncountedByteCount = max(byteCount - HostSystem.residentBytes(around: UInt(bitPattern: bytes)), 0)
        self.buffer = buffer
        self.queue = queue
    }

    deinit {
        clEnqueueUnmapMemObject(queue.handle, buffer.handle, bytes, 0, nil, nil)
        clFinish(queue.handle)
    }
}
