import DeconvDevice
package import DeconvIO
import DeconvMethods
package import DeconvOptions
import DeconvPlan
package import DeconvVolume
import Foundation
package import Logging

/// The main job: an image and its PSFs in, an image out.
package struct FileDeconvolution: Sendable {
    private let input: InputImage
    private let psfPaths: [String]
    private let flatField: (any ImageFileSource)?
    private let mask: (any ImageFileSource)?
    private let view: (any ImageFileSource)?
    /// The files of its PSFs.
    private let viewPSFFiles: [any ImageFileSource]
    private let secondView: SecondView?
    private let psfs: [MeasuredPSF]
    private let jobOptions: JobOptions
    /// Those of the job, with the values of the channels that are deconvolved.
    private var options: DeconvolutionOptions
    private let psfFiles: [any ImageFileSource]
    private let computedPSFs: ComputedPSFs?
    private let psfWarnings: [Diagnostic]

    /// Opens the files.
    /// - Parameters:
    ///   - input: a TIFF stack, a Zarr array or image of OME-Zarr, or a folder or pattern of TIFF stacks, of any number of
    ///     channels and time points.
    ///   - psfPaths: files, patterns or Zarr arrays: one PSF for all channels, or one a channel, in the order of the list,
    ///     those of a pattern in the order of their names. With places in the options as many for each; none where these name
    ///     their files, and where PSFs are computed, from options and from what the image's file says of the microscope.
    ///   - options: what to do with which part of it; for its flat field and mask see `Sensitivity`.
    /// - Throws: `invalidArgument` naming an option, `inputNotFound` or `invalidData` naming a file.
    package init(
        input: String,
        psfPaths: [String],
        options: JobOptions
    ) throws(DeconvolutionError) {
        try OptionTable.standard.validate(options)
        var options = OptionTable.standard.settled(options)
        guard options.psfFiles == nil || psfPaths.isEmpty else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psf) and \(.psfAt) both name files of PSFs; leave out the names in one of them"
            )
        }
        let psfPaths = options.psfFiles ?? psfPaths
        try Self.checkPSFOptions(options, hasFiles: !psfPaths.isEmpty)
        guard !psfPaths.contains("") else {
            throw DeconvolutionError(.invalidArgument, "\(.psf) names no file; give the PSF as a TIFF stack")
        }
        var paths: [String] = []
        for path in psfPaths { paths += try PathPattern.expand(path) }
        self.psfPaths = paths
        var psfs: [MeasuredPSF] = []
        var files: [any ImageFileSource] = []
        var warnings: [Diagnostic] = []
        for path in paths {
            let file = try Self.psfFile(path)
            files.append(file)
            let survey = try file.surveyChunks()
            psfs += try Self.measuredPSFs(in: file)
            warnings += file.diagnostics + (survey?.diagnostics ?? [])
        }
        psfFiles = files
        let placeCount = options.deconvolution.psfPlaces?.count ?? 1
        let countOfPlace = psfs.count / placeCount
        self.input = try options.selection.open(input, psfCount: psfs.isEmpty ? nil : countOfPlace)
        let inputPaths = self.input.whole.paths
        if let same = paths.first(where: { path in inputPaths.contains { OutputPaths.isSameFile(path, $0) } }) {
            warnings.append(
                Diagnostic(
                    .psfIsImage,
                    "\(subject: same): is the image and the PSF at once, which leaves a point of it; give \(.psf) another file"
                )
            )
        }
        let channels = self.input.chosenChannels
        self.options = try options.deconvolution.chosen(channels, self.input.source.name)
        if paths.isEmpty {
            let (source, deconvolution) = (self.input.source, self.options)
            let computed = try ComputedPSFs(
                deconvolution.microscope,
                image: source.image,
                spacing: deconvolution.spacing ?? source.image.spacing,
                depths: PSFDepths(deconvolution),
                imageName: source.name
            )
            psfs = computed.psfs
            computedPSFs = computed
            // Those that it came to.
            (self.options.psfPlaces, self.options.choosesPSFPlaces) = (computed.places, false)
        } else {
            computedPSFs = nil
        }
        let (source, known) = (self.input.source, self.options)
        var figures = computedPSFs?.figures
        if figures == nil {
            do throws(DeconvolutionError) {
                figures = try MicroscopeFigures(
                    ofMeasuredPSF: known.microscope,
                    image: source.image,
                    imageName: source.name
                )
            } catch {
                // What the file alone says wrongly or not at all is not needed; an option would do nothing.
                let given: Set<OptionName> = [.microscope, .na, .emission, .excitation, .immersion, .dye]
                if !options.given.isDisjoint(with: given) { throw error }
            }
        }
        if let figures, let spacing = known.spacing ?? source.image.spacing {
            warnings += figures.samplingWarnings(of: spacing, source.name)
        }
        psfWarnings = warnings
        let chosen = (0..<placeCount).compactMap { [psfs] place in
            channels.values(of: Array(psfs[place * countOfPlace..<(place + 1) * countOfPlace]))
        }
        if chosen.count == placeCount, psfs.count == placeCount * countOfPlace { psfs = chosen.flatMap { $0 } }
        let psfsOfPlace = psfs.count / placeCount
        if let figures, computedPSFs == nil {
            for index in psfs.indices {
                psfs[index].limit = try? figures.limit(channel: psfsOfPlace <= 1 ? 0 : index % psfsOfPlace)
            }
        }
        self.psfs = psfs
        self.flatField = try Self.map(options.flatField, .flatField, "a flat field", of: self.input)
        let findsMask = options.mask == JobOptions.foundMask
        self.mask = try Self.map(findsMask ? nil : options.mask, .mask, "a mask", of: self.input)
        let (view, viewPSFFiles) = try Self.viewFiles(options, of: self.input)
        (self.view, self.viewPSFFiles) = (view, viewPSFFiles)
        secondView = try view.map { (view) throws(DeconvolutionError) in
            var psfs: [MeasuredPSF] = []
            for file in viewPSFFiles { psfs += try Self.measuredPSFs(in: file) }
            return SecondView(source: view, psfs: channels.values(of: psfs) ?? psfs)
        }
        options.deconvolution = options.deconvolutionWithFoundMask
        self.options.halvesPhotons = options.output.uncertaintyPath != nil
        self.options.masksBadPixels = options.deconvolution.masksBadPixels
        jobOptions = options
    }

    /// Refuses options that would do nothing.
    private static func checkPSFOptions(_ options: JobOptions, hasFiles: Bool) throws(DeconvolutionError) {
        let ofFiles: [OptionName] = [.psfSpacing, .psfBackground, .psfAsIs, .radialAverage, .symmetrize]
        let ofComputed: [OptionName] = [
            .model, .sampleIndex, .coverGlass, .depth, .pinhole, .sheetThickness, .sheetNA, .psfShape,
        ]
        let (places, isAuto) = (options.deconvolution.psfPlaces, options.deconvolution.choosesPSFPlaces)
        if places == nil, !isAuto, options.given.contains(.psfModes) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfModes): is for PSFs of several places; give them with \(.psfAt), or leave it out"
            )
        }
        for option in hasFiles ? ofComputed : ofFiles where options.given.contains(option) {
            throw DeconvolutionError(
                .invalidArgument,
                hasFiles
                    ? "\(option): is for a PSF that is computed, and \(.psf) names a file; leave one of them out"
                    : "\(option): is for a PSF in a file, and none is named; give \(.psf), or leave it out"
            )
        }
    }

    /// A PSF file; of four axes without names the first is the channel.
    private static func psfFile(_ path: String) throws(DeconvolutionError) -> any ImageFileSource {
        let file = try ImageFile.open(path: path)
        guard file.axes == "tzyx", file.diagnostics.contains(where: { $0.kind == .axesAssumed }) else { return file }
        return try ImageFile.open(path: path, options: ImageFile.Options(axes: "czyx"))
    }

    private static func map(
        _ path: String?,
        _ option: OptionName,
        _ what: String,
        of input: InputImage
    ) throws(DeconvolutionError) -> (any ImageFileSource)? {
        guard let path else { return nil }
        guard !path.isEmpty else {
            throw DeconvolutionError(.invalidArgument, "\(option) names no file; give \(what) as a TIFF stack")
        }
        return try input.selected(
            of: ImageFile.open(path: path, options: ImageFile.Options(isMask: option == .mask))
        )
    }

    /// The files of the second view and of its PSFs; none where there is one view.
    /// - Throws: `invalidArgument` where only one of the two is named, or the view is the image itself; as `InputSelection.open`.
    private static func viewFiles(
        _ options: JobOptions,
        of input: InputImage
    ) throws(DeconvolutionError) -> ((any ImageFileSource)?, [any ImageFileSource]) {
        guard let path = options.view, let psf = options.viewPSF, !path.isEmpty, !psf.isEmpty else {
            let names: [(OptionName, String?)] = [(.view, options.view), (.viewPSF, options.viewPSF)]
            if names.allSatisfy({ $0.1 == nil }), !options.given.contains(.viewBackground) { return (nil, []) }
            throw DeconvolutionError(
                .invalidArgument,
                "\(.view) and \(.viewPSF) name a second image and its PSF, and \(.viewBackground) is of that; give files for both, or "
                    + "leave all of them out"
            )
        }
        let view = try options.selection.open(path, psfCount: nil).source
        if view.paths.contains(where: { path in input.whole.paths.contains { OutputPaths.isSameFile(path, $0) } }) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.view, path): is the image itself, whose photons cannot count twice; give the file of another one"
            )
        }
        var files: [any ImageFileSource] = []
        for path in try PathPattern.expand(psf) { files.append(try psfFile(path)) }
        return (view, files)
    }

    /// The PSFs of a file, one a channel.
    package static func measuredPSFs(
        in file: any ImageFileSource
    ) throws(DeconvolutionError) -> [MeasuredPSF] {
        let image = file.image
        guard image.timepointCount == 1 else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): a PSF of \(image.timepointCount) time points; give a stack of planes"
            )
        }
        // Preparation works in double precision on a few copies.
        let voxelCount = Double(image.shape.voxelCount) * Double(image.channelCount)
        guard voxelCount * 40 <= Double(HostSystem.freeBytes) else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): \(image.shape) voxels are too many for a PSF in this machine's memory; is it the image? "
                    + "crop the PSF"
            )
        }
        var psfs: [MeasuredPSF] = []
        for channel in 0..<image.channelCount {
            let voxels = try file.readVolume(channel: channel).floats
            var psf = MeasuredPSF(
                name: image.channelCount == 1 ? file.name : "\(file.name), channel \(channel)",
                volume: Volume(shape: image.shape, voxels: voxels, spacing: image.spacing),
                origin: PSFMark.origin(of: voxels, image.provenance)
            )
            psf.knownLengths = image.knownLengths
            psfs.append(psf)
        }
        return psfs
    }

    /// Removes the hidden files of all unfinished outputs; safe in a signal handler.
    package static func removeUnfinishedOutputs() { AtomicOutput.removeAllUnfinished() }

    /// What the input is called and what is deconvolved of it.
    package var source: any VolumeSource { input.source }

    /// What PSFs were computed from; nil where they are in files.
    package var computedPSF: ComputedPSFReport? { computedPSFs.map { ComputedPSFReport($0) } }

    /// What would be done, without doing it: a plan for each device, the first one with all warnings.
    package func plans() throws(DeconvolutionError) -> [JobPlan] {
        var results = JobPlan.Results.inOrder
        let image = input.source.image
        // Most that comes out of a store goes into one, stored as its input is.
        if input.source.storageTemplate(for: image).template != nil,
            let plan = try? zarrPlan("result.zarr", .root, OutputOptions(), image)
        {
            results = .inAnyOrder(writeBytes: plan.bytesPerWrite(threadCount: Self.writingThreadCount))
        }
        let survey = try FileSurvey(input.source, maps: maps, withStamps: false)
        var plans = try job().plans(results: results)
        plans[0].warnings = fileWarnings + survey.warnings + plans[0].warnings
        return plans
    }

    /// The most threads that encode chunks.
    private static var writingThreadCount: Int { ProcessInfo.processInfo.activeProcessorCount }

    private func zarrPlan(
        _ store: String,
        _ array: ZarrPath,
        _ outputOptions: OutputOptions,
        _ image: ImageDescription
    ) throws(DeconvolutionError) -> ZarrOutputPlan {
        let content = input.source.storageTemplate(for: image)
        return try ZarrOutputPlan(
            path: store,
            array: array,
            content: content,
            options: outputOptions.zarrOptions(isOMEByDefault: content.isOMEByDefault)
        )
    }

    private func job(
        resultType: PixelType = .float32,
        scratchFolder: String = ".",
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) -> DeconvolutionJob {
        DeconvolutionJob(
            source: input.source,
            psfs: psfs,
            secondView: secondView,
            sensitivity: sensitivity,
            options: options,
            resultType: resultType,
            scratchFolder: scratchFolder,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
    }

    /// Refuses outputs of which one would replace an input or another output.
    /// - Throws: `cannotCreateOutput` naming the output.
    package func check(outputs: [String]) throws(DeconvolutionError) {
        try OutputPaths.check(outputs, against: inputPaths)
    }

    /// Every file and folder that is read.
    private var inputPaths: [String] {
        input.whole.paths + psfPaths + (psfFiles + viewPSFFiles + maps.compactMap(\.self)).flatMap(\.paths)
    }

    /// Does the work.
    ///
    /// A result that is a Zarr store or array is begun as `NAME.partial`; a run that was stopped is gone on with by the next one
    /// of the same files and options.
    /// - Parameter session: what is kept from run to run; nil where nothing is.
    /// - Throws: `DeconvolutionError`; the output then does not exist, or is what it was.
    package func run(
        output: String,
        in session: DeconvolutionSession? = nil,
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> RunReport {
        let outputOptions = jobOptions.output
        var origin = origin(output)
        let checksum = FileChecksum(of: input.whole.paths)
        var image = input.source.image
        image.spacing = options.spacing ?? image.spacing
        image.provenance = origin.provenance(jobOptions)
        let job = job(
            resultType: outputOptions.pixelType,
            scratchFolder: OutputPath(output).folder,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
        // Begun before the work, so that what is in its way is found at once.
        let maskSink = try outputOptions.maskPath.map { (path) throws(DeconvolutionError) in
            try OutputPaths.check([path, output], against: inputPaths)
            return try makeMaskSink(path)
        }
        let target = try OutputTarget(output, outputOptions)
        let map = try uncertaintyMap(of: image, [output] + [outputOptions.maskPath].compactMap(\.self))
        defer { map?.close() }
        var report: RunReport
        let survey: FileSurvey
        switch target {
        case .tiff:
            try check(outputs: [output])
            if input.whole.wouldHold(output) {
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(output): would be one of the stacks of \(input.whole.name) for the next run; choose another folder"
                )
            }
            survey = try FileSurvey(input.source, maps: maps, withStamps: map?.isResumable ?? false)
            let sink = try outputOptions.makeSink(path: output, image: image)
            report = try Self.withSetup(of: job, results: .inOrder, session) { (setup) throws(DeconvolutionError) in
                guard let map else { return try job.run(setup, into: sink) }
                job.description.limitKeptBytes(setup.plans)
                let looked = try job.lookedAt().tuned(on: setup)
                var fingerprint = fingerprint(setup.plans, survey)
                fingerprint.findings = looked.description.findings.text
                let whole = UncertaintyMap.Whole(fingerprint: fingerprint, inputStamps: survey.inputStamps)
                try map.compute(looked, setup.plans[0], whole, progress: progress)
                return try looked.afterHalves(progress: progress).run(setup, into: sink)
            }
            report.saturatedVoxelCount = sink.saturatedVoxelCount
        case .zarr(let store, let array):
            // Before anything is read, so that whatever changes from now on is another file to the next run.
            survey = try FileSurvey(input.source, maps: maps, withStamps: true)
            let plan = try zarrPlan(store, array, outputOptions, image)
            let writeBytes = plan.bytesPerWrite(threadCount: Self.writingThreadCount)
            report = try Self.withSetup(of: job, results: .inAnyOrder(writeBytes: writeBytes), session) {
                (setup) throws(DeconvolutionError) in
                try run(job, setup, into: plan, image, survey, map, progress)
            }
        }
        if let map { try map.finish(&report) }
        let found = ([input.source] + maps.compactMap(\.self)).flatMap(\.readingDiagnostics)
        report.warnings = fileWarnings + survey.warnings + found + report.warnings
        report.computedPSF = computedPSF
        if report.saturatedVoxelCount > 0 {
            report.warnings.append(
                Diagnostic(
                    .valuesClipped,
                    "\(output): voxels that did not fit \(outputOptions.pixelType.rawValue) were set to its largest or "
                        + "smallest value; float32 keeps them",
                    figures: "\(report.saturatedVoxelCount) voxels"
                )
            )
        }
        if let maskSink { try write(report.foundMask, into: maskSink) }
        origin.image?.add(checksum)
        report.origin = origin
        return report
    }

    private static func withSetup(
        of job: DeconvolutionJob,
        results: JobPlan.Results,
        _ session: DeconvolutionSession?,
        _ body: (JobSetup) throws(DeconvolutionError) -> RunReport
    ) throws(DeconvolutionError) -> RunReport {
        if let session { return try session.run(job, results: results, body) }
        return try body(job.makeSetup(results: results))
    }

    /// A number that tells the result from that of other files, other contents and other options. Where it is computed does not count.
    /// - Throws: as `ImageFileSource.surveyChunks`.
    func identity() throws(DeconvolutionError) -> String {
        let survey = try FileSurvey(input.source, maps: maps, withStamps: true)
        var words = fingerprint([], survey).fields.map { "\($0.key): \($0.value)" }
        words += input.whole.paths.map(FileRecord.absolute)
        words += survey.inputStamps.map { "\($0.key.channel), \($0.key.timepoint): \($0.value)" }.sorted()
        for option in OptionTable.standard.options where option.effect == .output && option.name != .overwrite {
            words.append("\(option.name.words): \(option.text(jobOptions) ?? "none")")
        }
        if let tuning = options.tuning.flatMap({ FileManager.default.contents(atPath: $0) }) {
            words.append(String(decoding: tuning, as: UTF8.self))
        }
        return JobFingerprint.checksum(of: words)
    }

    /// Every file and folder that the image is read from.
    var imagePaths: [String] { input.whole.paths }

    /// Where it goes which pixels of the camera are good: one plane a channel.
    /// - Throws: as `OutputOptions.makeSink`.
    private func makeMaskSink(_ path: String) throws(DeconvolutionError) -> TIFFSink {
        let image = input.source.image
        var options = jobOptions.output
        options.pixelType = .uint8
        let description = ImageDescription(
            shape: VolumeShape(z: 1, y: image.shape.y, x: image.shape.x),
            channelCount: image.channelCount,
            pixelType: .uint8,
            spacing: image.spacing
        )
        return try options.makeSink(path: path, image: description)
    }

    /// Writes 0 where pixels are hot or dead, 1 elsewhere.
    /// - Parameter badPixels: of each channel, y · width + x.
    private func write(_ badPixels: [[Int]], into sink: TIFFSink) throws(DeconvolutionError) {
        for pixels in badPixels {
            var good = [Float](repeating: 1, count: input.source.image.shape.planeVoxelCount)
            for pixel in pixels { good[pixel] = 0 }
            try good.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try sink.append(plane) }
        }
        try sink.finish()
    }

    /// Where a run comes from; the checksum of the image is left out, which takes time.
    private func origin(_ output: String) -> RunOrigin {
        func record(_ file: any ImageFileSource, _ spacing: VoxelSpacing?) -> FileRecord {
            var record = FileRecord(file, spacing: spacing)
            record.add(FileChecksum(of: file.paths))
            return record
        }
        var origin = RunOrigin(jobOptions, files: true)
        origin.image = FileRecord(input.whole, spacing: options.spacing)
        origin.psfs = psfFiles.map { record($0, options.psfSpacing) }
        origin.flatField = flatField.map { record($0, nil) }
        origin.mask = mask.map { record($0, nil) }
        origin.view = view.map { record($0, options.spacing) }
        origin.viewPSFs = viewPSFFiles.map { record($0, options.psfSpacing) }
        origin.output = FileRecord.absolute(output)
        return origin
    }

    private func run(
        _ job: DeconvolutionJob,
        _ setup: JobSetup,
        into plan: ZarrOutputPlan,
        _ image: ImageDescription,
        _ survey: FileSurvey,
        _ map: UncertaintyMap?,
        _ progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) -> RunReport {
        // What the job throws before it begins must not leave an output behind.
        let (looked, setup, fingerprint) = try goingOn(job, setup, plan, survey)
        let sink = try ZarrSink(
            plan,
            job: fingerprint,
            inputs: inputPaths,
            inputStamps: survey.inputStamps
        ) { () throws(DeconvolutionError) in
            guard looked.description.cancellation.isCancelled else { return }
            throw DeconvolutionError(
                .cancelled,
                "interrupted; what is unfinished stays as it was, and the same command goes on with it"
            )
        }
        defer { sink.close() }
        let whole = UncertaintyMap.Whole(fingerprint: fingerprint, inputStamps: survey.inputStamps)
        try map?.compute(looked, setup.plans[0], whole, progress: progress)
        let job = map == nil ? looked : looked.afterHalves(progress: progress)
        // The last digits of a result follow from the plans of its transforms, which are found by measuring.
        let plans = sink.plansPath.map(KeptPlans.init(path:))
        defer { plans?.end() }
        do {
            var report = try job.run(setup, into: sink)
            report.saturatedVoxelCount = sink.saturatedVoxelCount
            report.warnings = sink.diagnostics + report.warnings
            return report
        } catch {
            let held = image.volumes.count { sink.holds(channel: $0.channel, timepoint: $0.timepoint) }
            throw held == 0 ? error : error.withRemainder("\(sink.path).partial", held, of: image.volumeCount)
        }
    }

    private func fingerprint(_ plans: [JobPlan], _ survey: FileSurvey) -> JobFingerprint {
        JobFingerprint(
            input,
            psfs: psfs,
            secondPSFs: secondView?.psfs ?? [],
            maps: zip([OptionName.flatField, .mask, .view], zip(maps, survey.mapStamps)).map {
                ($0, $1.0, $1.1)
            },
            jobOptions,
            plans: plans
        )
    }

    /// Where it goes how uncertain the result is; nil where nobody asked.
    /// - Parameters:
    ///   - result: what the result is.
    ///   - others: the other outputs.
    /// - Throws: as `UncertaintyMap.init`; `cannotCreateOutput` where it would replace an input or another output.
    private func uncertaintyMap(
        of result: ImageDescription,
        _ others: [String]
    ) throws(DeconvolutionError) -> UncertaintyMap? {
        guard let path = jobOptions.output.uncertaintyPath else { return nil }
        try OutputPaths.check([path] + others, against: inputPaths)
        if input.whole.wouldHold(path) {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(path): would be one of the stacks of \(input.whole.name) for the next run; choose another folder"
            )
        }
        return try UncertaintyMap(path, jobOptions.output, result, inputs: inputPaths, writers: Self.writingThreadCount)
        {
            (store, array, options, image) throws(DeconvolutionError) in try zarrPlan(store, array, options, image)
        }
    }

    /// A job and its setup, with the tiles that its unfinished result was begun with, where nobody but us chooses them: they follow from the
    /// memory that is free, and the last digits of a result follow from them.
    /// - Throws: `cannotCreateOutput` where there is too little memory for these.
    private func goingOn(
        _ job: DeconvolutionJob,
        _ setup: JobSetup,
        _ output: ZarrOutputPlan,
        _ survey: FileSurvey
    ) throws(DeconvolutionError) -> (DeconvolutionJob, JobSetup, JobFingerprint) {
        func fingerprint(_ setup: JobSetup) -> JobFingerprint { self.fingerprint(setup.plans, survey) }
        job.description.limitKeptBytes(setup.plans)
        let (looked, now) = try looked(job, setup, fingerprint(setup), output)
        let job = looked
        guard options.tileShape == nil, options.memoryLimitBytes == nil, let begun = ZarrSink.begunJob(output),
            now.isSameButForTiles(as: begun)
        else { return (job, setup, now) }
        if let tileShape = begun.tileShape {
            var same = job
            same.description.options.tileShape = tileShape
            if let setup = try? same.makeSetup(results: setup.request.results) {
                var then = fingerprint(setup)
                then.findings = now.findings
                if then.tiles == begun.tiles { return (same, setup, then) }
            }
        }
        if output.options.overwrite { return (job, setup, now) }
        let tiles = begun.tileShape.map { "in tiles of \($0) voxels" } ?? "with other tiles (\(begun.tiles))"
        throw DeconvolutionError(
            .cannotCreateOutput,
            "\(output.path).partial: was begun \(begun.tiles == "none" ? "in one piece" : tiles), for which too little memory is "
                + "free now: free some to go on, give \(on: .overwrite) to begin anew, or choose another name"
        )
    }

    /// A job that has looked at its image, and its fingerprint with what was found; what the unfinished result was begun with
    /// holds, if it is that of the same job.
    private func looked(
        _ job: DeconvolutionJob,
        _ setup: JobSetup,
        _ fingerprint: JobFingerprint,
        _ output: ZarrOutputPlan
    ) throws(DeconvolutionError) -> (DeconvolutionJob, JobFingerprint) {
        var begun: ImageFindings?
        if let earlier = ZarrSink.begunJob(output), fingerprint.isSameWithAnyTiles(as: earlier) {
            begun = earlier.findings.flatMap { findings in
                ImageFindings(
                    text: findings,
                    channelCount: input.source.image.channelCount,
                    viewCount: view == nil ? 1 : 2
                )
            }
        }
        let job = try job.lookedAt(goingOnWith: begun).tuned(on: setup)
        var fingerprint = fingerprint
        fingerprint.findings = job.description.findings.text
        return (job, fingerprint)
    }

    /// What is read beside the image.
    private var maps: [(any ImageFileSource)?] { [flatField, mask, view] }

    private var sensitivity: Sensitivity { Sensitivity(flatFieldSource: flatField, maskSource: mask) }

    /// What the files left open; a spacing that an option gives is no longer open.
    private var fileWarnings: [Diagnostic] {
        func without(_ spacing: VoxelSpacing?, _ warnings: [Diagnostic]) -> [Diagnostic] {
            spacing == nil ? warnings : warnings.filter { !$0.kind.isAboutSpacing }
        }
        // The voxels of a flat field or mask are those of the image, whatever their file says of their size.
        let mapWarnings = [flatField, mask].flatMap { $0?.diagnostics ?? [] }.filter { !$0.kind.isAboutSpacing }
        return without(options.spacing, input.source.diagnostics) + without(options.psfSpacing, psfWarnings)
            + mapWarnings + without(options.spacing, view?.diagnostics ?? [])
            + without(options.psfSpacing, viewPSFFiles.flatMap(\.diagnostics)) + [boundaryWarning].compactMap(\.self)
    }

    /// Said where somebody asked for a boundary that the method has not.
    private var boundaryWarning: Diagnostic? {
        let asked = options.boundary
        guard jobOptions.given.contains(.boundary), let method = try? Methods.method(options) else { return nil }
        let used = method.boundary(asked)
        guard used != asked else { return nil }
        return Diagnostic(
            .boundaryReplaced,
            "\(.boundary, asked.rawValue): \(method.name) estimates nothing outside the image; \(used.rawValue) is used"
        )
    }
}

/// Which files there are of the chunks that a run reads, of image and maps.
private struct FileSurvey {
    /// What is missing.
    var warnings: [Diagnostic] = []
    /// A number for each volume of the image that changes with the files it is read from; empty where these are none of chunks.
    var inputStamps: [VolumePosition: UInt64] = [:]
    /// One for each map; nil where there is none, or no chunks.
    var mapStamps: [UInt64?] = []

    init(
        _ image: any ImageFileSource,
        maps: [(any ImageFileSource)?],
        withStamps: Bool
    ) throws(DeconvolutionError) {
        let survey = try image.surveyChunks(withStamps: withStamps)
        warnings += survey?.diagnostics ?? []
        inputStamps = survey?.stamps ?? [:]
        for map in maps {
            let survey = try map?.surveyChunks(withStamps: withStamps)
            warnings += survey?.diagnostics ?? []
            mapStamps.append(survey?.stamp)
        }
    }
}
