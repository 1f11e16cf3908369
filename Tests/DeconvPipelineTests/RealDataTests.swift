import DeconvComparison
import DeconvDevice
import DeconvIO
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Testing

/// The main job on real stacks, as a scientist runs it.
@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.skipReason)), .serialized)
struct RealDataTests {
    private static func psf(_ path: String) throws -> MeasuredPSF {
        try FileDeconvolution.measuredPSFs(in: ImageFile.open(path: SharedData.path(path)))[0]
    }

    private static func run(
        _ path: String,
        psf: String,
        _ options: DeconvolutionOptions
    ) throws -> (voxels: [Float], report: RunReport, source: any ImageFileSource) {
        let source = try ImageFile.open(path: SharedData.path(path))
        let sink = ArraySink()
        let job = DeconvolutionJob(source: source, psfs: [try Self.psf(psf)], options: options)
        let report = try job.run(into: sink)
        return (sink.voxels, report, source)
    }

    private static var latticeOptions: DeconvolutionOptions {
        var options = DeconvolutionOptions()
        options.background = 98
        options.spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        options.psfSpacing = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        (options.backend, options.iterationCount) = (.cpu, 10)
        return options
    }

    @Test func latticeCellIsTheSameOnADeviceAndKeepsItsLight() throws {
        let cpu = try Self.run("lattice-cell/observed.tif", psf: "lattice-cell/psf.tif", Self.latticeOptions)
        #expect(cpu.report.shape == VolumeShape(z: 88, y: 320, x: 481))
        #expect(cpu.voxels.count == 88 * 320 * 481)
        #expect(cpu.voxels.allSatisfy { $0.isFinite && $0 >= 0 })
        let observed = try cpu.source.readVolume().floats.reduce(0.0) { $0 + Double($1) - 98 }
        let sum = cpu.voxels.reduce(0.0) { $0 + Double($1) }
        #expect(abs(sum - observed) <= 0.03 * observed)
        let resampled = try #require(cpu.report.psfs[0].resampled)
        #expect(resampled.from.z == 0.1 && resampled.to.z == 0.3)

        var options = Self.latticeOptions
        options.backend = .opencl
        let device = try Self.run("lattice-cell/observed.tif", psf: "lattice-cell/psf.tif", options)
        #expect(device.report.device.backend == .opencl)
        #expect(relativeRMSE(device.voxels, cpu.voxels) <= 1e-5)
    }

    @Test func latticeCellInTilesShowsNoSeams() throws {
        let whole = try Self.run("lattice-cell/observed.tif", psf: "lattice-cell/psf.tif", Self.latticeOptions)
        var options = Self.latticeOptions
        options.memoryLimitBytes = whole.report.peakDeviceBytes / 4
        let tiled = try Self.run("lattice-cell/observed.tif", psf: "lattice-cell/psf.tif", options)
        #expect(tiled.report.tileCount > 1)
        #expect(tiled.report.peakDeviceBytes <= whole.report.peakDeviceBytes / 4)
        var comparison = ImageComparison.Accumulator(rowLength: 481)
        comparison.add(tiled.voxels, whole.voxels)
        #expect(try #require(comparison.comparison.nrmse) <= 1e-5)
        #expect(try #require(comparison.comparison.largestRowNRMSE) <= 1e-4)
    }

    @Test(arguments: [DeconvolutionOptions.Backend.cpu, .opencl])
    func hollowBarsComeNearerToTheTruthEveryTenIterations(backend: DeconvolutionOptions.Backend) throws {
        let truth = try ImageFile.open(path: SharedData.path("hollow-bars/truth.tif")).readVolume().floats
        func psnr(_ voxels: [Float]) throws -> Double {
            var match = ScaleMatch()
            match.add(voxels, truth)
            var comparison = ImageComparison.Accumulator(rowLength: 64, scale: match.scale)
            comparison.add(voxels, truth)
            return try #require(comparison.comparison.psnr)
        }
        let observed = try ImageFile.open(path: SharedData.path("hollow-bars/observed.tif")).readVolume().floats
        var last = try psnr(observed)
        #expect(abs(last - 26.2) < 0.05)
        for iterations in stride(from: 10, through: 100, by: 10) {
            var options = DeconvolutionOptions()
            options.backend = backend
            options.iterationCount = iterations
            // The file was blurred with this very PSF, half a plane off centre as it is.
            options.psfAsIs = true
            let result = try Self.run("hollow-bars/observed.tif", psf: "hollow-bars/psf.tif", options)
            let next = try psnr(result.voxels)
            #expect(next > last, "iteration \(iterations)")
            last = next
        }
        // A NumPy prototype of the formulas: 27.89 dB.
        #expect(last >= 27.8 && abs(last - 27.89) < 0.05)
    }
}
