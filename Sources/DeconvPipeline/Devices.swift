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
        if let wanted = options.device { return try backend(named: wanted, options) }
        let wantsCPU = options.backend == .cpu
        let accelerator = wantsCPU ? nil : OpenCLDevice.bestAccelerator
        // An OpenCL device of type CPU is never picked by itself: FFTW is faster there.
        guard let device = accelerator ?? (options.backend == .opencl ? OpenCLDevice.all.first : nil) else {
            guard options.backend != .opencl else {
                throw DeconvolutionError(
                    .deviceUnavailable,
                    "no OpenCL device is here: install the driver of your GPU (or pocl-opencl-icd), or use --backend cpu"
                )
            }
            return CPUBackend(threadCount: options.threadCount)
        }
        return try OpenCLBackend(device)
    }

    /// The device of a number, or the first one of a name, or of a part of a name, that the wanted back end has.
    private static func backend(
        named wanted: String,
        _ options: DeconvolutionOptions
    ) throws(DeconvolutionError) -> any ComputeBackend {
        let cpu = CPUBackend(threadCount: options.threadCount)
        let devices = [cpu.device] + OpenCLDevice.all.map(\.description)
        let names = devices.map { $0.name.lowercased() }
        let candidates = devices.indices.filter {
            options.backend == .auto || (options.backend == .cpu) == (devices[$0].backend == .cpu)
        }
        let name = wanted.lowercased()
        let number = Int(wanted).flatMap { devices.indices.contains($0) ? $0 : nil }
        if let number, !candidates.contains(number) {
            throw DeconvolutionError(
                .invalidArgument,
                "--device \(wanted) is \(devices[number].name), which --backend \(options.backend.rawValue) does not use; "
                    + "leave out one of the two"
            )
        }
        let alias = name == "cpu" && candidates.contains(0) ? 0 : nil
        let found =
            number ?? alias ?? candidates.first { names[$0] == name }
            ?? candidates.first { !name.isEmpty && names[$0].contains(name) }
        guard let found else {
            let backend = options.backend == .auto ? "" : " of --backend \(options.backend.rawValue)"
            throw DeconvolutionError(
                .deviceUnavailable,
                "--device \(wanted): no such device\(backend); 'gpudeconv devices' lists what is here"
            )
        }
        return found == 0 ? cpu : try OpenCLBackend(OpenCLDevice.all[found - 1])
    }
}
