import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume
import Foundation
import Synchronization

/// What a run has done so far, told by all its threads, and told on.
final class RunRecord: Sendable {
    /// A volume that this run has begun.
    fileprivate struct Work {
        var figures = VolumeFigures()
        var completedIterations = 0
        /// The place among the devices of the report of the one that has computed it.
        var device: Int?
    }

    fileprivate struct State {
        var report: RunReport
        /// Those of earlier runs and of this one; what was not finished comes again.
        var figures: [VolumePosition: VolumeFigures]
        var work: [VolumePosition: Work] = [:]
        var finishedCount: Int
        /// The place of each lane's device among those of the report.
        var entries: [Int]
        var completedIterations: Int
        /// Iterations of this run, with those of volumes that were begun again.
        var runIterations = 0
        var mostUncountedHostBytes = 0
        /// When the first iteration ended, and how many there were then.
        var computingSince: (instant: ContinuousClock.Instant, iterations: Int)?
    }

    private let job: JobDescription
    private let heldCount: Int
    /// Of the PSFs.
    private let psfBorders: [PSFBorder]
    /// Steps that the method takes for a volume of each channel.
    private let stepCounts: [Int]
    /// Those of all volumes.
    private let totalStepCount: Int
    /// Whether there are several devices.
    let hasSeveralDevices: Bool
    private let clock = ContinuousClock()
    private let state: Mutex<State>
    /// Held while somebody is told, so that it is done one by one and in order.
    private let telling = Mutex(())

    /// A record of a run that has not begun.
    /// - Parameters:
    ///   - plans: one a device.
    ///   - collection: may hold volumes that an earlier run has finished.
    init(
        _ job: JobDescription,
        _ plans: [JobPlan],
        into collection: any VolumeCollection,
        _ seconds: RunReport.Seconds
    ) {
        self.job = job
        let held = job.source.image.volumes.filter { collection.holds(channel: $0.channel, timepoint: $0.timepoint) }
        heldCount = held.count
        hasSeveralDevices = plans.count > 1
        let options = job.options
        let plan = plans[0]
        let steps = (0..<plan.image.channelCount).map { job.stepCount($0, plan.method) }
        stepCounts = steps
        totalStepCount = job.source.image.volumes.reduce(0) { $0 + steps[$1.channel] }
        psfBorders = plan.firstPSFs.map { PSFBorder($0.psf.volume) }
        var warnings: [Diagnostic] = []
        var seen = job.look?.warnings(job.source.name, options) ?? []
        if let second = job.ofSecondView { seen += second.look?.warnings(second.source.name, second.options) ?? [] }
        seen += job.findings.channels.flatMap { $0.tuning?.warnings(job.source.name) ?? [] }
        if !options.psfAsIs, let warning = JobDescription.Look.resultIsImage(job.source.name, plan.psfs) {
            seen.append(warning)
        }
        for warning in plans.flatMap(\.warnings) + seen where !warnings.contains(warning) { warnings.append(warning) }
        var report = RunReport(
            device: plan.backend.device,
            method: plan.method.name.rawValue,
            iterationCount: steps.max() ?? plan.method.stepCount,
            boundary: plan.boundary,
            backgrounds: job.findings.channels.map(\.background),
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
            psfs: plan.firstPSFs.map(\.report),
            psfModes: plan.blurs.compactMap(\.report)
        )
        report.views = Self.views(job, plan)
        report.devices = plans.map { RunReport.DeviceShare(number: $0.deviceNumber, device: $0.backend.device) }
        report.resumedVolumeCount = heldCount
        report.tunings = job.findings.channels.compactMap(\.tuning)
        report.survey = zip(job.look?.survey.channels ?? [], job.findings.channels).map { ChannelRecord($0, $1) }
        report.foundMask = job.look.map { look in look.survey.channels.map(\.badColumns.all) } ?? []
        var figures: [VolumePosition: VolumeFigures] = [:]
        for volume in held {
            figures[volume] = collection.figures(channel: volume.channel, timepoint: volume.timepoint)
        }
        state = Mutex(
            State(
                report: report,
                figures: figures,
                finishedCount: heldCount,
                entries: Array(plans.indices),
                completedIterations: held.reduce(0) { $0 + steps[$1.channel] }
            )
        )
    }
}

