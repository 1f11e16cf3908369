import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvDevice

/// Which FFT library is taken, what is said of it, and what is remembered.
@Suite struct TransformSelectionTests {
    static let devices = OpenCLDevice.all.indices

    private static let contexts = OpenCLDevice.all.map { device in Result { try OpenCLContext(device) } }

    private func context(_ device: Int) throws -> OpenCLContext { try Self.contexts[device].get() }

    private static let layout = layout(TestEngine.sharedWorkShape(isFlat: false))

    private static func layout(_ shape: VolumeShape) -> WorkspaceLayout {
        let geometry = WorkGeometry(
            workShape: shape,
            frame: Region(
                origin: VolumeIndex { min(2, shape[$0] - 1) },
                shape: VolumeShape { max(1, shape[$0] - 7) }
            ),
            domain: Region(VolumeShape { max(1, shape[$0] - 3) }),
            wraps: false
        )
        return WorkspaceLayout(geometry, pixelType: .float32)
    }

    private func selection(_ memory: TransformMemory, failing: Set<FFTLibrary> = []) -> TransformSelection {
        var selection = TransformSelection(.auto)
        selection.memory = memory
        selection.failing = failing
        selection.measures = false
        return selection
    }

    /// Compilers that refuse clFFT refuse other lengths than these.
    @Test(arguments: devices)
    func clFFTIsTakenWithoutAWord(device: Int) throws {
        let workspace = try selection(TransformMemory(path: nil)).makeWorkspace(Self.layout, in: context(device))
        #expect(workspace.fft == .clfft)
        #expect(workspace.warnings.isEmpty)
    }

    @Test(arguments: devices)
    func aFailureIsToldInOneLineAndRemembered(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let failing = selection(memory, failing: [.clfft])
        let first = try failing.makeWorkspace(Self.layout, in: context(device))
        #expect(first.fft == .vkfft)
        let warning = try #require(first.warnings.first)
        #expect(first.warnings.count == 1)
        for word in [try context(device).name, "clFFT", "VkFFT", "taken to fail"] {
            #expect(warning.message.contains(word))
        }
        #expect(!warning.message.contains("\n"))

        // The same process, and another one.
        for memory in [memory, TransformMemory(path: path)] {
            let next = try selection(memory).makeWorkspace(Self.layout, in: context(device))
            #expect(next.fft == .vkfft)
            #expect(next.warnings.isEmpty)
        }
    }

