import COpenCL
import DeconvVolume

/// A point between the commands of a queue; owns one `cl_event`.
final class QueueMark: WorkMark {
    private let event: cl_event
    private let context: OpenCLContext

    /// Enqueues it after all commands so far.
    /// - Parameter flushes: whether the device is to begin with them.
    init(on queue: CommandQueue, flushes: Bool = true) throws(DeconvolutionError) {
        var event: cl_event?
        let status = clEnqueueMarkerWithWaitList(queue.handle, 0, nil, &event)
        try check(status, "clEnqueueMarkerWithWaitList", on: queue.context.name)
        guard let event else { preconditionFailure("a driver that gives no event says why") }
        self.event = event
        context = queue.context
        HandleCounter.made(.event)
        if flushes { try check(clFlush(queue.handle), "clFlush", on: context.name) }
    }

    deinit { HandleCounter.released(.event, succeeded: clReleaseEvent(event) == CL_SUCCESS) }

    func wait() throws(DeconvolutionError) {
        var event: cl_event? = event
        try check(clWaitForEvents(1, &event), "clWaitForEvents", on: context.name)
    }

    var deviceTime: Double? {
        var nanoseconds = cl_ulong(0)
        let parameter = cl_profiling_info(CL_PROFILING_COMMAND_END)
        let status = clGetEventProfilingInfo(event, parameter, MemoryLayout<cl_ulong>.size, &nanoseconds, nil)
        return status == CL_SUCCESS ? Double(nanoseconds) * 1e-9 : nil
    }
}
