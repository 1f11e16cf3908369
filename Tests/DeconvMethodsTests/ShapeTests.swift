import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// What goes in comes out: the shape, numbers that are numbers, and word of what was done to the PSF.
@Suite struct ShapeTests {
    private static let shapes = [
        [1, 1, 1], [1, 1, 17], [1, 13, 1], [11, 1, 1], [2, 2, 2], [5, 1, 6], [1, 8, 9], [3, 17, 1], [7, 11, 13],
        [4, 6, 10],
    ].map { axes in VolumeShape { axes[$0] } }

    private static let psfs = [[1, 1, 1], [3, 3, 3], [1, 4, 5], [9, 8, 21]].map { axes in VolumeShape { axes[$0] } }

    @Test(arguments: shapes, psfs)
    func resultHasTheShapeOfTheImage(shape: VolumeShape, psf: VolumeShape) throws {
        for boundary in BoundaryMode.allCases { try check(.cpu, shape, psf, boundary) }
    }

    /// Two of them on devices, where every shape of a transform has to be compiled; `ProjectionTests` has others.
    @Test(arguments: TestBackend.openCL, [0, 8])
    func resultOfADeviceHasTheShapeOfTheImage(backend: TestBackend, number: Int) throws {
        try check(backend, Self.shapes[number], VolumeShape(z: 3, y: 4, x: 5), .extend)
    }

    private func check(
        _ backend: TestBackend,
        _ shape: VolumeShape,
        _ psf: VolumeShape,
        _ boundary: BoundaryMode
    ) throws {
        var options = DeconvolutionOptions()
        options.device = "\(backend.number)"
        options.fft = backend.fft
        options.iterationCount = 3
        options.psfAsIs = true
        options.boundary = boundary
        let observed = TestImage.random(shape.voxelCount, seed: 3).map { 100 * $0 + 1 }
        let run = try JobRun(Volume(shape: shape, voxels: observed), psf: TestImage.psf(psf), options)
        #expect(run.report.shape == shape)
        #expect(run.voxels.count == shape.voxelCount)
        #expect(run.voxels.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(run.voxels.contains { $0 > 0 })
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func aVoxelThatIsNoNumberIsNamed(value: Float) throws {
        let shape = VolumeShape(z: 4, y: 6, x: 10)
        var image = Volume(shape: shape, voxels: TestImage.random(shape.voxelCount, seed: 1))
        image[2, 5, 7] = value
        for tile in [nil, VolumeShape(z: 2, y: 3, x: 10)] {
            var options = DeconvolutionOptions()
            options.device = "cpu"
            options.tileShape = tile
            options.psfAsIs = true
            let error = #expect(throws: DeconvolutionError.self) {
                _ = try JobRun(image, psf: TestImage.psf(VolumeShape(z: 3, y: 3, x: 3)), options)
            }
            #expect(error?.code == .invalidData)
            #expect(error?.message.contains("(z 2, y 5, x 7)") == true, "\(error?.message ?? "")")
            #expect(error?.message.contains("image.tif") == true)
        }
    }

    /// Light without any noise, a border of zeros, a dark row and negative voxels: nothing of it makes a NaN.
    @Test(arguments: TestBackend.all)
    func zerosAndNegativesStayNumbers(backend: TestBackend) throws {
        let shape = VolumeShape(z: 10, y: 18, x: 15)
        var image = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        image[5, 9, 7] = 1e6
        image[0, 0, 0] = -50
        image[9, 17, 14] = 1e-30
        for start in StartingEstimate.allCases {
            for boundary in [BoundaryMode.extend, .zero, .edge, .reflect] {
                let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
                let engine = try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary)
                let method = RichardsonLucy(iterationCount: 25, background: 0.5, start: start)
                let estimate = try engine.deconvolve(.float32(image.voxels), method).estimate
                #expect(estimate.allSatisfy { $0.isFinite && $0 >= 0 })
                #expect(estimate.contains { $0 > 0 })
            }
        }
    }

    @Test func aPSFOfAnotherSpacingIsResampledAndTheReportSaysSo() throws {
        let imageSpacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.15)
        let psfSpacing = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        let shape = VolumeShape(z: 10, y: 20, x: 16)
        // One Gaussian in micrometers, sampled twice: 0.3, 0.15, 0.2 µm wide.
        func blob(_ shape: VolumeShape, _ spacing: VoxelSpacing) -> Volume {
            let width = [0.3, 0.15, 0.2]
            let sigma = (0..<3).map { width[$0] / spacing[$0] }
            return GaussianPSF.normalized(shape: shape, sigma: sigma, spacing: spacing)
        }
        var options = DeconvolutionOptions()
        options.device = "cpu"
        let truth = blob(VolumeShape(z: 9, y: 13, x: 13), imageSpacing)
        let points = TestImage.observed(shape, psf: truth)
        let image = Volume(shape: shape, voxels: points, spacing: imageSpacing)

        let measured = blob(VolumeShape(z: 27, y: 13, x: 19), psfSpacing)
        let resampled = try JobRun(image, psf: measured, options)
        let report = try #require(resampled.report.psfs.first)
        #expect(report.resampled?.from == psfSpacing)
        #expect(report.resampled?.to == imageSpacing)
        #expect(report.outputSpacing == imageSpacing)
        #expect(report.outputShape.z < 27 && report.outputShape.x < 19)
        #expect(!resampled.report.warnings.contains { $0.kind == .spacingUnknown })

        let same = try JobRun(image, psf: truth, options)
        #expect(same.report.psfs.first?.resampled == nil)
        #expect(relativeRMSE(resampled.voxels, same.voxels) < 0.02)
    }

    @Test func anUnknownSpacingIsTakenAsEqualAndToldOf() throws {
        let shape = VolumeShape(z: 4, y: 6, x: 10)
        var options = DeconvolutionOptions()
        options.device = "cpu"
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 5, x: 5), sigma: [0.8, 0.8, 0.8])
        let image = Volume(
            shape: shape,
            voxels: TestImage.random(shape.voxelCount, seed: 1),
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        )
        let run = try JobRun(image, psf: psf, options)
        #expect(run.report.psfs.first?.resampled == nil)
        #expect(run.report.warnings.contains { $0.kind == .spacingUnknown })
    }
}
