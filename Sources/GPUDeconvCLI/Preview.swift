import ArgumentParser
import DeconvPipeline
import GPUDeconv

struct Preview: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw maximum projections along z, y and x with a scale bar, as a PNG file.",
        usage: """
            gpudeconv preview cell.tif -o cell.png
            gpudeconv preview before.tif after.tif -o both.png
            """
    )

    @Argument(help: "A TIFF stack.")
    var input: String

    @Argument(help: "A second one to show beside it, such as the result.")
    var after: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("The picture.", valueName: "file.png"))
    var output: String

    @Option(help: ArgumentHelp("Which channel, from 0.", valueName: "n"))
    var channel = 0

    @Option(help: ArgumentHelp("Which time point, from 0.", valueName: "n"))
    var time = 0

    @Option(help: ArgumentHelp("Voxel size in µm (default: what the file says).", valueName: "z,y,x"))
    var spacing: SpacingArgument?

    @Option(
        help: ArgumentHelp(
            "Percentiles of each projection that become black and white (default: 1,99.8).",
            valueName: "low,high"
        )
    )
    var percentiles: RangeArgument?

    @Option(help: ArgumentHelp("Exponent of the display; below 1 lifts what is dim.", valueName: "n"))
    var gamma = 1.0

    @Flag(help: "Replace a file that exists.")
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
    }

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var job = PreviewJob(inputs: [(input, Files.name(input))] + (after.map { [($0, Files.name($0))] } ?? []))
            job.channel = channel
            job.timepoint = time
            job.spacing = spacing?.spacing
            if let percentiles { job.percentiles = (percentiles.low, percentiles.high) }
            job.gamma = gamma
            try job.run(output: output, overwrite: overwrite)
            Terminal.print(output)
        }
    }
}
