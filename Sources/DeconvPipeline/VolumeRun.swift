import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvPlan
import DeconvVolume

/// The stage in the middle, and what a run knows: volumes are computed, on the thread of the job.
final class VolumeRun {
    /// Part of the light that a result may gain or lose under a background before it is said.
    private static let noticedChange = 0.05

    /// What is known of a volume once it has been looked at.
    private struct Figures {
        var light = 0.0
        var maskedCount: Int
        var saturatedCount: Int
    }

    private let job: DeconvolutionJob
    private let method: RichardsonLucy
    private let writer: VolumeWriter
    private let clock = ContinuousClock()
    private var plan: JobPlan
    private var report: RunReport
    private var engine: (any VolumeEngine)?
    /// By volume, for an attempt that ran out of memory is followed by another.
    private var convergence: [VolumePosition: RunReport.Convergence] = [:]
    private var figures: [VolumePosition: Figures] = [:]
    private var completedIterations = 0
    private var finishedVolumes = 0
    /// Volumes that had light.
    private var computedVolumes = 0
    private var mostUncountedHostBytes = 0
    private var warnedOfNegatives = false
    private var warnedOfOffset = false
    private var warnedOfDarkness = false

    init(_ job: DeconvolutionJob, _ plan: JobPlan, _ writer: VolumeWriter, _ seconds: RunReport.Seconds) {
        self.job = job
        self.plan = plan
        self.writer = writer
        let options = job.options
        method = RichardsonLucy(
            iterationCount: options.iterationCount,
            background: options.background,
            readNoise: options.readNoise,
            start: options.start,
            divergenceInterval: options.divergenceInterval
        )
        report = RunReport(
            device: plan.backend.device,
            method: "richardson-lucy",
            iterationCount: options.iterationCount,
            boundary: options.boundary,
            background: options.background,
            shape: plan.image.shape,
            channelCount: plan.image.channelCount,
            timepointCount: plan.image.timepointCount,
            spacing: plan.spacing,
            workShape: plan.tiles.workShape,
            tileCount: plan.tiles.tileCount,
            halo: plan.tiles.halo,
            seconds: seconds,
            flatField: job.sensitivity.flatField?.name,
            mask: job.sensitivity.mask?.name,
            warnings: plan.warnings,
            psfs: plan.psfs.map(\.report)
        )
    }

    /// Computes and writes every volume that has not been written.
    /// - Throws: `outOfMemory` where a smaller plan may go on from the first time point that was not written.
    func run(_ plan: JobPlan) throws(DeconvolutionError) {
        self.plan = plan
        engine = nil
        let image = plan.image
        let volumes = (writer.nextTimepoint..<image.timepointCount).flatMap { timepoint in
            (0..<image.channelCount).map { VolumePosition(channel: $0, timepoint: timepoint) }
        }
        finishedVolumes = writer.nextTimepoint * image.channelCount
        completedIterations = finishedVolumes * method.iterationCount
        try writer.reserve(plan, scratchFolder: job.scratchFolder)
        let reader = VolumeReader(job, plan.tiles)
        defer { report.seconds.add(reader.seconds) }
        if plan.overlap != nil, let traffic = try makeTraffic() {
            try runAtOnce(volumes, reader, traffic)
        } else {
            for position in volumes { try runAlone(position, reader) }
        }
    }

    private func makeTraffic() throws(DeconvolutionError) -> (any VolumeTraffic)? {
        tell(.preparing)
        return try timed(\.setup) { () throws(DeconvolutionError) in
            try readyEngine().makeTraffic(for: plan.image.shape)
        }
    }

    /// Reading, computing and writing at once.
    private func runAtOnce(
        _ volumes: [VolumePosition],
        _ reader: VolumeReader,
        _ traffic: any VolumeTraffic
    ) throws(DeconvolutionError) {
        let stages = OverlappedStages(reader, traffic, writer)
        try stages.run(volumes, plan.tiles.imageInWhole) { forResults in
            tell(forResults ? .writing : .reading)
        } compute: { (volume, check) throws(DeconvolutionError) in
            try compute(&volume, reader, check: check)
        }
    }

    /// Reading, computing and writing one after another.
    private func runAlone(_ position: VolumePosition, _ reader: VolumeReader) throws(DeconvolutionError) {
        tell(.reading)
        var volume = try reader.survey(position)
        if !volume.isDark {
            tell(.preparing)
            let engine = try timed(\.setup) { () throws(DeconvolutionError) in try readyEngine() }
            try timed(volume.voxels == nil ? \.read : \.upload) { () throws(DeconvolutionError) in
                try engine.setObserved(reading: reader.frame(of: volume))
            }
            volume.voxels = nil
        }
        try compute(&volume, reader) { () throws(DeconvolutionError) in }
        tell(.writing)
        try writer.write(volume.isDark ? nil : engine?.result, plan.tiles.imageInWhole, of: position)
    }

