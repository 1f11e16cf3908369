import DeconvIO
import DeconvMethods
import DeconvOptions
@testable import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Maps of the standard error, from halves of the photons to files.
@Suite struct UncertaintyTests {
    private static let shape = VolumeShape(z: 12, y: 40, x: 48)
    private static let psf = GaussianPSF.normalized(
        shape: VolumeShape(z: 9, y: 13, x: 13),
        sigma: [1.2, 1.5, 1.5],
        spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
    )
    private static let (gain, offset) = (2.0, 60.0)

    /// Counts without their noise: blobs over a haze.
    private static let light: [Double] = {
        var light = [Double](repeating: 3, count: shape.voxelCount)
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<25 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: [1, 1.1, 1.1])
            for index in light.indices { light[index] += 600 * blob[index] }
        }
        return DirectConvolution(psf, frame: shape, boundary: .zero).forward(light)
    }()

    private static func image(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return light.map { Float((gain * generator.poisson($0) + offset).rounded()) }
    }

    private static func write(
        _ voxels: [Float],
        _ shape: VolumeShape,
        channels: Int = 1,
        timepoints: Int = 1,
        _ type: PixelType = .float32,
        to path: String
    ) throws {
        let image = ImageDescription(
            shape: shape,
            channelCount: channels,
            timepointCount: timepoints,
            pixelType: type,
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        )
        let sink = try TIFFSink(path: path, image: image, pixelType: type, overwrite: true)
        for plane in stride(from: 0, to: voxels.count, by: shape.planeVoxelCount) {
            try voxels[plane..<plane + shape.planeVoxelCount].withUnsafeBufferPointer { try sink.append($0) }
        }
        try sink.finish()
    }

    /// Volumes as a series of `channels` channels, the channel fastest.
    private static func folder(_ volumes: [[Float]], channels: Int = 1) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let count = shape.planeVoxelCount
        var planes: [Float] = []
        for first in stride(from: 0, to: volumes.count, by: channels) {
            for z in 0..<shape.z {
                for channel in 0..<channels { planes += volumes[first + channel][z * count..<(z + 1) * count] }
            }
        }
        try write(
            planes,
            shape,
            channels: channels,
            timepoints: volumes.count / channels,
            .uint16,
            to: folder.path("image.tif")
        )
        try write(psf.voxels, psf.shape, to: folder.path("psf.tif"))
        return folder
    }

    private static func run(
        _ folder: TemporaryFolder,
        output: String = "out.tif",
        map: String? = "map.tif",
        cancellation: Cancellation = Cancellation(),
        _ change: (inout DeconvolutionOptions) -> Void = { _ in },
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws -> RunReport {
        var options = DeconvolutionOptions()
        options.background = .value(offset)
        options.gain = map == nil ? nil : gain
        options.backend = .cpu
        options.psfAsIs = true
        change(&options)
        var outputs = OutputOptions()
        outputs.overwrite = true
        outputs.uncertaintyPath = map.map { folder.path($0) }
        return try FileDeconvolution(
            input: folder.path("image.tif"),
            psfPaths: [folder.path("psf.tif")],
            options: JobOptions(options, output: outputs)
        ).run(output: folder.path(output), cancellation: cancellation, progress: progress)
    }

    private static func voxels(_ folder: TemporaryFolder, _ name: String, channel: Int = 0, timepoint: Int = 0) throws
        -> [Float]
    {
        try ImageFile.open(path: folder.path(name)).readVolume(channel: channel, timepoint: timepoint).floats
    }

    /// The spread of results over images of the same thing, each with its own noise, is what the map of one of them says.
    @Test(arguments: [MethodName.richardsonLucy, .wiener])
    func theMapIsTheSpreadOverManyImages(method: MethodName) throws {
        let count = 20
        var (sums, squares) = (
            [Double](repeating: 0, count: Self.shape.voxelCount), [Double](repeating: 0, count: Self.shape.voxelCount)
        )
        var told = 0.0
        for number in 0..<count {
            let folder = try Self.folder([Self.image(seed: UInt64(100 + number))])
            let hasMap = number < 4
            _ = try Self.run(folder, map: hasMap ? "map.tif" : nil) { $0.method = method }
            for (index, value) in try Self.voxels(folder, "out.tif").enumerated() {
                sums[index] += Double(value)
                squares[index] += Double(value) * Double(value)
            }
            if hasMap { told += try Self.voxels(folder, "map.tif").reduce(0) { $0 + Double($1) } / 4 }
        }
        let spread = zip(sums, squares).reduce(0) { all, sums in
            all + (max(sums.1 - sums.0 * sums.0 / Double(count), 0) / Double(count - 1)).squareRoot()
        }
        // The mean of the size of a normal number.
        let expected = (2 / Double.pi).squareRoot() * spread
        #expect(abs(told / expected - 1) < 0.15, "\(told) of \(expected)")
    }

    @Test func theSameSeedGivesTheSameMapWhereverItIsComputed() throws {
        let folder = try Self.folder([Self.image(seed: 1)])
        let report = try Self.run(folder)
        let (map, result) = (try Self.voxels(folder, "map.tif"), try Self.voxels(folder, "out.tif"))
        _ = try Self.run(folder, map: nil)
        #expect(try Self.voxels(folder, "out.tif") == result)
        _ = try Self.run(folder) { $0.threadCount = 1 }
        #expect(try Self.voxels(folder, "map.tif") == map)
        _ = try Self.run(folder) { $0.seed = 9 }
        #expect(try relativeRMSE(Self.voxels(folder, "map.tif"), map) > 0.5)
        _ = try Self.run(folder) { $0.tileShape = VolumeShape(z: 12, y: 20, x: 24) }
        #expect(try relativeRMSE(Self.voxels(folder, "map.tif"), map) < 1e-3)
        _ = try Self.run(folder) { $0.backend = .opencl }
        #expect(try relativeRMSE(Self.voxels(folder, "map.tif"), map) < 1e-3)

        let file = try ImageFile.open(path: folder.path("map.tif"))
        #expect(file.image.spacing?.matches(VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)) == true)
        #expect(file.image.pixelType == .float32 && file.image.shape == Self.shape)
        #expect(file.image.provenance?.value("map")?.hasPrefix("standard error") == true)
        let told = try #require(report.uncertainty)
        #expect(told.channels[0].gain == Self.gain && told.unit == "µm")
        #expect(told.channels[0].curves.map(\.axis) == ["z", "y", "x"])
        #expect(told.sentence.hasPrefix("resolution ") && told.sentence.contains("µm (z, y, x), by Fourier shell"))
    }

    @Test func everyVolumeOfASeriesHasItsOwn() throws {
        let volumes = (0..<4).map { Self.image(seed: UInt64($0)) }
        let folder = try Self.folder(volumes, channels: 2)
        let report = try Self.run(folder)
        let file = try ImageFile.open(path: folder.path("map.tif"))
        #expect(file.image.channelCount == 2 && file.image.timepointCount == 2)
        #expect(report.uncertainty?.channels.count == 2 && report.convergence.count == 4)
        let first = try Self.voxels(folder, "map.tif")
        let alone = try Self.folder([volumes[0]])
        _ = try Self.run(alone)
        // The same draws; what is known of the camera's noise comes from all volumes.
        #expect(try relativeRMSE(Self.voxels(alone, "map.tif"), first) < 0.2)
        let last = try Self.voxels(folder, "map.tif", channel: 1, timepoint: 1)
        #expect(relativeRMSE(last, first) > 0.5 && last.contains { $0 > 0 })
    }

    /// An array goes on with the halves that an earlier run has computed, and says the same of the resolution.
    @Test func anArrayIsGoneOnWith() throws {
        let volumes = (0..<3).map { Self.image(seed: UInt64($0)) }
        let folder = try Self.folder(volumes)
        let whole = try Self.run(folder, output: "whole.zarr", map: "whole-map.zarr")
        let cancellation = Cancellation()
        let error = #expect(throws: DeconvolutionError.self) {
            try Self.run(
                folder,
                output: "out.zarr",
                map: "map.zarr",
                cancellation: cancellation,
                progress: { if $0.finishedVolumeCount >= 3 { cancellation.cancel() } }
            )
        }
        #expect(error?.code == .cancelled)
        let names = folder.contents.filter { !$0.contains("/") }
        #expect(names.contains("map.zarr.partial") && !names.contains("map.zarr"), "\(names)")
        let rest = try Self.run(folder, output: "out.zarr", map: "map.zarr")
        let told = try #require(rest.uncertainty)
        #expect(told.resumedVolumeCount >= 1)
        for timepoint in 0..<3 {
            let one = try Self.voxels(folder, "map.zarr", timepoint: timepoint)
            #expect(try one == Self.voxels(folder, "whole-map.zarr", timepoint: timepoint))
        }
        #expect(told.sentence == whole.uncertainty?.sentence)
    }

    @Test func photonsThatNobodyKnowsAreAskedFor() throws {
        let folder = try Self.folder([Self.image(seed: 1)])
        let raw = Self.image(seed: 1)
        let smooth = raw.indices.map { $0 > 3 ? raw[$0 - 4...$0].reduce(0, +) / 5 : raw[$0] }
        try Self.write(smooth, Self.shape, to: folder.path("image.tif"))
        let error = #expect(throws: DeconvolutionError.self) { try Self.run(folder) { $0.gain = nil } }
        let line = error.map { $0.line.text(OptionName.Style.flag) } ?? ""
        #expect(
            line.contains("nobody can tell how many counts a photon makes") && line.hasSuffix("give --gain"),
            "\(line)"
        )
        #expect(!folder.contents.contains { $0.contains("map") || $0.contains("out") }, "\(folder.contents)")
    }

    /// Saturated and masked voxels are the same ones in both halves, and of neither is there anything to compare.
    @Test func whatDoesNotCountCountsInNeitherHalf() throws {
        var image = Self.image(seed: 5)
        let (bright, middle) = (image.max()!, Self.shape.voxelCount / 2 + 20)
        for index in middle..<middle + 5 { image[index] = 60_000 }
        let folder = try Self.folder([image])
        let report = try Self.run(folder) { $0.saturation = 60_000 }
        #expect(report.saturatedInputVoxelCount == 5)
        let largest = try Self.voxels(folder, "map.tif").max() ?? 0
        #expect(largest < 3 * bright, "\(largest)")
    }
}
