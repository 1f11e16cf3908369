import COpenCL
import DeconvPlan
import DeconvVolume

/// Turns the status of a call into an error that names the device, the call and a next step.
func check(
    _ status: cl_int,
    _ call: String,
    for purpose: OpenCLError.Purpose = .other,
    on device: String
) throws(DeconvolutionError) {
    guard status != CL_SUCCESS else { return }
    throw OpenCLError(call: call, purpose: purpose, status: OpenCLStatus(status)).deconvolutionError(on: device)
}

extension OpenCLError {
    /// Whether smaller buffers may help: where the status says so, or where a buffer was asked for.
    var isOutOfMemory: Bool {
        status.isOutOfMemory || purpose == .memory && status.rawValue == CL_OUT_OF_RESOURCES
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
        let line: Message =
            switch purpose {
            case .transforms(let library):
                "\(library.name) cannot make or run its transforms on \(device): use "
                    + "\(.fft, (library == .clfft ? FFTLibrary.vkfft : .clfft).rawValue), another \(.device), or "
                    + "\(.backend, "cpu")"
            case .build: "the compiler of \(device) refuses the kernels: update its driver, or use \(.backend, "cpu")"
            case .memory, .other: "\(device) failed: use another \(.device), or \(.backend, "cpu")"
            }
        return DeconvolutionError(.deviceFailed, line, cause: self)
    }
}
