import DeconvIO
import DeconvOptions
import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Testing

/// Frames that show nothing, as when the lamp went off.
@Suite struct DarkVolumeTests {
    private static let shape = VolumeShape(z: 5, y: 14, x: 12)

    private func write(_ volumes: [[Float]], to path: String) throws {
        let image = ImageDescription(shape: Self.shape, timepointCount: volumes.count, pixelType: .float32)
        let sink = try TIFFSink(path: path, image: image)
        for volume in volumes {
            for z in 0..<Self.shape.z {
                try volume.withUnsafeBufferPointer { voxels throws(DeconvolutionError) in
                    let start = z * Self.shape.planeVoxelCount
                    try sink.append(UnsafeBufferPointer(rebasing: voxels[start..<start + Self.shape.planeVoxelCount]))
                }
            }
        }
        try sink.finish()
    }

    private var psf: Volume {
        GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: [0.8, 1, 1])
    }

    @Test func aDarkFrameOfASeriesIsZeroAndTheOthersAreDone() throws {
        let folder = try TemporaryFolder()
        var generator = SeededGenerator(seed: 5)
        let bright = (0..<Self.shape.voxelCount).map { _ in Float(100 + 50 * generator.uniform()) }
        let dark = [Float](repeating: 97, count: Self.shape.voxelCount)
        try write([bright, dark, bright], to: folder.path("series.tif"))
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.background = 98
        options.psfAsIs = true
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: try ImageFile.open(path: folder.path("series.tif")),
            psfs: [MeasuredPSF(name: "psf", volume: psf)],
            options: options
        )
        let report = try job.run(into: sink)
        let count = Self.shape.voxelCount
        #expect(Array(sink.voxels[0..<count]) == Array(sink.voxels[2 * count..<3 * count]))
        #expect(sink.voxels[0..<count].contains { $0 > 1 })
        #expect(sink.voxels[count..<2 * count].allSatisfy { $0 == 0 })
        #expect(
            report.warnings.contains {
                $0.text(.flag).hasSuffix("series.tif: where the mean is not above --background 98 the result is 0")
                    && $0.figures?.text(.flag) == "channel 0, time point 1: a mean of 97 counts"
            }
        )
    }

    @Test func hugeValuesAreDeconvolvedAndTold() throws {
        let voxels = (0..<Self.shape.voxelCount).map { Float(1e22) * Float(1 + $0 % 7) }
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.psfAsIs = true
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: ArraySource(.float32(voxels), shape: Self.shape),
            psfs: [MeasuredPSF(name: "psf", volume: psf)],
            options: options
        )
        let report = try job.run(into: sink)
        #expect(sink.voxels.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(
            report.warnings.contains {
                $0.kind == .cameraOffset && $0.figures?.text(.flag).hasPrefix("the darkest voxel has") == true
            }
        )
    }
}