extension RunRecord {
    /// What is known of each of two views before the run; empty where there is one.
    private static func views(_ job: JobDescription, _ plan: JobPlan) -> [RunReport.View] {
        guard let second = job.ofSecondView else { return [] }
        return [(job, plan.firstPSFs), (second, plan.secondPSFs)].map { job, psfs in
            RunReport.View(
                name: job.source.name,
                backgrounds: job.findings.channels.map(\.background),
                psfs: psfs.map(\.report)
            )
        }
    }

    /// Adds the light of the views of some volumes to a report, and says where it does not go together.
    private func compareViews(_ report: inout RunReport, _ volumes: [(VolumePosition, VolumeFigures)]) {
        guard report.views.count > 1 else { return }
        let sums = [volumes.reduce(0) { $0 + $1.1.light }, volumes.reduce(0) { $0 + ($1.1.secondLight ?? 0) }]
        for (index, sum) in sums.enumerated() { report.views[index].observedSum = sum }
        guard sums[0] > 0, sums[1] > 0, max(sums[0] / sums[1], sums[1] / sums[0]) > Self.mostLightRatio else { return }
        let (name, factor) = (report.views[1].name, sums[0] / sums[1])
        report.warnings.append(
            Diagnostic(
                .viewsDiffer,
                "\(subject: name): holds another amount of light above its background than the first view, though both are taken to "
                    + "show the same object: check \(.background) and \(.viewBackground), or multiply it by the factor between them",
                figures: "\((1 / factor * 100).rounded1) % of that, factor \((factor * 1000).rounded() / 1000)"
            )
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

    /// How a device computes from now on; the first one stands for all.
    func plan(_ plan: JobPlan, lane: Int) {
        guard lane == 0 else { return }
        state.withLock {
            $0.report.workShape = plan.tiles.workShape
            $0.report.tileCount = plan.tiles.tileCount
            $0.report.halo = plan.tiles.halo
        }
    }

    /// What the engine of a device is.
    func made(_ engine: any VolumeEngine, lane: Int) {
        state.withLock { $0.report.devices[$0.entries[lane]].fft = engine.fft }
        for warning in engine.warnings { warn(warning) }
    }

    /// What a volume is.
    /// - Parameters:
    ///   - light: Σ of its good voxels above the background, in counts.
    ///   - secondLight: the same of its second view; nil where there is one view.
    ///   - warnings: what a person should know of it.
    func surveyed(_ volume: SurveyedVolume, light: Double, ofSecondView secondLight: Double?, _ warnings: [Diagnostic])
    {
        var work = Work()
        work.figures.secondLight = secondLight
        work.figures.light = light
        work.figures.maskedVoxelCount =
            job.source.image.shape.voxelCount - volume.statistics.voxelCount - volume.saturatedCount
        work.figures.saturatedVoxelCount = volume.saturatedCount
        work.figures.warnings = warnings
        state.withLock { [work] state in
            state.forget(volume.position)
            state.work[volume.position] = work
            if volume.isDark { state.iterated(volume.position, stepCounts[volume.position.channel]) }
        }
    }

    /// An iteration of a volume is done.
    func iterated(_ position: VolumePosition) {
        state.withLock { state in
            state.iterated(position, 1)
            state.runIterations += 1
            if state.computingSince == nil { state.computingSince = (clock.now, state.completedIterations) }
        }
    }

    /// All iterations of a volume are done.
    /// - Parameter seconds: that they took.
    func computed(
        _ position: VolumePosition,
        _ divergence: [VolumeFigures.Divergence],
        lane: Int,
        seconds: Double,
        deviceBytes: Int,
        uncountedHostBytes: Int
    ) {
        state.withLock { state in
            state.work[position]?.figures.divergence = divergence
            let entry = state.entries[lane]
            state.work[position]?.device = entry
            state.report.peakDeviceBytes = max(state.report.peakDeviceBytes, deviceBytes)
            state.mostUncountedHostBytes = max(state.mostUncountedHostBytes, uncountedHostBytes)
            state.report.devices[entry].computeSeconds += seconds
        }
    }

    /// What is known of a volume of which all planes have gone to where they belong.
    /// - Parameter sum: Σ of the result's voxels.
    func figures(_ position: VolumePosition, sum: Double) -> VolumeFigures {
        var figures = state.withLock { $0.work[position]?.figures } ?? VolumeFigures()
        figures.sum = sum
        return figures
    }

    /// Its type leaves nothing of a volume.
    func roundsAway(_ position: VolumePosition, _ warning: Diagnostic) {
        state.withLock { $0.work[position]?.figures.warnings.append(warning) }
    }

    /// Refuses a result of which its type leaves nothing in any volume, of this run or an earlier one.
    /// - Throws: `invalidArgument`.
    func refuseRoundedResult() throws(DeconvolutionError) {
        let figures = state.withLock(\.figures)
        let bright = figures.values.filter { $0.sum > 0 }
        let rounded = bright.compactMap { $0.warnings.first { $0.kind == .roundedAway } }
        guard let first = rounded.first, rounded.count == bright.count, figures.count == job.source.image.volumeCount
        else { return }
        throw DeconvolutionError(
            .invalidArgument,
            "\(job.source.name): as \(job.resultType.rawValue) the result would hold nothing but 0 and 1 in all volumes"
                + "\(first.figures.map { " (\($0))" } ?? "" as Message); give \(.dtype, "float32"), or multiply the "
                + "image by a factor first"
        )
    }

    /// A volume is where it belongs.
    /// - Parameter figures: those that `figures` gave for it.
    func finished(_ position: VolumePosition, _ figures: VolumeFigures) {
        state.withLock { state in
            guard let work = state.work[position] else { return }
            state.figures[position] = figures
            if let device = work.device { state.report.devices[device].volumeCount += 1 }
            state.finishedCount += 1
        }
    }

    /// A device failed, and another one goes on in its place.
    func moved(lane: Int, to plan: JobPlan, _ error: DeconvolutionError) {
        let share = RunReport.DeviceShare(number: plan.deviceNumber, device: plan.backend.device)
        state.withLock { state in
            let entry = state.entries[lane]
            if state.report.devices[entry].volumeCount == 0 {
                state.report.devices[entry] = share
                if entry == 0 { state.report.device = share.device }
            } else {
                state.report.devices[entry].failure = error.line
                state.entries[lane] = state.report.devices.count
                state.report.devices.append(share)
            }
        }
    }

    /// A device failed, and others go on with what it had.
    func dropped(lane: Int, _ error: DeconvolutionError) {
        let device = state.withLock { state in
            let entry = state.entries[lane]
            state.report.devices[entry].failure = error.line
            return state.report.devices[entry]
        }
        warn(
            Diagnostic(
                .deviceLeftOut,
                "device \(device.number), \(device.device.name), failed and was left out; others went on with its volumes: "
                    + error.line
            )
        )
    }
}

extension RunRecord.State {
    fileprivate mutating func iterated(_ position: VolumePosition, _ count: Int) {
        work[position]?.completedIterations += count
        completedIterations += count
    }

    /// Begins a volume again.
    fileprivate mutating func forget(_ position: VolumePosition) {
        guard let known = work.removeValue(forKey: position) else { return }
        completedIterations -= known.completedIterations
    }
}

// MARK: - Telling

extension RunRecord {
    /// Tells whoever wants to know how far the run is.
    /// - Parameter isAlone: whether nothing else is done at the same time.
    func tell(_ stage: DeconvolutionProgress.Stage, _ device: DeviceDescription, isAlone: Bool) {
        telling.withLock { _ in
            job.progress(
                state.withLock { progress(isAlone ? stage : self.stage(stage, $0), device, $0) }
            )
        }
    }

    /// Tells that a device's driver compiles, unless something was computed before: then it goes on beside that.
    func tell(_ step: CompilationStep, _ device: DeviceDescription) {
        telling.withLock { _ in
            let progress: DeconvolutionProgress? = state.withLock { state -> DeconvolutionProgress? in
                guard state.runIterations == 0 else { return nil }
                var progress = self.progress(.compiling, device, state)
                (progress.program, progress.programCount) = (step.number, step.count)
                return progress
            }
            if let progress { job.progress(progress) }
        }
    }

    /// The stage of the whole run: those of its threads would take turns many times a second.
    private func stage(_ stage: DeconvolutionProgress.Stage, _ state: State) -> DeconvolutionProgress.Stage {
        if stage == .compiling { return stage }
        if state.completedIterations == totalStepCount { return .writing }
        return state.computingSince == nil ? stage : .computing
    }

    private func progress(
        _ stage: DeconvolutionProgress.Stage,
        _ device: DeviceDescription,
        _ state: State
    ) -> DeconvolutionProgress {
        let image = job.source.image
        let total = totalStepCount
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
                let left = total - state.completedIterations
                if left > 0 { progress.secondsLeft = seconds / done * Double(left) }
                let volumes = done / Double(total) * Double(image.volumeCount)
                progress.voxelsPerSecond = volumes * Double(image.shape.voxelCount) / seconds
            }
        }
        // Until all stages have had a volume, the first one is the slowest.
        if state.finishedCount > heldCount { progress.bottleneck = state.report.seconds.slowestStage }
        return progress
    }

