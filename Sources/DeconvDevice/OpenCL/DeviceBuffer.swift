import COpenCL
package import DeconvVolume

/// Memory on a device, or a part of another buffer; owns one `cl_mem` and keeps its context and parent alive.
package final class DeviceBuffer {
    let handle: cl_mem
    let byteCount: Int
    private let context: OpenCLContext
    private let parent: DeviceBuffer?

    /// A new buffer with undefined content.
    package convenience init(byteCount: Int, in context: OpenCLContext) throws(DeconvolutionError) {
        try self.init(byteCount: byteCount, in: context, flags: 0)
    }

    /// A new buffer with undefined content, and flags that say where.
    init(byteCount: Int, in context: OpenCLContext, flags: Int32) throws(DeconvolutionError) {
        var status = CL_SUCCESS
        let flags = cl_mem_flags(CL_MEM_READ_WRITE | flags)
        guard let handle = clCreateBuffer(context.handle, flags, max(byteCount, 4), nil, &status), status == CL_SUCCESS
        else {
            throw OpenCLError(
                call: "clCreateBuffer of \(byteCount) bytes",
                purpose: .memory,
                status: OpenCLStatus(status)
            )

            .deconvolutionError(on: context.name)
        }
        self.handle = handle
        self.byteCount = byteCount
        self.context = context
        parent = nil
        HandleCounter.made(.buffer)
        HandleCounter.changeDeviceBytes(by: byteCount)
    }

    /// The part of a buffer that starts at `offset` bytes, a multiple of the device's alignment.
    init(partOf parent: DeviceBuffer, offset: Int, byteCount: Int) throws(DeconvolutionError) {
        var status = CL_SUCCESS
        var region = cl_buffer_region(origin: offset, size: byteCount)
        let handle = clCreateSubBuffer(
            parent.handle,
            0,
            cl_buffer_create_type(CL_BUFFER_CREATE_TYPE_REGION),
            &region,
            &status
        )
        guard let handle, status == CL_SUCCESS else {
            throw OpenCLError(call: "clCreateSubBuffer", purpose: .memory, status: OpenCLStatus(status))
                .deconvolutionError(on: parent.context.name)
        }
        self.handle = handle
        self.byteCount = byteCount
        context = parent.context
        self.parent = parent
        HandleCounter.made(.buffer)
    }

    deinit {
        HandleCounter.released(.buffer, succeeded: clReleaseMemObject(handle) == CL_SUCCESS)
        if parent == nil { HandleCounter.changeDeviceBytes(by: -byteCount) }
    }
}
