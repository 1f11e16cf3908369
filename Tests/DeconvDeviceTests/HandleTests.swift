import DeconvDevice
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
        #expect(error.message.contains("--memory-limit"))
        #expect(error.message.contains(try backend.make().device.name))
        #expect(!error.message.contains("\n"))
    }

    @Test(arguments: TestBackend.openCL)
    func theCauseNamesTheCall(backend: TestBackend) throws {
        let error = try #require(HandleTests.error(backend, Self.absurdShape))
        #expect(error.description.contains("clCreateBuffer"))
        #expect(error.description.contains("CL_"))
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
