import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvTools
import GPUDeconv

struct Rerun: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a result again, as its report describes it.",
        usage: "gpudeconv rerun <report> [--output <path>] [<options>]",
        discussion: """
            Takes inputs and options from a report that --report wrote, and says which inputs have changed since.

            Example:
              gpudeconv cell.tif --psf psf.tif -o sharp.tif -i 20 --report sharp.json
              gpudeconv rerun sharp.json -o again.tif
            """
    )

    @Argument(
        help: ArgumentHelp("JSON file that a run wrote with --report.", valueName: "report"),
        completion: .file()
    )
    var reported: String

    @OptionGroup(title: "Output") var result: ResultArguments
    @OptionGroup(title: "Output") var execution: ExecutionArguments

    struct ResultArguments: ParsableArguments {
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("File for the result. (default: that of the report)", valueName: "path")
        )
        var output: String?

        @Flag(.overwrite) var overwrite = false
    }

    func run() throws {
        try execution.run { () throws(DeconvolutionError) in
            let job = try ReportedJob(path: reported)
            var options = job.options
            options.output.overwrite = false
            options.given.remove(.overwrite)
            try result.apply(to: &options)
            let deconvolution = try FileDeconvolution(input: job.image, psfPaths: job.psfs, options: options)
            return ExecutionArguments.Job(
                deconvolution: deconvolution,
                options: options,
                output: result.output ?? job.output,
                warnings: job.warnings
            )
        }
    }
}
