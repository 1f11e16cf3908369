import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice

/// Products made within the transforms beside those made after them, and real transfer functions beside complex ones.
@Suite struct TransformFusionTests {
    static let image = VolumeShape(z: 10, y: 18, x: 15)

    /// Odd sizes and the same from both ends: its transfer function is real.
    static let symmetric = symmetrized(TestImage.psf(VolumeShape(z: 5, y: 7, x: 5)))
    static let skewed = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))

    private static func symmetrized(_ psf: Volume) -> Volume {
        var psf = psf
        psf.voxels = zip(psf.voxels, psf.voxels.reversed()).map { ($0 + $1) / 2 }
        return psf
    }

    private func workspace(_ backend: any ComputeBackend) throws -> OpenCLWorkspace {
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: Self.image,
                pixelType: .float32,
                psfShape: VolumeShape(z: 5, y: 7, x: 7),
                boundary: .extend,
                workShape: TestEngine.sharedWorkShape(isFlat: false)
            )
        )
        let made = try backend.makeWorkspace(WorkspaceLayout(plan.whole, pixelType: .float32))
        return try #require(made as? OpenCLWorkspace)
    }

    /// Forward and back projections of random fields.
    private func projections(_ workspace: OpenCLWorkspace, _ psf: Volume) throws -> [[Float]] {
        try workspace.setPSF(psf.voxels, shape: psf.shape)
        let field = try workspace.makeField()
        let layout = workspace.layout
        return try ([1, 2] as [UInt64]).flatMap { seed in
            try workspace.upload(TestImage.random(layout.domain.shape.voxelCount, seed: seed), to: field)
            try workspace.forwardProject(field)
            let forward = try workspace.downloadWork(layout.frame)
            // On the way back the frame's planes are the data, and those of the domain are read.
            try workspace.backProject()
            let both = try workspace.downloadWork(Region(VolumeShape(z: layout.domain.shape.z, y: 1, x: 1)))
            try workspace.upload(TestImage.random(layout.domain.shape.voxelCount, seed: seed + 7), to: field)
            try workspace.backProject(field)
            return [forward, both, try workspace.downloadWork(layout.mirroredFrame)]
        }
    }

    @Test(arguments: TestBackend.openCL)
    func fusedProjectionsAreTheUnfusedOnes(backend: TestBackend) throws {
        let fused = try workspace(backend.make())
        let unfused = try workspace(backend.makeNew(fuses: false))
        // The kind of the transfer function changes back and forth.
        for psf in [Self.skewed, Self.symmetric, Self.symmetric, Self.skewed] {
            let (a, b) = try (projections(fused, psf), projections(unfused, psf))
            for (a, b) in zip(a, b) { #expect(relativeRMSE(a, b) < 1e-6) }
            #expect(fused.isFused == (fused.fft == .clfft))
            #expect(!unfused.isFused)
        }
    }

    @Test(arguments: TestBackend.openCL)
    func aSymmetricPSFTakesHalfTheMemoryOfItsTransferFunction(backend: TestBackend) throws {
        let workspace = try workspace(backend.make())
        let spectrum = workspace.layout.spectrumCount
        try workspace.setPSF(Self.skewed.voxels, shape: Self.skewed.shape)
        let complex = workspace.byteCount
        try workspace.setPSF(Self.symmetric.voxels, shape: Self.symmetric.shape)
        #expect(complex - workspace.byteCount == spectrum * 4)
    }

    /// One that is hardly skewed keeps its complex transfer function.
    @Test(arguments: TestBackend.openCL)
    func aHardlySkewedPSFIsNotTakenForASymmetricOne(backend: TestBackend) throws {
        let workspace = try workspace(backend.make())
        var psf = Self.symmetric
        try workspace.setPSF(psf.voxels, shape: psf.shape)
        let real = workspace.byteCount
        psf.voxels[0] += 1e-5
        try workspace.setPSF(psf.voxels, shape: psf.shape)
        #expect(workspace.byteCount > real)
    }
}
