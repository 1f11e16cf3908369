import COpenCL
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
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

    /// What a compiler that refuses kernels gives.
    private static let refused = OpenCLStatus(CL_BUILD_PROGRAM_FAILURE)

    private func selection(_ memory: TransformMemory, failing: [FFTLibrary: OpenCLStatus] = [:]) -> TransformSelection {
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
        let failing = selection(memory, failing: [.clfft: Self.refused])
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
        let failing = selection(TransformMemory(path: nil), failing: [.clfft: Self.refused, .vkfft: Self.refused])
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

    /// 200000 has no large factor but is too long for VkFFT, and 17 is a factor that clFFT lacks.
    @Test func oneLibraryMustHaveAllAxes() {
        let (long, prime) = (VolumeShape(z: 1, y: 200_000, x: 2), VolumeShape(z: 17, y: 10, x: 2))
        let both = VolumeShape(z: 17, y: 200_000, x: 2)
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

    /// A device that is short of something, or a shape that it cannot do, says nothing of other shapes or days.
    @Test(arguments: devices)
    func aFailureThatMayPassIsForgottenWithTheProcess(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let failing = selection(memory, failing: [.clfft: OpenCLStatus(CL_INVALID_WORK_GROUP_SIZE)])
        let first = try failing.makeWorkspace(Self.layout, in: context(device))
        #expect(first.fft == .vkfft)
        #expect(first.warnings.count == 1)
        #expect(first.warnings.first?.message.contains("in this run") == true)

        // Not tried again for these shapes in this process, but for others, and by the next process.
        let again = try selection(memory).makeWorkspace(Self.layout, in: context(device))
        #expect(again.fft == .vkfft)
        #expect(again.warnings.isEmpty)
        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        #expect(try selection(memory).makeWorkspace(flat, in: context(device)).fft == .clfft)
        let next = try selection(TransformMemory(path: path)).makeWorkspace(Self.layout, in: context(device))
        #expect(next.fft == .clfft)
    }

    @Test(arguments: devices)
    func lackOfMemoryIsNotHeldAgainstALibrary(device: Int) throws {
        let memory = TransformMemory(path: nil)
        let status = OpenCLStatus(CL_OUT_OF_RESOURCES)
        let first = try selection(memory, failing: [.clfft: status]).makeWorkspace(Self.layout, in: context(device))
        #expect(first.fft == .vkfft)
        #expect(first.warnings.isEmpty)
        #expect(try selection(memory).makeWorkspace(Self.layout, in: context(device)).fft == .clfft)

        // Where none has enough, a smaller volume may do.
        let error = #expect(throws: DeconvolutionError.self) {
            try selection(memory, failing: [.clfft: status, .vkfft: Self.refused])
                .makeWorkspace(Self.layout, in: context(device))
        }
        #expect(error?.code == .outOfMemory)
    }

    @Test(arguments: devices)
    func whereOneFailsNothingIsChosen(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        var measuring = selection(TransformMemory(path: path), failing: [.clfft: Self.refused])
        measuring.measures = true
        let workspace = try measuring.makeWorkspace(Self.layout, in: context(device))
        #expect(workspace.fft == .vkfft)
        #expect(workspace.warnings.count == 1)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("refused\t") && !text.contains("chosen\t"))
    }

    @Test func anotherDriverOrLibraryIsTriedAnew() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        func memory(_ clfft: String) -> TransformMemory {
            TransformMemory(path: path, releases: [.clfft: clfft, .vkfft: "vkfft 1"])
        }
        let old = memory("clfft 1")
        old.refuse(.clfft, shapes: "S", on: "GPU, driver 1", reason: "no")
        old.prove(.vkfft, shapes: "S", on: "GPU, driver 1")
        old.choose(.vkfft, shapes: "S", on: "GPU, driver 1", measurement: "")
        #expect(old.refusal(of: .clfft, shapes: "other", on: "GPU, driver 1") == "no")
        #expect(old.refusal(of: .vkfft, shapes: "S", on: "GPU, driver 1") == nil)
        #expect(old.refusal(of: .clfft, shapes: "S", on: "GPU, driver 2") == nil)

        let new = memory("clfft 2")
        #expect(new.refusal(of: .clfft, shapes: "S", on: "GPU, driver 1") == nil)
        // The faster of two is another question when one of them is new.
        #expect(old.choice(shapes: "S", on: "GPU, driver 1") == .vkfft)
        #expect(new.choice(shapes: "S", on: "GPU, driver 1") == nil)
        #expect(new.isProven(.vkfft, shapes: "S", on: "GPU, driver 1"))
        #expect(TransformMemory.releases[.clfft]?.contains(/clfft [0-9]+\.[0-9]+\.[0-9]+/) == true)
        #expect(TransformMemory.releases[.vkfft]?.contains(/vkfft [0-9]+\.[0-9]+\.[0-9]+/) == true)
    }

    /// The user asks for the library by name, and it works.
    @Test func whatWasRefusedComesBackWhenItProvesItselfThere() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        memory.refuse(.clfft, shapes: "large", on: "GPU", reason: "no")
        // That small shapes work is no news: the refusal was for a large one.
        memory.prove(.clfft, shapes: "small", on: "GPU")
        #expect(memory.refusal(of: .clfft, shapes: "small", on: "GPU") == "no")
        memory.prove(.clfft, shapes: "large", on: "GPU")
        for memory in [memory, TransformMemory(path: path)] {
            #expect(memory.refusal(of: .clfft, shapes: "small", on: "GPU") == nil)
        }
    }

    /// Each process has what the other found out before it finds something out itself, and both do not at the same time.
    @Test func twoProcessesTakeTurns() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let (one, other) = (TransformMemory(path: path), TransformMemory(path: path))
        one.refuse(.clfft, shapes: "S", on: "GPU", reason: "no")
        #expect(other.refusal(of: .clfft, shapes: "S", on: "GPU") == nil)
        try other.alone { () throws(DeconvolutionError) in
            #expect(other.refusal(of: .clfft, shapes: "S", on: "GPU") == "no")
        }
        let inside = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            try? (number % 2 == 0 ? one : other).alone { () throws(DeconvolutionError) in
                #expect(inside.add(1, ordering: .relaxed).newValue == 1)
                usleep(2000)
                inside.subtract(1, ordering: .relaxed)
            }
        }
    }

    @Test func aDamagedMemoryIsPassedOver() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let releases: [FFTLibrary: String] = [.clfft: "clfft", .vkfft: "vkfft"]
        let text = "refused\tA\n\nchosen\tA\tclfft, vkfft\t1x1x1\tnothing\t\nproven\nrefused\tB\tclfft\tS\twhy\nrefu"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let memory = TransformMemory(path: path, releases: releases)
        #expect(memory.refusal(of: .clfft, shapes: "S", on: "A") == nil)
        #expect(memory.choice(shapes: "1x1x1", on: "A") == nil)
        #expect(memory.refusal(of: .clfft, shapes: "S", on: "B") == "why")
        // A reason of several lines stays one finding, and a folder that is not there is no error.
        TransformMemory(path: path + "/none").refuse(.clfft, shapes: "S", on: "C", reason: "a\nb\tc")
        try TransformMemory(path: path + "/none").alone { () throws(DeconvolutionError) in }
        memory.refuse(.clfft, shapes: "S", on: "C", reason: "a\nb\tc")
        #expect(memory.refusal(of: .clfft, shapes: "S", on: "C") == "a b c")
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
