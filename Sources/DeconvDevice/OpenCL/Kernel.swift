import COpenCL
import DeconvVolume

/// One kernel of our program, with the queue that runs it.
///
/// Setting arguments is the one OpenCL call that is not thread-safe, so a kernel belongs to one workspace.
final class Kernel {
    private let handle: cl_kernel
    private let queue: CommandQueue
    private let name: String
    /// Items of a work-group: a power of two that the device takes for this kernel.
    let groupSize: Int

    init(_ name: String, of program: cl_program, on queue: CommandQueue) throws(DeconvolutionError) {
        var status = CL_SUCCESS
        guard let handle = clCreateKernel(program, name, &status), status == CL_SUCCESS else {
            throw OpenCLError(call: "clCreateKernel of \(name)", status: OpenCLStatus(status))
                .deconvolutionError(on: queue.context.name)
        }
        var largest = 1
        let parameter = cl_kernel_work_group_info(CL_KERNEL_WORK_GROUP_SIZE)
        clGetKernelWorkGroupInfo(handle, queue.context.device.id, parameter, 8, &largest, nil)
        var size = 1
        while size * 2 <= min(largest, 256) { size *= 2 }
        groupSize = size
        self.handle = handle
        self.queue = queue
        self.name = name
        HandleCounter.made(.kernel)
    }

    deinit { HandleCounter.released(.kernel, succeeded: clReleaseKernel(handle) == CL_SUCCESS) }

    /// One argument of a kernel.
    enum Argument {
        case buffer(DeviceBuffer?)
        case uint(Int)
        case ulong(Int)
        case float(Float)
        /// Work-group memory in bytes.
        case local(Int)
    }

    /// Enqueues the kernel over as many items along each axis, x and y rounded up to whole work-groups.
    func run(x: Int, y: Int = 1, z: Int = 1, _ arguments: [Argument]) throws(DeconvolutionError) {
        precondition(x > 0 && y > 0 && z > 0, "a kernel runs over at least one item")
        for (index, argument) in arguments.enumerated() {
            try check(set(argument, at: cl_uint(index)), "clSetKernelArg \(index) of \(name)", on: queue.context.name)
        }
        for var launch in KernelLaunch.covering(x: x, y: y, z: z, groupSize: groupSize) {
            let status = clEnqueueNDRangeKernel(
                queue.handle,
                handle,
                3,
                &launch.offset,
                &launch.global,
                &launch.local,
                0,
                nil,
                nil
            )
            try check(status, "clEnqueueNDRangeKernel of \(name)", on: queue.context.name)
        }
    }

    private func set(_ argument: Argument, at index: cl_uint) -> cl_int {
        switch argument {
        case .buffer(let buffer):
            var memory: cl_mem? = buffer?.handle
            return clSetKernelArg(handle, index, MemoryLayout<cl_mem?>.size, &memory)
        case .uint(let number):
            var value = cl_uint(number)
            return clSetKernelArg(handle, index, 4, &value)
        case .ulong(let number):
            var value = cl_ulong(number)
            return clSetKernelArg(handle, index, 8, &value)
        case .float(var value):
            return clSetKernelArg(handle, index, 4, &value)
        case .local(let byteCount):
            return clSetKernelArg(handle, index, byteCount, nil)
        }
    }
}
