import DeconvDevice
import DeconvMethods
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// Whether every C object is given back, counted in a process of its own, where no other test holds any.
@Suite struct HandleTests {
    /// Twice, because the last context tears clFFT down and the next one sets it up again.
    @Test func everyHandleIsReleasedWithItsEngine() async {
        await #expect(processExitsWith: .success) {
            for _ in 0..<2 {
                try HandleTests.checkRelease {
                    for backend in TestBackend.all + TestBackend.withPasses {
                        let backend = try backend.makeNew()
                        for boundary in [BoundaryMode.extend, .zero] {
                            let image = VolumeShape(z: 1, y: 29, x: 20)
                            let psf = TestImage.psf(VolumeShape(z: 1, y: 6, x: 7))
                            let engine = try TestEngine(backend, image: image, psf: psf, boundary: boundary)
                            let flat = [Float](repeating: 1, count: engine.geometry.domain.shape.voxelCount)
                            let blurred = try engine.forwardProject(flat)
                            HandleTests.require(abs(blurred[image.voxelCount / 2] - 1) < 1e-5)
                            _ = try engine.backProject(blurred)
                            HandleTests.require(!HandleCounter.live.isEmpty)
                        }
                    }
                }
            }
        }
    }

    /// Volumes with bad voxels and volumes without, in turns: a folder of them goes through one workspace.
    @Test func masksThatComeAndGoTakeNoMoreMemory() async {
        await #expect(processExitsWith: .success) {
            for backend in TestBackend.all + TestBackend.withPasses {
                let plan = try TilePlan(
                    TilePlan.Request(
                        imageShape: VolumeShape(z: 1, y: 29, x: 20),
                        pixelType: .float32,
                        psfShape: VolumeShape(z: 1, y: 6, x: 7),
                        boundary: .zero,
                        workShape: TestEngine.sharedWorkShape(isFlat: true)
                    )
                )
                let layout = WorkspaceLayout(plan.whole, pixelType: .float32)
                try HandleTests.alternateMasks(backend.makeNew().makeWorkspace(layout))
            }
        }
    }

    private static func alternateMasks<W: Workspace>(_ workspace: W) throws {
        let solver = try RichardsonLucy(iterationCount: 2).makeSolver(on: workspace)
        let shape = workspace.layout.frame.shape
        let light = [Float](repeating: 100, count: shape.voxelCount)
        try solver.setPSF(TestImage.psf(VolumeShape(z: 1, y: 6, x: 7)))
        try workspace.setObserved { _ in .float32(light) }
        var rounds: [[Int]] = []
        for _ in 0..<4 {
            var round: [Int] = []
            for isMasked in [false, true] {
                var mask = [Float](repeating: 1, count: shape.voxelCount)
                mask[5] = 0
                try solver.setSensitivity(reading: isMasked ? { _ in mask } : nil)
                try solver.run(mean: 100, measuring: workspace.layout.frame) { _ in }
                round += [workspace.byteCount, HandleCounter.live[.buffer] ?? 0]
            }
            rounds.append(round)
        }
        if rounds[1] != rounds[3] { print("bytes and buffers without and with mask, by rounds: \(rounds)") }
        require(rounds[1] == rounds[3])
    }

    @Test func everyHandleIsReleasedWhenMemoryRunsOut() async {
        await #expect(processExitsWith: .success) {
            try HandleTests.checkRelease {
                for backend in TestBackend.all {
                    HandleTests.require(HandleTests.error(backend, MemoryTests.absurdShape)?.code == .outOfMemory)
                }
            }
        }
    }

    /// Does work and ends the process with failure if it leaves anything behind.
    static func checkRelease(_ work: () throws -> Void) throws {
        require(HandleCounter.live.isEmpty)
        try work()
        if !HandleCounter.live.isEmpty || HandleCounter.failedReleases > 0 {
            print("left: \(HandleCounter.live), refused: \(HandleCounter.failedReleases)")
        }
        require(HandleCounter.live.isEmpty && HandleCounter.failedReleases == 0)
    }

    /// What making a workspace throws, or nil.
    static func error(_ backend: TestBackend, _ shape: VolumeShape) -> DeconvolutionError? {
        let geometry = WorkGeometry(
            workShape: shape,
            frame: Region(shape),
            domain: Region(shape),
            wraps: false
        )
        do {
            _ = try backend.makeNew().makeWorkspace(WorkspaceLayout(geometry, pixelType: .uint16))
            return nil
        } catch {
            return error as? DeconvolutionError
        }
    }

    static func require(_ condition: Bool, _ line: UInt = #line) {
        if condition { return }
        print("not as it should be, line \(line)")
        exit(1)
    }
}

/// What happens when more is asked for than a machine has.
@Suite struct MemoryTests {
    /// 2^50 bytes: more than any machine has, few enough for the arithmetic.
    static let absurdShape = VolumeShape(z: 1 << 20, y: 1 << 14, x: 1 << 14)

