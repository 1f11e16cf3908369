import COpenCL
import DeconvVolume

/// Turns the status of a call into an error that names the device, the call and a next step.
func check(_ status: cl_int, _ call: String, on device: String) throws(DeconvolutionError) {
    guard status != CL_SUCCESS else { return }
    throw OpenCLError(call: call, status: OpenCLStatus(status)).deconvolutionError(on: device)
}

extension OpenCLError {
    /// Whether smaller buffers may help: where the status says so, or where a buffer was asked for.
    var isOutOfMemory: Bool {
        let asksForMemory = ["clCreateBuffer", "clCreateSubBuffer", "clEnqueueMapBuffer"].contains {
            call.hasPrefix($0)
        }
        return status.isOutOfMemory || asksForMemory && status.rawValue == CL_OUT_OF_RESOURCES
    }

    /// What this failure means to a user.
    func deconvolutionError(on device: String) -> DeconvolutionError {
        if isOutOfMemory {
            return DeconvolutionError(
                .outOfMemory,
                "\(device) has too little free memory: set a lower \(.memoryLimit)",
                cause: self
            )
        }
        if status.isOfBrokenContext {
            let what =
                status.rawValue == CL_OUT_OF_RESOURCES
                ? "ran out of resources, of memory or by a fault of a kernel"
                : "gave up in the middle of its work, as after a fault of a kernel or by a watchdog"
            return DeconvolutionError(
                .deviceFailed,
                "\(device) \(what): try again, set a lower \(.memoryLimit), or use another \(.device) or "
                    + "\(.backend, "cpu")",
                cause: self
            )
        }
        if call.hasPrefix("clfft") {
            return DeconvolutionError(
                .deviceFailed,
                "clFFT cannot make or run its transforms on \(device): use \(.fft, "vkfft"), another \(.device), or "
                    + "\(.backend, "cpu")",
                cause: self
            )
        }
        if call.hasPrefix("VkFFT") {
            return DeconvolutionError(
                .deviceFailed,
                "VkFFT cannot make or run its transforms on \(device): use \(.fft, "clfft"), another \(.device), or "
                    + "\(.backend, "cpu")",
                cause: self
            )
        }
        if call == "clBuildProgram" {
            return DeconvolutionError(
                .deviceFailed,
                "the compiler of \(device) refuses the kernels: update its driver, or use \(.backend, "cpu")",
                cause: self
            )
        }
        return DeconvolutionError(
            .deviceFailed,
            "\(device) failed: use another \(.device), or \(.backend, "cpu")",
            cause: self
        )
    }
}
