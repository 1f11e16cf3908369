import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice

/// Steps made within the transforms beside the kernels that do the same between them, and real transfer functions.
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

    private func layout(_ type: PixelType, boundary: BoundaryMode) throws -> WorkspaceLayout {
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: Self.image,
                pixelType: type,
                psfShape: VolumeShape(z: 5, y: 7, x: 7),
                boundary: boundary,
                workShape: TestEngine.sharedWorkShape(isFlat: false)
            )
        )
        return WorkspaceLayout(plan.whole, pixelType: type)
    }

    private func workspace(
        _ backend: any ComputeBackend,
        _ type: PixelType = .float32,
        boundary: BoundaryMode = .extend
    ) throws -> OpenCLWorkspace {
        let made = try backend.makeWorkspace(layout(type, boundary: boundary))
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
            // On the way back the frame is the data, and the domain is read.
            try workspace.setSensitivity { TestImage.random($0.shape.voxelCount, seed: seed + 3) }
            try workspace.fillWorkWithSensitivity(complemented: false)
            try workspace.backProject()
            let backward = try workspace.downloadWork(Region(layout.domain.shape))
            try workspace.upload(TestImage.random(layout.domain.shape.voxelCount, seed: seed + 7), to: field)
            try workspace.backProject(field)
            return [forward, backward, try workspace.downloadWork(layout.mirroredFrame)]
        }
    }

    @Test(arguments: TestBackend.openCL + TestBackend.withPasses)
    func fusedProjectionsAreTheUnfusedOnes(backend: TestBackend) throws {
        let fused = try workspace(backend.make())
        let unfused = try workspace(backend.makeUnfused())
        // The kind of the transfer function changes back and forth.
        for psf in [Self.skewed, Self.symmetric, Self.symmetric, Self.skewed] {
            let (a, b) = try (projections(fused, psf), projections(unfused, psf))
            for (a, b) in zip(a, b) { #expect(relativeRMSE(a, b) < 1e-6) }
            #expect(fused.isFused == (fused.fft == .clfft))
            #expect(fused.usesPasses == backend.usesPasses)
            #expect(!unfused.isFused && !unfused.usesPasses)
        }
    }

    /// Estimates after a few updates of every kind: constants that change, weights or none, with and without a measurement on
    /// the way, and with a sensitivity, whose ratio no transform takes.
    private func estimates(_ workspace: OpenCLWorkspace, _ observed: VoxelData) throws -> [[Float]] {
        let layout = workspace.layout
        try workspace.setPSF(Self.skewed.voxels, shape: Self.skewed.shape)
        try workspace.setObserved { _ in observed }
        let (estimate, weights) = try (workspace.makeField(), workspace.makeField())
        let start = TestImage.random(layout.domain.shape.voxelCount, seed: 3)
        var normalization = TestImage.random(layout.domain.shape.voxelCount, seed: 4)
        for index in stride(from: 0, to: normalization.count, by: 7) { normalization[index] = 0 }
        try workspace.upload(start, to: estimate)
        try workspace.upload(normalization, to: weights)
        func update(_ constants: RatioConstants, _ weights: OpenCLWorkspace.Field?, least: Float = 0) throws {
            try workspace.forwardProject(estimate)
            _ = try workspace.takeRatio(constants, measuring: nil)
            try workspace.backProject()
            try workspace.multiply(estimate, byWorkAnd: weights, least: least, projectingNext: true)
        }
        let flat = RatioConstants(background: 0, readNoiseVariance: 0, floor: 1e-6)
        let raised = RatioConstants(offset: 0.5, background: 0.75, readNoiseVariance: 0.25, floor: 0.01)
        var results: [[Float]] = []
        for (constants, weights) in [(flat, nil), (raised, weights), (flat, weights), (raised, nil)] {
            try update(constants, weights)
            results.append(try workspace.download(estimate, region: Region(layout.domain.shape)))
            try workspace.upload(start, to: estimate)
        }
        try update(raised, nil, least: 0.7)
        try workspace.forwardProject(estimate)
        let divergence = try #require(try workspace.takeRatio(raised, measuring: layout.frame))
        try workspace.backProject()
        try workspace.multiply(estimate, byWorkAnd: weights, least: 0, projectingNext: true)
        results.append(try workspace.download(estimate, region: Region(layout.domain.shape)) + [Float(divergence)])
        try workspace.setSensitivity { TestImage.random($0.shape.voxelCount, seed: 6) }
        try update(flat, weights)
        results.append(try workspace.download(estimate, region: Region(layout.domain.shape)))
        return results
    }

    @Test(arguments: TestBackend.withPasses, [PixelType.uint8, .uint16, .float32])
    func fusedUpdatesAreTheUnfusedOnes(backend: TestBackend, type: PixelType) throws {
        let values = TestImage.random(Self.image.voxelCount, seed: 5).map { $0 * 20 }
        let observed: VoxelData =
            switch type {
            case .uint8: .uint8(values.map { UInt8(abs($0)) })
            case .uint16: .uint16(values.map { UInt16(abs($0)) })
            // Values below 0 count as 0.
            default: .float32(values.map { $0 - 5 })
            }
        for boundary in [BoundaryMode.extend, .zero] {
            let fused = try workspace(backend.make(), type, boundary: boundary)
            let unfused = try workspace(backend.makeUnfused(), type, boundary: boundary)
            let (a, b) = try (estimates(fused, observed), estimates(unfused, observed))
            for (a, b) in zip(a, b) { #expect(relativeRMSE(a, b) < 2e-6) }
            guard type == .float32, boundary == .extend else { continue }
            let unpadded = try estimates(unpadded(backend), observed)
            for (a, b) in zip(unpadded, b) { #expect(relativeRMSE(a, b) < 2e-6) }
        }
    }

    /// As for volumes so large that pitches of powers of two would not fit into 32 bits.
    private func unpadded(_ backend: TestBackend) throws -> OpenCLWorkspace {
        let made = try #require(try backend.make() as? OpenCLBackend)
        let workspace = try OpenCLWorkspace(
            layout(.float32, boundary: .extend),
            CLFFTEngine(largestPaddedCount: 0),
            fuses: true,
            usesPasses: true,
            in: made.context
        )
        #expect(workspace.usesPasses)
        return workspace
    }

    @Test(arguments: TestBackend.withPasses)
    func projectionsWithoutPaddedPitchesAreTheUnfusedOnes(backend: TestBackend) throws {
        let unfused = try workspace(backend.makeUnfused())
        let (a, b) = try (projections(unpadded(backend), Self.skewed), projections(unfused, Self.skewed))
        for (a, b) in zip(a, b) { #expect(relativeRMSE(a, b) < 1e-6) }
    }

    /// An estimate with one voxel that is no number, which a transform carries to all others.
    @Test(arguments: TestBackend.all + TestBackend.withPasses)
    func whatIsNoNumberReachesTheResult(backend: TestBackend) throws {
        func update(_ workspace: some Workspace, isWeighted: Bool) throws {
            let (shape, frame) = (workspace.layout.domain.shape, workspace.layout.frame.shape)
            try workspace.setPSF(Self.skewed.voxels, shape: Self.skewed.shape)
            try workspace.setObserved { _ in .float32([Float](repeating: 1, count: frame.voxelCount)) }
            let (estimate, weights) = try (workspace.makeField(), workspace.makeField())
            var voxels = [Float](repeating: 1, count: shape.voxelCount)
            voxels[voxels.count / 2] = .nan
            try workspace.upload(voxels, to: estimate)
            try workspace.fill(weights, with: 0.5)
            try workspace.forwardProject(estimate)
            _ = try workspace.takeRatio(RatioConstants(background: 0, readNoiseVariance: 0, floor: 1), measuring: nil)
            try workspace.backProject()
            try workspace.multiply(
                estimate,
                byWorkAnd: isWeighted ? weights : nil,
                least: 0,
                projectingNext: false
            )
            #expect(try workspace.download(estimate, region: Region(shape)).allSatisfy { $0.isNaN })
        }
        for isWeighted in [false, true] {
            try update(backend.make().makeWorkspace(layout(.float32, boundary: .extend)), isWeighted: isWeighted)
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
