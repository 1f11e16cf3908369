import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation

/// Small images and PSFs with known voxels, written where a test wants them.
enum Scene {
    /// Shape of the image.
    static let shape = VolumeShape(z: 8, y: 24, x: 28)
    /// Shape of the PSF.
    static let psfShape = VolumeShape(z: 7, y: 9, x: 11)
    /// Voxel size of both.
    static let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)

    /// Two beads on a ramp, counts from 50 on.
    static let image: [Float] = {
        let beads = zip(
            GaussianPSF.voxels(shape: shape, center: [3, 8, 10], sigma: [1, 2, 2], peak: 900),
            GaussianPSF.voxels(shape: shape, center: [5, 17, 20], sigma: [1.5, 1.5, 3], peak: 600)
        ).map { Float($0 + $1) }
        return beads.enumerated().map { index, light in (light + 50 + Float(index % 28)).rounded() }
    }()

    /// A Gaussian spot.
    static func psf(sigma: [Double] = [1, 1.2, 1.4]) -> [Float] {
        GaussianPSF.voxels(shape: psfShape, sigma: sigma, peak: 1000).map { Float($0) }
    }

    /// Writes `image.tif` and `psf.tif` into a new folder.
    static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try write(image, shape, to: folder.path("image.tif"))
        try write(psf(), psfShape, to: folder.path("psf.tif"))
        return folder
    }

    /// Writes one volume, or as many as the voxels make, in the order time point, z, channel.
    static func write(
        _ voxels: [Float],
        _ shape: VolumeShape,
        channels: Int = 1,
        timepoints: Int = 1,
        spacing: VoxelSpacing? = spacing,
        pixelType: PixelType = .float32,
        to path: String
    ) throws {
        let image = ImageDescription(
            shape: shape,
            channelCount: channels,
            timepointCount: timepoints,
            pixelType: pixelType,
            spacing: spacing
        )
        let sink = try TIFFSink(path: path, image: image, pixelType: pixelType)
        for plane in stride(from: 0, to: voxels.count, by: shape.planeVoxelCount) {
            try voxels[plane..<plane + shape.planeVoxelCount].withUnsafeBufferPointer { try sink.append($0) }
        }
        try sink.finish()
    }

    /// One volume of a file.
    static func voxels(of path: String, channel: Int = 0, timepoint: Int = 0) throws -> [Float] {
        try ImageFile.open(path: path).readVolume(channel: channel, timepoint: timepoint).floats
    }
}

extension TemporaryFolder {
    /// The bytes of every file in it, hidden ones too, and an empty entry for every folder.
    var files: [String: Data] {
        var files: [String: Data] = [:]
        for name in contents { files[name] = FileManager.default.contents(atPath: path(name)) ?? Data() }
        return files
    }

    /// The bytes of a file.
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: url.appendingPathComponent(name)) }

    /// Copies a file from elsewhere.
    func copy(_ source: URL, as name: String) throws {
        try FileManager.default.copyItem(at: source, to: url.appendingPathComponent(name))
    }
}