    /// What was done, once everything is where it belongs.
    /// - Parameter total: seconds by the clock on the wall.
    func finishedReport(total: Double) -> RunReport {
        let (begun, figures, uncounted, iterations) = state.withLock {
            ($0.report, $0.figures, $0.mostUncountedHostBytes, $0.runIterations)
        }
        var report = begun
        let image = job.source.image
        report.peakHostBytes = HostSystem.peakResidentBytes + uncounted
        // In the order of volumes, so that sums do not depend on who computed what when.
        let known = image.volumes.compactMap { volume in figures[volume].map { (volume, $0) } }
        report.convergence = known.compactMap { RunReport.Convergence($0, $1) }
        report.observedSum = known.reduce(0) { $0 + $1.1.light }
        report.maskedVoxelCount = known.reduce(0) { $0 + $1.1.maskedVoxelCount }
        report.saturatedInputVoxelCount = known.reduce(0) { $0 + $1.1.saturatedVoxelCount }
        report.resultSum = known.reduce(0) { $0 + $1.1.sum }
        report.seconds.total = total
        report.seconds.overlapped = max(report.seconds.ofAllStages - total, 0)
        report.bottleneck = report.seconds.slowestStage
        report.secondsPerIteration = report.seconds.compute / Double(max(iterations, 1))
        if total > 0 {
            report.voxelsPerSecond = Double((image.volumeCount - heldCount) * report.shape.voxelCount) / total
        }
        report.warnings += warnings(of: known)
        compareViews(&report, known)
        if known.count == image.volumeCount {
            warnOfLight(&report, known)
        } else {
            report.warnings.append(
                Diagnostic(
                    .figuresMissing,
                    "some volumes come from a run that kept no figures of them: sums, counts, convergence and warnings "
                        + "are those of the others",
                    figures: "\(image.volumeCount - known.count) of \(image.volumeCount)"
                )
            )
        }
        return report
    }