    /// Computes a volume whose frame is the observed one; one without light is only counted.
    private func compute(
        _ volume: inout SurveyedVolume,
        _ reader: VolumeReader,
        check: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let (position, statistics) = (volume.position, volume.statistics)
        defer { finishedVolumes += 1 }
        var known = Figures(
            maskedCount: plan.image.shape.voxelCount - statistics.voxelCount - volume.saturatedCount,
            saturatedCount: volume.saturatedCount
        )
        try warn(
            statistics,
            volume.sensitivity,
            volume.saturatedCount,
            channel: position.channel,
            timepoint: position.timepoint
        )
        if volume.isDark {
            figures[position] = known
            completedIterations += method.iterationCount
            return
        }
        known.light = statistics.light(background: method.background)
        figures[position] = known
        tell(.preparing)
        let engine = try timed(\.setup) { () throws(DeconvolutionError) in
            let engine = try readyEngine()
            let index = plan.psfs.count == 1 ? 0 : position.channel
            let psf = plan.psfs[index].psf
            let part = psf.shape.limited(to: plan.image.shape, job.options.boundary)
            try engine.use(psf.volume.centralPart(part), index: index)
            return engine
        }
        if let key = volume.sensitivityKey {
            try timed(volume.sensitivityValues == nil ? \.read : \.upload) { () throws(DeconvolutionError) in
                try engine.useSensitivity(key, reading: reader.sensitivity(of: volume))
            }
            volume.sensitivityValues = nil
        }
        var measured = RunReport.Convergence(
            channel: position.channel,
            timepoint: position.timepoint,
            iterations: [],
            poissonDivergence: []
        )
        try timed(\.compute) { () throws(DeconvolutionError) in
            try engine.run(mean: volume.mean, measuring: plan.tiles.imageInWhole) {
                (step) throws(DeconvolutionError) in
                try job.cancellation.check()
                try check()
                completedIterations += 1
                if let divergence = step.poissonDivergence {
                    measured.iterations.append(step.iteration)
                    measured.poissonDivergence.append(divergence)
                }
                tell(.computing)
            }
        }
        computedVolumes += 1
        report.peakDeviceBytes = max(report.peakDeviceBytes, engine.byteCount)
        mostUncountedHostBytes = max(mostUncountedHostBytes, engine.uncountedHostByteCount)
        convergence[position] = measured
    }

    private func readyEngine() throws(DeconvolutionError) -> any VolumeEngine {
        if let engine { return engine }
        if plan.backend.device.backend == .opencl { tell(.compiling) }
        let made = try plan.makeEngine(method, scratchFolder: job.scratchFolder, cancellation: job.cancellation)
        engine = made
        report.fft = made.fft
        report.warnings += made.warnings
        return made
    }
}

// MARK: - Telling

extension VolumeRun {
    /// What was done, once the sink has everything.
    func finishedReport(total: Double) -> RunReport {
        var report = report
        report.workShape = plan.tiles.workShape
        report.tileCount = plan.tiles.tileCount
        report.halo = plan.tiles.halo
        report.peakHostBytes = HostSystem.peakResidentBytes + mostUncountedHostBytes
        let volumes = (0..<plan.image.timepointCount).flatMap { timepoint in
            (0..<plan.image.channelCount).map { VolumePosition(channel: $0, timepoint: timepoint) }
        }
        report.convergence = volumes.compactMap { convergence[$0] }
        let known = volumes.compactMap { figures[$0] }
        report.observedSum = known.reduce(0) { $0 + $1.light }
        report.maskedVoxelCount = known.reduce(0) { $0 + $1.maskedCount }
        report.saturatedInputVoxelCount = known.reduce(0) { $0 + $1.saturatedCount }
        report.resultSum = volumes.reduce(0) { $0 + (writer.sums[$1] ?? 0) }
        report.seconds.add(writer.seconds)
        report.seconds.total = total
        report.seconds.overlapped = max(report.seconds.ofAllStages - total, 0)
        if report.saturatedInputVoxelCount > 0, let saturation = job.options.saturation {
            let voxelCount = report.shape.voxelCount * report.channelCount * report.timepointCount
            report.warnings.append(
                Diagnostic(
                    "\(job.source.name): --saturation \(saturation.inMessage) leaves out "
                        + "\(report.saturatedInputVoxelCount) of \(voxelCount) voxels"
                )
            )
        }
        let change = report.resultSum / report.observedSum - 1
        // What is estimated on bad voxels has nothing in the image to be compared with.
        let isPerfect = job.sensitivity.isEmpty && job.options.saturation == nil
        if isPerfect, method.background > 0, report.observedSum > 0, abs(change) > Self.noticedChange {
            report.warnings.append(
                Diagnostic(
                    "the result holds \(short(abs(change) * 100)) % \(change > 0 ? "more" : "less") light than the image has "
                        + "above --background \(method.background.inMessage): noise below the background counts as "
                        + "none; compare intensities with care, or check the background"
                )
            )
        }
        report.secondsPerIteration = report.seconds.compute / Double(max(computedVolumes, 1) * method.iterationCount)
        return report
    }

