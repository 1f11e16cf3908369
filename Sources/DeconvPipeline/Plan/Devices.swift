public import DeconvDevice
package import DeconvOptions
import DeconvPlan
package import DeconvVolume

/// What can compute on this machine.
public enum Devices {
    /// This machine's cores, then every OpenCL device in the order of its drivers.
    ///
    /// The position in this list is the device's number. Touches the OpenCL drivers.
    public static var all: [DeviceDescription] { [CPUBackend().device] + OpenCLDevice.all.map(\.description) }

    /// The device of a number in `all`; touches no OpenCL driver for the CPU back end.
    package static func description(_ number: Int) -> DeviceDescription {
        number == 0 ? CPUBackend().device : OpenCLDevice.all[number - 1].description
    }

    /// The back ends that the options ask for, at least one.
    ///
    /// Of `all`, one whose driver gives no context is left out as long as there is another.
    ///
    /// `device` may name several devices, with commas, or `all`: of GPUs and accelerators if there are any, and otherwise of
    /// the OpenCL devices where these are asked for.
    /// - Throws: `deviceUnavailable` when there is no such device; `deviceFailed` when its driver gives no context;
    ///   `invalidArgument` where a device is named twice.
    package static func backends(for options: DeconvolutionOptions) throws(DeconvolutionError) -> [NumberedBackend] {
        let mayLeaveOut = options.device?.lowercased() == "all"
        var backends = try backends(chosenNumbers(options), leavingOut: mayLeaveOut) {
            (number) throws(DeconvolutionError) in
            let backend = try backend(number: number, options)
            try refuseLibrary(options, on: backend.device)
            return backend
        }
        if let failure = unseenDevices(options) {
            backends[0].leftOut.append(Diagnostic(.devicesUnseen, failure.wholeLine))
        }
        return backends
    }

    /// Why there may be a device that was not taken, where the options leave the choice of it to the program.
    package static func unseenDevices(_ options: DeconvolutionOptions) -> DeconvolutionError? {
        guard options.backend != .cpu, options.device == nil || options.device?.lowercased() == "all" else {
            return nil
        }
        return OpenCLDevice.failure
    }

    /// Why `all` may lack devices.
    package static var failure: DeconvolutionError? { OpenCLDevice.failure }

    /// Makes back ends.
    /// - Parameter isTolerant: whether those of devices that fail are left out, with a warning, as long as one is there.
    static func backends(
        _ numbers: [Int],
        leavingOut isTolerant: Bool,
        make: (_ number: Int) throws(DeconvolutionError) -> any ComputeBackend
    ) throws(DeconvolutionError) -> [NumberedBackend] {
        var backends: [NumberedBackend] = []
        var leftOut: [Diagnostic] = []
        var failure: DeconvolutionError?
        for number in numbers {
            do throws(DeconvolutionError) {
                backends.append(NumberedBackend(number: number, backend: try make(number)))
            } catch {
                guard isTolerant, error.isOfDevice else { throw error }
                leftOut.append(
                    Diagnostic(.deviceLeftOut, "device \(number) cannot be used and was left out: \(error.line)")
                )
                failure = failure ?? error
            }
        }
        if backends.isEmpty, let failure { throw failure }
        if !backends.isEmpty { backends[0].leftOut = leftOut }
        return backends
    }