    /// What a person should know of volumes, in their order: of each kind the first, and how many more there are.
    private func warnings(of volumes: [(VolumePosition, VolumeFigures)]) -> [Diagnostic] {
        var order: [Diagnostic.Kind] = []
        var first: [Diagnostic.Kind: (position: VolumePosition, warning: Diagnostic)] = [:]
        var counts: [Diagnostic.Kind: Int] = [:]
        for (position, figures) in volumes {
            for warning in figures.warnings {
                if first[warning.kind] == nil {
                    order.append(warning.kind)
                    first[warning.kind] = (position, warning)
                }
                counts[warning.kind, default: 0] += 1
            }
        }
        return order.map { kind in
            let (position, warning) = first[kind]!
            let place = job.source.volumeName(channel: position.channel, timepoint: position.timepoint)
            let others = counts[kind]! - 1
            let more: Message? = others == 0 ? nil : others == 1 ? "and 1 volume more" : "and \(others) volumes more"
            let what = [place.map { "\($0)" }, warning.figures].compactMap(\.self)
            let figures = (what.isEmpty ? [] : [what.joined(separator: ": ")]) + [more].compactMap(\.self)
            return Diagnostic(kind, warning.line, figures: figures.isEmpty ? nil : figures.joined(separator: ", "))
        }
    }