    @Test(arguments: devices)
    func whereBothFailTheErrorIsOfTheLast(device: Int) throws {
        let failing = selection(TransformMemory(path: nil), failing: [.clfft, .vkfft])
        let error = #expect(throws: DeconvolutionError.self) {
            try failing.makeWorkspace(Self.layout, in: context(device))
        }
        #expect(error?.code == .deviceFailed)
        #expect(error?.message.contains("VkFFT") == true)
    }

    @Test(arguments: devices)
    func lengthsThatCLFFTLacksGoToVkFFT(device: Int) throws {
        let shape = VolumeShape(z: 17, y: 19, x: 23)
        let auto = selection(TransformMemory(path: nil))
        #expect(auto.supports(shape))
        let workspace = try auto.makeWorkspace(Self.layout(shape), in: context(device))
        #expect(workspace.fft == .vkfft)
        #expect(workspace.warnings.isEmpty)

        let error = #expect(throws: DeconvolutionError.self) {
            try TransformSelection(.clfft).makeWorkspace(Self.layout(shape), in: context(device))
        }
        #expect(error?.message.contains("17x19x23") == true)
        #expect(error?.message.contains("--fft vkfft") == true)
    }

    /// 40000 has no large factor but is too long for VkFFT, and 17 is a factor that clFFT lacks.
    @Test func oneLibraryMustHaveAllAxes() {
        let (long, prime) = (VolumeShape(z: 1, y: 40_000, x: 2), VolumeShape(z: 17, y: 10, x: 2))
        let both = VolumeShape(z: 17, y: 40_000, x: 2)
        let supported = FFTChoice.allCases.map { choice in
            [long, prime, both].map { TransformSelection(choice).supports($0) }
        }
        #expect(supported == [[true, true, false], [true, false, false], [false, true, false]])
    }

    @Test(arguments: devices)
    func theFasterLibraryIsMeasuredOnceAndRemembered(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        var measuring = selection(TransformMemory(path: path))
        measuring.measures = true
        let chosen = try measuring.makeWorkspace(Self.layout, in: context(device)).fft
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let choice = try #require(lines.first { $0.hasPrefix("chosen\t") })
        #expect(choice.contains("\t\(chosen.rawValue)\t\(chosen.rawValue) "))
        #expect(choice.contains("clfft ") && choice.contains("vkfft "))

        // What the file says stands, without another measurement.
        let other: FFTLibrary = chosen == .clfft ? .vkfft : .clfft
        let edited = choice.replacing("\t\(chosen.rawValue)\t", with: "\t\(other.rawValue)\t")
        try (edited + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        measuring.memory = TransformMemory(path: path)
        #expect(try measuring.makeWorkspace(Self.layout, in: context(device)).fft == other)
        let after = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(after.count { $0.hasPrefix("chosen") } == 1)
    }

    @Test func anotherDriverIsTriedAnew() {
        let memory = TransformMemory(path: nil)
        memory.refuse(.clfft, on: "GPU, driver 1", reason: "no")
        #expect(memory.refusal(of: .clfft, on: "GPU, driver 1") == "no")
        #expect(memory.refusal(of: .vkfft, on: "GPU, driver 1") == nil)
        #expect(memory.refusal(of: .clfft, on: "GPU, driver 2") == nil)
    }

    @Test func aDamagedMemoryIsPassedOver() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        try "refused\tA\n\nchosen\tA\t1x1x1\tnothing\t\nproven\nrefused\tB\tclfft\twhy\nrefu".write(
            toFile: path,
            atomically: true,
            encoding: .utf8
        )
        let memory = TransformMemory(path: path)
        #expect(memory.refusal(of: .clfft, on: "A") == nil)
        #expect(memory.choice(shapes: "1x1x1", on: "A") == nil)
        #expect(memory.refusal(of: .clfft, on: "B") == "why")
        // A reason of several lines stays one finding, and a folder that is not there is no error.
        TransformMemory(path: path + "/none").refuse(.clfft, on: "C", reason: "a\nb\tc")
        memory.refuse(.clfft, on: "C", reason: "a\nb\tc")
        #expect(memory.refusal(of: .clfft, on: "C") == "a b c")
    }

    // MARK: The trial

    /// A library whose columns are transformed in the wrong direction: images would be mirrored along z.
    private struct MirroringEngine: TransformEngine {
        let engine = VkFFTEngine()
        var library: FFTLibrary { engine.library }
        func supportsLength(_ length: Int) -> Bool { true }

        func planes(
            _ layout: WorkspaceLayout,
            count: Int,
            inverse: Bool,
            on queue: CommandQueue
        ) throws(DeconvolutionError) -> any TransformPlan {
            try engine.planes(layout, count: count, inverse: inverse, on: queue)
        }

        func columns(
            _ layout: WorkspaceLayout,
            inverse: Bool,
            on queue: CommandQueue
        ) throws(DeconvolutionError) -> any TransformPlan {
            try engine.columns(layout, inverse: false, on: queue)
        }

        func fusedColumns(
            _ layout: WorkspaceLayout,
            inverse: Bool,
            by transfer: TransferFunction,
            on queue: CommandQueue
        ) throws(DeconvolutionError) -> (any TransformPlan)? {
            nil
        }
    }

    @Test(arguments: devices)
    func wrongTransformsAreFound(device: Int) throws {
        let wrong = try OpenCLWorkspace(Self.layout, MirroringEngine(), fuses: false, in: context(device))
        #expect(try !wrong.movesPoints())
        let right = try OpenCLWorkspace(Self.layout, VkFFTEngine(), fuses: false, in: context(device))
        #expect(try right.movesPoints())
    }
}
