import COpenCL
import DeconvVolume

/// A point between the commands of a queue that takes their time; owns one `cl_event`.
final class QueueMark {
    private let event: cl_event

    /// Enqueues it after all commands so far.
    init(on queue: CommandQueue) throws(DeconvolutionError) {
        var event: cl_event?
        let status = clEnqueueMarkerWithWaitList(queue.handle, 0, nil, &event)
        try check(status, "clEnqueueMarkerWithWaitList", on: queue.context.name)
        guard let event else { preconditionFailure("a driver that gives no event says why") }
        self.event = event
        HandleCounter.made(.event)
    }

    deinit { HandleCounter.released(.event, succeeded: clReleaseEvent(event) == CL_SUCCESS) }

    /// Nanoseconds on the device's clock when the queue came to it, or nil where it has not or there is no such clock.
    var nanoseconds: UInt64? {
        var time = cl_ulong(0)
        let parameter = cl_profiling_info(CL_PROFILING_COMMAND_END)
        let status = clGetEventProfilingInfo(event, parameter, MemoryLayout<cl_ulong>.size, &time, nil)
        return status == CL_SUCCESS ? time : nil
    }
}
