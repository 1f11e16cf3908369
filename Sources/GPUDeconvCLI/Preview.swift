import ArgumentParser
import DeconvPipeline
import DeconvPreview
import DeconvTools
import GPUDeconv

struct Preview: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw projections or sections along z, y and x with a scale bar, or an animation, as a PNG file.",
        usage: "gpudeconv preview <input> [<after>] --output <file.png> [<options>]",
        discussion: """
            Several channels are drawn on top of each other, in the colors that the file names.

            Examples:
              gpudeconv preview cell.tif -o cell.png
              gpudeconv preview cell.tif sharp.tif --common-scale -o both.png
              gpudeconv preview cell.tif --section 30,120,200 -o sections.png
              gpudeconv preview cell.tif sharp.tif --animate turn -o turn.png
            """
    )

    @Argument(help: "TIFF stack to show.")
    var input: String

    @Argument(help: "TIFF stack to show to the right of it, such as the result.")
    var after: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("PNG file for the picture.", valueName: "file.png"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Channel to show, counted from 0. (default: all, each in its color)", valueName: "n")
    )
    var channel: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Time point to show, counted from 0.", valueName: "n"))
    var time = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxel size in µm. (default: what the file says)", valueName: "z,y,x")
    )
    var spacing: SpacingArgument?

    @Option(
        help: ArgumentHelp(
            "Sections in place of projections: through this voxel, counted from 0, or through the brightest.",
            valueName: "z,y,x|brightest"
        )
    )
    var section: SectionArgument?

    @Option(
        help: ArgumentHelp(
            "An animated PNG: a turn of the projection, or a walk through the planes.",
            valueName: "turn|walk"
        )
    )
    var animate: PreviewAnimation.Motion?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Percentiles of each image that are shown black and white.",
            valueName: "low,high"
        )
    )
    var percentiles = RangeArgument(argument: "1,99.8")!

    @Flag(help: "From black to white as many counts in both images, each counted from its own background.")
    var commonScale = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Exponent of the display; below 1 lifts what is dim.", valueName: "n")
    )
    var gamma = 1.0

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    /// Two numbers, written `low,high`.
    struct RangeArgument: ExpressibleByArgument {
        var low: Double
        var high: Double

        init?(argument: String) {
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            guard parts.count == 2, let low = parts[0], let high = parts[1] else { return nil }
            self.low = low
            self.high = high
        }

        var defaultValueDescription: String { "1,99.8" }
    }

    /// A voxel, written `z,y,x`, or the word `brightest`.
    struct SectionArgument: ExpressibleByArgument {
        var section: PreviewJob.Section

        init?(argument: String) {
            guard let section = PreviewJob.Section(text: argument) else { return nil }
            self.section = section
        }
    }

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var job = PreviewJob(inputs: [(input, Files.name(input))] + (after.map { [($0, Files.name($0))] } ?? []))
            job.channel = channel
            job.timepoint = time
            job.spacing = spacing?.spacing
            job.section = section?.section
            job.motion = animate
            job.percentiles = (percentiles.low, percentiles.high)
            job.isCommonScale = commonScale
            job.gamma = gamma
            for warning in try job.run(output: output, overwrite: overwrite) { Terminal.warn(warning) }
            Terminal.printBehind(output)
        }
    }
}

extension PreviewAnimation.Motion: ExpressibleByArgument {}
