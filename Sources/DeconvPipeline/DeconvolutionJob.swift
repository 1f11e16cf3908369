import DeconvDevice
import DeconvOptics
import DeconvPlan
package import DeconvVolume
import Dispatch
package import Logging
import Synchronization

/// One image, its PSFs and what to do with them: from source to sink, volume after volume.
package struct DeconvolutionJob: Sendable {
    /// A PSF as measured, and what messages call it.
    package struct MeasuredPSF: Sendable {
        package var name: String
        package var volume: Volume

        package init(name: String, volume: Volume) {
            self.name = name
            self.volume = volume
        }
    }

    let source: any VolumeSource
    private let psfs: [MeasuredPSF]
    let sensitivity: Sensitivity
    let options: DeconvolutionOptions
    let scratchFolder: String
    let cancellation: Cancellation
    let progress: @Sendable (DeconvolutionProgress) -> Void
    let logger: Logger
    private let backends: @Sendable (DeconvolutionOptions) throws(DeconvolutionError) -> [NumberedBackend]

    /// A job.
    /// - Parameters:
    ///   - psfs: one for all channels, or one a channel.
    ///   - sensitivity: flat field and mask of the image.
    ///   - scratchFolder: where results go that do not fit in memory before they are written.
    ///   - backends: the devices that options ask for.
    ///   - progress: called after every iteration and at every change of stage, on the threads of the run, one at a time.
    package init(
        source: any VolumeSource,
        psfs: [MeasuredPSF],
        sensitivity: Sensitivity = Sensitivity(),
        options: DeconvolutionOptions,
        scratchFolder: String = ".",
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        backends: @escaping @Sendable (DeconvolutionOptions) throws(DeconvolutionError) -> [NumberedBackend] =
            { (options) throws(DeconvolutionError) in try Devices.backends(for: options) },
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) {
        self.source = source
        self.psfs = psfs
        self.sensitivity = sensitivity
        self.options = options
        self.scratchFolder = scratchFolder
        self.cancellation = cancellation
        self.logger = logger
        self.backends = backends
        self.progress = progress
    }

    /// What would be done, without doing it: a plan for each device.
    /// - Parameter results: what the results take on their way.
    /// - Throws: as `JobPlan.init`, and `invalidData` for a flat field or mask that is not that of the image.
    package func plans(results: JobPlan.Results = .inOrder) throws(DeconvolutionError) -> [JobPlan] {
        try options.validate()
        try sensitivity.check(against: source)
        return try plans(preparedPSFs(), backends(options), results)
    }

    private func plans(
        _ prepared: [PreparedPSF],
        _ backends: [NumberedBackend],
        _ results: JobPlan.Results
    ) throws(DeconvolutionError) -> [JobPlan] {
        // More devices than volumes have nothing to do.
        let used = backends.prefix(max(source.image.volumeCount, 1))
        var plans: [JobPlan] = []
        for backend in used {
            plans.append(try plan(prepared, backend, deviceCount: used.count, results))
        }
        return plans
    }

    private func plan(
        _ prepared: [PreparedPSF],
        _ backend: NumberedBackend,
        deviceCount: Int,
        _ results: JobPlan.Results,
        memoryDivisor: Int = 1
    ) throws(DeconvolutionError) -> JobPlan {
        try JobPlan(
            image: source,
            psfs: prepared,
            hasSensitivity: !sensitivity.isEmpty || options.saturation != nil,
            options: options,
            backend: backend,
            deviceCount: deviceCount,
            results: results,
            memoryDivisor: memoryDivisor
        )
    }

    private func preparedPSFs() throws(DeconvolutionError) -> [PreparedPSF] {
        let image = source.image
        guard psfs.count == 1 || psfs.count == image.channelCount else {
            let channels = image.channelCount == 1 ? "1 channel" : "\(image.channelCount) channels"
            let names = psfs.prefix(3).map(\.name).joined(separator: "; ") + (psfs.count > 3 ? "; ..." : "")
            let count = psfs.count == 1 ? "1 PSF is" : "\(psfs.count) PSFs are"
            throw DeconvolutionError(
                .invalidData,
                "\(source.name) has \(channels), but \(count) given (\(names)); give one for all or one a channel"
            )
        }
        var prepared: [PreparedPSF] = []
        for psf in psfs {
            prepared.append(
                try psf.prepared(options, imageSpacing: options.spacing ?? image.spacing, imageName: source.name)
            )
        }
        return prepared
    }

    /// Does the work.
    /// - Parameter sink: takes the planes of the result, channel fastest, then z, then time point; is finished here.
    /// - Throws: `DeconvolutionError`; the sink then shows nothing.
    package func run(into sink: any VolumeSink) throws(DeconvolutionError) -> RunReport {
        try run(.inOrder) { (plan: JobPlan) throws(DeconvolutionError) -> any VolumeCollection in
            let (cancellation, slotCount) = (cancellation, plan.waitingVolumeCount)
            return try OrderedVolumes(
                into: sink,
                plan.image,
                slotCount: slotCount,
                scratchFolder: plan.usesScratchFiles ? scratchFolder : nil
            ) { () throws(DeconvolutionError) in try cancellation.check() }
        }
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
        try run(.inAnyOrder(writeBytes: writeBytes)) {
            (_: JobPlan) throws(DeconvolutionError) -> any VolumeCollection in
            collection
        }
    }

    private func run(
        _ results: JobPlan.Results,
        into makeCollection: (JobPlan) throws(DeconvolutionError) -> any VolumeCollection
    ) throws(DeconvolutionError) -> RunReport {
        let clock = ContinuousClock()
        let start = clock.now
        var seconds = RunReport.Seconds()
        try options.validate()
        try sensitivity.check(against: source)
        let prepared = try clock.measure(into: &seconds.prepare) { () throws(DeconvolutionError) in
            try preparedPSFs()
        }
        let devices = try clock.measure(into: &seconds.setup) { () throws(DeconvolutionError) in
            try backends(options)
        }
        let plans = try self.plans(prepared, devices, results)
        let collection = try makeCollection(plans[0])
        let image = source.image
        let missing = image.volumes.filter { !collection.holds(channel: $0.channel, timepoint: $0.timepoint) }
        let record = RunRecord(self, plans, heldCount: image.volumeCount - missing.count, seconds)
        let agenda = VolumeAgenda(
            missing,
            channelCount: image.channelCount,
            // One device gives results in their order, and those of a time point are gone before the next one's come.
            lookAhead: plans.count > 1 && plans[0].waitingVolumeCount > 0 ? plans[0].waitingVolumeCount : nil
        )
        var lanes: [DeviceLane] = []
        for (index, plan) in plans.enumerated() {
            lanes.append(
                DeviceLane(index, self, plan, agenda, into: collection, record) {
                    (divisor) throws(DeconvolutionError) in
                    try self.plan(
                        prepared,
                        devices[index],
                        deviceCount: plans.count,
                        results,
                        memoryDivisor: divisor
                    )
                }
            )
        }
        if !missing.isEmpty { try run(lanes, agenda, record) }
        try record.measure(\.write) { () throws(DeconvolutionError) in try collection.finish() }
        record.tell(.writing, lanes[0].device)
        return record.finishedReport(total: (clock.now - start).inSeconds)
    }

    /// Runs all devices, the first one on this thread. One that fails is left out as long as there is another.
    private func run(
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

extension DeconvolutionError {
    /// Whether another device may do better.
    fileprivate var isOfDevice: Bool { [.deviceFailed, .deviceUnavailable, .outOfMemory].contains(code) }
}

extension Volume {
    /// The box of a shape around the centre voxel n/2, which stays the centre voxel.
    func centralPart(_ part: VolumeShape) -> Volume {
        if part == shape { return self }
        let region = Region(origin: VolumeIndex { shape[$0] / 2 - part[$0] / 2 }, shape: part)
        return Volume(shape: part, voxels: voxels.cropped(from: shape, to: region), spacing: spacing)
    }
}

extension ContinuousClock {
    /// Runs work and adds its seconds to a sum.
    func measure<T>(
        into seconds: inout Double,
        _ work: () throws(DeconvolutionError) -> T
    ) throws(DeconvolutionError) -> T {
        let started = now
        defer { seconds += (now - started).inSeconds }
        return try work()
    }
}

extension Duration {
    /// The duration in seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
