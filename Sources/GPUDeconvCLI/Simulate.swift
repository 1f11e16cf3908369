import ArgumentParser
import DeconvPipeline
import GPUDeconv

struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make up a cell, blur it and add a camera's noise, keeping the truth.",
        usage: """
            gpudeconv simulate DIR
            gpudeconv simulate DIR --model widefield --wavelength 520 --na 1.4 --index 1.518
            gpudeconv simulate DIR --psf psf.tif --spacing 0.3,0.1,0.1 --photons 200
            """,
        discussion: "Writes DIR/truth.tif (photons), DIR/observed.tif (uint16) and DIR/psf.tif (sum 1)."
    )

    /// Microscopes whose PSF can be computed.
    enum Model: String, CaseIterable, ExpressibleByArgument { case widefield, confocal, gaussian }

    @Argument(help: ArgumentHelp("The folder for the three files; made if it is missing.", valueName: "dir"))
    var folder: String

    @Option(help: ArgumentHelp("Voxels of the image.", valueName: "z,y,x"))
    var shape = ShapeArgument(argument: "48,192,192")!

    @Option(help: ArgumentHelp("Voxel size in µm (default: 0.25,0.1,0.1).", valueName: "z,y,x"))
    var spacing: SpacingArgument?

    @Option(help: ArgumentHelp("A measured PSF instead of a computed one.", valueName: "file"))
    var psf: String?

    @Option(help: ArgumentHelp("Voxel size of that PSF in µm (default: what its file says).", valueName: "z,y,x"))
    var psfSpacing: SpacingArgument?

    @Option(help: "Which microscope's PSF to compute.")
    var model = Model.confocal

    @Option(help: ArgumentHelp("Voxels of a computed PSF.", valueName: "z,y,x"))
    var psfShape = ShapeArgument(argument: "33,65,65")!

    @Option(help: ArgumentHelp("Wavelength of the light that is seen, nm.", valueName: "nm"))
    var wavelength = 520.0

    @Option(help: ArgumentHelp("Wavelength that excites, nm; confocal.", valueName: "nm"))
    var excitation = 488.0

    @Option(help: ArgumentHelp("Numerical aperture.", valueName: "na"))
    var na = 1.2

    @Option(help: ArgumentHelp("Refractive index of the immersion medium.", valueName: "n"))
    var index = 1.33

    @Option(
        help: ArgumentHelp("Full widths at half maximum in µm; gaussian (default: 0.6,0.25,0.25).", valueName: "z,y,x")
    )
    var fwhm: SpacingArgument?

    @Option(help: ArgumentHelp("Photons of the brightest voxel of the truth.", valueName: "n"))
    var photons = 5000.0

    @Option(help: ArgumentHelp("Offset of the camera, counts.", valueName: "n"))
    var background = 100.0

    @Option(help: ArgumentHelp("Read noise of the camera, counts.", valueName: "n"))
    var readNoise = 1.5

    @Option(help: ArgumentHelp("Names the cell and its noise: the same seed, the same files.", valueName: "n"))
    var seed: UInt64 = 1

    @Flag(help: "Replace files that exist.")
    var overwrite = false

    @OptionGroup(title: "Device") var compute: ComputeArguments

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var options = DeconvolutionOptions()
            compute.apply(to: &options)
            options.psfSpacing = psfSpacing?.spacing
            let source: SimulationJob.PSFSource
            if let psf {
                source = .file(psf)
            } else {
                switch model {
                case .widefield:
                    source = .widefield(wavelength: wavelength, numericalAperture: na, immersionIndex: index)
                case .confocal:
                    source = .confocal(
                        wavelength: wavelength,
                        numericalAperture: na,
                        immersionIndex: index,
                        excitation: excitation
                    )
                case .gaussian:
                    source = .gaussian(fullWidth: fwhm?.spacing ?? VoxelSpacing(z: 0.6, y: 0.25, x: 0.25))
                }
            }
            let job = SimulationJob(
                shape: shape.shape,
                spacing: spacing?.spacing ?? VoxelSpacing(z: 0.25, y: 0.1, x: 0.1),
                psfShape: psfShape.shape,
                psf: source,
                peakPhotons: photons,
                background: background,
                readNoise: readNoise,
                seed: seed,
                options: options
            )
            let files = try job.run(folder: folder, overwrite: overwrite)
            if files.saturatedVoxels > 0 {
                Terminal.warn(
                    "\(files.observed): \(files.saturatedVoxels) voxels are above what 16 bits hold; lower --photons"
                )
            }
            Terminal.print(json ? Terminal.json(files) : "\(files.truth)\n\(files.observed)\n\(files.psf)")
        }
    }
}
