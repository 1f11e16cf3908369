import COpenCL
package import DeconvVolume

/// A device that an installed OpenCL driver offers.
///
/// Unchecked: device handles live as long as the process and are safe on every thread.
package struct OpenCLDevice: @unchecked Sendable {
    let id: cl_device_id
    /// What the driver says of it.
    package let description: DeviceDescription
    /// Whether it is a GPU or accelerator, and so worth preferring to the CPU back end.
    package let isAccelerator: Bool
    /// Whether its memory is this machine's.
    let sharesHostMemory: Bool
    let hasDouble: Bool
    /// Whether it is PoCL's.
    let isPoCL: Bool
    /// Platform, device and driver with their versions: what a program is built by, and for.
    let compiler: String

    /// All devices of all platforms, in the order of the drivers.
    ///
    /// Asked for once: enumerating from several threads at the same time fails in PoCL 3.1.
    package static let all: [OpenCLDevice] = enumeration.devices

    /// Why devices may be missing in `all`: a driver that cannot be asked what it has.
    package static let failure: DeconvolutionError? = enumeration.failure

    private static let enumeration = enumerate()

    /// What the loader says where no driver is installed, `CL_PLATFORM_NOT_FOUND_KHR` of cl_ext.h.
    private static let noPlatform: cl_int = -1001

    /// The numbers in `all` of GPUs and accelerators, the one to prefer first: those with memory of their own before those
    /// that share this machine's, then those with more.
    package static var accelerators: [Int] {
        all.indices.filter { all[$0].isAccelerator }.sorted { a, b in
            let (first, second) = (all[a], all[b])
            guard first.sharesHostMemory == second.sharesHostMemory else { return second.sharesHostMemory }
            let (more, less) = (first.description.memoryBytes, second.description.memoryBytes)
            return more == less ? a < b : more > less
        }
    }

    private static func enumerate() -> (devices: [OpenCLDevice], failure: DeconvolutionError?) {
        var failure: DeconvolutionError?
        /// Whether a call worked; that there is nothing is no failure.
        func works(_ status: cl_int, _ call: String, none: cl_int) -> Bool {
            if status != CL_SUCCESS, status != none, failure == nil {
                failure = DeconvolutionError(
                    .deviceUnavailable,
                    "the OpenCL drivers do not say which devices they have: see whether clinfo lists them and the user may use "
                        + "them, or use \(.backend, "cpu")",
                    cause: OpenCLError(call: call, status: OpenCLStatus(status))
                )
            }
            return status == CL_SUCCESS
        }
        func platformsWork(_ status: cl_int) -> Bool { works(status, "clGetPlatformIDs", none: noPlatform) }
        func devicesWork(_ status: cl_int) -> Bool { works(status, "clGetDeviceIDs", none: CL_DEVICE_NOT_FOUND) }
        var platformCount: cl_uint = 0
        guard platformsWork(clGetPlatformIDs(0, nil, &platformCount)), platformCount > 0 else { return ([], failure) }
        var platforms = [cl_platform_id?](repeating: nil, count: Int(platformCount))
        guard platformsWork(clGetPlatformIDs(platformCount, &platforms, nil)) else { return ([], failure) }
        var devices: [OpenCLDevice] = []
        for platform in platforms.compactMap({ $0 }) {
            var count: cl_uint = 0
            let type = cl_device_type(CL_DEVICE_TYPE_ALL)
            guard devicesWork(clGetDeviceIDs(platform, type, 0, nil, &count)), count > 0 else { continue }
            var ids = [cl_device_id?](repeating: nil, count: Int(count))
            guard devicesWork(clGetDeviceIDs(platform, type, count, &ids, nil)) else { continue }
            for id in ids.compactMap({ $0 }) {
                var status = CL_SUCCESS
                let device = OpenCLDevice(id: id, platform: platform, &status)
                guard works(status, "clGetDeviceInfo", none: CL_SUCCESS) else { continue }
                if let device { devices.append(device) }
            }
        }
        return (devices, failure)
    }

    /// What a driver says of a device; nil for one that cannot be used.
    /// - Parameter status: becomes the first status with which the driver does not say something that every device has.
    private init?(id: cl_device_id, platform: cl_platform_id, _ status: inout cl_int) {
        var failure = CL_SUCCESS
        func number<T: FixedWidthInteger>(_ parameter: Int32, as type: T.Type, isOptional: Bool = false) -> T {
            var value = T.zero
            let status = clGetDeviceInfo(id, cl_device_info(parameter), MemoryLayout<T>.size, &value, nil)
            if status != CL_SUCCESS, failure == CL_SUCCESS, !isOptional { failure = status }
            return value
        }
        defer { status = failure }
        guard number(CL_DEVICE_AVAILABLE, as: cl_bool.self) != 0 else { return nil }
        guard number(CL_DEVICE_COMPILER_AVAILABLE, as: cl_bool.self) != 0 else { return nil }
        self.id = id
        let type = number(CL_DEVICE_TYPE, as: cl_device_type.self)
        let isGPU = type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0
        isAccelerator = isGPU || type & cl_device_type(CL_DEVICE_TYPE_ACCELERATOR) != 0
        sharesHostMemory =
            type & cl_device_type(CL_DEVICE_TYPE_CPU) != 0
            || number(CL_DEVICE_HOST_UNIFIED_MEMORY, as: cl_bool.self, isOptional: true) != 0
        hasDouble = number(CL_DEVICE_DOUBLE_FP_CONFIG, as: cl_device_fp_config.self, isOptional: true) != 0
        func platformText(_ parameter: Int32) -> String {
            Self.text { clGetPlatformInfo(platform, cl_platform_info(parameter), $0, $1, $2) }
        }
        func deviceText(_ parameter: Int32) -> String {
            Self.text { clGetDeviceInfo(id, cl_device_info(parameter), $0, $1, $2) }
        }
        isPoCL = platformText(CL_PLATFORM_NAME) == PoCLCache.platform
        compiler =
            [CL_PLATFORM_NAME, CL_PLATFORM_VERSION].map(platformText).joined(separator: "\n") + "\n"
            + [CL_DEVICE_VENDOR, CL_DEVICE_NAME, CL_DEVICE_VERSION, CL_DRIVER_VERSION].map(deviceText)
            .joined(separator: "\n")
        description = DeviceDescription(
            backend: .opencl,
            type: isGPU ? "GPU" : isAccelerator ? "accelerator" : "CPU",
            name: deviceText(CL_DEVICE_NAME),
            driver: platformText(CL_PLATFORM_NAME) + " " + deviceText(CL_DRIVER_VERSION),
            memoryBytes: Int(clamping: number(CL_DEVICE_GLOBAL_MEM_SIZE, as: cl_ulong.self)),
            largestBufferBytes: Int(clamping: number(CL_DEVICE_MAX_MEM_ALLOC_SIZE, as: cl_ulong.self)),
            computeUnits: Int(number(CL_DEVICE_MAX_COMPUTE_UNITS, as: cl_uint.self))
        )
    }

    private static func text(
        _ query: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
    ) -> String {
        var count = 0
        guard query(0, nil, &count) == CL_SUCCESS, count > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: count)
        guard query(count, &bytes, nil) == CL_SUCCESS else { return "" }
        let characters = bytes.prefix { $0 != 0 }
        return String(decoding: characters, as: UTF8.self).split(separator: " ").joined(separator: " ")
    }
}
