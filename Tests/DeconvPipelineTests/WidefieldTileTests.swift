import DeconvDevice
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvSimulation
import DeconvTestSupport
import DeconvVolume
import Testing

/// The hardest case for tiles: haze that couples voxels far beyond the width of the PSF.
@Suite struct WidefieldTileTests {
    @Test(arguments: [DeconvolutionOptions.Backend.cpu, .opencl])
    func aQuarterOfTheMemoryShowsNoSeams(backend: DeconvolutionOptions.Backend) throws {
        let spacing = VoxelSpacing(z: 0.25, y: 0.1, x: 0.1)
        let optics = Microscope(kind: .widefield, numericalAperture: 1.2, emissionWavelength: 520, immersionIndex: 1.33)
        let psf = try optics.pointSpreadFunction(shape: VolumeShape(z: 9, y: 17, x: 17), spacing: spacing).psf
        let cell = try CellPhantom(
            shape: VolumeShape(z: 20, y: 80, x: 96),
            spacing: spacing,
            seed: 3,
            peakPhotons: 2000
        ).render()
        let counts = try Camera(offset: 100, seed: 3).record(cell).counts
        var options = DeconvolutionOptions()
        options.backend = backend
        options.background = 100

        func run(_ options: DeconvolutionOptions) throws -> (voxels: [Float], report: RunReport) {
            let sink = ArraySink()
            let job = DeconvolutionJob(
                source: ArraySource(.uint16(counts), shape: cell.shape, spacing: spacing),
                psfs: [MeasuredPSF(name: "widefield", volume: psf.volume)],
                options: options
            )
            let report = try job.run(into: sink)
            return (sink.voxels, report)
        }
        let whole = try run(options)
        #expect(whole.report.tileCount == 1)
        options.memoryLimitBytes = whole.report.peakDeviceBytes / 4
        let tiled = try run(options)
        #expect(tiled.report.tileCount > 1)
        #expect(tiled.report.peakDeviceBytes <= whole.report.peakDeviceBytes / 4)
        #expect(relativeRMSE(tiled.voxels, whole.voxels) <= 1e-5)
        // Row by row, so that a seam cannot hide among good voxels.
        for row in stride(from: 0, to: cell.shape.voxelCount, by: cell.shape.x) {
            let range = row..<row + cell.shape.x
            let (a, b) = (Array(tiled.voxels[range]), Array(whole.voxels[range]))
            if b.contains(where: { $0 > 1 }) { #expect(relativeRMSE(a, b) <= 1e-3, "row \(row / cell.shape.x)") }
        }
    }
}
