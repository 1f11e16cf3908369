import ArgumentParser
import DeconvPipeline
import DeconvPlan
import Foundation
import GPUDeconv
import Logging

struct Deconvolve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deconvolve a TIFF stack (this is what happens without a subcommand).",
        usage: """
            gpudeconv cell.tif --psf psf.tif -o sharp.tif
            gpudeconv cell.tif --psf psf.tif -o sharp.tif --iterations 20 --background 98
            gpudeconv two-channels.tif --psf green.tif,red.tif -o sharp.tif --dtype uint16
            gpudeconv cell.tif --psf psf.tif -o sharp.tif --spacing 0.3,0.1,0.1 --psf-spacing 0.1,0.1,0.1
            """
    )

    @OptionGroup var job: JobArguments
    @OptionGroup(title: "Output") var result: ResultArguments

    struct ResultArguments: ParsableArguments {
        @Option(name: .shortAndLong, help: ArgumentHelp("The result, a TIFF file.", valueName: "file"))
        var output: String

        @Option(help: "Type of its voxels; integers are rounded and saturate.")
        var dtype = PixelTypeArgument(.float32)

        @Flag(help: "Write OME-TIFF instead of ImageJ's.")
        var ome = false

        @Flag(help: "Pack the voxels with deflate.")
        var deflate = false

        @Flag(help: "Replace files that exist.")
        var overwrite = false

        @Option(help: ArgumentHelp("Write what was done as JSON.", valueName: "file"))
        var report: String?

        @Flag(help: "Print what was done as JSON.")
        var json = false

        @Flag(name: .shortAndLong, help: "Print nothing but errors.")
        var quiet = false

        @Flag(help: "Print messages for developers too.")
        var verbose = false
    }

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            let level: Logger.Level = result.verbose ? .debug : .error
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = level
                return handler
            }
            var output = OutputOptions()
            output.pixelType = result.dtype.pixelType
            output.format = result.ome ? .ome : .imageJ
            output.compression = result.deflate ? .deflate : .none
            output.overwrite = result.overwrite
            if let path = result.report, !result.overwrite, Files.exists(path) {
                throw DeconvolutionError(.cannotCreateOutput, "\(path) exists; give --overwrite to replace it")
            }

            let cancellation = Cancellation()
            let interruption = Interruption(cancellation)
            defer { withExtendedLifetime(interruption) {} }
            let bar = Terminal.showsProgress && !result.quiet ? ProgressBar() : nil
            defer { bar?.clear() }
            let deconvolution = try FileDeconvolution(input: job.input, psfPaths: job.psfPaths, options: job.options)
            let report = try deconvolution.run(
                output: result.output,
                outputOptions: output,
                cancellation: cancellation,
                logger: Logger(label: "gpudeconv")
            ) { bar?.show($0) }
            bar?.clear()
            if !result.quiet {
                for warning in report.warnings { Terminal.warn(warning.message) }
            }
            let json = Terminal.json(report)
            if let path = result.report {
                try FileDeconvolution.write(json + "\n", to: path, overwrite: result.overwrite)
            }
            if result.json {
                Terminal.print(json)
            } else if !result.quiet {
                Terminal.print(summary(report))
            }
        }
    }

    private func summary(_ report: RunReport) -> String {
        var volumes = "\(report.shape) \(result.dtype.pixelType.rawValue)"
        if report.channelCount > 1 { volumes += ", \(report.channelCount) channels" }
        if report.timepointCount > 1 { volumes += ", \(report.timepointCount) time points" }
        var how =
            "\(report.iterationCount) iterations of \(report.secondsPerIteration.inWords) on \(report.device.name)"
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
