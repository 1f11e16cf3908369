import ArgumentParser
import DeconvOptics
import DeconvPipeline
import DeconvTools
import Foundation
import GPUDeconv

extension PSF {
    struct FromBeads: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "from-beads",
            abstract: "Make a PSF from stacks with images of beads.",
            usage: "gpudeconv psf from-beads <input> ... --output <file> [<options>]",
            discussion: """
                Finds the beads, leaves out those that are clumped, saturated, too faint or
                at an edge, moves the others onto each other, and averages them.

                Examples:
                  gpudeconv psf from-beads beads.tif -o psf.tif --picture beads.png
                  gpudeconv psf from-beads b1.tif b2.tif -o psf.tif --bead-diameter 0.17
                """
        )

        @Argument(help: "TIFF stacks or Zarr arrays of beads; every time point is a stack.")
        var input: [String]

        @Option(name: .shortAndLong, help: ArgumentHelp("TIFF file for the PSF, float32.", valueName: "file"))
        var output: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Diameter of the beads in µm, to be taken out of their image. (default: left in)",
                valueName: "µm"
            )
        )
        var beadDiameter: Double?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Voxels to cut out around each bead. (default: four widths of a bead)",
                valueName: "z,y,x"
            )
        )
        var box: ShapeArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Voxel size in µm. (default: what the stacks say)", valueName: "z,y,x")
        )
        var spacing: SpacingArgument?

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Channel to use, counted from 0. (default: the only one)", valueName: "n")
        )
        var channel: Int?

        @Option(
            help: ArgumentHelp("PNG file for a picture of the beads and the PSF.", valueName: "file.png")
        )
        var picture: String?

        @Flag(help: "Replace outputs that exist.")
        var overwrite = false

        @Flag(help: "Print as JSON.")
        var json = false

        func run() throws {
            try reportingErrors { () throws(DeconvolutionError) in
                var job = BeadJob(inputs: input)
                job.channel = channel
                job.measurement.beadDiameter = beadDiameter
                job.measurement.box = box?.shape
                job.measurement.spacing = spacing?.spacing
                let result = try job.run(output: output, picture: picture, overwrite: overwrite)
                for warning in result.warnings { Terminal.warn(warning) }
                let report = result.beads.report
                Terminal.printBehind(json ? JSONText.of(report, .flag) : report.text)
            }
        }
    }
}

extension BeadReport {
    /// The report for people.
    fileprivate var text: String {
        var lines: [String] = []
        func line(_ name: String, _ value: String) {
            lines.append(name.padding(toLength: 12, withPad: " ", startingAt: 0) + value)
        }
        func numbers(_ values: [Double?], _ digits: Int) -> String {
            values.map { $0.map { String(format: "%.\(digits)f", $0) } ?? "?" }.joined(separator: ", ")
        }
        line("beads", "\(used) of \(found) used" + (stackCount > 1 ? ", in \(stackCount) stacks" : ""))
        for verdict in BeadVerdict.rejections {
            if let count = rejected[verdict.rawValue], count > 0 { line("", "\(count) \(verdict.meaning)") }
        }
        line("image FWHM", numbers(beadWidths, 2) + " ± " + numbers(beadWidthDeviations, 2) + " voxels (z, y, x)")
        if spacing != nil {
            line("", numbers(micrometers(beadWidths), 3) + " ± " + numbers(micrometers(beadWidthDeviations), 3) + " µm")
        }
        if let beadDiameter { line("bead", "of \(beadDiameter) µm taken out") }
        line("PSF", "\(box)" + (spacing.map { ", voxels of \($0)" } ?? ""))
        line("noise", String(format: "%.2g of its peak", noise))
        line("FWHM", numbers(fullWidthAtHalfMaximum, 2) + " voxels (z, y, x)")
        if spacing != nil { line("", numbers(micrometers(fullWidthAtHalfMaximum), 3) + " µm") }
        return lines.joined(separator: "\n")
    }
}
