import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvPlan
import DeconvVolume
import Foundation
import Synchronization

/// What a run has done so far, told by all its threads, and told on.
final class RunRecord: Sendable {
    /// What is known of a volume.
    fileprivate struct Figures {
        var light = 0.0
        var maskedCount = 0
        var saturatedCount = 0
        var sum = 0.0
        var completedIterations = 0
        var convergence: RunReport.Convergence?
    }

    fileprivate struct State {
        var report: RunReport
        /// By volume, for what was not finished comes again.
        var volumes: [VolumePosition: Figures] = [:]
        var finishedCount: Int
        var completedIterations: Int
        var mostUncountedHostBytes = 0
        var saidOnce: Set<VolumeWarning.Kind> = []
        /// When the first iteration ended, and how many there were then.
        var computingSince: (instant: ContinuousClock.Instant, iterations: Int)?
    }

    private let job: DeconvolutionJob
    private let heldCount: Int
    private let clock = ContinuousClock()
    private let state: Mutex<State>
    /// Held while somebody is told, so that it is done one by one and in order.
    private let telling = Mutex(())

    /// A record of a run that has not begun.
    /// - Parameters:
    ///   - plans: one a device.
    ///   - heldCount: volumes that an earlier run has finished.
    init(_ job: DeconvolutionJob, _ plans: [JobPlan], heldCount: Int, _ seconds: RunReport.Seconds) {
        self.job = job
        self.heldCount = heldCount
        let options = job.options
        let plan = plans[0]
        var warnings: [Diagnostic] = []
        for warning in plans.flatMap(\.warnings) where !warnings.contains(warning) { warnings.append(warning) }
        var report = RunReport(
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
            warnings: warnings,
            psfs: plan.psfs.map(\.report)
        )
        report.devices = plans.map { RunReport.DeviceShare(number: $0.deviceNumber, device: $0.backend.device) }
        report.resumedVolumeCount = heldCount
        state = Mutex(
            State(report: report, finishedCount: heldCount, completedIterations: heldCount * options.iterationCount)
        )
    }
}

// MARK: - Hearing

extension RunRecord {
    /// Runs work and adds its seconds to those of a stage.
    func measure<T>(
        _ stage: WritableKeyPath<RunReport.Seconds, Double>,
        _ work: () throws(DeconvolutionError) -> T
    ) throws(DeconvolutionError) -> T {
        let started = clock.now
        defer { add(stage, (clock.now - started).inSeconds) }
        return try work()
    }

    /// Adds to the seconds of a stage.
    func add(_ stage: WritableKeyPath<RunReport.Seconds, Double>, _ seconds: Double) {
        state.withLock { $0.report.seconds[keyPath: stage] += seconds }
    }

    /// Adds what a person should know, once.
    func warn(_ diagnostic: Diagnostic) {
        state.withLock { if !$0.report.warnings.contains(diagnostic) { $0.report.warnings.append(diagnostic) } }
    }

    /// Adds what a person should know of a volume.
    func warn(_ warning: VolumeWarning) {
        if warning.kind.isSaidOnce, !state.withLock({ $0.saidOnce.insert(warning.kind).inserted }) { return }
        warn(warning.diagnostic)
    }

    /// How a device computes from now on; the first one stands for all.
    func plan(_ plan: JobPlan, lane: Int) {
        guard lane == 0 else { return }
        state.withLock {
            $0.report.workShape = plan.tiles.workShape
            $0.report.tileCount = plan.tiles.tileCount
            $0.report.halo = plan.tiles.halo
        }
    }

    /// What an engine is.
    func made(_ engine: any VolumeEngine) {
        state.withLock { $0.report.fft = engine.fft }
        for warning in engine.warnings { warn(warning) }
    }

    /// What a volume is.
    /// - Parameter light: Σ of its good voxels above the background, in counts.
    func surveyed(_ volume: SurveyedVolume, light: Double) {
        let bad = job.source.image.shape.voxelCount - volume.statistics.voxelCount - volume.saturatedCount
        state.withLock { state in
            state.forget(volume.position)
            state.volumes[volume.position] = Figures(
                light: light,
                maskedCount: bad,
                saturatedCount: volume.saturatedCount
            )
            if volume.isDark { state.iterated(volume.position, job.options.iterationCount) }
        }
    }

    /// An iteration of a volume is done.
    func iterated(_ position: VolumePosition) {
        state.withLock { state in
            state.iterated(position, 1)
            if state.computingSince == nil { state.computingSince = (clock.now, state.completedIterations) }
        }
    }

    /// All iterations of a volume are done.
    func computed(
        _ convergence: RunReport.Convergence,
        lane: Int,
        seconds: Double,
        deviceBytes: Int,
        uncountedHostBytes: Int
    ) {
        state.withLock { state in
            let position = VolumePosition(channel: convergence.channel, timepoint: convergence.timepoint)
            state.volumes[position]?.convergence = convergence
            state.report.peakDeviceBytes = max(state.report.peakDeviceBytes, deviceBytes)
            state.mostUncountedHostBytes = max(state.mostUncountedHostBytes, uncountedHostBytes)
            state.report.devices[lane].volumeCount += 1
            state.report.devices[lane].computeSeconds += seconds
        }
    }

