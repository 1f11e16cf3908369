import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvTools
import Foundation
import GPUDeconv
import Logging
import Synchronization

/// What is told of a run, and how; and the run itself.
struct ExecutionArguments: ParsableArguments {
    @Option(help: ArgumentHelp("JSON file for a report of what was done.", valueName: "file"), completion: .file())
    var report: String?

    @Flag(help: "Print that report instead of one line.")
    var json = false

    @Flag(help: "Tell how far it is, and what is wrong, on standard error as lines of JSON for programs.")
    var jsonProgress = false

    @Flag(name: .shortAndLong, help: "Print nothing but errors, and what --json asks for.")
    var quiet = false

    @Flag(help: "Print messages for developers too.")
    var verbose = false

    /// A run that is ready to begin.
    struct Job {
        var deconvolution: FileDeconvolution
        var options: JobOptions
        var output: String
        /// PNG file for the Fourier shell correlations; nil for none.
        var resolutionPlot: String?
        /// PNG file for how the number of iterations was found; nil for none.
        var stopPlot: String?
        /// What a person should know before it begins.
        var warnings: [Diagnostic] = []
    }

    /// Has messages and logs go where the arguments say.
    private func prepareTerminal() {
        Terminal.messagesAreJSON.store(jsonProgress, ordering: .relaxed)
        let level: Logger.Level = verbose ? .debug : .error
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }

    /// Does the work of a command: an error becomes one line on standard error and the exit code that belongs to it.
    /// - Parameter prepare: opens the files.
    func run(_ prepare: () throws(DeconvolutionError) -> Job) throws {
        prepareTerminal()
        try reportingErrors { () throws(DeconvolutionError) in
            let job = try prepare()
            // Begun before the work, so that what is in its way is found at once.
            let others = [job.resolutionPlot, job.stopPlot, job.options.output.uncertaintyPath].compactMap(\.self)
            let plotFile = try job.resolutionPlot.map { (path) throws(DeconvolutionError) in
                try job.deconvolution.check(outputs: [job.output] + others)
                return try ResolutionPlotFile(path: path, job.options)
            }
            let stopPlotFile = try job.stopPlot.map { (path) throws(DeconvolutionError) in
                try job.deconvolution.check(outputs: [job.output] + others)
                return try StopPlotFile(path: path, job.options)
            }
            var reportFile: ReportFile?
            if let report {
                try job.deconvolution.check(outputs: [job.output, report] + others)
                reportFile = try ReportFile(path: report, overwrite: job.options.output.overwrite)
            }
            if !quiet || jsonProgress {
                for line in job.deconvolution.computedPSF?.lines ?? [] { Terminal.note(line) }
            }
            let cancellation = Cancellation()
            Interruption.cancels(cancellation, keepsUnfinished: OutputTarget.isZarr(job.output))
            let lines = jsonProgress ? ProgressLines() : nil
            let bar = Terminal.showsProgress && !quiet && lines == nil ? ProgressBar() : nil
            defer { bar?.clear() }
            var done = try job.deconvolution.run(
                output: job.output,
                cancellation: cancellation,
                logger: Logger(label: "gpudeconv")
            ) { progress in
                Interruption.note(progress)
                bar?.show(progress)
                lines?.show(progress)
            }
            done.warnings = job.warnings + done.warnings
            done.origin?.command = CommandLine.arguments
            bar?.clear()
            if !quiet || lines != nil {
                for warning in done.warnings { Terminal.warn(warning) }
            }
            let text = JSONText.of(done, .flag)
            try reportFile?.write(text + "\n")
            try stopPlotFile?.write(done.tunings, title: Files.name(job.output))
            if let uncertainty = done.uncertainty { try plotFile?.write(uncertainty, title: Files.name(job.output)) }
            if json {
                Terminal.printBehind(text)
            } else if !quiet {
                let lines =
                    [summary(done, job.output, job.options), done.outcome.sentence]
                    + [done.uncertainty?.sentence].compactMap(\.self)
                Terminal.printBehind(lines.joined(separator: "\n"))
            }
        }
    }