    /// Adds what a person should know, once.
    func warn(_ diagnostic: Diagnostic) {
        if !report.warnings.contains(diagnostic) { report.warnings.append(diagnostic) }
    }

    private func warn(
        _ statistics: ImageStatistics,
        _ sensitivity: VolumeSensitivity?,
        _ saturatedCount: Int,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) {
        let image = plan.image
        let isOne = image.channelCount * image.timepointCount == 1
        let name = isOne ? job.source.name : "\(job.source.name), channel \(channel), time point \(timepoint)"
        let background = method.background
        if let sensitivity, statistics.voxelCount == 0 {
            let reason = noGoodVoxel(sensitivity, saturatedCount, name)
            // Bad for good, or in this volume only?
            guard !isOne, saturatedCount > 0 || sensitivity.mask?.isSteady == false else {
                throw DeconvolutionError(.invalidData, "\(reason.message); \(reason.remedy)")
            }
            warn(Diagnostic("\(reason.message): its result is 0"))
            return
        }
        let mean = statistics.mean(background: background)
        if statistics.sum == 0 {
            if !warnedOfDarkness { warn(Diagnostic("\(name) has no light: its result is 0")) }
            warnedOfDarkness = true
            return
        }
        guard mean > background else {
            // One dark frame must not cost a time series; a whole image below its background is a mistake.
            guard !isOne else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(name): --background \(background.inMessage) is not below the image's mean of "
                        + "\(short(mean)); give a lower one"
                )
            }
            warn(
                Diagnostic(
                    "\(name): its mean of \(short(mean)) counts is not above --background "
                        + "\(background.inMessage): its result is 0"
                )
            )
            return
        }
        if statistics.negativeCount > 0, !warnedOfNegatives {
            warnedOfNegatives = true
            let share = short(100 * Double(statistics.negativeCount) / Double(statistics.voxelCount))
            warn(
                Diagnostic("\(name): \(statistics.negativeCount) voxels (\(share) %) are negative and count as 0")
            )
        }
        if background == 0, statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * mean,
            !warnedOfOffset
        {
            warnedOfOffset = true
            warn(
                Diagnostic(
                    "\(name): the darkest voxel has \(short(Double(statistics.smallest))) counts; if that is the "
                        + "camera's offset, give it as --background"
                )
            )
        }
    }

    /// Why no voxel of a volume counts, and what to do about it.
    private func noGoodVoxel(
        _ sensitivity: VolumeSensitivity,
        _ saturatedCount: Int,
        _ name: String
    ) -> (message: String, remedy: String) {
        if saturatedCount > 0, let saturation = sensitivity.saturation {
            return (
                "\(name): no good voxel is below --saturation \(saturation.inMessage)",
                "give the counts at which the camera saturates"
            )
        }
        let mask = sensitivity.mask.map { "\($0.name): " } ?? ""
        if sensitivity.flatField == nil {
            return ("\(mask)every voxel is 0, so none of \(name) is good", "write 1 on good voxels")
        }
        return ("\(mask)no voxel is good that the flat field calls good", "write 1 on good voxels")
    }

    private func short(_ value: Double) -> String {
        let rounded = (value * 10).rounded() / 10
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    private func tell(_ stage: DeconvolutionProgress.Stage) {
        let volumes = plan.image.channelCount * plan.image.timepointCount
        job.progress(
            DeconvolutionProgress(
                stage: stage,
                device: plan.backend.device.name,
                completedIterations: completedIterations,
                totalIterations: plan.iterationCount(job.options),
                volume: min(finishedVolumes + 1, volumes),
                volumeCount: volumes
            )
        )
    }

    private func timed<T>(
        _ part: WritableKeyPath<RunReport.Seconds, Double>,
        _ work: () throws(DeconvolutionError) -> T
    ) throws(DeconvolutionError) -> T {
        let started = clock.now
        defer { report.seconds[keyPath: part] += (clock.now - started).inSeconds }
        return try work()
    }
}
