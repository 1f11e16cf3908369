import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Richardson-Lucy through a sieve against its formula in double precision, in one piece and in tiles.
@Suite struct SieveTests {
    private static let psf = TestImage.psf(VolumeShape(z: 3, y: 4, x: 5))
    /// Along z, y and x: 1, 2, 1.
    private static let line = [0.25, 0.5, 0.25]
    private static let sieve = Blur.Sieve(
        kernel: Volume(
            shape: VolumeShape(z: 3, y: 3, x: 3),
            voxels: line.flatMap { z in line.flatMap { y in line.map { Float(z * y * $0) } } }
        ),
        psf: psf
    )
    /// h ∗ k, of the shape that other tests transform.
    private static let blurred: Volume = {
        let shape = VolumeShape { psf.shape[$0] + 2 }
        var voxels = [Float](repeating: 0, count: shape.voxelCount)
        for z in 0..<psf.shape.z {
            for y in 0..<psf.shape.y {
                for x in 0..<psf.shape.x {
                    for (tap, weight) in sieve.kernel.voxels.enumerated() {
                        let place = [z + tap / 9, y + tap / 3 % 3, x + tap % 3]
                        voxels[(place[0] * shape.y + place[1]) * shape.x + place[2]] += weight * psf[z, y, x]
                    }
                }
            }
        }
        return Volume(shape: shape, voxels: voxels)
    }()

    @Test(arguments: TestBackend.all, [Acceleration.none, .heavyBall])
    func resultIsThatOfTheFormula(backend: TestBackend, acceleration: Acceleration) throws {
        for (boundary, hasSensitivity) in [
            (BoundaryMode.extend, false), (.extend, true), (.zero, false), (.periodic, false),
        ] {
            var item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            item.psf = Self.blurred
            func engine(_ core: VolumeShape?) throws -> TestEngine {
                try TestEngine(
                    backend.make(),
                    image: item.shape,
                    psf: item.psf,
                    sieve: Self.sieve,
                    boundary: boundary,
                    core: core
                )
            }
            let whole = try engine(nil)
            let estimate = AccelerationTests.domainReference(item, whole, acceleration, weight: nil)
            let expected = Self.sifted(estimate, item, whole)
            for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                let result = try item.deconvolve(engine(core), AccelerationTests.method(item, acceleration)).estimate
                #expect(relativeRMSE(result, expected) <= 1e-4, "\(core as Any), \(boundary), \(hasSensitivity)")
                #expect(result.allSatisfy { $0 >= 0 })
            }
        }
    }

    /// Wherever it is computed; and light is neither lost nor made.
    @Test func aJobIsSiftedInTilesAndChannels() throws {
        let shape = VolumeShape(z: 10, y: 18, x: 15)
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 7, x: 7), sigma: [1, 1.2, 1.2])
        let image = Volume(shape: shape, voxels: TestImage.observed(shape, psf: psf, background: 0))
        func run(_ sieve: Double, tile: VolumeShape? = nil) throws -> [Float] {
            var options = DeconvolutionOptions()
            (options.backend, options.psfAsIs, options.boundary) = (.cpu, true, .periodic)
            (options.sieve, options.iterationCount, options.tileShape) = (sieve, 20, tile)
            return try JobRun(image, psf: psf, options).voxels
        }
        let (plain, coarse) = try (run(0), run(0.3))
        #expect(relativeRMSE(try run(0.3, tile: VolumeShape(z: 6, y: 10, x: 12)), coarse) <= 1e-5)
        func roughness(_ voxels: [Float]) -> Double {
            let curvature = CurvatureReference.laplacian(of: voxels.map(Double.init), shape, rates: [1, 1, 1])
            return curvature.reduce(0) { $0 + $1 * $1 }
        }
        func sum(_ voxels: [Float]) -> Double { voxels.reduce(0) { $0 + Double($1) } }
        #expect(roughness(coarse) < 0.5 * roughness(plain))
        #expect(abs(sum(coarse) - sum(image.voxels)) <= 1e-4 * sum(image.voxels))
    }

    /// Photons that were held out are foretold by projections, which are those of the blurred object.
    @Test func heldOutPhotonsAllowMoreIterationsOfACoarserResult() throws {
        let shape = VolumeShape(z: 12, y: 40, x: 48)
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 9, y: 13, x: 13), sigma: [1.2, 1.5, 1.5])
        var generator = SeededGenerator(seed: 12)
        var light = [Double](repeating: 0, count: shape.voxelCount)
        for _ in 0..<25 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: [1.5, 2, 2])
            for index in light.indices { light[index] += 2000 * blob[index] }
        }
        let blurred = DirectConvolution(psf, frame: shape, boundary: .zero).forward(light)
        let image = Volume(shape: shape, voxels: blurred.map { Float(generator.poisson($0 + 2)) })
        func run(_ sieve: Double) throws -> (steps: Int, error: Double) {
            var options = DeconvolutionOptions()
            (options.backend, options.psfAsIs, options.background, options.gain) = (.cpu, true, 2, 1)
            (options.stop, options.acceleration, options.start, options.sieve) = (.heldOut, .heavyBall, .flat, sieve)
            let job = try JobRun(image, psf: psf, options)
            #expect(job.report.tunings.first?.stop == "held-out")
            let error = zip(job.voxels, light).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
            return (try #require(job.report.tunings.first).tuning.stepCount, error)
        }
        let (plain, coarse) = try (run(0), run(0.3))
        #expect(coarse.steps >= plain.steps && coarse.error < plain.error, "\(plain), \(coarse)")
    }

    @Test func aSieveIsForOnePSF() throws {
        let shape = VolumeShape(z: 8, y: 8, x: 8)
        let psf = MeasuredPSF(
            name: "psf.tif",
            volume: GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 3, x: 3), sigma: [1, 1, 1])
        )
        var options = DeconvolutionOptions()
        (options.backend, options.psfAsIs, options.sieve) = (.cpu, true, 0.3)
        options.spacing = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
        options.psfPlaces = [PSFPlace(z: 0), PSFPlace(z: 1)]
        let image = Volume(shape: shape, voxels: [Float](repeating: 1, count: shape.voxelCount))
        let job = DeconvolutionJob(source: ArraySource(image), psfs: [psf, psf], options: options)
        let error = #expect(throws: DeconvolutionError.self) { try job.plans() }
        #expect(error?.text(.flag).hasPrefix("--sieve is for a PSF that is the same everywhere, and --psf-at") == true)
    }

    /// k ∗ z on the frame.
    private static func sifted(_ estimate: [Double], _ item: MethodCase, _ engine: TestEngine) -> [Float] {
        // Of the shape of the PSF, so that it has the same domain.
        let shape = item.psf.shape
        var kernel = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        for (tap, weight) in sieve.kernel.voxels.enumerated() {
            kernel[shape.z / 2 - 1 + tap / 9, shape.y / 2 - 1 + tap / 3 % 3, shape.x / 2 - 1 + tap % 3] = weight
        }
        let blur = DirectConvolution(kernel, frame: engine.geometry.frame.shape, boundary: item.boundary)
        return blur.forward(estimate).map(Float.init)
    }
}