    /// The same for a batch of images: one that fails becomes a line on standard error while the others go on, and the exit code is
    /// that of the first one that failed.
    /// - Parameter prepare: finds the images.
    func runEach(_ prepare: () throws(DeconvolutionError) -> (ImageBatch, JobOptions)) throws {
        prepareTerminal()
        var firstFailure: DeconvolutionError?
        try reportingErrors { () throws(DeconvolutionError) in
            let (batch, options) = try prepare()
            var reportFile: ReportFile?
            if let report {
                try batch.check(outputs: [report])
                // The same command goes on, and tells of all images again.
                let replaces = options.output.overwrite || BatchReport.isReport(report)
                reportFile = try ReportFile(path: report, overwrite: replaces)
            }
            let cancellation = Cancellation()
            Interruption.cancels(cancellation, keepsUnfinished: true)
            let lines = jsonProgress ? ProgressLines() : nil
            let bar = Terminal.showsProgress && !quiet && lines == nil ? ProgressBar() : nil
            defer { bar?.clear() }
            var done = try batch.run(cancellation: cancellation, logger: Logger(label: "gpudeconv")) { progress in
                Interruption.note(progress)
                bar?.show(progress)
                lines?.show(progress)
            } told: { image in
                bar?.clear()
                tell(image, options)
            }
            done.note(command: CommandLine.arguments)
            let text = JSONText.of(done, .flag)
            try reportFile?.write(text + "\n")
            if json {
                Terminal.printBehind(text)
            } else if !quiet {
                Terminal.printBehind(summary(done))
            }
            firstFailure = done.failures.first?.error
        }
        if let firstFailure { throw ExitStatus.of(firstFailure) }
    }

    private func tell(_ image: BatchReport.Image, _ options: JobOptions) {
        switch image.outcome {
        case .failed(let error):
            Terminal.complain(error, of: image.input)
        case .partOf(let other):
            if !quiet, !json { Terminal.printBehind("\(image.input): is another file of the image \(other)") }
        case .there:
            if !quiet, !json { Terminal.printBehind("\(image.output): was there already") }
        case .done(let report):
            if !quiet || jsonProgress { for warning in report.warnings { Terminal.warn(warning, of: image.input) } }
            if !quiet, !json { Terminal.printBehind(summary(report, image.output, options)) }
        }
    }

    private func summary(_ report: BatchReport) -> String {
        var parts = [
            "\(report.images.count) \(report.images.count == 1 ? "image" : "images"): \(report.doneCount) deconvolved"
        ]
        if report.thereCount > 0 { parts.append("\(report.thereCount) there already") }
        let failures = report.failures
        if !failures.isEmpty {
            let names = failures.prefix(3).map { Files.name($0.image.input) }.joined(separator: ", ")
            parts.append("\(failures.count) failed (\(names)\(failures.count > 3 ? ", ..." : ""))")
        }
        return parts.joined(separator: ", ") + "; \(report.seconds.inWords) in all"
    }

    private func summary(_ report: RunReport, _ output: String, _ options: JobOptions) -> String {
        var volumes = "\(report.shape) \(options.output.pixelType.rawValue)"
        if report.channelCount > 1 { volumes += ", \(report.channelCount) channels" }
        if report.timepointCount > 1 { volumes += ", \(report.timepointCount) time points" }
        if report.resumedVolumeCount > 0 { volumes += ", of which \(report.resumedVolumeCount) were there already" }
        let devices =
            report.devices.count > 1 ? "\(report.devices.count) devices" : report.device.name
        let iterations = report.iterationCount == 1 ? "1 iteration" : "\(report.iterationCount) iterations"
        let done = report.tuningSentence.map { "\($0); an iteration took" } ?? "\(iterations) of"
        var how = "\(done) \(report.secondsPerIteration.inWords) on \(devices)"
        if report.tileCount > 1 { how += " in \(report.tileCount) tiles" }
        return "\(output): \(volumes); \(how), \(report.seconds.total.inWords) in all"
    }
}

extension Double {
    /// Seconds with three figures: `0.546 s`.
    var inWords: String {
        self >= 100 ? String(format: "%.0f s", self) : String(format: "%.3g s", self)
    }
}
