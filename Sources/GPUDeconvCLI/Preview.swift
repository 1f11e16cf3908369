import ArgumentParser
import DeconvPipeline
import DeconvTools
import GPUDeconv

struct Preview: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw maximum projections along z, y and x with a scale bar, as a PNG file.",
        usage: "gpudeconv preview <input> [<after>] --output <file.png> [<options>]",
        discussion: """
            Examples:
              gpudeconv preview cell.tif -o cell.png
              gpudeconv preview cell.tif sharp.tif -o both.png
            """
    )

    @Argument(help: "TIFF stack to show.")
    var input: String

    @Argument(help: "TIFF stack to show to the right of it, such as the result.")
    var after: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("PNG file for the picture.", valueName: "file.png"))
    var output: String

    @Option(parsing: .unconditional, help: ArgumentHelp("Channel to show, counted from 0.", valueName: "n"))
    var channel = 0

    @Option(parsing: .unconditional, help: ArgumentHelp("Time point to show, counted from 0.", valueName: "n"))
    var time = 0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxel size in µm. (default: what the file says)", valueName: "z,y,x")
    )
    var spacing: SpacingArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Percentiles of each image that are shown black and white.",
            valueName: "low,high"
        )
    )
    var percentiles = RangeArgument(argument: "1,99.8")!

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

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var job = PreviewJob(inputs: [(input, Files.name(input))] + (after.map { [($0, Files.name($0))] } ?? []))
            job.channel = channel
            job.timepoint = time
            job.spacing = spacing?.spacing
            job.percentiles = (percentiles.low, percentiles.high)
            job.gamma = gamma
            for warning in try job.run(output: output, overwrite: overwrite) { Terminal.warn(warning) }
            Terminal.printBehind(output)
        }
    }
}
