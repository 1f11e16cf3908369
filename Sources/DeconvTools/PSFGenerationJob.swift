import DeconvIO
import DeconvMethods
package import DeconvOptics
package import DeconvOptions
package import DeconvPipeline
package import DeconvVolume

/// A PSF that is computed from the figures of a microscope, as a file.
package struct PSFGenerationJob: Sendable {
    private let options: DeconvolutionOptions

    /// A job.
    /// - Parameter options: of these `microscope` and `spacing` matter.
    package init(options: DeconvolutionOptions) { self.options = options }

    /// What was computed, and from what.
    package struct Result: Sendable {
        /// The file.
        package let path: String
        /// The PSF.
        package let computed: ComputedPSF
        /// The figures that it is from.
        package let origin: ComputedPSFReport
    }

    /// Writes the PSF as float32 TIFF.
    /// - Throws: `invalidArgument` for figures that are missing, that no microscope has, or that are those of several
    ///   channels; what writing throws.
    package func run(to path: String, overwrite: Bool) throws(DeconvolutionError) -> Result {
        try options.validate()
        let psfs = try ComputedPSFs(options.microscope, image: nil, spacing: options.spacing)
        guard psfs.channels.count == 1 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path): there are figures of \(psfs.channels.count) channels, and a file has the PSF of one; give one "
                    + "\(.emission) and one \(.excitation), or one \(.dye)"
            )
        }
        let computed = psfs[0][0]
        var output = OutputOptions()
        output.overwrite = overwrite
        let psf = computed.psf
        var image = ImageDescription(shape: psf.shape, pixelType: .float32, spacing: psf.spacing)
        image.provenance = provenance(psf)
        let sink = try output.makeSink(path: path, image: image)
        try sink.append(volume: psf.voxels, planeVoxelCount: psf.shape.planeVoxelCount)
        try sink.finish()
        return Result(path: path, computed: computed, origin: ComputedPSFReport(psfs))
    }

    /// How the PSF came about, for its file.
    private func provenance(_ psf: PointSpreadFunction) -> Provenance {
        var provenance = Provenance()
        provenance.add("program", "gpudeconv \(ProgramVersion.text)")
        var (given, none) = (JobOptions(), JobOptions())
        given.deconvolution.microscope = options.microscope
        none.deconvolution.microscope = MicroscopeOptions()
        for option in OptionTable.standard.options where option.group == .microscope {
            if let text = option.text(given), text != option.text(none) { provenance.add(option.name.words, text) }
        }
        PSFMark(.computed, psf.voxels).add(to: &provenance)
        return provenance
    }
}

extension PSFGenerationJob.Result: Encodable {
    private enum Key: String, CodingKey {
        case path, shape, spacing, fullWidthAtHalfMaximumMicrometers, nyquistSpacing, shareCutOff, endBrightness
        case focalShift, isLimited, computedPSF, warnings
    }

    /// Writes all with stable keys; lengths are µm, in the order z, y, x.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(path, forKey: .path)
        try container.encode(computed.psf.shape.axes, forKey: .shape)
        try container.encode(computed.psf.spacing?.axes, forKey: .spacing)
        try container.encode(computed.fullWidthAtHalfMaximum, forKey: .fullWidthAtHalfMaximumMicrometers)
        try container.encode(computed.nyquistSpacing.axes, forKey: .nyquistSpacing)
        try container.encode(computed.shareCutOff, forKey: .shareCutOff)
        try container.encode(computed.endBrightness, forKey: .endBrightness)
        try container.encode(computed.focalShift, forKey: .focalShift)
        try container.encode(computed.isLimited, forKey: .isLimited)
        try container.encode(origin, forKey: .computedPSF)
        try container.encode(warnings, forKey: .warnings)
    }
}

extension PSFGenerationJob.Result {
    /// What somebody should know who uses the PSF.
    package var warnings: [Diagnostic] {
        // Planes beyond hold some percent of a confocal PSF's light, however many there are.
        guard computed.shareCutOff > 0.2 else { return [] }
        return [
            Diagnostic(
                .psfCutOff,
                "\(subject: path): much of the light lies outside; give more voxels with \(.shape)",
                figures: "\((100 * computed.shareCutOff).rounded().inMessage) %"
            )
        ]
    }
}
