import DeconvIO
import DeconvOptions
import DeconvPipeline
import DeconvSimulation
import DeconvVolume
import Foundation

/// The volumes of a benchmark as TIFF stacks, for other programs to compute on and to compare with.
///
/// `observed.tif` (uint16), `psf.tif` and, for each device, `result-NUMBER.tif` (float32), with the library after the number where
/// each is measured. All targets are taken before the work
/// begins, so that one that exists is found at once, and appear when it is done.
final class BenchmarkOutput {
    private let shape: VolumeShape
    private let observed: TIFFSink
    private let psf: TIFFSink
    private let results: [String: TIFFSink]
    /// Names of results that are whole.
    private var finished: Set<String> = []

    /// Takes the targets.
    /// - Parameter names: what results are told apart by.
    /// - Throws: `cannotCreateOutput`, `inputOutput`.
    init(
        folder: String,
        shape: VolumeShape,
        psf: Volume,
        names: [String],
        overwrite: Bool
    ) throws(DeconvolutionError) {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(folder): the folder cannot be made; choose a place that you may write to"
            )
        }
        func sink(_ name: String, _ shape: VolumeShape, _ type: PixelType) throws(DeconvolutionError) -> TIFFSink {
            var output = OutputOptions()
            output.pixelType = type
            output.overwrite = overwrite
            return try output.makeSink(
                path: "\(folder)/\(name)",
                image: ImageDescription(shape: shape, pixelType: type, spacing: nil)
            )
        }
        self.shape = shape
        observed = try sink("observed.tif", shape, .uint16)
        self.psf = try sink("psf.tif", psf.shape, .float32)
        var results: [String: TIFFSink] = [:]
        for name in names { results[name] = try sink("result-\(name).tif", shape, .float32) }
        self.results = results
    }

    /// Writes the result of a device.
    /// - Parameter plane: gives a plane by its number.
    func append(
        _ name: String,
        plane: (Int) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) {
        guard let sink = results[name] else { preconditionFailure("every device has its file") }
        for z in 0..<shape.z { try sink.append(volume: plane(z), planeVoxelCount: shape.planeVoxelCount) }
        finished.insert(name)
    }

    /// Writes the rest and shows all files; those of devices that were skipped never appear.
    func finish(_ volume: SyntheticVolume, _ psf: Volume) throws(DeconvolutionError) {
        let (voxels, _) = volume.render()
        let count = shape.planeVoxelCount
        for z in 0..<shape.z {
            let plane = voxels[z * count..<(z + 1) * count].map { Float($0) }
            try observed.append(volume: plane, planeVoxelCount: count)
        }
        try self.psf.append(volume: psf.voxels, planeVoxelCount: psf.shape.planeVoxelCount)
        for sink in [observed, self.psf] { try sink.finish() }
        for (name, sink) in results where finished.contains(name) { try sink.finish() }
    }
}
