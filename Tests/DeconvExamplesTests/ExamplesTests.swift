import DeconvExamples
import DeconvPipeline
import DeconvTestSupport
import DeconvTools
import Foundation
import GPUDeconv
import Testing

@Suite struct ExamplesTests {
    /// A point of light under a Gaussian PSF on a camera's offset: what the examples are given.
    private func blurredPoint() -> (image: Volume, psf: Volume) {
        let spacing = VoxelSpacing(z: 0.25, y: 0.1, x: 0.1)
        let psf = GaussianPSF.normalized(
            shape: VolumeShape(z: 9, y: 13, x: 11),
            sigma: [1.2, 1.8, 1.5],
            spacing: spacing
        )
        let shape = VolumeShape(z: 12, y: 20, x: 18)
        let light = GaussianPSF.normalized(shape: shape, sigma: [1.2, 1.8, 1.5])
        return (Volume(shape: shape, voxels: light.voxels.map { 1_000_000 * $0 + 100 }, spacing: spacing), psf)
    }

    @Test func theArrayExampleGathersTheLightOfAPoint() throws {
        let (image, psf) = blurredPoint()
        let result = try deconvolve(image.voxels, shape: image.shape, psf: psf)
        #expect(result.count == image.voxels.count)
        let brightest = try #require(result.indices.max { result[$0] < result[$1] })
        #expect(brightest == (6 * 20 + 10) * 18 + 9)
        #expect(result[brightest] > 3 * (image.voxels[brightest] - 100))
        let total = result.reduce(0.0) { $0 + Double($1) }
        #expect(abs(total - 1_000_000) < 50_000)
    }

    @Test func theLibraryLeavesBadVoxelsOut() throws {
        let (image, psf) = blurredPoint()
        var broken = image
        var mask = Volume(shape: image.shape, voxels: [Float](repeating: 1, count: image.voxels.count))
        for voxel in stride(from: 3, to: image.voxels.count, by: 29) {
            broken.voxels[voxel] = .nan
            mask.voxels[voxel] = 0
        }
        var options = DeconvolutionOptions()
        (options.background, options.iterationCount) = (100, 10)
        let deconvolver = Deconvolver(options)
        let intact = try deconvolver.deconvolve(image, psf: psf).volume.voxels
        let flatField = Volume(shape: image.shape, voxels: [Float](repeating: 5, count: image.voxels.count))
        let result = try deconvolver.deconvolve(
            broken,
            psf: psf,
            sensitivity: Sensitivity(flatField: flatField, mask: mask)
        )
        #expect(relativeRMSE(result.volume.voxels, intact) < 0.02)
        #expect(result.report.maskedVoxelCount == mask.voxels.count { $0 == 0 })
        let error = #expect(throws: DeconvolutionError.self) {
            try deconvolver.deconvolve(image, psf: psf, sensitivity: Sensitivity(mask: psf))
        }
        #expect(
            error?.message.hasPrefix("the mask has 9x13x11 voxels, 1 channel, 1 time point, but the image has ") == true
        )
    }

    @Test func theFileExampleWritesItsOutput() throws {
        let folder = try TemporaryFolder()
        let simulation = SimulationJob(
            shape: VolumeShape(z: 8, y: 24, x: 20),
            spacing: VoxelSpacing(z: 0.25, y: 0.1, x: 0.1),
            psfShape: VolumeShape(z: 7, y: 9, x: 9),
            psf: .gaussian(fullWidth: VoxelSpacing(z: 0.6, y: 0.25, x: 0.25)),
            peakPhotons: 1000,
            background: 0,
            readNoise: 0,
            seed: 1,
            options: DeconvolutionOptions()
        )
        let files = try simulation.run(folder: folder.url.path, overwrite: false)
        let seconds = try deconvolve(file: files.observed, psf: files.psf, to: folder.path("sharp.tif"))
        #expect(seconds > 0)
        #expect(folder.contents == ["observed.tif", "psf.tif", "sharp.tif", "truth.tif"])
    }

    @Test func theReadmeShowsTheExampleAsItIsCompiled() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        let example = try String(
            contentsOf: root.appendingPathComponent("Examples/DeconvolveArray.swift"),
            encoding: .utf8
        )
        #expect(readme.contains("```swift\n\(example)```"))
    }
}
