import DeconvDevice
import Testing

/// Every back end of this machine: the CPU, and each OpenCL device. Finding no OpenCL device fails a test of its own.
struct TestBackend: Sendable, CustomTestStringConvertible {
    let testDescription: String
    private let device: OpenCLDevice?

    static let all = [TestBackend(testDescription: "CPU", device: nil)] + openCL
    static let openCL = OpenCLDevice.all.map { TestBackend(testDescription: $0.description.name, device: $0) }

    func make() throws -> any ComputeBackend {
        if let device { return try OpenCLBackend(device) }
        return CPUBackend()
    }
}
