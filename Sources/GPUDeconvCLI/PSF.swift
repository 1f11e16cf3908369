import ArgumentParser
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvTools
import Foundation
import GPUDeconv

struct PSF: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psf",
        abstract: "Compute a PSF, make one from beads, look at one, or write it as it will be used.",
        subcommands: [Generate.self, FromBeads.self, Inspect.self, Prepare.self]
    )

    /// The options that both share.
    struct Arguments: ParsableArguments {
        @Argument(help: "PSF as a TIFF stack.")
        var input: String

        @OptionGroup(title: "PSF") var preparation: PSFArguments

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Voxel size in µm of the image that it is for. (default: that of the PSF)",
                valueName: "z,y,x"
            )
        )
        var spacing: SpacingArgument?

        func job(limit: DiffractionLimit? = nil) throws(DeconvolutionError) -> PSFJob {
            var options = JobOptions()
            try preparation.apply(to: &options)
            options.deconvolution.spacing = spacing?.spacing
            return try PSFJob(path: input, options: options.deconvolution, limit: limit)
        }
    }

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what a PSF is, and what would be done to it.",
            usage: "gpudeconv psf inspect <input> [<options>]",
            discussion: """
                With aperture and wavelength, widths are held against what diffraction allows.

                Examples:
                  gpudeconv psf inspect psf.tif --psf-spacing 0.1,0.1,0.1 --spacing 0.3,0.1,0.1
                  gpudeconv psf inspect bead.tif --picture bead.png --na 1.4 --emission 520
                """
        )

        @OptionGroup var arguments: Arguments

        @Option(
            help: ArgumentHelp(
                "PNG file for a picture: sections, tails, profiles, transfer function.",
                valueName: "file.png"
            )
        )
        var picture: String?

        @OptionGroup(title: "Microscope") var optics: Optics

        /// What a PSF is held against.
        struct Optics: ParsableArguments {
            @Option(.microscope, hasImage: false) var microscope: String?
            @Option(.na, hasImage: false) var na: String?
            @Option(.emission, hasImage: false) var emission: String?
            @Option(.immersion, hasImage: false) var immersion: String?
        }

        @Flag(help: "Replace the picture if it exists.")
        var overwrite = false

        @Flag(help: "Print as JSON.")
        var json = false

        private func limit() throws(DeconvolutionError) -> DiffractionLimit? {
            var options = JobOptions()
            try optics.apply(to: &options)
            guard !options.given.isEmpty else { return nil }
            return try MicroscopeFigures(ofMeasuredPSF: options.deconvolution.microscope, image: nil).limit(channel: 0)
        }

        func run() throws {
            try reportingErrors { () throws(DeconvolutionError) in
                let job = try arguments.job(limit: limit())
                let prepared = try job.prepared()
                if let picture { try job.draw(prepared, to: picture, overwrite: overwrite) }
                let reports = prepared.map(\.report)
                for warning in reports.flatMap(\.warnings) { Terminal.warn(warning) }
                let texts = reports.enumerated().map {
                    (reports.count > 1 ? "channel     \($0.offset)\n" : "") + $0.element.text
                }
                try Terminal.print(json ? JSONText.of(reports, .flag) : texts.joined(separator: "\n\n"))
            }
        }
    }

    struct Prepare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a PSF as it will be used: background off, centered, cropped, resampled, sum 1.",
            usage: "gpudeconv psf prepare <input> --output <file> [<options>]",
            discussion: """
                Deconvolve with it and --psf-as-is, and the result is that of the PSF as measured.

                Example:
                  gpudeconv psf prepare psf.tif -o ready.tif --spacing 0.3,0.1,0.1
                """
        )

        @OptionGroup var arguments: Arguments

        @Option(name: .shortAndLong, help: ArgumentHelp("TIFF file for the prepared PSF, float32.", valueName: "file"))
        var output: String

        @Flag(help: "Replace the output if it exists.")
        var overwrite = false

        @Flag(help: "Print as JSON.")
        var json = false

        func run() throws {
            try reportingErrors { () throws(DeconvolutionError) in
                let prepared = try arguments.job().write(to: output, overwrite: overwrite)
                for warning in prepared.report.warnings { Terminal.warn(warning) }
                Terminal.printBehind(json ? JSONText.of(prepared.report, .flag) : prepared.report.text)
            }
        }
    }
}

extension PSFPreparationReport {
    /// The report for people.
    fileprivate var text: String {
        var lines: [String] = []
        func line(_ name: String, _ value: String) {
            lines.append(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value)
        }
        func numbers(_ values: [Double], _ format: String = "%.2f") -> String {
            values.map { String(format: format, $0) }.joined(separator: ", ")
        }
        func percentage(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }
        line("measured", "\(inputShape)" + (inputSpacing.map { ", voxels of \($0)" } ?? ", voxel size unknown"))
        if isAsIs {
            line("taken", "as it is, normalized to sum 1")
        } else {
            line(
                "background",
                String(format: "%.2f counts, noise %.2f (%@)", background, noise, backgroundMethod.rawValue)
            )
            if let center { line("center", numbers(center) + " (z, y, x), moved by " + numbers(shift)) }
            if let resampled { line("resampled", "from \(resampled.from) to \(resampled.to)") }
            switch symmetry {
            case .none: break
            case .mirrored: line("symmetrized", "in y and x, which changed \(percentage(symmetryChange)) of it")
            case .radial: line("averaged", "about the optical axis, which changed \(percentage(symmetryChange)) of it")
            }
            if let croppedFrom {
                line("cropped", "from \(croppedFrom), without \(String(format: "%.2g", croppedFraction)) of its light")
            }
        }
        line("ready", "\(outputShape)" + (outputSpacing.map { ", voxels of \($0)" } ?? ""))
        let widths = fullWidthAtHalfMaximum.map { $0.map { String(format: "%.2f", $0) } ?? "?" }.joined(separator: ", ")
        line("FWHM", "\(widths) voxels (z, y, x)")
        let micrometers = fullWidthAtHalfMaximumMicrometers
        if micrometers.contains(where: { $0 != nil }) {
            line("", micrometers.map { $0.map { String(format: "%.3f", $0) } ?? "?" }.joined(separator: ", ") + " µm")
        }
        return lines.joined(separator: "\n")
    }
}
