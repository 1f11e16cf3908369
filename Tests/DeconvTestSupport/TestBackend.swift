public import DeconvDevice
public import DeconvPlan
import Foundation
import Synchronization

/// Every back end of this machine: the CPU, and each OpenCL device with each FFT library.
///
/// Finding no OpenCL device fails a test of its own, `DeviceTests`.
public struct TestBackend: Sendable, CustomStringConvertible {
    /// `CPU`, or the driver's name of the device.
    public let description: String
    /// The OpenCL device, or nil for the CPU back end.
    package let device: OpenCLDevice?
    /// What transforms there.
    package let fft: FFTChoice
    /// Whether clFFT transforms planes in passes, as it does outside of tests.
    package let usesPasses: Bool
    /// Its position in the list of devices, of which the CPU is the first.
    public let number: Int

    /// The CPU back end, then every OpenCL device with each FFT library.
    public static let all = [cpu] + openCL

    /// The CPU back end, with as many threads as there are cores.
    public static let cpu = TestBackend(description: "CPU", device: nil, fft: .auto, usesPasses: false, number: 0)

    /// Every OpenCL device in the order of the drivers, with each FFT library.
    ///
    /// Planes are transformed whole: passes compile their kernels anew for every frame, 2 to 3 s each on PoCL.
    public static let openCL = OpenCLDevice.all.enumerated().flatMap { index, device in
        libraries.map {
            TestBackend(
                description: "\(device.description.name) with \($0)",
                device: device,
                fft: $0,
                usesPasses: false,
                number: index + 1
            )
        }
    }

    /// Every OpenCL device with clFFT in passes, for tests with few shapes.
    public static let withPasses = openCL.filter { $0.fft == .clfft }.map {
        TestBackend(
            description: "\($0.description) in passes",
            device: $0.device,
            fft: $0.fft,
            usesPasses: true,
            number: $0.number
        )
    }

    /// The FFT libraries to test, all or those that `GPUDECONV_TEST_FFT` names: compilers built on recent Clang refuse the
    /// real transforms of clFFT.
    public static let libraries: [FFTChoice] = {
        guard let names = ProcessInfo.processInfo.environment["GPUDECONV_TEST_FFT"] else { return [.clfft, .vkfft] }
        return names.split(separator: ",").map { name in
            guard let choice = FFTChoice(rawValue: String(name)) else {
                preconditionFailure("GPUDECONV_TEST_FFT names \(name), which is no FFT library")
            }
            return choice
        }
    }()

    /// Whether it is the CPU back end.
    public var isCPU: Bool { device == nil }

    private static let shared = Mutex<[Key: any ComputeBackend]>([:])
    /// Tests neither rely on what this machine's user has found out, nor tell.
    private static let memory = TransformMemory(path: nil)

    private struct Key: Hashable {
        let number: Int
        let fft: FFTChoice
        let usesPasses: Bool
    }

    /// The back end, one for the whole process: a new context has its kernels to build.
    package func make() throws -> any ComputeBackend {
        try Self.shared.withLock { backends in
            let key = Key(number: number, fft: fft, usesPasses: usesPasses)
            if let backend = backends[key] { return backend }
            let backend = try makeNew()
            backends[key] = backend
            return backend
        }
    }

    /// A back end of its own.
    /// - Parameter binaries: where an OpenCL device keeps its programs.
    package func makeNew(binaries: BinaryCache = .programs) throws -> any ComputeBackend {
        try makeNew(fuses: true, usesPasses: usesPasses, binaries: binaries)
    }

    /// A back end of its own whose transforms do nothing but transform.
    package func makeUnfused() throws -> any ComputeBackend {
        try makeNew(fuses: false, usesPasses: false, binaries: .programs)
    }

    private func makeNew(
        fuses: Bool,
        usesPasses: Bool,
        binaries: BinaryCache
    ) throws -> any ComputeBackend {
        guard let device else { return CPUBackend() }
        var selection = TransformSelection(fft)
        selection.memory = Self.memory
        selection.fuses = fuses
        selection.usesPasses = usesPasses
        return try OpenCLBackend(device, selection, binaries: binaries)
    }
}
