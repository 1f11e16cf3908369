package import DeconvDevice
import Synchronization

/// Every back end of this machine: the CPU, and each OpenCL device.
///
/// Finding no OpenCL device fails a test of its own, `DeviceTests`.
public struct TestBackend: Sendable, CustomStringConvertible {
    /// `CPU`, or the driver's name of the device.
    public let description: String
    private let device: OpenCLDevice?
    private let number: Int

    /// The CPU back end, then every OpenCL device.
    public static let all = [cpu] + openCL

    /// The CPU back end, with as many threads as there are cores.
    public static let cpu = TestBackend(description: "CPU", device: nil, number: 0)

    /// Every OpenCL device, in the order of the drivers.
    public static let openCL = OpenCLDevice.all.enumerated().map { index, device in
        TestBackend(description: device.description.name, device: device, number: index + 1)
    }

    /// Whether it is the CPU back end.
    public var isCPU: Bool { device == nil }

    private static let shared = Mutex<[Int: any ComputeBackend]>([:])

    /// The back end, one for the whole process: a new context has its kernels to build.
    package func make() throws -> any ComputeBackend {
        try Self.shared.withLock { backends in
            if let backend = backends[number] { return backend }
            let backend = try makeNew()
            backends[number] = backend
            return backend
        }
    }

    /// A back end of its own.
    /// - Parameter binaries: where an OpenCL device keeps its programs.
    package func makeNew(binaries: BinaryCache = .programs) throws -> any ComputeBackend {
        if let device { return try OpenCLBackend(device, binaries: binaries) }
        return CPUBackend()
    }
}
