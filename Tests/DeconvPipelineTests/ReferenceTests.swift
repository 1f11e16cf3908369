import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The method against the NumPy script of its formulas, and against scikit-image.
@Suite struct ReferenceTests {
    private static let casesInPasses = [
        "3D extend", "3D extend, light start", "3D extend, light start, flat field and mask", "3D periodic",
        "3D edge, prime, background", "2D extend",
    ]

    @Test(arguments: TestBackend.all, ReferenceCase.all)
    func estimateMatchesTheReference(backend: TestBackend, reference: ReferenceCase) throws {
        try check(backend, reference, tile: nil)
    }

    @Test(arguments: TestBackend.all, ReferenceCase.all)
    func estimateFromTilesMatchesTheReference(backend: TestBackend, reference: ReferenceCase) throws {
        try check(backend, reference, tile: VolumeShape(z: 6, y: 10, x: 12))
    }

    /// Without a measurement on the way, for then the ratio is taken within a transform. Few cases, for each compiles its own
    /// kernels: a frame within the domain, lengths as they come, one plane, a sensitivity.
    @Test(arguments: TestBackend.withPasses, ReferenceCase.all.filter { Self.casesInPasses.contains($0.name) })
    func estimateInPassesMatchesTheReference(backend: TestBackend, reference: ReferenceCase) throws {
        try check(backend, reference, tile: nil, divergenceInterval: 0)
    }

    @Test(arguments: TestBackend.withPasses, ReferenceCase.all.filter { $0.name == casesInPasses[0] })
    func estimateFromTilesInPassesMatchesTheReference(backend: TestBackend, reference: ReferenceCase) throws {
        try check(backend, reference, tile: VolumeShape(z: 6, y: 10, x: 12))
    }

    private func check(
        _ backend: TestBackend,
        _ reference: ReferenceCase,
        tile: VolumeShape?,
        divergenceInterval: Int = 1
    ) throws {
        let backend = try backend.make()
        let boundary = try #require(BoundaryMode(rawValue: reference.boundary))
        let total = reference.psf.voxels.reduce(0.0) { $0 + Double($1) }
        let psf = reference.psf.voxels.map { Float(Double($0) / total) }
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: reference.observed.shape,
                pixelType: .float32,
                psfShape: reference.psf.shape,
                boundary: boundary,
                tileShape: tile,
                // One transform for all that do not depend on it: a new shape costs a device seconds of compiling.
                workShape: reference.workShape
                    ?? (reference.observed.shape.z == 1
                        ? VolumeShape(z: 1, y: 35, x: 28) : VolumeShape(z: 14, y: 24, x: 28)),
                padding: backend.padding
            )
        )
        let whole = WorkspaceLayout(plan.whole, pixelType: .float32)
        func streamed(_ projector: some Workspace) throws -> any Workspace {
            try StreamedWorkspace(whole, tile: projector, scratchFolder: nil, threadCount: 2)
        }
        let workspace: any Workspace
        if let tile = plan.tile {
            workspace = try streamed(backend.makeWorkspace(WorkspaceLayout(tile, pixelType: .float32)))
        } else {
            workspace = try backend.makeWorkspace(whole)
        }
        let reader = FrameReader(ArraySource(reference.observed), boundary: boundary)
        let frame = try reader.read(plan.frameInImage, channel: 0, timepoint: 0)
        let method = RichardsonLucy(
            iterationCount: reference.iterations,
            background: reference.background,
            readNoise: reference.readNoise,
            start: try #require(StartingEstimate(rawValue: reference.start)),
            divergenceInterval: divergenceInterval
        )
        let voxels = reference.observed.voxels
        let sensitivity = reference.sensitivity?.voxels ?? voxels.map { _ in 1 }
        let light = zip(voxels, sensitivity).reduce(0.0) {
            $0 + ($1.1 > 0 ? Double(max($1.0, 0)) - reference.background : 0)
        }
        let mean = reference.background + light / sensitivity.reduce(0.0) { $0 + Double($1) }
        let frameSensitivity = try reference.sensitivity.map {
            try FrameReader(ArraySource($0), boundary: boundary).read(plan.frameInImage, channel: 0, timepoint: 0)
        }

        func run(_ workspace: some Workspace) throws -> (estimate: [Float], divergence: [Double]) {
            let solver = try method.makeSolver(on: workspace)
            try solver.setPSF(Volume(shape: reference.psf.shape, voxels: psf))
            try workspace.setObserved { (region) throws(DeconvolutionError) in
                try ArraySource(frame, shape: plan.frameInImage.shape).read(region, channel: 0, timepoint: 0)
            }
            if let frameSensitivity {
                let source = ArraySource(frameSensitivity, shape: plan.frameInImage.shape)
                try solver.setSensitivity { (region) throws(DeconvolutionError) in
                    try source.read(region, channel: 0, timepoint: 0).floats
                }
            }
            var divergence: [Double] = []
            try solver.run(mean: mean, measuring: plan.imageInWhole) { step in
                if divergenceInterval > 0 { divergence.append(step.poissonDivergence ?? .nan) }
            }
            let estimate = try solver.result(plan.imageInWhole)
            return (estimate, divergence)
        }
        let result = try run(workspace)
        #expect(
            relativeRMSE(result.estimate, reference.expected.voxels)
                <= (reference.origin.contains("scikit") ? 1e-4 : 1e-5)
        )
        for (ours, theirs) in zip(result.divergence, reference.divergence) {
            #expect(abs(ours - theirs) <= 1e-4 * theirs)
        }
    }
}
