import DeconvDevice
package import DeconvIO
package import DeconvVolume
import Foundation
package import Logging

/// The main job: a TIFF stack and its PSFs in, a TIFF stack out.
package struct FileDeconvolution: Sendable {
    private let input: any ImageFileSource
    private let psfPaths: [String]
    private let flatField: (any ImageFileSource)?
    private let mask: (any ImageFileSource)?
    private let psfs: [DeconvolutionJob.MeasuredPSF]
    private let options: DeconvolutionOptions
    private let psfWarnings: [Diagnostic]

    /// Opens the files.
    /// - Parameters:
    ///   - input: a stack of any number of channels and time points.
    ///   - psfPaths: one file for all channels, one a channel, or one with a channel for each.
    ///   - flatField: the sensitivity of the image's voxels, and
    ///   - mask: which of them are good: see `Sensitivity`.
    /// - Throws: `inputNotFound` or `invalidData` naming the file.
    package init(
        input: String,
        psfPaths: [String],
        flatField: String? = nil,
        mask: String? = nil,
        options: DeconvolutionOptions
    ) throws(DeconvolutionError) {
        try options.validate()
        guard !psfPaths.isEmpty, !psfPaths.contains("") else {
            throw DeconvolutionError(.invalidArgument, "--psf names no file; give the PSF as a TIFF stack")
        }
        self.psfPaths = psfPaths
        self.input = try ImageFile.open(path: input)
        self.flatField = try Self.map(flatField, "--flat-field", "a flat field")
        self.mask = try Self.map(mask, "--mask", "a mask")
        var psfs: [DeconvolutionJob.MeasuredPSF] = []
        var warnings: [Diagnostic] = []
        for path in psfPaths {
            let file = try ImageFile.open(path: path)
            psfs += try Self.measuredPSFs(in: file)
            warnings += file.diagnostics
        }
        self.psfs = psfs
        self.options = options
        psfWarnings = warnings
    }

    private static func map(
        _ path: String?,
        _ option: String,
        _ what: String
    ) throws(DeconvolutionError) -> (any ImageFileSource)? {
        guard let path else { return nil }
        guard !path.isEmpty else {
            throw DeconvolutionError(.invalidArgument, "\(option) names no file; give \(what) as a TIFF stack")
        }
        return try ImageFile.open(path: path)
    }

    /// The PSFs of a file, one a channel.
    package static func measuredPSFs(
        in file: any ImageFileSource
    ) throws(DeconvolutionError) -> [DeconvolutionJob.MeasuredPSF] {
        let image = file.image
        guard image.timepointCount == 1 else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): a PSF of \(image.timepointCount) time points; give a stack of planes"
            )
        }
        // Preparation works in double precision on a few copies.
        let bytes = image.shape.voxelCount * image.channelCount * 40
        guard bytes <= HostSystem.freeBytes else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): \(image.shape) voxels are too many for a PSF in this machine's memory; is it the image? "
                    + "crop the PSF"
            )
        }
        var psfs: [DeconvolutionJob.MeasuredPSF] = []
        for channel in 0..<image.channelCount {
            psfs.append(
                DeconvolutionJob.MeasuredPSF(
                    name: image.channelCount == 1 ? file.name : "\(file.name), channel \(channel)",
                    volume: Volume(
                        shape: image.shape,
                        voxels: try file.readVolume(channel: channel).floats,
                        spacing: image.spacing
                    )
                )
            )
        }
        return psfs
    }

    /// Removes the hidden files of all unfinished outputs; safe in a signal handler.
    package static func removeUnfinishedOutputs() { AtomicOutput.removeAllUnfinished() }

    /// What the input is called and what it holds.
    package var source: any VolumeSource { input }

    /// What would be done, without doing it: a plan for each device, the first one with all warnings.
    package func plans() throws(DeconvolutionError) -> [JobPlan] {
        var plans = try DeconvolutionJob(source: input, psfs: psfs, sensitivity: sensitivity, options: options).plans()
        plans[0].warnings = fileWarnings + plans[0].warnings
        return plans
    }

    /// Refuses outputs of which one would replace an input or another output.
    /// - Throws: `cannotCreateOutput` naming the output.
    package func check(outputs: [String]) throws(DeconvolutionError) {
        try OutputPaths.check(
            outputs,
            against: [input.name] + psfPaths + [flatField, mask].compactMap { $0?.name }
        )
    }

    /// Does the work.
    /// - Throws: `DeconvolutionError`; the output then does not exist, or is what it was.
    package func run(
        output: String,
        outputOptions: OutputOptions,
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> RunReport {
        try check(outputs: [output])
        var image = input.image
        image.spacing = options.spacing ?? image.spacing
        let sink = try outputOptions.makeSink(path: output, image: image)
        let job = DeconvolutionJob(
            source: input,
            psfs: psfs,
            sensitivity: sensitivity,
            options: options,
            scratchFolder: (output as NSString).deletingLastPathComponent.isEmpty
                ? "." : (output as NSString).deletingLastPathComponent,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
        var report = try job.run(into: sink)
        report.warnings = fileWarnings + report.warnings
        report.saturatedVoxelCount = sink.saturatedVoxelCount
        if sink.saturatedVoxelCount > 0 {
            report.warnings.append(
                Diagnostic(
                    "\(output): \(sink.saturatedVoxelCount) voxels did not fit \(outputOptions.pixelType.rawValue) and were "
                        + "set to its largest or smallest value; float32 keeps them"
                )
            )
        }
        return report
    }

    private var sensitivity: Sensitivity { Sensitivity(flatFieldSource: flatField, maskSource: mask) }

    /// What the files left open; a spacing that an option gives is no longer open.
    private var fileWarnings: [Diagnostic] {
        let known = options.spacing != nil && options.psfSpacing != nil
        // The voxels of a flat field or mask are those of the image, whatever their file says of their size.
        let mapWarnings = [flatField, mask].flatMap { $0?.diagnostics ?? [] }
            .filter { !$0.message.contains("spacing") }
        return (input.diagnostics + psfWarnings).filter { !known || !$0.message.contains("spacing") } + mapWarnings
    }
}
