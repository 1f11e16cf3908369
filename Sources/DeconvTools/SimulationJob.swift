import DeconvDevice
import DeconvIO
import DeconvMethods
package import DeconvOptics
package import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvSimulation
package import DeconvVolume
import Foundation

/// A made-up cell as a microscope would show it, with the truth kept beside it.
package struct SimulationJob: Sendable {
    /// Where the PSF comes from.
    package enum PSFSource: Sendable {
        /// A measured PSF in a file.
        case file(String)
        /// A microscope.
        case computed(Microscope)
        /// A Gaussian of these full widths at half maximum, µm.
        case gaussian(fullWidth: VoxelSpacing)
    }

    /// Voxels of the image.
    package var shape: VolumeShape
    /// Size of a voxel, µm.
    package var spacing: VoxelSpacing
    /// Voxels of a computed PSF.
    package var psfShape: VolumeShape
    /// Where the PSF comes from.
    package var psf: PSFSource
    /// Photons of the brightest voxel of the truth.
    package var peakPhotons: Double
    /// Offset of the camera in counts.
    package var background: Double
    /// Read noise of the camera in counts.
    package var readNoise: Double
    /// Names the cell and its noise.
    package var seed: UInt64
    /// Which engine blurs.
    package var options: DeconvolutionOptions

    package init(
        shape: VolumeShape,
        spacing: VoxelSpacing,
        psfShape: VolumeShape,
        psf: PSFSource,
        peakPhotons: Double,
        background: Double,
        readNoise: Double,
        seed: UInt64,
        options: DeconvolutionOptions
    ) {
        self.shape = shape
        self.spacing = spacing
        self.psfShape = psfShape
        self.psf = psf
        self.peakPhotons = peakPhotons
        self.background = background
        self.readNoise = readNoise
        self.seed = seed
        self.options = options
    }

    /// The files that were written.
    package struct Files: Sendable, Encodable {
        /// The cell, photons per voxel, float32.
        package var truth: String
        /// What the camera shows, uint16.
        package var observed: String
        /// The PSF that blurred, sum 1, float32.
        package var psf: String
        /// Voxels above what 16 bits hold.
        package var saturatedVoxels: Int
    }

    /// Writes `truth.tif`, `observed.tif` and `psf.tif` into a folder, which is made if it is missing.
    /// - Throws: `DeconvolutionError` for figures out of range, a PSF that is none, or a folder that cannot be written.
    package func run(folder: String, overwrite: Bool) throws(DeconvolutionError) -> Files {
        let inputs: [String] = if case .file(let path) = psf { [path] } else { [] }
        try OutputPaths.check(["truth.tif", "observed.tif", "psf.tif"].map { "\(folder)/\($0)" }, against: inputs)
        try options.validate()
        let backends = try Devices.backends(for: options)
        guard backends.count == 1 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.device, options.device ?? ""): names \(backends.count) devices, and a simulation uses one; name one"
            )
        }
        let backend = backends[0].backend
        try checkMemory()
        let phantom = try CellPhantom(shape: shape, spacing: spacing, seed: seed, peakPhotons: peakPhotons)
        let camera = try Camera(offset: background, readNoise: readNoise, seed: seed)
        let psf = try pointSpreadFunction()
        try makeFolder(folder)
        func sink(_ name: String, _ shape: VolumeShape, _ type: PixelType) throws(DeconvolutionError) -> TIFFSink {
            var output = OutputOptions()
            output.pixelType = type
            output.overwrite = overwrite
            let image = ImageDescription(shape: shape, pixelType: type, spacing: spacing)
            return try output.makeSink(path: "\(folder)/\(name)", image: image)
        }
        // All targets are there before the work begins, so that one that exists is found at once.
        let truthSink = try sink("truth.tif", shape, .float32)
        let observedSink = try sink("observed.tif", shape, .uint16)
        let psfSink = try sink("psf.tif", psf.shape, .float32)

        let truth = phantom.render()
        let blurred = try blur(truth, with: psf, on: backend)
        let recording = try camera.record(blurred)
        try truthSink.append(volume: truth.voxels, planeVoxelCount: shape.planeVoxelCount)
        try observedSink.append(volume: recording.counts.map { Float($0) }, planeVoxelCount: shape.planeVoxelCount)
        try psfSink.append(volume: psf.voxels, planeVoxelCount: psf.shape.planeVoxelCount)
        // All three are whole before the first shows.
        for sink in [truthSink, observedSink, psfSink] { try sink.finish() }
        return Files(
            truth: "\(folder)/truth.tif",
            observed: "\(folder)/observed.tif",
            psf: "\(folder)/psf.tif",
            saturatedVoxels: recording.saturatedCount
        )
    }

    /// Truth, blurred and observed image, and the padded transform: about 32 bytes a voxel are in memory at once.
    private func checkMemory() throws(DeconvolutionError) {
        let needed = shape.axes.reduce(32.0) { $0 * Double($1) }
        let free = HostSystem.freeBytes
        guard needed > Double(free) else { return }
        throw DeconvolutionError(
            .outOfMemory,
            "\(.shape, shape.inOption): takes about \(ByteCount(Int(min(needed, 9e18)))) but "
                + "\(ByteCount(free)) are free; give a smaller one"
        )
    }

    private func makeFolder(_ folder: String) throws(DeconvolutionError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), !isFolder.boolValue {
            throw DeconvolutionError(.cannotCreateOutput, "\(folder): is a file, not a folder; choose another name")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(folder): the folder cannot be made; choose a place that you may write to"
            )
        }
    }

    private func pointSpreadFunction() throws(DeconvolutionError) -> PointSpreadFunction {
        switch psf {
        case .file(let path):
            let measured = try FileDeconvolution.measuredPSFs(in: ImageFile.open(path: path))
            guard measured.count == 1 else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(path): a PSF of \(measured.count) channels; a simulation takes one of a single channel"
                )
            }
            var volume = measured[0].volume
            volume.spacing = options.psfSpacing ?? volume.spacing
            return try PSFPreparation().prepare(volume, name: path, imageSpacing: spacing).psf
        case .computed(let microscope):
            return try microscope.pointSpreadFunction(shape: psfShape, spacing: spacing).psf
        case .gaussian(let width):
            return try GaussianOptics(fullWidthAtHalfMaximum: width).pointSpreadFunction(
                shape: psfShape,
                spacing: spacing
            )
        }
    }

    private func blur(
        _ truth: Volume,
        with psf: PointSpreadFunction,
        on backend: any ComputeBackend
    ) throws(DeconvolutionError) -> Volume {
        let reach = psf.shape.limited(to: shape, .zero)
        let plan = try TilePlan(
            TilePlan.Request(imageShape: shape, pixelType: .float32, psfShape: reach, boundary: .zero)
        )
        let layout = WorkspaceLayout(plan.whole, pixelType: .float32)
        func project(_ workspace: some Workspace) throws(DeconvolutionError) -> [Float] {
            let limited = psf.volume.centralPart(reach)
            try workspace.setPSF(limited.voxels, shape: limited.shape)
            let estimate = try workspace.makeField()
            try workspace.upload(truth.voxels, to: estimate)
            try workspace.forwardProject(estimate)
            return try workspace.downloadWork(layout.frame)
        }
        let voxels = try project(backend.makeWorkspace(layout))
        // Rounding leaves values as low as −1e-7 of the peak where there is no light.
        return Volume(shape: shape, voxels: voxels.map { max($0, 0) }, spacing: spacing)
    }
}

extension TIFFSink {
    /// Writes all planes of a volume.
    func append(volume voxels: [Float], planeVoxelCount: Int) throws(DeconvolutionError) {
        try voxels.withUnsafeBufferPointer { (buffer) throws(DeconvolutionError) in
            for start in stride(from: 0, to: buffer.count, by: planeVoxelCount) {
                try append(UnsafeBufferPointer(rebasing: buffer[start..<start + planeVoxelCount]))
            }
        }
    }
}
