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
        WorkspaceLayout(geometry(shape), pixelType: .float32)
    }

    private static func geometry(_ shape: VolumeShape) -> WorkGeometry {
        WorkGeometry(
            workShape: shape,
            frame: Region(
                origin: VolumeIndex { min(2, shape[$0] - 1) },
                shape: VolumeShape { max(1, shape[$0] - 7) }
            ),
            domain: Region(VolumeShape { max(1, shape[$0] - 3) }),
            wraps: false
        )
    }

    /// What a compiler that refuses kernels gives.
    private static let refused = OpenCLStatus(CL_BUILD_PROGRAM_FAILURE)

    /// - Parameters:
    ///   - failing: what all plans of a library fail with.
    ///   - usesPasses: false for tests of what does not depend on it: passes compile many kernels.
    private func selection(
        _ memory: TransformMemory,
        failing: [FFTLibrary: OpenCLStatus] = [:],
        usesPasses: Bool = false
    ) -> TransformSelection {
        var selection = TransformSelection(.auto)
        selection.memory = memory
        selection.engines = selection.engines.map { engine in
            failing[engine.library].map { FailingEngine(engine, $0) } ?? engine
        }
        selection.measures = false
        selection.usesPasses = usesPasses
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
            #expect(warning.text(.flag).contains(word))
        }
        #expect(!warning.text(.flag).contains("\n"))

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
        #expect(error?.text(.flag).contains("VkFFT") == true)
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
        #expect(error?.text(.flag).contains("17x19x23") == true)
        #expect(error?.text(.flag).contains("--fft vkfft") == true)
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

    /// Small volumes tell nothing there, and of large ones the first tells for all.
    @Test(arguments: devices.filter { !OpenCLDevice.all[$0].isAccelerator })
    func onACPUOneMeasurementIsForAllShapes(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        var selection = selection(TransformMemory(path: path))
        selection.measures = nil
        #expect(try selection.makeWorkspace(Self.layout, in: context(device)).fft == .clfft)
        #expect(try !String(contentsOfFile: path, encoding: .utf8).contains("chosen"))

        let name = "\(try context(device).name), \(try context(device).device.description.driver)"
        selection.memory.choose(.vkfft, shapes: "all", on: name, measurement: "")
        for isFlat in [false, true] {
            let layout = Self.layout(TestEngine.sharedWorkShape(isFlat: isFlat))
            #expect(try selection.makeWorkspace(layout, in: context(device)).fft == .vkfft)
        }
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
        #expect(first.warnings.first?.text(.flag).contains("in this run") == true)

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
        let status = OpenCLStatus(CL_MEM_OBJECT_ALLOCATION_FAILURE)
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

    /// Once in another context, and then by the other library; what happened is said.
    @Test(arguments: devices, [1, Int.max])
    func whatMayBeTheContextsFaultIsTriedAnew(device: Int, count: Int) throws {
        var failing = selection(TransformMemory(path: nil))
        failing.engines[0] = FailingEngine(CLFFTEngine(), OpenCLStatus(CL_OUT_OF_RESOURCES), count: count)
        let workspace = try failing.makeWorkspace(Self.layout, in: context(device))
        #expect(workspace.fft == (count == 1 ? .clfft : .vkfft))
        #expect(workspace.warnings.count == 1)
        let message = try #require(workspace.warnings.first?.text(.flag))
        #expect(message.contains("taken to fail, returned CL_OUT_OF_RESOURCES"))
        #expect(
            message.contains(
                count == 1 ? "clFFT began anew" : "VkFFT takes its place, for volumes of this shape in this run"
            )
        )
        #expect(!message.contains("memory"))
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

    /// A compiler may fail once, for want of memory or disk.
    @Test(arguments: devices)
    func whatBuildsAtTheSecondAttemptIsNotRefused(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        var failingOnce = selection(TransformMemory(path: path))
        failingOnce.engines[0] = FailingEngine(CLFFTEngine(), Self.refused, count: 1)
        let workspace = try failingOnce.makeWorkspace(Self.layout, in: context(device))
        #expect(workspace.fft == .clfft)
        #expect(workspace.warnings.isEmpty)
        #expect(try !String(contentsOfFile: path, encoding: .utf8).contains("refused"))
    }

    @Test(arguments: devices)
    func passesThatWorkAtTheSecondAttemptAreUsed(device: Int) throws {
        var failingOnce = selection(TransformMemory(path: nil), usesPasses: true)
        failingOnce.engines[0] = FaultyCLFFTEngine(.wrongPassesOnce)
        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        let workspace = try failingOnce.makeWorkspace(flat, in: context(device))
        #expect(workspace.fft == .clfft && workspace.usesPasses)
        #expect(workspace.warnings.isEmpty)
    }

    /// A compiler may take callbacks and get them wrong.
    @Test(arguments: devices)
    func whereProductsWithinTransformsAreWrongTheyAreMadeBetweenThem(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        func selection(_ memory: TransformMemory) -> TransformSelection {
            var selection = self.selection(memory)
            selection.choice = .clfft
            selection.engines[0] = FaultyCLFFTEngine(.wrongProducts)
            return selection
        }
        let first = try selection(memory).makeWorkspace(Self.layout, in: context(device))
        #expect(try first.movesPoints() && !first.isFused)
        #expect(first.warnings.count == 1)
        #expect(first.warnings.first?.text(.flag).contains("multiplies between them") == true)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("\tapart\t") && !text.contains("refused\t"))
        for memory in [memory, TransformMemory(path: path)] {
            let next = try selection(memory).makeWorkspace(Self.layout, in: context(device))
            #expect(next.warnings.isEmpty)
            #expect(try next.movesPoints() && !next.isFused)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    /// It was refused for a shape that is not this one's.
    @Test(arguments: devices)
    func aRefusedLibraryIsTriedWhereAllOthersFail(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let site = try "\(context(device).name), \(context(device).device.description.driver)"
        memory.refuse(.vkfft, shapes: "other", on: site, reason: "no")
        #expect(try selection(memory).makeWorkspace(Self.layout, in: context(device)).fft == .clfft)

        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        let statuses = [CL_BUILD_PROGRAM_FAILURE, CL_INVALID_WORK_GROUP_SIZE, CL_MEM_OBJECT_ALLOCATION_FAILURE]
        for status in statuses.map(OpenCLStatus.init) {
            let (memory, failing) = (TransformMemory(path: path), status)
            let first = try selection(memory, failing: [.clfft: failing]).makeWorkspace(flat, in: context(device))
            #expect(first.fft == .vkfft)
            #expect(first.warnings.count == (status == OpenCLStatus(CL_MEM_OBJECT_ALLOCATION_FAILURE) ? 0 : 1))
            guard status == Self.refused else { continue }
            // Now both are refused, each for another shape, and nothing is tried or told again.
            for memory in [memory, TransformMemory(path: path)] {
                let next = try selection(memory).makeWorkspace(flat, in: context(device))
                #expect(next.fft == .vkfft && next.warnings.isEmpty)
            }
            try FileManager.default.removeItem(atPath: path)
            TransformMemory(path: path).refuse(.vkfft, shapes: "other", on: site, reason: "no")
        }
    }

    /// A machine without disk or memory for its compiler is another one next month.
    @Test func failuresAreForgottenAfterAMonth() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let first = TransformMemory(path: path, today: 20_000)
        first.refuse(.clfft, shapes: "S", on: "GPU", reason: "no")
        first.findManner(.planes, of: .vkfft, shapes: "S", on: "GPU", reason: "no")
        first.findManner(.passes, of: .vkfft, shapes: "T", on: "GPU")
        for (today, isKnown) in [(20_029, true), (20_030, false), (19_970, false)] {
            let later = TransformMemory(path: path, today: today)
            #expect((later.refusal(of: .clfft, shapes: "S", on: "GPU") != nil) == isKnown)
            #expect(later.manner(of: .vkfft, shapes: "S", on: "GPU") == (isKnown ? .planes : nil))
            #expect(later.manner(of: .vkfft, shapes: "T", on: "GPU") == .passes)
        }
    }

    /// As users have it: what was tried once is neither tried again nor waited for.
    @Test(arguments: devices)
    func whatIsKnownOfPassesNeedsNoLock(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        #expect(try selection(memory, usesPasses: true).makeWorkspace(flat, in: context(device)).usesPasses)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("manner\t") && text.contains("\tpasses\t") && text.contains("proven\t"))
        try FileManager.default.removeItem(atPath: path + ".lock")
        for memory in [memory, TransformMemory(path: path)] {
            let next = try selection(memory, usesPasses: true).makeWorkspace(flat, in: context(device))
            #expect(next.usesPasses)
            #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    /// The user asks for clFFT by name where it was refused, and it works, in passes.
    @Test(arguments: devices)
    func aRefusalFallsWhenPassesWork(device: Int) throws {
        let memory = TransformMemory(path: nil)
        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        // Its planes are made when they are first transformed.
        let failing = selection(memory, failing: [.clfft: Self.refused])
        #expect(try failing.makeWorkspace(flat, in: context(device)).fft == .vkfft)
        #expect(try selection(memory, usesPasses: true).makeWorkspace(flat, in: context(device)).fft == .vkfft)
        var named = selection(memory, usesPasses: true)
        named.choice = .clfft
        #expect(try named.makeWorkspace(flat, in: context(device)).usesPasses)
        #expect(try selection(memory, usesPasses: true).makeWorkspace(flat, in: context(device)).fft == .clfft)
    }

    @Test(arguments: devices, [false, true])
    func passesThatFailAreToldOnceAndRemembered(device: Int, measures: Bool) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let flat = Self.geometry(TestEngine.sharedWorkShape(isFlat: true))
        let layout = WorkspaceLayout(flat, pixelType: .float32)
        func selection(_ memory: TransformMemory) -> TransformSelection {
            var selection = self.selection(memory, usesPasses: true)
            selection.engines[0] = FaultyCLFFTEngine(.wrongPasses)
            selection.choice = measures ? .auto : .clfft
            selection.measures = measures
            return selection
        }
        #expect(selection(memory).expectsPasses(of: flat, on: try context(device).device))
        let first = try selection(memory).makeWorkspace(layout, in: context(device))
        if first.fft == .clfft {
            #expect(first.warnings.count == 1)
            #expect(first.warnings.first?.text(.flag).contains("whole planes") == true)
        }
        #expect(!first.usesPasses)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("manner\t") && text.contains("\tplanes\t"))
        for memory in [memory, TransformMemory(path: path)] {
            let next = try selection(memory).makeWorkspace(layout, in: context(device))
            #expect(!next.usesPasses && next.warnings.isEmpty)
            #expect(!selection(memory).expectsPasses(of: flat, on: try context(device).device))
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    /// Without passes a library wants scratch memory, and more has to be planned.
    @Test(arguments: devices)
    func passesAreExpectedOfCLFFTAlone(device: Int) throws {
        let memory = TransformMemory(path: nil)
        let flat = Self.geometry(TestEngine.sharedWorkShape(isFlat: true))
        let auto = selection(memory, usesPasses: true)
        let device = try context(device).device
        #expect(auto.expectsPasses(of: flat, on: device))
        #expect(!selection(memory).expectsPasses(of: flat, on: device))
        // 105 is split in two kernels.
        let split = Self.geometry(VolumeShape(z: 1, y: 105, x: 28))
        #expect(!auto.expectsPasses(of: split, on: device))
        let site = "\(device.description.name), \(device.description.driver)"
        memory.refuse(.clfft, shapes: "any", on: site, reason: "no")
        #expect(!auto.expectsPasses(of: flat, on: device))
        var named = auto
        named.choice = .clfft
        #expect(named.expectsPasses(of: flat, on: device))
        named.choice = .vkfft
        #expect(!named.expectsPasses(of: flat, on: device))
    }

    /// So that it is not measured again for every volume.
    @Test(arguments: devices)
    func aLibraryWithoutMemoryIsTheSlowerOneInThisProcess(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        let status = OpenCLStatus(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        var measuring = selection(memory, failing: [.clfft: status])
        measuring.measures = true
        #expect(try measuring.makeWorkspace(Self.layout, in: context(device)).fft == .vkfft)
        measuring.engines = [CLFFTEngine(), VkFFTEngine()]
        #expect(try measuring.makeWorkspace(Self.layout, in: context(device)).fft == .vkfft)
        #expect(try !String(contentsOfFile: path, encoding: .utf8).contains("chosen"))
    }

    @Test(arguments: devices)
    func aLibraryThatWasProvenBeforeCanBeMeasured(device: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("transforms")
        let memory = TransformMemory(path: path)
        _ = try selection(memory).makeWorkspace(Self.layout, in: context(device))
        var measuring = selection(memory)
        measuring.measures = true
        let chosen = try measuring.makeWorkspace(Self.layout, in: context(device)).fft
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains("\nchosen\t") && text.contains("\t\(chosen.rawValue)\t\(chosen.rawValue) "))
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
        let text =
            "refused\tA\n\nchosen\tA\tclfft, vkfft\t1x1x1\tnothing\t\nproven\nrefused\tB\tclfft\tS\t20000\twhy\nrefu"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let memory = TransformMemory(path: path, releases: releases, today: 20_000)
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

    /// The kernels that steps in transforms take the place of are there.
    @Test(arguments: devices)
    func stepsThatADeviceRefusesAreMadeBetweenTransforms(device: Int) throws {
        let flat = Self.layout(TestEngine.sharedWorkShape(isFlat: true))
        let engine = FaultyCLFFTEngine(.refusedSteps)
        let workspace = try OpenCLWorkspace(flat, engine, fuses: true, usesPasses: true, in: context(device))
        #expect(workspace.usesPasses)
        #expect(try workspace.movesPoints())
    }

    /// A smaller volume, or none, is for whoever planned to decide.
    @Test(arguments: devices)
    func lackOfMemoryForTheProductIsNotPassedOver(device: Int) throws {
        let engine = FaultyCLFFTEngine(.noMemoryForProducts)
        let workspace = try OpenCLWorkspace(Self.layout, engine, fuses: true, in: context(device))
        let error = #expect(throws: DeconvolutionError.self) {
            try workspace.setPSF([1], shape: VolumeShape(z: 1, y: 1, x: 1))
        }
        #expect(error?.code == .outOfMemory)
    }

    /// clFFT wants scratch memory for complex lines that it splits.
    @Test(arguments: devices, [22, 33, 105])
    func clFFTSplitsTheLengthsThatAreNotOneKernel(device: Int, length: Int) throws {
        let layout = Self.layout(VolumeShape(z: length, y: 10, x: 10))
        let plan = try CLFFTEngine().columns(layout, inverse: false, on: CommandQueue(context(device)))
        #expect((plan.temporaryByteCount == 0) == CLFFTEngine.isOneKernel(length))
    }

    /// Products of 2 with powers of one larger factor, or of two of 3, 5 and 7.
    @Test func lengthsOfOneKernelAreThoseThatCLFFTDoesNotSplit() {
        for length in [1, 2, 22, 26, 35, 88, 104, 121, 169, 1024, 1331, 4096, 3969, 2401] {
            #expect(CLFFTEngine.isOneKernel(length), "\(length)")
        }
        for length in [105, 210, 420, 840, 33, 55, 77, 39, 65, 91, 143, 286, 8192, 4100] {
            #expect(!CLFFTEngine.isOneKernel(length), "\(length)")
        }
    }
}
