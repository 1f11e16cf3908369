import DeconvDevice
import DeconvMethods
import DeconvOptics
package import DeconvOptions
import DeconvPlan
package import DeconvVolume
import Dispatch
package import Logging
import Synchronization

/// One image, its PSFs and what to do with them: from source to sink, volume after volume.
package struct DeconvolutionJob: Sendable {
    /// What is done, and to what.
    var description: JobDescription
    private let psfs: [MeasuredPSF]
    private let secondView: SecondView?
    let backends: @Sendable (DeconvolutionOptions) throws(DeconvolutionError) -> [NumberedBackend]

    /// A job.
    /// - Parameters:
    ///   - psfs: one for all channels, or one a channel; where options have places of PSFs, as many for the first of them, then
    ///     for the next.
    ///   - secondView: another image of the object, aligned with the first; nil for none.
    ///   - sensitivity: flat field and mask of the image, and of its second view.
    ///   - resultType: what the voxels of the result are stored as; integers are refused where all would be 0.
    ///   - scratchFolder: where results go that do not fit in memory before they are written.
    ///   - backends: the devices that options ask for.
    ///   - progress: called after every iteration and at every change of stage, on the threads of the run, one at a time.
    package init(
        source: any VolumeSource,
        psfs: [MeasuredPSF],
        secondView: SecondView? = nil,
        sensitivity: Sensitivity = Sensitivity(),
        options: DeconvolutionOptions,
        resultType: PixelType = .float32,
        scratchFolder: String = ".",
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        backends: @escaping @Sendable (DeconvolutionOptions) throws(DeconvolutionError) -> [NumberedBackend] =
            { (options) throws(DeconvolutionError) in try Devices.backends(for: options) },
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) {
        description = JobDescription(
            source: source,
            secondSource: secondView?.source,
            sensitivity: sensitivity,
            options: options,
            resultType: resultType,
            scratchFolder: scratchFolder,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
        self.psfs = psfs
        self.secondView = secondView
        self.backends = backends
    }

    /// What would be done, without doing it: a plan for each device.
    /// - Parameter results: what the results take on their way.
    /// - Throws: as `makeSetup`.
    package func plans(results: JobPlan.Results = .inOrder) throws(DeconvolutionError) -> [JobPlan] {
        try makeSetup(results: results).plans
    }

    /// Prepares the PSFs, opens the devices and plans for each: everything but engines.
    /// - Parameter results: what the results take on their way.
    /// - Throws: as `JobPlan.init` and `check`.
    package func makeSetup(results: JobPlan.Results = .inOrder) throws(DeconvolutionError) -> JobSetup {
        let (options, source) = (description.options, description.source)
        try check()
        let clock = ContinuousClock()
        var seconds = RunReport.Seconds()
        let psfs = try clock.measure(into: &seconds.prepare) { () throws(DeconvolutionError) in
            try preparedPSFs { (psf, imageLengths) throws(DeconvolutionError) in
                try psf.prepared(options, imageLengths: imageLengths, imageName: source.name)
            }
        }
        let devices = try clock.measure(into: &seconds.setup) { () throws(DeconvolutionError) in
            try backends(options)
        }
        let setup = try JobSetup(request(results: results), psfs: psfs, on: devices)
        setup.seconds = seconds
        return setup
    }

    /// Checks what is known before anything is read.
    /// - Throws: `invalidArgument` naming an option, and `invalidData` for a second view, flat field or mask that is not one of the image.
    func check() throws(DeconvolutionError) {
        let (options, source) = (description.options, description.source)
        try options.validate()
        try description.sensitivity.check(against: source)
        guard let secondView else { return }
        try secondView.check(against: source, spacing: options.spacing)
        guard !options.halvesPhotons else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.uncertainty): halves the photons of one image, and \(.view) gives two; leave one of them out"
            )
        }
    }

    /// What a setup for the job has to be made for.
    func request(results: JobPlan.Results) -> JobSetup.Request {
        var request = description.request(results: results)
        request.secondPSFCount = secondView?.psfs.count ?? 0
        return request
    }

    /// The PSFs, ready: those of the first view, then those of the second.
    /// - Parameter prepare: prepares one for voxels of the given size, as far as it is known.
    /// - Throws: `invalidData` where their number is not that of the channels, and what preparing throws.
    func preparedPSFs(
        _ prepare: (MeasuredPSF, AxisLengths) throws(DeconvolutionError) -> PreparedPSF
    ) throws(DeconvolutionError) -> [PreparedPSF] {
        let (source, image) = (description.source, description.source.image)
        guard !description.options.choosesPSFPlaces else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt, "auto"): is for PSFs that are computed; give the place of each PSF"
            )
        }
        let placeCount = description.options.psfPlaces?.count ?? 1
        guard psfs.count == placeCount || psfs.count == placeCount * image.channelCount else {
            let channels = image.channelCount == 1 ? "1 channel" : "\(image.channelCount) channels"
            let names = psfs.prefix(3).map(\.name).joined(separator: "; ") + (psfs.count > 3 ? "; ..." : "")
            let count = psfs.count == 1 ? "1 PSF is" : "\(psfs.count) PSFs are"
            throw DeconvolutionError(
                .invalidData,
                placeCount == 1
                    ? "\(source.name) has \(channels), but \(count) given (\(names)); give one for all or one a channel"
                    : "\(source.name) has \(channels) and \(.psfAt) \(placeCount) places, but \(count) given (\(names)); give one "
                        + "a place for all channels, or at each place one a channel"
            )
        }
        if let secondView, ![1, image.channelCount].contains(secondView.psfs.count) {
            throw DeconvolutionError(
                .invalidData,
                "\(secondView.source.name) has \(image.channelCount == 1 ? "1 channel" : "\(image.channelCount) channels"), but "
                    + "\(.viewPSF) gives \(secondView.psfs.count) PSFs; give one for all or one a channel"
            )
        }
        var prepared: [PreparedPSF] = []
        for psf in psfs + (secondView?.psfs ?? []) {
            prepared.append(try prepare(psf, description.options.spacing.map(AxisLengths.init) ?? image.lengths))
        }
        return prepared
    }

    /// The job with what a sample of its image tells, which it looks at once.
    /// - Parameter begun: what an earlier run of the same job computed with, which then holds; nil for what is found now.
    /// - Throws: as `VolumeSource.read`, and `invalidArgument` where there are not as many backgrounds as channels.
    func lookedAt(goingOnWith begun: ImageFindings? = nil) throws(DeconvolutionError) -> DeconvolutionJob {
        if description.look != nil { return self }
        let (source, options) = (description.source, description.options)
        let cancellation = description.cancellation
        let start = ContinuousClock().now
        let survey = try ImageSurvey(
            source,
            mask: description.sensitivity.mask,
            keptBytes: description.surveyBytes
        ) { () throws(DeconvolutionError) in try cancellation.check() }
        let second = description.ofSecondView
        let secondSurvey = try second.map { (second) throws(DeconvolutionError) in
            try ImageSurvey(second.source, mask: second.sensitivity.mask, keptBytes: second.surveyBytes) {
                () throws(DeconvolutionError) in try cancellation.check()
            }
        }
        var findings: ImageFindings
        if let begun {
            findings = begun
        } else {
            findings = try ImageFindings(options, survey, name: source.name)
            if let second, let secondSurvey {
                findings.secondView = try ImageFindings(second.options, secondSurvey, name: second.source.name).channels
            }
        }
        var job = self
        job.description.look = JobDescription.Look(
            survey: survey,
            secondSurvey: secondSurvey,
            findings: findings,
            seconds: (ContinuousClock().now - start).inSeconds
        )
        return job
    }

    /// The job, which has looked at its image, with what its method has to find out of each channel.
    /// - Throws: as `ChannelTuner.tuning`.
    func tuned(on setup: JobSetup) throws(DeconvolutionError) -> DeconvolutionJob {
        let plan = setup.plans[0]
        guard var look = description.look, let request = plan.method.tuningRequest else { return self }
        let start = ContinuousClock().now
        let given = try description.options.tuning.map { (text) throws(DeconvolutionError) in try GivenTuning(text) }
        let tuner = ChannelTuner(description, plan, request)
        let channels = look.findings.channels.indices
        for channel in channels where look.findings.channels[channel].tuning == nil {
            if let given {
                look.findings.channels[channel].tuning = try given.tuning(channel: channel, of: channels.count, request)
            } else {
                look.findings.channels[channel].tuning = try tuner.tuning(channel: channel)
            }
        }
        look.seconds += (ContinuousClock().now - start).inSeconds
        var job = self
        job.description.look = look
        return job
    }

    /// Does the work.
    /// - Parameter sink: takes the planes of the result, channel fastest, then z, then time point; is finished here.
    /// - Throws: `DeconvolutionError`; the sink then shows nothing.
    package func run(into sink: any VolumeSink) throws(DeconvolutionError) -> RunReport {
        try run(makeSetup(), into: sink)
    }

    /// Does the work with a setup that this job made for results in order.
    func run(_ setup: JobSetup, into sink: any VolumeSink) throws(DeconvolutionError) -> RunReport {
        let plan = setup.plans[0]
        let cancellation = description.cancellation
        let volumes = try OrderedVolumes(
            into: sink,
            plan.image,
            slotCount: plan.waitingVolumeCount,
            scratchFolder: plan.usesScratchFiles ? description.scratchFolder : nil
        ) { () throws(DeconvolutionError) in try cancellation.check() }
        return try run(setup, into: volumes)
    }

    /// Does what is left of the work.
    /// - Parameters:
    ///   - collection: takes the volumes that it does not hold, in any order; is finished here.
    ///   - writeBytes: what it takes in host memory to write a volume.
    /// - Throws: `DeconvolutionError`; the collection then holds what was finished.
    package func run(
        into collection: any VolumeCollection,
        writeBytes: Int
    ) throws(DeconvolutionError) -> RunReport {
        try run(makeSetup(results: .inAnyOrder(writeBytes: writeBytes)), into: collection)
    }

    /// Does what is left of the work with a setup that this job made, or another one like it.
    /// - Parameters:
    ///   - setup: keeps its engines for the next run; no other run may be using it.
    ///   - collection: takes the volumes that it does not hold, in any order; is finished here.
    /// - Throws: `DeconvolutionError`; the collection then holds what was finished.
    package func run(
        _ setup: JobSetup,
        into collection: any VolumeCollection
    ) throws(DeconvolutionError) -> RunReport {
        let image = description.source.image
        let missing = image.volumes.filter {
            !collection.holds(channel: $0.channel, timepoint: $0.timepoint)
        }
        let (plans, begun) = (setup.plans, setup.begin(description.cancellation))
        description.limitKeptBytes(plans)
        let description = try lookedAt().tuned(on: setup).description
        var preparing = begun
        preparing.prepare += description.look?.seconds ?? 0
        let start = ContinuousClock().now
        let record = RunRecord(description, plans, into: collection, preparing)
        let agenda = VolumeAgenda(
            missing,
            channelCount: image.channelCount,
            // One device gives results in their order, and those of a time point are gone before the next one's come.
            lookAhead: plans.count > 1 && plans[0].waitingVolumeCount > 0 ? plans[0].waitingVolumeCount : nil
        )
        let lanes = plans.indices.map { DeviceLane($0, description, setup, agenda, into: collection, record) }
        if !missing.isEmpty { try Self.run(lanes, agenda, record) }
        try record.refuseRoundedResult()
        try record.measure(\.write) { () throws(DeconvolutionError) in try collection.finish() }
        record.tell(.writing, lanes[0].device, isAlone: true)
        return record.finishedReport(
            total: (ContinuousClock().now - start).inSeconds + preparing.prepare + preparing.setup
        )
    }

    /// Runs all devices, the first one on this thread. One that fails is left out as long as there is another.
    private static func run(
        _ lanes: [DeviceLane],
        _ agenda: VolumeAgenda,
        _ record: RunRecord
    ) throws(DeconvolutionError) {
        if lanes.count == 1 { return try lanes[0].run() }
        let left = Mutex(lanes.count)
        let run = { @Sendable (lane: DeviceLane) in
            do throws(DeconvolutionError) {
                try lane.run()
            } catch {
                let isLast = left.withLock { count in
                    count -= 1
                    return count == 0
                }
                if error.isOfDevice, !isLast {
                    record.dropped(lane: lane.number, error)
                } else {
                    agenda.fail(error)
                }
            }
        }
        let threads = DispatchGroup()
        for lane in lanes.dropFirst() {
            DispatchQueue(label: "gpudeconv.device").async(group: threads) { run(lane) }
        }
        run(lanes[0])
        threads.wait()
        try agenda.check()
    }
}
