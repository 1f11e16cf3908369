public import DeconvDevice
package import DeconvVolume

/// What can compute on this machine.
public enum Devices {
    /// This machine's cores, then every OpenCL device in the order of its drivers.
    ///
    /// The position in this list is the device's number. Touches the OpenCL drivers.
    public static var all: [DeviceDescription] { [CPUBackend().device] + OpenCLDevice.all.map(\.description) }

    /// The back end that the options ask for.
    /// - Throws: `deviceUnavailable` when there is no such device; `deviceFailed` when its driver gives no context.
    package static func backend(for options: DeconvolutionOptions) throws(DeconvolutionError) -> any ComputeBackend {
        let wantsCPU = options.device.map { $0 == "0" || $0.lowercased() == "cpu" } ?? false
        if options.backend == .cpu || (options.backend == .auto && wantsCPU) {
            if let device = options.device, !wantsCPU {
                throw DeconvolutionError(
                    .deviceUnavailable,
                    "--device \(device) is not the CPU back end: leave --backend cpu out, or --device"
                )
            }
            return CPUBackend(threadCount: options.threadCount)
        }
        if let wanted = options.device {
            return try OpenCLBackend(find(wanted))
        }
        if options.backend == .auto {
            // An OpenCL device of type CPU is never picked by itself: FFTW is faster there.
            guard let accelerator = OpenCLDevice.all.first(where: \.isAccelerator) else {
                return CPUBackend(threadCount: options.threadCount)
            }
            return try OpenCLBackend(accelerator)
        }
        guard let device = OpenCLDevice.all.first(where: \.isAccelerator) ?? OpenCLDevice.all.first else {
            throw DeconvolutionError(
                .deviceUnavailable,
                "no OpenCL device is here: install the driver of your GPU (or pocl-opencl-icd), or use --backend cpu"
            )
        }
        return try OpenCLBackend(device)
    }

    private static func find(_ wanted: String) throws(DeconvolutionError) -> OpenCLDevice {
        let devices = OpenCLDevice.all
        if let number = Int(wanted), number >= 1, number <= devices.count { return devices[number - 1] }
        let matches = devices.filter { $0.description.name.lowercased().contains(wanted.lowercased()) }
        guard !wanted.isEmpty, let device = matches.first else {
            throw DeconvolutionError(
                .deviceUnavailable,
                "--device \(wanted): no such device; 'gpudeconv devices' lists what is here"
            )
        }
        return device
    }
}