    @Test(arguments: TestBackend.all)
    func anAbsurdWorkspaceSaysWhichDeviceRanOut(backend: TestBackend) throws {
        let error = try #require(HandleTests.error(backend, Self.absurdShape))
        #expect(error.code == .outOfMemory)
        #expect(error.text(.flag).contains("--memory-limit"))
        #expect(error.text(.flag).contains(try backend.make().device.name))
        #expect(!error.text(.flag).contains("\n"))
    }

    @Test(arguments: TestBackend.openCL)
    func theCauseNamesTheCall(backend: TestBackend) throws {
        let error = try #require(HandleTests.error(backend, Self.absurdShape))
        #expect(error.description.contains("clCreateBuffer"))
        #expect(error.description.contains("CL_"))
    }

    /// PSFs as large as the image, longer than the transform, and flat ones, whose transfer functions are made in place.
    @Test func theCPUTakesNoMoreThanItsFootprint() async {
        await #expect(processExitsWith: .success) {
            let (image, large) = (VolumeShape(z: 24, y: 90, x: 70), VolumeShape(z: 25, y: 91, x: 70))
            try MemoryTests.useFootprint(image, psf: large, .extend)
            try MemoryTests.useFootprint(image, psf: large, .zero)
            try MemoryTests.useFootprint(image, psf: VolumeShape(z: 40, y: 9, x: 100), .periodic)
            try MemoryTests.useFootprint(VolumeShape(z: 1, y: 90, x: 70), psf: VolumeShape(z: 1, y: 90, x: 70), .extend)
        }
    }

    /// What libraries are tried with is no more than what is computed afterwards.
    @Test func aDeviceTakesNoMoreThanItsFootprint() async {
        await #expect(processExitsWith: .success) {
            for backend in TestBackend.openCL + TestBackend.withPasses {
                for (core, hasSensitivity) in [
                    (nil, false), (nil, true), (VolumeShape(z: 10, y: 18, x: 20), false),
                ] as [(VolumeShape?, Bool)] {
                    try MemoryTests.useDeviceFootprint(backend, core, hasSensitivity)
                }
            }
        }
    }

    private static func useDeviceFootprint(
        _ test: TestBackend,
        _ core: VolumeShape?,
        _ hasSensitivity: Bool
    ) throws {
        let backend = try test.makeNew()
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: VolumeShape(z: 10, y: 18, x: 22),
                pixelType: .uint16,
                psfShape: VolumeShape(z: 5, y: 7, x: 7),
                boundary: .zero,
                hasSensitivity: hasSensitivity,
                demand: MethodDemand.richardsonLucy(hasSensitivity: hasSensitivity),
                tileShape: core,
                workShape: TestEngine.sharedWorkShape(isFlat: false),
                transformBytes: backend.transformBytes,
                padding: backend.padding
            )
        )
        HandleCounter.resetMostDeviceBytes()
        let layout = WorkspaceLayout(plan.tile ?? plan.whole, pixelType: .uint16)
        let workspace = try backend.makeWorkspace(layout)
        // Partial sums of reductions are not planned for.
        let most = HandleCounter.mostDeviceBytes - 1 << 13
        if most > plan.footprint.deviceBytes {
            print("\(test), tile \(core as Any): \(most) of \(plan.footprint)")
        }
        HandleTests.require(most <= plan.footprint.deviceBytes)
        HandleTests.require(workspace.byteCount <= plan.footprint.deviceBytes)
    }

    /// Deconvolves on the CPU, and ends the process if that takes more host memory than its plan says.
    private static func useFootprint(_ image: VolumeShape, psf shape: VolumeShape, _ boundary: BoundaryMode) throws {
        let backend = CPUBackend(threadCount: 3)
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: image,
                pixelType: .uint16,
                psfShape: shape,
                boundary: boundary,
                demand: MethodDemand.richardsonLucy,
                transformBytes: backend.transformBytes,
                padding: backend.padding
            )
        )
        func use<W: Workspace>(_ workspace: W) throws {
            let solver = try RichardsonLucy(iterationCount: 2).makeSolver(on: workspace)
            try solver.setPSF(TestImage.psf(shape))
            try workspace.setObserved { region in
                .uint16([UInt16](repeating: 100, count: region.shape.voxelCount))
            }
            try solver.run(mean: 100, measuring: plan.imageInWhole) { _ in }
            HandleTests.require(workspace.byteCount <= plan.footprint.deviceBytes)
        }
        HandleCounter.resetMostHostBytes()
        try use(backend.makeWorkspace(WorkspaceLayout(plan.whole, pixelType: .uint16)))
        HandleTests.require(HandleCounter.mostHostBytes <= plan.footprint.deviceBytes)
    }

    /// A back end that refused once goes on working.
    @Test(arguments: TestBackend.all)
    func aBackEndWorksOnAfterItRanOut(backend: TestBackend) throws {
        _ = HandleTests.error(backend, Self.absurdShape)
        let image = VolumeShape(z: 10, y: 18, x: 15)
        let delta = Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [1])
        let engine = try TestEngine(backend.make(), image: image, psf: delta, boundary: .zero)
        let voxels = TestImage.random(image.voxelCount, seed: 4)
        #expect(relativeRMSE(try engine.forwardProject(voxels), voxels) < 1e-6)
    }
}
