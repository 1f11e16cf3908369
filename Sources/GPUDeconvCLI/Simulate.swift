import ArgumentParser
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvTools
import GPUDeconv

struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make up a cell, blur it and add the noise of a camera, and keep the truth.",
        usage: "gpudeconv simulate <folder> [<options>]",
        discussion: """
            Writes truth.tif (photons, float32), observed.tif (counts, uint16) and psf.tif (sum 1, float32).

            Examples:
              gpudeconv simulate cell
              gpudeconv simulate cell --model widefield --na 1.4 --immersion 1.518
              gpudeconv simulate cell --psf psf.tif --spacing 0.3,0.1,0.1 --photons 200
            """
    )

    /// The PSF that blurs.
    struct OpticsArguments: ParsableArguments {
        /// Microscopes whose PSF can be computed.
        enum Model: String, CaseIterable, ExpressibleByArgument { case widefield, confocal, gaussian }

        @Option(help: "Microscope to compute the PSF of.")
        var model = Model.confocal

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Voxels of the computed PSF.", valueName: "z,y,x")
        )
        var psfShape = ShapeArgument(argument: "33,65,65")!

        // Names of the table come first: messages about a microscope have them.
        @Option(
            name: [.customLong("emission"), .customLong("wavelength")],
            parsing: .unconditional,
            help: ArgumentHelp("Wavelength of the emitted light.", valueName: "nm")
        )
        var emission = 520.0

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Wavelength of the exciting light; confocal only.", valueName: "nm")
        )
        var excitation = 488.0

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Numerical aperture.", valueName: "na")
        )
        var na = 1.2

        @Option(
            name: [.customLong("immersion"), .customLong("index")],
            parsing: .unconditional,
            help: ArgumentHelp("Refractive index of the immersion medium.", valueName: "n")
        )
        var immersion = 1.33

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Full widths at half maximum in µm; gaussian only.", valueName: "z,y,x")
        )
        var fwhm = SpacingArgument(argument: "0.6,0.25,0.25")!

        @Option(help: ArgumentHelp("TIFF stack of a measured PSF to blur with instead.", valueName: "file"))
        var psf: String?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Voxel size of the measured PSF in µm. (default: what its file says)",
                valueName: "z,y,x"
            )
        )
        var psfSpacing: SpacingArgument?

        func source() -> SimulationJob.PSFSource {
            if let psf { return .file(psf) }
            switch model {
            case .widefield, .confocal:
                return .computed(
                    Microscope(
                        kind: model == .confocal ? .confocal : .widefield,
                        numericalAperture: na,
                        emissionWavelength: emission,
                        excitationWavelength: model == .confocal ? excitation : nil,
                        immersionIndex: immersion
                    )
                )
            case .gaussian: return .gaussian(fullWidth: fwhm.spacing)
            }
        }
    }

    @Argument(help: ArgumentHelp("Folder for the three files; made if it is missing.", valueName: "folder"))
    var folder: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxels of the image.", valueName: "z,y,x")
    )
    var shape = ShapeArgument(argument: "48,192,192")!

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxel size of the image in µm.", valueName: "z,y,x")
    )
    var spacing = SpacingArgument(argument: "0.25,0.1,0.1")!

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Photons of the brightest voxel of the truth.", valueName: "n")
    )
    var photons = 5000.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Offset of the camera, in counts.", valueName: "n")
    )
    var background = 100.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Read noise of the camera, in counts.", valueName: "n")
    )
    var readNoise = 1.5

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Number of the cell and its noise; the same seed gives the same files.", valueName: "n")
    )
    var seed: UInt64 = 1

    @OptionGroup(title: "PSF") var optics: OpticsArguments

    @Flag(help: "Replace files that exist.")
    var overwrite = false

    @OptionGroup(title: "Device") var compute: ComputeArguments

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var given = JobOptions()
            try compute.apply(to: &given)
            var options = given.deconvolution
            options.psfSpacing = optics.psfSpacing?.spacing
            let job = SimulationJob(
                shape: shape.shape,
                spacing: spacing.spacing,
                psfShape: optics.psfShape.shape,
                psf: optics.source(),
                peakPhotons: photons,
                background: background,
                readNoise: readNoise,
                seed: seed,
                options: options
            )
            let files = try job.run(folder: folder, overwrite: overwrite)
            if files.saturatedVoxels > 0 {
                Terminal.warn(
                    Diagnostic(
                        .valuesClipped,
                        "\(files.observed): voxels are above what 16 bits hold; lower \(.photons)",
                        figures: "\(files.saturatedVoxels) voxels"
                    )
                )
            }
            Terminal.printBehind(json ? JSONText.of(files, .flag) : "\(files.truth)\n\(files.observed)\n\(files.psf)")
        }
    }
}
