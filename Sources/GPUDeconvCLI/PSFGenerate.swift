import ArgumentParser
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvTools
import Foundation
import GPUDeconv

extension PSF {
    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compute the PSF of a microscope from its figures, and write it.",
            usage: "gpudeconv psf generate --output <file> --spacing <z,y,x> --microscope <kind> --na <na> [<options>]",
            discussion: """
                Its planes follow the travel of the objective into the sample; the brightest is plane n/2.

                Examples:
                  gpudeconv psf generate -o psf.tif --spacing 0.2,0.1,0.1 --microscope widefield --na 1.4 \\
                    --immersion oil --emission 520 --sample-index 1.33 --depth 5
                  gpudeconv psf generate -o psf.tif --spacing 0.3,0.08,0.08 --microscope confocal --na 1.2 \\
                    --immersion water --dye GFP --pinhole 1AU
                """
        )

        @Option(name: .shortAndLong, help: ArgumentHelp("TIFF file for the PSF, float32.", valueName: "file"))
        var output: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Voxel size in µm of the image that it is for.", valueName: "z,y,x")
        )
        var spacing: SpacingArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Voxels of the PSF. (default: as many as hold 99 % of the light of its planes)",
                valueName: "z,y,x"
            )
        )
        var shape: ShapeArgument?

        @OptionGroup(title: "Microscope") var microscope: Figures

        /// What a PSF is computed from where no image says anything of it.
        struct Figures: ParsableArguments {
            @Option(.microscope, hasImage: false) var microscope: String?
            @Option(.model, hasImage: false) var model: String?
            @Option(.na, hasImage: false) var na: String?
            @Option(.emission, hasImage: false) var emission: String?
            @Option(.excitation, hasImage: false) var excitation: String?
            @Option(.dye, hasImage: false) var dye: String?
            @Option(.immersion, hasImage: false) var immersion: String?
            @Option(.sampleIndex, hasImage: false) var sampleIndex: String?
            @Option(.coverGlass, hasImage: false) var coverGlass: String?
            @Option(.depth, hasImage: false) var depth: String?
            @Option(.pinhole, hasImage: false) var pinhole: String?
            @Option(.sheetThickness, hasImage: false) var sheetThickness: String?
            @Option(.sheetNA, hasImage: false) var sheetNA: String?
        }

        @Flag(help: "Replace the output if it exists.")
        var overwrite = false

        @Flag(help: "Print as JSON.")
        var json = false

        func run() throws {
            try reportingErrors { () throws(DeconvolutionError) in
                var options = JobOptions()
                try microscope.apply(to: &options)
                options.deconvolution.spacing = spacing?.spacing
                options.deconvolution.microscope.psfShape = shape?.shape
                let job = PSFGenerationJob(options: options.deconvolution)
                let result = try job.run(to: output, overwrite: overwrite)
                for warning in result.warnings { Terminal.warn(warning) }
                Terminal.printBehind(json ? JSONText.of(result, .flag) : result.text)
            }
        }
    }
}

extension PSFGenerationJob.Result {
    /// The result for people.
    fileprivate var text: String {
        func micrometers(_ values: [Double?]) -> String {
            values.map { $0.map { String(format: "%.3f", $0) } ?? "?" }.joined(separator: ", ") + " µm (z, y, x)"
        }
        let nyquist = computed.nyquistSpacing
        let ends = computed.endBrightness.map { String(format: "%.2g %%", 100 * $0) }.joined(separator: " and ")
        var rows = [
            ("written", path),
            ("FWHM", micrometers(computed.fullWidthAtHalfMaximum)),
            ("Nyquist", micrometers([nyquist.z, nyquist.y, nyquist.x]) + ", voxels that lose nothing"),
            ("cut off", String(format: "%.2g %% of the light", 100 * computed.shareCutOff)),
            ("ends", "\(ends) of the peak is as bright as the first and the last plane get"),
        ]
        if computed.focalShift != 0 {
            let way = computed.focalShift > 0 ? "farther" : "nearer"
            rows.append(
                ("focal shift", String(format: "%.3f µm \(way) than the point lies deep", abs(computed.focalShift)))
            )
        }
        if computed.isLimited { rows.append(("limited", "99 % of the light would take more voxels than are computed")) }
        let lines = rows.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }
        return (origin.lines.map { $0.text(.flag) } + lines).joined(separator: "\n")
    }
}
