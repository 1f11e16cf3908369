import DeconvDevice
import DeconvMethods
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The method against the NumPy script of its formulas, and against scikit-image.
@Suite struct ReferenceTests {
    @Test(arguments: TestBackend.all, ReferenceCase.all)
    func estimateMatchesTheReference(backend: TestBackend, reference: ReferenceCase) throws {
        let backend = try backend.make()
        let boundary = try #require(BoundaryMode(rawValue: reference.boundary))
        let total = reference.psf.voxels.reduce(0.0) { $0 + Double($1) }
        let psf = reference.psf.voxels.map { Float(Double($0) / total) }
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: reference.observed.shape,
                pixelType: .float32,
                psf: PSFExtent(shape: reference.psf.shape, energyRadius: reference.psf.shape),
                boundary: boundary,
                budget: MemoryBudget(totalBytes: .max),
                // One transform for all that do not depend on it: a new shape costs a device seconds of compiling.
                workShape: reference.workShape
                    ?? (reference.observed.shape.z == 1
                        ? VolumeShape(z: 1, y: 35, x: 28) : VolumeShape(z: 14, y: 24, x: 28)),
                supportsLength: backend.supportsLength
            )
        )
        let tile = plan.tiles[0]
        let workspace = try backend.makeWorkspace(WorkspaceLayout(tile.geometry, pixelType: .float32))
        let frame = try FrameReader(ArraySource(reference.observed), boundary: boundary)
            .read(tile.frame, channel: 0, timepoint: 0)
        let method = RichardsonLucy(
            iterationCount: reference.iterations,
            background: reference.background,
            readNoise: reference.readNoise,
            start: .flat,
            divergenceInterval: 1
        )
        let voxels = reference.observed.voxels
        let mean = voxels.reduce(0.0) { $0 + Double(max($1, 0)) } / Double(voxels.count)

        func run(_ workspace: some Workspace) throws -> (estimate: [Float], divergence: [Double]) {
            try workspace.setPSF(psf, shape: reference.psf.shape)
            let solver = try RichardsonLucy.Solver(method, on: workspace)
            var divergence: [Double] = []
            let estimate = try solver.estimate(tile, observed: frame, mean: mean) { step in
                divergence.append(step.poissonDivergence ?? .nan)
            }
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
