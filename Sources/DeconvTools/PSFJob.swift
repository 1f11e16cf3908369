package import DeconvIO
import DeconvMethods
package import DeconvOptics
package import DeconvOptions
import DeconvPipeline
import DeconvPreview
package import DeconvVolume

/// A look at a PSF file, and its preparation as a file of its own.
package struct PSFJob: Sendable {
    /// The file.
    package let file: any ImageFileSource
    private let measured: [MeasuredPSF]
    private let options: DeconvolutionOptions
    private let limit: DiffractionLimit?

    /// Opens a PSF.
    /// - Parameters:
    ///   - options: of these `spacing` and what is said of the PSF matter.
    ///   - limit: how narrow the optics can make it, where somebody knows.
    package init(
        path: String,
        options: DeconvolutionOptions,
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) {
        try options.validate()
        file = try ImageFile.open(path: path)
        measured = try FileDeconvolution.measuredPSFs(in: file)
        self.options = options
        self.limit = limit
    }

    /// The PSF of every channel, ready for an image of `options.spacing`, or of its own spacing where that is nil.
    package func prepared() throws(DeconvolutionError) -> [PreparedPSF] {
        var prepared: [PreparedPSF] = []
        for psf in measured { prepared.append(try psf.prepared(options, limit: limit)) }
        return prepared
    }

    private func checkSingle() throws(DeconvolutionError) {
        guard measured.count == 1 else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): \(measured.count) channels; prepare PSFs of one channel, one after the other"
            )
        }
    }

    /// Draws the PSF of a single channel as measured and as prepared, as a PNG file.
    /// - Parameter ready: what `prepared` gave.
    /// - Throws: `invalidData` for several channels, `invalidArgument` for a name that is not one of a PNG file; what writing
    ///   throws.
    package func draw(_ ready: [PreparedPSF], to path: String, overwrite: Bool) throws(DeconvolutionError) {
        try checkSingle()
        guard path.lowercased().hasSuffix(".png") else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path): a picture of a PSF is a PNG file; give \(.picture) a name in .png"
            )
        }
        try OutputPaths.check([path], against: [file.name])
        let (psf, report) = (ready[0].psf, ready[0].report)
        let volume = measured[0].volume
        let center = report.center ?? (0..<3).map { Double(volume.shape.centerVoxel[$0]) }
        let place = VolumeIndex { min(max(0, Int(center[$0].rounded())), volume.shape[$0] - 1) }
        let sections = TransferSections(of: psf)
        var picture = PSFPicture(
            title: file.name.split(separator: "/").last.map(String.init) ?? file.name,
            prepared: try VolumeViews(through: psf.center, of: ArraySource(psf.volume)),
            measured: (try VolumeViews(through: place, of: ArraySource(volume)), center, report.inputSpacing),
            spacing: psf.spacing,
            widths: report.fullWidthAtHalfMaximum,
            transfer: (sections.count, sections.lateral, sections.axial)
        )
        picture.notes = Self.notes(report)
        picture.faults = report.warnings.map { warning in
            // The title names the file.
            let figures = warning.figures.map { " (\($0.text(.flag)))" } ?? ""
            let text = warning.line.withoutSubject.text(.flag) + figures
            return String(text.drop { $0 == ":" || $0 == " " })
        }
        picture.leastWidths = limit?.fullWidths ?? [nil, nil, nil]
        picture.support = limit?.frequencies.map {
            PSFPicture.TransferSupport(apertureFrequency: $0.aperture, mediumFrequency: $0.medium)
        }
        try AtomicOutput.write(try picture.png(), to: path, overwrite: overwrite)
    }

    /// What was measured, and what was made of it.
    private static func notes(_ report: PSFPreparationReport) -> [String] {
        // Adding 0 makes -0 a 0.
        func rounded(_ value: Double) -> Double { (100 * value).rounded() / 100 + 0 }
        func numbers(_ values: [Double]) -> String { values.map { "\(rounded($0))" }.joined(separator: ", ") }
        let spacing = { (spacing: VoxelSpacing?) in spacing.map { ", voxels of \($0)" } ?? ", voxel size unknown" }
        var lines = ["measured: \(report.inputShape)\(spacing(report.inputSpacing))"]
        if !report.isAsIs {
            let level = "background \(rounded(report.background)), noise \(rounded(report.noise)) counts"
            lines[0] += "; " + level
        }
        if let center = report.center {
            lines.append("center: \(numbers(center)) (z, y, x), moved by \(numbers(report.shift)) voxels")
        }
        let middle = report.outputShape.centerVoxel
        lines.append(
            "prepared: \(report.outputShape)\(spacing(report.outputSpacing)); background 0; "
                + "center \(middle.z), \(middle.y), \(middle.x)"
        )
        return lines
    }

    /// Writes the prepared PSF of a single channel as float32 TIFF.
    /// - Throws: `invalidData` for several channels; what preparing and writing throws.
    package func write(to path: String, overwrite: Bool) throws(DeconvolutionError) -> PreparedPSF {
        try checkSingle()
        try OutputPaths.check([path], against: [file.name])
        let ready = try prepared()[0]
        var output = OutputOptions()
        output.overwrite = overwrite
        let image = ImageDescription(shape: ready.psf.shape, pixelType: .float32, spacing: ready.psf.spacing)
        let sink = try output.makeSink(path: path, image: image)
        try sink.append(volume: ready.psf.voxels, planeVoxelCount: ready.psf.shape.planeVoxelCount)
        try sink.finish()
        return ready
    }
}
