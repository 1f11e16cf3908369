import DeconvDevice
import DeconvMethods
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// What `gpudeconv bench` measures with.
@Suite struct MeasuringTests {
    /// From a slow disk's rate to ten times that of the fastest GPU.
    @Test(arguments: TestBackend.all)
    func aDeviceCopiesAtSomeRate(backend: TestBackend) throws {
        let rate = try backend.make().measureCopyRate()
        #expect(rate > 1e8 && rate < 1e14)
    }

    @Test(arguments: TestBackend.all)
    func transformsAreTimedAsOftenAsAskedFor(backend: TestBackend) throws {
        let backend = try backend.make()
        let work = TestEngine.sharedWorkShape(isFlat: false)
        let geometry = WorkGeometry(workShape: work, frame: Region(work), domain: Region(work), wraps: true)
        func measure(_ workspace: some Workspace) throws -> [Double] {
            try workspace.setPSF([1], shape: VolumeShape(z: 1, y: 1, x: 1))
            let field = try workspace.makeField()
            try workspace.fill(field, with: 2)
            var calls = 0
            let seconds = try workspace.measureTransforms(field, count: 3) { calls += 1 }
            #expect(calls == 4)
            // It was the transforms of this PSF, of one voxel, that were run: a projection gives the field back.
            try workspace.forwardProject(field)
            let voxel = try workspace.downloadWork(Region(VolumeShape(z: 1, y: 1, x: 1)))
            #expect(abs(voxel[0] - 2) < 1e-5)
            return seconds
        }
        let seconds = try measure(backend.makeWorkspace(WorkspaceLayout(geometry, pixelType: .float32)))
        #expect(seconds.count == 3)
        #expect(seconds.allSatisfy { $0 > 0 && $0 < 60 })
    }

    /// What is compared with clFFT's own transforms must be the same job: against the CPU engine, which is tested against NumPy.
    @Test(arguments: TestBackend.openCL, [BoundaryMode.extend, .zero])
    func theBaselineGivesWhatTheEngineGives(backend: TestBackend, boundary: BoundaryMode) throws {
        let opencl = try #require(try backend.make() as? OpenCLBackend)
        let shape = VolumeShape(z: 8, y: 16, x: 18)
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 7, y: 9, x: 11), sigma: [1.2, 1.5, 2])
        var generator = SeededGenerator(seed: 11)
        let voxels = VoxelData.uint16((0..<shape.voxelCount).map { _ in UInt16(20 + 200 * generator.uniform()) })
        let mean = voxels.floats.reduce(0.0) { $0 + Double($1) } / Double(voxels.count)

        let engine = try TestEngine(
            TestBackend.cpu.make(),
            image: shape,
            psf: psf,
            boundary: boundary,
            pixelType: .uint16
        )
        let expected = try engine.deconvolve(voxels, RichardsonLucy(iterationCount: 6)).estimate
        let baseline = try CLFFTVolumeBaseline(engine.plan.whole, pixelType: .uint16, on: opencl)
        try baseline.setPSF(psf)
        try baseline.setObserved(voxels)
        var iterations = 0
        try baseline.run(iterationCount: 6, mean: mean) { iterations += 1 }
        #expect(iterations == 6)
        #expect(baseline.byteCount >= 2 * 8 * engine.plan.whole.workShape.z * 24 * 15)
        let result = try baseline.result(engine.plan.imageInWhole)
        #expect(relativeRMSE(result, expected) < 1e-5)
        #expect(relativeRMSE(voxels.floats, expected) > 0.1)
    }
}
