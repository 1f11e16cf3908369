import DeconvDevice
import DeconvIO
package import DeconvOptics
import DeconvOptions
import DeconvPipeline
package import DeconvVolume

/// A PSF from files with images of beads, as a file of its own.
package struct BeadJob: Sendable {
    /// The files, of which every time point is a stack.
    package var inputs: [String]
    /// Which channel, from 0; nil for the only one.
    package var channel: Int?
    /// How beads are measured.
    package var measurement = BeadMeasurement()

    /// A job for files.
    package init(inputs: [String]) { self.inputs = inputs }

    /// The PSF, and where the beads were.
    package struct Result: Sendable {
        /// What was measured.
        package let beads: MeasuredBeads
        /// What was assumed of files, and what their beads lack.
        package let warnings: [Diagnostic]
    }

    /// Measures, and writes the PSF and a picture.
    /// - Parameters:
    ///   - output: TIFF file for the PSF, float32.
    ///   - picture: PNG file; nil for none.
    /// - Throws: `invalidArgument` for a channel that is not there; what reading, measuring and writing throws.
    package func run(
        output: String,
        picture: String?,
        overwrite: Bool
    ) throws(DeconvolutionError) -> Result {
        try OutputPaths.check([output] + (picture.map { [$0] } ?? []), against: inputs)
        if let picture, !picture.lowercased().hasSuffix(".png"), !OutputOptions.namesNothing(picture) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.picture, picture): it is a PNG file; give a name in .png"
            )
        }
        var warnings: [Diagnostic] = []
        var fields: [BeadField] = []
        var read: [String] = []
        for path in inputs {
            let file = try ImageFile.open(path: path)
            for path in file.paths {
                if let same = read.first(where: { OutputPaths.isSameFile($0, path) }) {
                    let name: Message = same == path ? "" : ", as \(same)"
                    throw DeconvolutionError(
                        .invalidArgument,
                        "\(path): is given twice\(name), and its beads would count twice; leave one out"
                    )
                }
            }
            read += file.paths
            let channel = try channel(of: file)
            warnings += file.diagnostics.filter { measurement.spacing == nil || !$0.kind.isAboutSpacing }
            try checkMemory(file)
            for timepoint in 0..<file.image.timepointCount {
                fields.append(BeadField(file, channel: channel, timepoint: timepoint))
            }
        }
        let beads = try measurement.measure(fields)
        warnings += beads.report.warnings

        var options = OutputOptions()
        options.overwrite = overwrite
        let psf = beads.psf
        var image = ImageDescription(shape: psf.shape, pixelType: .float32, spacing: psf.spacing)
        var provenance = Provenance()
        provenance.add("program", "gpudeconv \(ProgramVersion.text)")
        let names = inputs.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
        provenance.add("beads", names.joined(separator: ", "))
        PSFMark(.beads, psf.voxels).add(to: &provenance)
        image.provenance = provenance
        let sink = try options.makeSink(path: output, image: image)
        // Before the PSF is there: a run that fails leaves nothing that looks finished.
        if let picture {
            try AtomicOutput.write(try BeadDrawing(fields, beads).png(), to: picture, overwrite: overwrite)
        }
        try sink.append(volume: psf.voxels, planeVoxelCount: psf.shape.planeVoxelCount)
        try sink.finish()
        return Result(beads: beads, warnings: warnings)
    }

    private func channel(of file: any ImageFileSource) throws(DeconvolutionError) -> Int {
        let count = file.image.channelCount
        guard let channel else {
            guard count == 1 else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(file.name): has \(count) channels, each with a PSF of its own; \(.channel, "n") says which, counted "
                        + "from 0"
                )
            }
            return 0
        }
        guard (0..<count).contains(channel) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.channel, channel): \(file.name) has \(count), counted from 0"
            )
        }
        return channel
    }

    /// A stack is in memory as it is stored, as floats, smoothed, and once more while it is being smoothed.
    private func checkMemory(_ file: any ImageFileSource) throws(DeconvolutionError) {
        let voxels = Double(file.image.shape.z) * Double(file.image.shape.y) * Double(file.image.shape.x)
        let bytes = voxels * Double(file.image.pixelType.inMemory.byteCount + 12)
        let free = Double(HostSystem.freeBytes)
        guard bytes <= free else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(file.name): looking for beads in \(file.image.shape) voxels takes \((bytes / 1e8).rounded() / 10) GB of "
                    + "memory, but \((free / 1e8).rounded() / 10) GB are free; free some or crop it"
            )
        }
    }
}