    /// How many times the light of one view may be that of the other before it is said.
    private static let mostLightRatio = 1.25
    /// Part of the light that a result may gain or lose under a background before it is said.
    private static let noticedChange = 0.05
    /// The same without a background, where only a fault makes so much.
    private static let faultyChange = 0.5

    /// What a result may hold on a masked voxel, over the mean of those that count: they may lie where it is bright.
    private static let mostOnMasked = 3.0
    /// What it may hold on a saturated one, over what the camera could still tell.
    private static let mostOnSaturated = 10.0

    /// Light that a result may hold where voxels do not count: it is estimated, and nothing in the image is compared with it.
    private func mostUncompared(_ volumes: [(VolumePosition, VolumeFigures)]) -> Double {
        volumes.reduce(0) { sum, volume in
            let (position, figures) = volume
            let channel = job.findings.channels[position.channel]
            let (masked, saturated) = (Double(figures.maskedVoxelCount), Double(figures.saturatedVoxelCount))
            let counted = Double(job.source.image.shape.voxelCount) - masked - saturated
            let mean = counted > 0 ? max(figures.light / counted, 0) : 0
            let top = channel.saturation.map { max($0 - channel.background, 0) } ?? 0
            return sum + Self.mostOnMasked * masked * mean + Self.mostOnSaturated * saturated * top
        }
    }

    private func warnOfLight(_ report: inout RunReport, _ volumes: [(VolumePosition, VolumeFigures)]) {
        let options = job.options
        let channels = job.findings.channels
        if report.saturatedInputVoxelCount > 0, options.saturation != nil {
            let voxelCount = report.shape.voxelCount * report.channelCount * report.timepointCount
            let values = Set(channels.compactMap(\.saturation)).sorted().map(\.inMessage).joined(separator: ", ")
            report.warnings.append(
                Diagnostic(
                    .saturatedVoxels,
                    options.saturation == .auto
                        ? "\(job.source.name): \(.saturation, "auto") leaves voxels out, from \(values) counts on"
                        : "\(job.source.name): \(.saturation, values) leaves voxels out",
                    figures: "\(report.saturatedInputVoxelCount) of \(voxelCount)"
                )
            )
        }
        let change = report.resultSum / report.observedSum - 1
        let voxelCount = Double(report.shape.voxelCount * report.channelCount * report.timepointCount)
        let hasBackground = channels.contains { $0.shiftedBackground > 0 }
        let noticed = hasBackground ? Self.noticedChange : Self.faultyChange
        // Voxels that do not count only add to a result.
        let unexplained = change > 0 ? max(change - mostUncompared(volumes) / report.observedSum, 0) : -change
        // Said already: a result has the light that lies between those of two views.
        let isOfViews = report.warnings.contains { $0.kind == .viewsDiffer }
        guard job.sensitivity.flatField == nil, report.observedSum > 0, unexplained > noticed, !isOfViews else {
            return
        }
        let (cause, figures) = LightChange.cause(
            LightChange.Evidence(
                change: change,
                channels: channels,
                survey: job.look?.survey.channels ?? [],
                psfs: psfBorders,
                light: report.observedSum / voxelCount,
                boundary: report.boundary,
                masksBadPixels: options.masksBadPixels,
                hasEmptyPlanes: report.warnings.contains { $0.kind == .emptyPlanes }
            )
        )
        let above: Message =
            Set(channels).count == 1 && channels[0].shift == 0
            ? "\(.background, channels[0].background.inMessage)" : "its \(.background)"
        let measured: Message = "\((abs(change) * 100).rounded1) %"
        report.warnings.append(
            Diagnostic(
                .lightChanged,
                "the result holds \(change > 0 ? "more" : "less") light than the image has above \(above): \(cause); "
                    + "compare intensities with care",
                figures: figures.map { "\(measured); \($0)" } ?? measured
            )
        )
    }
}

extension RunReport.Convergence {
    /// That of a volume, or nil where no iterations ran.
    fileprivate init?(_ position: VolumePosition, _ figures: VolumeFigures) {
        guard let divergence = figures.divergence else { return nil }
        self.init(
            channel: position.channel,
            timepoint: position.timepoint,
            iterations: divergence.map(\.iteration),
            poissonDivergence: divergence.map(\.value)
        )
    }
}