    /// What a person should know where devices that may differ in the last digits share the volumes of a job.
    static func warning(ofMixing plans: [JobPlan]) -> Diagnostic? {
        var kinds: [String] = []
        for plan in plans {
            let device = plan.backend.device
            let driver = device.driver.isEmpty ? "" : " (\(device.driver))"
            let tiles = plan.tiles.tile.map { " in tiles of \($0.frame.shape)" } ?? ""
            let kind = "\(device.name)\(driver)\(tiles)"
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        guard kinds.count > 1 else { return nil }
        return Diagnostic(
            .devicesDiffer,
            "the last digits of a volume depend on which of \(kinds.joined(separator: " and ")) took it; for results that are "
                + "the same every time, name devices of one kind with \(.device)"
        )
    }

    /// - Parameter name: the library as it was asked for, or nil for that of the options.
    /// - Throws: `invalidArgument` where the options ask for a library that a device does not transform with.
    package static func refuseLibrary(
        _ options: DeconvolutionOptions,
        _ name: String? = nil,
        on device: DeviceDescription
    ) throws(DeconvolutionError) {
        guard name != nil || options.fft != .auto, device.backend == .cpu else { return }
        throw DeconvolutionError(
            .invalidArgument,
            "\(.fft, name ?? options.fft.rawValue) is for OpenCL devices, and FFTW transforms on \(device.name): "
                + "leave it out, or "
                + "use \(.backend, "opencl")"
        )
    }

    private static func chosenNumbers(_ options: DeconvolutionOptions) throws(DeconvolutionError) -> [Int] {
        let isAll = options.device?.lowercased() == "all"
        if let wanted = options.device, !isAll {
            // A name may have a comma in it.
            let devices = all
            if let number = try? number(of: wanted, options, among: devices) { return [number] }
            let parts = wanted.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingPrefix(while: \.isWhitespace)
            }
            var numbers: [Int] = []
            for part in parts {
                let number = try number(of: parts.count == 1 ? wanted : String(part), options, among: devices)
                guard !numbers.contains(number) else {
                    throw DeconvolutionError(
                        .invalidArgument,
                        "\(.device, wanted): names \(devices[number].name) twice; name each device once"
                    )
                }
                numbers.append(number)
            }
            return numbers
        }
        if options.backend == .cpu { return [0] }
        let accelerators = OpenCLDevice.accelerators
        // An OpenCL device of type CPU is never picked by itself: FFTW is faster there.
        let openCL =
            accelerators.isEmpty && options.backend == .opencl ? Array(OpenCLDevice.all.indices) : accelerators
        guard let best = openCL.first else {
            guard options.backend != .opencl else { throw noOpenCLDevice }
            return [0]
        }
        return isAll ? openCL.map { $0 + 1 } : [best + 1]
    }

    /// The back end of a device by its number in `all`.
    /// - Throws: `deviceFailed` when its driver gives no context.
    package static func backend(
        number: Int,
        _ options: DeconvolutionOptions
    ) throws(DeconvolutionError) -> any ComputeBackend {
        if number == 0 { return CPUBackend(threadCount: options.threadCount) }
        return try OpenCLBackend(OpenCLDevice.all[number - 1], TransformSelection(options.fft))
    }

    /// The numbers of all devices that the options allow: the one that they name, else every one of the wanted back end.
    /// - Throws: `deviceUnavailable` when there is none.
    package static func numbers(for options: DeconvolutionOptions) throws(DeconvolutionError) -> [Int] {
        if let wanted = options.device { return [try number(of: wanted, options)] }
        if options.backend == .cpu { return [0] }
        let openCL = OpenCLDevice.all.indices.map { $0 + 1 }
        guard options.backend == .opencl else { return [0] + openCL }
        guard !openCL.isEmpty else { throw noOpenCLDevice }
        return openCL
    }

    private static var noOpenCLDevice: DeconvolutionError {
        OpenCLDevice.failure
            ?? DeconvolutionError(
                .deviceUnavailable,
                "no OpenCL device is here: install the driver of your GPU (or pocl-opencl-icd), or use "
                    + "\(.backend, "cpu")"
            )
    }

    /// The number of the device of a number, or of the first one of a name, or of a part of a name, that the wanted back
    /// end has. What reads as a number is never taken for a part of a name.
    static func number(
        of wanted: String,
        _ options: DeconvolutionOptions,
        among devices: [DeviceDescription] = all
    ) throws(DeconvolutionError) -> Int {
        let names = devices.map { $0.name.lowercased() }
        let candidates = devices.indices.filter {
            options.backend == .auto || (options.backend == .cpu) == (devices[$0].backend == .cpu)
        }
        let name = wanted.lowercased()
        let isNumber = Int(wanted) != nil
        let number = Int(wanted).flatMap { devices.indices.contains($0) ? $0 : nil }
        if let number, !candidates.contains(number) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.device, wanted) is \(devices[number].name), which \(.backend, options.backend.rawValue) does not "
                    + "use; "
                    + "leave out one of the two"
            )
        }
        let alias = name == "cpu" && candidates.contains(0) ? 0 : nil
        let found =
            number ?? alias ?? candidates.first { names[$0] == name }
            ?? candidates.first { !name.isEmpty && !isNumber && names[$0].contains(name) }
        guard let found else {
            let backend: Message = options.backend == .auto ? "" : " of \(.backend, options.backend.rawValue)"
            throw DeconvolutionError(
                .deviceUnavailable,
                "\(.device, wanted): no such device\(backend); 'gpudeconv devices' lists what is here"
            )
        }
        return found
    }
}

extension DeconvolutionError {
    /// Whether another device may do better.
    package var isOfDevice: Bool { [.deviceFailed, .deviceUnavailable, .outOfMemory].contains(code) }
}
