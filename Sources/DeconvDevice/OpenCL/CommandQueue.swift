import COpenCL
package import DeconvVolume

/// An in-order queue of one device; belongs to one workspace.
package final class CommandQueue {
    let handle: cl_command_queue
    let context: OpenCLContext
    /// Takes the time of passes, where that was asked for.
    var passClock: PassClock?

    /// A new queue.
    /// - Parameter takesTime: whether the device takes the time of commands.
    package init(_ context: OpenCLContext, takesTime: Bool = false) throws(DeconvolutionError) {
        var status = CL_SUCCESS
        let properties = cl_command_queue_properties(takesTime ? CL_QUEUE_PROFILING_ENABLE : 0)
        guard let handle = clCreateCommandQueue(context.handle, context.device.id, properties, &status),
            status == CL_SUCCESS
        else {
            throw OpenCLError(call: "clCreateCommandQueue", status: OpenCLStatus(status))
                .deconvolutionError(on: context.name)
        }
        self.handle = handle
        self.context = context
        HandleCounter.made(.queue)
    }

    deinit {
        clFinish(handle)
        HandleCounter.released(.queue, succeeded: clReleaseCommandQueue(handle) == CL_SUCCESS)
    }

    /// Waits until the device has done everything enqueued so far.
    func finish() throws(DeconvolutionError) {
        try check(clFinish(handle), "clFinish", on: context.name)
    }

    /// Copies to a buffer, from its start or from `offset` bytes, and returns when the host memory is free again.
    package func write(
        _ bytes: UnsafeRawBufferPointer,
        to buffer: DeviceBuffer,
        at offset: Int = 0
    ) throws(DeconvolutionError) {
        precondition(offset + bytes.count <= buffer.byteCount, "the buffer holds what is written")
        let status = clEnqueueWriteBuffer(
            handle,
            buffer.handle,
            cl_bool(CL_TRUE),
            offset,
            bytes.count,
            bytes.baseAddress,
            0,
            nil,
            nil
        )
        try check(status, "clEnqueueWriteBuffer", on: context.name)
    }

    /// Copies from the start of a buffer, or from `offset` bytes.
    package func read<T: BitwiseCopyable>(
        _ count: Int,
        of type: T.Type,
        from buffer: DeviceBuffer,
        at offset: Int = 0
    ) throws(DeconvolutionError) -> [T] {
        var status = CL_SUCCESS
        let values = [T](unsafeUninitializedCapacity: count) { target, filled in
            let bytes = UnsafeMutableRawBufferPointer(
                start: target.baseAddress,
                count: count * MemoryLayout<T>.stride
            )
            status = enqueueRead(from: buffer, at: offset, into: bytes)
            filled = status == CL_SUCCESS ? count : 0
        }
        try check(status, "clEnqueueReadBuffer", on: context.name)
        return values
    }

    /// Copies from the start of a buffer to host memory.
    func read(from buffer: DeviceBuffer, into target: UnsafeMutableRawBufferPointer) throws(DeconvolutionError) {
        try check(enqueueRead(from: buffer, at: 0, into: target), "clEnqueueReadBuffer", on: context.name)
    }

    private func enqueueRead(
        from buffer: DeviceBuffer,
        at offset: Int,
        into target: UnsafeMutableRawBufferPointer
    ) -> cl_int {
        clEnqueueReadBuffer(
            handle,
            buffer.handle,
            cl_bool(CL_TRUE),
            offset,
            target.count,
            target.baseAddress,
            0,
            nil,
            nil
        )
    }

    /// Copies a box of floats from a buffer whose rows and planes have the given pitches (in floats).
    func read(
        _ region: Region,
        from buffer: DeviceBuffer,
        rowPitch: Int,
        planePitch: Int
    ) throws(DeconvolutionError) -> [Float] {
        let count = region.shape.voxelCount
        var failure: DeconvolutionError?
        let values = [Float](unsafeUninitializedCapacity: count) { target, filled in
            do throws(DeconvolutionError) {
                try read(
                    region,
                    from: buffer,
                    rowPitch: rowPitch,
                    planePitch: planePitch,
                    into: target.baseAddress!
                )
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    /// Copies a box of floats to host memory, without gaps.
    func read(
        _ region: Region,
        from buffer: DeviceBuffer,
        rowPitch: Int,
        planePitch: Int,
        into target: UnsafeMutablePointer<Float>
    ) throws(DeconvolutionError) {
        var start = [region.origin.x * 4, region.origin.y, region.origin.z]
        var origin = [0, 0, 0]
        var extent = [region.shape.x * 4, region.shape.y, region.shape.z]
        let status = clEnqueueReadBufferRect(
            handle,
            buffer.handle,
            cl_bool(CL_TRUE),
            &start,
            &origin,
            &extent,
            rowPitch * 4,
            planePitch * 4,
            region.shape.x * 4,
            region.shape.planeVoxelCount * 4,
            target,
            0,
            nil,
            nil
        )
        try check(status, "clEnqueueReadBufferRect", on: context.name)
    }

    /// Sets a range of bytes to one value after the other; both are whole numbers of values.
    func fill<T: BitwiseCopyable>(
        _ buffer: DeviceBuffer,
        with value: T,
        from offset: Int = 0,
        byteCount: Int
    ) throws(DeconvolutionError) {
        guard byteCount > 0 else { return }
        var value = value
        let size = MemoryLayout<T>.size
        let status = clEnqueueFillBuffer(handle, buffer.handle, &value, size, offset, byteCount, 0, nil, nil)
        try check(status, "clEnqueueFillBuffer", on: context.name)
    }
}
