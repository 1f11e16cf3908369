import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// Jobs of an object that was observed twice, from both images and their PSFs to result and report.
@Suite struct SecondViewJobTests {
    private static let shape = VolumeShape(z: 24, y: 28, x: 28)
    private static let spacing = VoxelSpacing(z: 0.2, y: 0.2, x: 0.2)
    /// One blurs along z, the other along x.
    private static let psfs = [[3.5, 1, 1], [1, 1, 3.5]].map {
        GaussianPSF.normalized(shape: VolumeShape(z: 15, y: 7, x: 15), sigma: $0, spacing: spacing)
    }
    private static let backgrounds = [5.0, 12]

    /// Beads, and what each PSF makes of their light.
    private static let phantom: (truth: [Float], images: [Volume]) = {
        var generator = SeededGenerator(seed: 3)
        var truth = [Double](repeating: 0, count: shape.voxelCount)
        for _ in 0..<30 {
            let center = shape.axes.map { 3 + generator.uniform() * Double($0 - 6) }
            let bead = GaussianPSF.voxels(shape: shape, center: center, sigma: [0.8, 0.8, 0.8], peak: 1500)
            for index in truth.indices { truth[index] += bead[index] }
        }
        let images = zip(psfs, backgrounds).map { psf, background in
            let blurred = DirectConvolution(psf, frame: shape, boundary: .zero).forward(truth)
            return Volume(
                shape: shape,
                voxels: blurred.map { Float(generator.poisson($0 + background)) },
                spacing: spacing
            )
        }
        return (truth.map { Float($0) }, images)
    }()

    private static func job(
        _ views: [Int],
        images: [Volume] = phantom.images,
        _ change: (inout DeconvolutionOptions) -> Void = { _ in }
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.background = .value(backgrounds[views[0]])
        if views.count > 1 { options.viewBackground = .value(backgrounds[views[1]]) }
        options.psfAsIs = true
        change(&options)
        func psf(_ view: Int) -> MeasuredPSF { MeasuredPSF(name: "psf\(view).tif", volume: psfs[view]) }
        func source(_ view: Int) -> ArraySource { ArraySource(images[view], name: "view\(view).tif") }
        return DeconvolutionJob(
            source: source(views[0]),
            psfs: [psf(views[0])],
            secondView: views.count > 1 ? SecondView(source: source(views[1]), psfs: [psf(views[1])]) : nil,
            options: options
        )
    }

    private static func deconvolved(
        _ views: [Int],
        images: [Volume] = phantom.images,
        _ change: (inout DeconvolutionOptions) -> Void = { _ in }
    ) throws -> (voxels: [Float], report: RunReport) {
        let sink = ArraySink()
        let report = try job(views, images: images, change).run(into: sink)
        return (sink.voxels, report)
    }

    /// As many iterations as the photons of both say, by the method that is taken where nobody names one.
    @Test func twoViewsTellMoreThanEither() throws {
        let errors = try [[0], [1], [0, 1]].map { views in
            try relativeRMSE(Self.deconvolved(views).voxels, Self.phantom.truth)
        }
        #expect(20 * log10(min(errors[0], errors[1]) / errors[2]) >= 2, "\(errors)")
    }

    @Test func tilesAndBackgroundsThatAreFoundAreAsInOnePiece() throws {
        func run(_ tile: VolumeShape?) throws -> (voxels: [Float], report: RunReport) {
            try Self.deconvolved([0, 1]) {
                ($0.background, $0.viewBackground) = (.auto, nil)
                ($0.iterationCount, $0.tileShape) = (10, tile)
                $0.method = .richardsonLucy
            }
        }
        let (whole, tiles) = try (run(nil), run(VolumeShape(z: 13, y: 20, x: 28)))
        #expect(tiles.report.tileCount > 1)
        #expect(relativeRMSE(tiles.voxels, whole.voxels) <= 1e-5)
        // Each view has its own.
        let found = whole.report.views.map { $0.backgrounds[0] }
        #expect(abs(found[0] - 5) < 2 && abs(found[1] - 12) < 3, "\(found)")
        #expect(whole.report.backgrounds == [found[0]] && whole.report.views.map(\.name) == ["view0.tif", "view1.tif"])
        #expect(!whole.report.warnings.contains { $0.kind == .viewsDiffer })
    }

    /// A frame, a transfer function, W and the factor of the first view.
    @Test func theSecondViewIsCountedInMemory() throws {
        let run: (inout DeconvolutionOptions) -> Void = { $0.iterationCount = 3 }
        let (one, two) = try (Self.job([0], run).plans()[0], Self.job([0, 1], run).plans()[0])
        let (first, both) = (one.tiles.footprint, two.tiles.footprint)
        #expect(both.otfBytes == 2 * first.otfBytes && both.observedBytes == 2 * first.observedBytes)
        #expect(both.fieldBytes == first.fieldBytes + 2 * first.largestFieldBytes)
        #expect(two.transformsPerIteration == 8 && one.transformsPerIteration == 4)
        #expect(try Self.deconvolved([0, 1], run).report.peakDeviceBytes <= both.deviceBytes)
    }

    /// Twice the light, and the factor that makes it the same.
    @Test func lightThatDiffersIsSaid() throws {
        var images = Self.phantom.images
        images[1].voxels = images[1].voxels.map { 2 * $0 }
        let report = try Self.deconvolved([0, 1], images: images) {
            ($0.iterationCount, $0.viewBackground) = (2, 24)
        }.report
        let warning = try #require(report.warnings.first { $0.kind == .viewsDiffer })
        #expect(warning.figures?.text(.flag).contains("factor 0.") == true)
        let sums = report.views.map(\.observedSum)
        #expect(abs(sums[1] / sums[0] - 2) < 0.1 && report.observedSum == sums[0])
    }

    @Test func whatDoesNotGoTogetherIsRefused() throws {
        func message(
            _ images: [Volume] = Self.phantom.images,
            _ change: (inout DeconvolutionOptions) -> Void
        ) -> String {
            let error = #expect(throws: DeconvolutionError.self) {
                try Self.deconvolved([0, 1], images: images, change)
            }
            return error?.message ?? ""
        }
        for name in ["wiener", "fast", "gated", "rlgc", "landweber"] {
            let text = message { $0.method = MethodName(rawValue: name) }
            #expect(
                text.contains("\(name) compares one image; choose") && text.contains("auto or richardson-lucy"),
                "\(text)"
            )
        }
        #expect(message { $0.sieve = 0.3 }.contains("as wide as one PSF"))
        var images = Self.phantom.images
        images[1].spacing = VoxelSpacing(z: 0.4, y: 0.2, x: 0.2)
        let sizes = message(images) { _ in }
        #expect(sizes.contains("view1.tif has voxels of") && sizes.contains("view0.tif"))
        let shape = VolumeShape(z: 23, y: 28, x: 28)
        images[1] = Volume(shape: shape, voxels: [Float](repeating: 9, count: shape.voxelCount), spacing: Self.spacing)
        let voxels = message(images) { _ in }
        #expect(voxels.contains("view1.tif has 23x28x28 voxels") && voxels.contains("view0.tif has 24x28x28 voxels"))
        images[1] = Volume(shape: Self.shape, voxels: Self.phantom.truth.map { _ in 7 }, spacing: Self.spacing)
        #expect(message(images) { _ in }.contains("view1.tif has no light above its background"))
    }
}