    /// A volume is where it belongs.
    /// - Parameter sum: Σ of the result's voxels.
    func finished(_ position: VolumePosition, sum: Double) {
        state.withLock { state in
            state.volumes[position]?.sum = sum
            state.finishedCount += 1
        }
    }

    /// A device failed, and others go on with what it had.
    func dropped(lane: Int, _ error: DeconvolutionError) {
        let device = state.withLock { state in
            state.report.devices[lane].failure = error.message
            return state.report.devices[lane]
        }
        warn(
            Diagnostic(
                "device \(device.number), \(device.device.name), failed and was left out; others went on with its volumes: "
                    + error.message
            )
        )
    }
}

extension RunRecord.State {
    fileprivate mutating func iterated(_ position: VolumePosition, _ count: Int) {
        volumes[position]?.completedIterations += count
        completedIterations += count
    }

    /// Begins a volume again.
    fileprivate mutating func forget(_ position: VolumePosition) {
        guard let known = volumes.removeValue(forKey: position) else { return }
        completedIterations -= known.completedIterations
    }
}

// MARK: - Telling

extension RunRecord {
    /// Tells whoever wants to know how far the run is.
    func tell(_ stage: DeconvolutionProgress.Stage, _ device: DeviceDescription) {
        telling.withLock { _ in
            job.progress(state.withLock { progress(stage, device, $0) })
        }
    }

    private func progress(
        _ stage: DeconvolutionProgress.Stage,
        _ device: DeviceDescription,
        _ state: State
    ) -> DeconvolutionProgress {
        let image = job.source.image
        let total = job.options.iterationCount * image.volumeCount
        var progress = DeconvolutionProgress(
            stage: stage,
            device: device.name,
            completedIterations: state.completedIterations,
            totalIterations: total,
            volume: min(state.finishedCount + 1, image.volumeCount),
            volumeCount: image.volumeCount
        )
        progress.finishedVolumeCount = state.finishedCount
        progress.resumedVolumeCount = heldCount
        if let since = state.computingSince, state.completedIterations > since.iterations {
            let done = Double(state.completedIterations - since.iterations)
            let seconds = (clock.now - since.instant).inSeconds
            if seconds > 0 {
                progress.secondsLeft = seconds / done * Double(total - state.completedIterations)
                let volumes = done / Double(job.options.iterationCount)
                progress.voxelsPerSecond = volumes * Double(image.shape.voxelCount) / seconds
            }
        }
        progress.bottleneck = state.report.seconds.slowestStage
        return progress
    }

    /// What was done, once everything is where it belongs.
    /// - Parameter total: seconds by the clock on the wall.
    func finishedReport(total: Double) -> RunReport {
        var (report, volumes, uncounted) = state.withLock { ($0.report, $0.volumes, $0.mostUncountedHostBytes) }
        report.peakHostBytes = HostSystem.peakResidentBytes + uncounted
        let known = job.source.image.volumes.compactMap { volumes[$0] }
        report.convergence = known.compactMap(\.convergence)
        report.observedSum = known.reduce(0) { $0 + $1.light }
        report.maskedVoxelCount = known.reduce(0) { $0 + $1.maskedCount }
        report.saturatedInputVoxelCount = known.reduce(0) { $0 + $1.saturatedCount }
        report.resultSum = known.reduce(0) { $0 + $1.sum }
        report.seconds.total = total
        report.seconds.overlapped = max(report.seconds.ofAllStages - total, 0)
        report.bottleneck = report.seconds.slowestStage
        let computedCount = report.devices.reduce(0) { $0 + $1.volumeCount }
        report.secondsPerIteration =
            report.seconds.compute / Double(max(computedCount, 1) * report.iterationCount)
        if total > 0 { report.voxelsPerSecond = Double(known.count * report.shape.voxelCount) / total }
        warnOfLight(&report)
        return report
    }

    /// Part of the light that a result may gain or lose under a background before it is said.
    private static let noticedChange = 0.05

    private func warnOfLight(_ report: inout RunReport) {
        let options = job.options
        if report.saturatedInputVoxelCount > 0, let saturation = options.saturation {
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
        let isPerfect = job.sensitivity.isEmpty && options.saturation == nil
        if isPerfect, options.background > 0, report.observedSum > 0, abs(change) > Self.noticedChange {
            report.warnings.append(
                Diagnostic(
                    "the result holds \((abs(change) * 100).rounded1) % \(change > 0 ? "more" : "less") light than the image has "
                        + "above --background \(options.background.inMessage): noise below the background counts as "
                        + "none; compare intensities with care, or check the background"
                )
            )
        }
    }
}
