import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import Foundation
import GPUDeconv
import Logging
import Synchronization

struct Deconvolve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deconvolve a TIFF stack, a series of them, or a Zarr array; runs without a subcommand too.",
        usage: "gpudeconv [deconvolve] <input> --psf <psf> --output <path> [<options>]",
        discussion: """
            Examples:
              gpudeconv cell.tif --psf psf.tif -o sharp.tif
              gpudeconv cell.tif --psf psf.tif -o sharp.tif -i 20 --background 98
              gpudeconv cell.tif --psf green.tif,red.tif -o sharp.tif --dtype uint16
              gpudeconv cell.tif --psf psf.tif -o sharp.tif --psf-spacing 0.1,0.1,0.1
              gpudeconv cell.tif --psf psf.tif -o sharp.tif --mask good.tif
              gpudeconv 'frames/t*.tif' --psf psf.tif -o sharp.zarr
              gpudeconv data.zarr --array raw --psf 'psfs/*.tif' -o sharp.zarr
              gpudeconv data.zarr --array raw --psf 'psfs/*.tif' -o data.zarr/sharp

            An output in Zarr is begun as NAME.partial and gets its name when all of it
            is there. After an interruption the same command goes on where it was.
            """
    )

    @OptionGroup(title: "Input") var files: InputArguments
    @OptionGroup(title: "Output") var result: ResultArguments
    @OptionGroup(title: "Zarr output") var zarr: ZarrArguments
    @OptionGroup var job: JobArguments

    struct ResultArguments: ParsableArguments {
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "File for the result: a name in .tif, .ome.tif for OME-TIFF, or .zarr for a Zarr store.",
                valueName: "path"
            )
        )
        var output: String

        @Option(.dtype) var dtype: String?
        @Flag(.ome) var ome = false
        @Flag(.deflate) var deflate = false
        @Flag(.overwrite) var overwrite = false

        @Option(help: ArgumentHelp("JSON file for a report of what was done.", valueName: "file"))
        var report: String?

        @Option(.divergenceInterval) var divergenceInterval: String?

        @Flag(help: "Print that report instead of one line.")
        var json = false

        @Flag(help: "Tell how far it is, and what is wrong, on standard error as lines of JSON for programs.")
        var jsonProgress = false

        @Flag(name: .shortAndLong, help: "Print nothing but errors, and what --json asks for.")
        var quiet = false

        @Flag(help: "Print messages for developers too.")
        var verbose = false
    }

    struct ZarrArguments: ParsableArguments {
        @Option(.outputArray) var outputArray: String?
        @Option(.zarrFormat) var zarrFormat: String?
        @Option(.chunks) var chunks: String?
        @Option(.shards) var shards: String?
        @Option(.codec) var codec: String?
    }

    func run() throws {
        Terminal.messagesAreJSON.store(result.jsonProgress, ordering: .relaxed)
        try reportingErrors { () throws(DeconvolutionError) in
            let level: Logger.Level = result.verbose ? .debug : .error
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = level
                return handler
            }
            var options = try job.options(for: files)
            try result.apply(to: &options)
            try zarr.apply(to: &options)
            let deconvolution = try files.deconvolution(options)
            // Begun before the work, so that what is in its way is found at once.
            var reportFile: ReportFile?
            if let path = result.report {
                try deconvolution.check(outputs: [result.output, path])
                reportFile = try ReportFile(path: path, overwrite: result.overwrite)
            }
            let cancellation = Cancellation()
            Interruption.cancels(cancellation, keepsUnfinished: OutputTarget.isZarr(result.output))
            let lines = result.jsonProgress ? ProgressLines() : nil
            let bar = Terminal.showsProgress && !result.quiet && lines == nil ? ProgressBar() : nil
            defer { bar?.clear() }
            let report = try deconvolution.run(
                output: result.output,
                cancellation: cancellation,
                logger: Logger(label: "gpudeconv")
            ) { progress in
                Interruption.note(progress)
                bar?.show(progress)
                lines?.show(progress)
            }
            bar?.clear()
            if !result.quiet || lines != nil {
                for warning in report.warnings { Terminal.warn(warning) }
            }
            let json = JSONText.of(report)
            try reportFile?.write(json + "\n")
            if result.json {
                Terminal.printBehind(json)
            } else if !result.quiet {
                Terminal.printBehind(summary(report, options.output.pixelType))
            }
        }
    }

    private func summary(_ report: RunReport, _ pixelType: PixelType) -> String {
        var volumes = "\(report.shape) \(pixelType.rawValue)"
        if report.channelCount > 1 { volumes += ", \(report.channelCount) channels" }
        if report.timepointCount > 1 { volumes += ", \(report.timepointCount) time points" }
        if report.resumedVolumeCount > 0 { volumes += ", of which \(report.resumedVolumeCount) were there already" }
        let devices =
            report.devices.count > 1 ? "\(report.devices.count) devices" : report.device.name
        var how =
            "\(report.iterationCount) iterations of \(report.secondsPerIteration.inWords) on \(devices)"
        if report.tileCount > 1 { how += " in \(report.tileCount) tiles" }
        return "\(result.output): \(volumes); \(how), \(report.seconds.total.inWords) in all"
    }
}

extension Double {
    /// Seconds with three figures: `0.546 s`.
    var inWords: String {
        self >= 100 ? String(format: "%.0f s", self) : String(format: "%.3g s", self)
    }
}
