import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume
import Logging

/// What one device does of a run: it takes volumes as long as there are any, and computes them on the thread of `run`.
///
/// Unchecked: it belongs to that thread.
final class DeviceLane: @unchecked Sendable {
    /// How often it plans for half the memory after the device ran out of it in spite of the plan: from all of an 80 GB card to
    /// the 40 MB that others left of it.
    private static let planAttempts = 11
    /// How often it begins anew in another context: once as it was, then with less to do.
    private static let contextAttempts = 8

    /// Where it computes.
    var device: DeviceDescription { plan.backend.device }

    /// Which of the devices of the run it is.
    let number: Int
    private let job: JobDescription
    private let share: VolumeAgenda.Share
    private let agenda: VolumeAgenda
    private let collection: any VolumeCollection
    private let record: RunRecord
    private let setup: JobSetup
    /// How often it may still plan for less memory.
    private var plansLeft = DeviceLane.planAttempts
    /// Contexts that failed.
    private var contexts = 0
    private var hasChangedLibrary = false
    /// Names the device that computes now.
    private var writer: VolumeWriter { VolumeWriter(job, on: device, into: collection, record) }
    private var own: JobSetup.Lane { setup.lanes[number] }
    private var plan: JobPlan { own.plan }
    private var engine: (any VolumeEngine)? { own.engine }

    init(
        _ number: Int,
        _ job: JobDescription,
        _ setup: JobSetup,
        _ agenda: VolumeAgenda,
        into collection: any VolumeCollection,
        _ record: RunRecord
    ) {
        self.number = number
        self.job = job
        self.setup = setup
        self.agenda = agenda
        self.record = record
        share = VolumeAgenda.Share(of: agenda)
        self.collection = collection
    }

    /// Computes and writes volumes until all are finished; with less memory if there is not what the plan counted on, in a new
    /// context where one failed, and with another FFT library where one goes wrong.
    /// - Throws: what went wrong; the volumes that it had are then there for others.
    func run() throws(DeconvolutionError) {
        defer { share.leave() }
        while true {
            do {
                let (record, device) = (record, device)
                return try Compilation.observed(by: { record.tell($0, device) }) { () throws(DeconvolutionError) in
                    try runVolumes()
                }
            } catch {
                own.engine = nil
                guard finds(error.remedy, for: error) || movesToCPU(error) else {
                    own.isSpoiled = true
                    throw error
                }
                share.reopen()
            }
        }
    }

    /// Changes what a failure came from.
    /// - Returns: false where nothing is left to be tried.
    private func finds(_ remedy: DeviceRemedy?, for error: DeconvolutionError) -> Bool {
        let reason = error.reason
        switch remedy {
        case .lessMemory:
            if setup.giveUpOthers() { return true }
            own.isSpoiled = true
            guard let change = takesLess(error) else { return false }
            record.warn(Diagnostic(.outOfMemory, "\(device.name) ran out of memory; went on \(change)"))
            return true
        case .newContext:
            contexts += 1
            own.isSpoiled = true
            guard contexts <= Self.contextAttempts else { return false }
            do { try setup.renew(lane: number) } catch _ { return false }
            // It may have been the memory.
            let change = contexts > 1 ? takesLess(error) : nil
            if contexts > 1, change == nil { return false }
            job.logger.warning("beginning anew in another context", metadata: ["reason": "\(error)"])
            let how = change.map { ", \($0)" } ?? ""
            record.warn(Diagnostic(.deviceRecovered, "\(device.name): \(reason); went on in a new context\(how)"))
            return true
        case .otherTransforms:
            own.isSpoiled = true
            guard job.options.fft == .auto, !hasChangedLibrary else { return false }
            hasChangedLibrary = true
            job.logger.warning("beginning anew with another FFT library", metadata: ["reason": "\(error)"])
            record.warn(
                Diagnostic(
                    .transformsReplaced,
                    "\(device.name): \(reason); began anew with another FFT library, which this run uses from now on"
                )
            )
            return true
        case nil:
            return false
        }
    }

    /// Has this machine's cores go on where the choice of the device was the program's, and nothing else helped.
    private func movesToCPU(_ error: DeconvolutionError) -> Bool {
        let options = job.options
        guard error.isOfDevice, device.backend == .opencl, setup.lanes.count == 1, options.backend == .auto,
            options.device == nil, options.fft == .auto
        else { return false }
        let (former, failed) = (plan, device.name)
        own.isSpoiled = true
        do { try setup.moveToCPU(lane: number) } catch _ { return false }
        job.logger.warning("going on with the CPU", metadata: ["reason": "\(error)"])
        job.limitKeptBytes(plan, insteadOf: former)
        record.moved(lane: number, to: plan, error)
        record.warn(
            Diagnostic(
                .deviceLeftOut,
                "\(failed) cannot be used, so the CPU took over, which takes longer: \(error.line)"
            )
        )
        return true
    }

    /// Plans for less memory: for one volume at a time, and only then for less of a volume.
    /// - Returns: how it goes on, or nil where no less will do.
    private func takesLess(_ error: DeconvolutionError) -> String? {
        if plan.overlap != nil {
            job.logger.warning("going on with one volume at a time", metadata: ["reason": "\(error)"])
            own.plan.overlap = nil
            return "with one volume at a time"
        }
        guard plansLeft > 0 else { return nil }
        plansLeft -= 1
        let former = plan
        do { try setup.planSmaller(lane: number) } catch _ { return nil }
        job.limitKeptBytes(plan, insteadOf: former)
        guard let tile = plan.tiles.tile else { return "with less memory" }
        job.logger.warning(
            "planning smaller tiles",
            metadata: ["reason": "\(error)", "tile": "\(tile.frame.shape)"]
        )
        return former.tiles.tile == nil
            ? "in tiles of \(tile.frame.shape) voxels" : "with smaller tiles, of \(tile.frame.shape) voxels"
    }

    private func runVolumes() throws(DeconvolutionError) {
        record.plan(plan, lane: number)
        if let engine { record.made(engine, lane: number) }
        let reader = VolumeReader(job, plan, record)
        if plan.overlap != nil, let traffic = try makeTraffic() {
            let (record, device) = (record, device)
            try OverlappedStages(share, reader, traffic, writer).run(plan.tiles.imageInWhole) {
                tell(.reading)
            } compute: { (volume, check) throws(DeconvolutionError) in
                try compute(&volume, reader, check: check)
            } written: {
                record.tell(.writing, device, isAlone: false)
            }
        } else {
            tell(.reading)
            while let position = share.take() {
                try runAlone(position, reader)
                share.finish(position)
                tell(.writing)
            }
        }
        try agenda.check()
    }

    private func makeTraffic() throws(DeconvolutionError) -> (any VolumeTraffic)? {
        tell(.preparing)
        return try record.measure(\.setup) { () throws(DeconvolutionError) in
            try readyEngine().makeTraffic(for: plan.image.shape)
        }
    }

    /// Reading, computing and writing one after another.
    private func runAlone(_ position: VolumePosition, _ reader: VolumeReader) throws(DeconvolutionError) {
        tell(.reading)
        var volume = try reader.survey(position)
        if !volume.isDark {
            tell(.preparing)
            let engine = try record.measure(\.setup) { () throws(DeconvolutionError) in try readyEngine() }
            try observe(&volume, ofView: 0, reader, engine)
            if let second = reader.secondView { try observe(&volume.secondView[0], ofView: 1, second, engine) }
        }
        try compute(&volume, reader) { () throws(DeconvolutionError) in }
        tell(.writing)
        try writer.write(volume.isDark ? nil : engine?.result, plan.tiles.imageInWhole, of: position)
    }

    private func observe(
        _ volume: inout SurveyedVolume,
        ofView number: Int,
        _ reader: VolumeReader,
        _ engine: any VolumeEngine
    ) throws(DeconvolutionError) {
        let read = reader.frame(of: volume)
        let stage = volume.voxels == nil ? \RunReport.Seconds.read : \.upload
        volume.voxels = nil
        try record.measure(stage) { () throws(DeconvolutionError) in
            try engine.setObserved(ofView: number, reading: read)
        }
    }

    private func useSensitivity(
        of volume: inout SurveyedVolume,
        ofView number: Int,
        _ reader: VolumeReader,
        _ engine: any VolumeEngine
    ) throws(DeconvolutionError) {
        guard let key = volume.sensitivityKey else { return }
        let read = reader.sensitivity(of: volume)
        try record.measure(volume.sensitivityValues == nil ? \.read : \.upload) { () throws(DeconvolutionError) in
            try engine.useSensitivity(key, ofView: number, reading: read)
        }
        volume.sensitivityValues = nil
    }

    /// Computes a volume whose frame is the observed one; one without light is only counted.
    private func compute(
        _ volume: inout SurveyedVolume,
        _ reader: VolumeReader,
        check: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let position = volume.position
        let view = light(of: volume, job)
        var views = [view.light]
        var warnings = try volume.warnings(job)
        var secondSum: Double?
        if let second = volume.secondView.first, let ofSecond = job.ofSecondView {
            let view = light(of: second, ofSecond)
            views.append(view.light)
            secondSum = view.sum
            // One of a kind is told of each volume.
            warnings += try second.warnings(ofSecond).filter { warning in !warnings.contains { $0.kind == warning.kind }
            }
        }
        record.surveyed(volume, light: view.sum, ofSecondView: secondSum, warnings)
        if volume.isDark { return }
        tell(.preparing)
        let engine = try record.measure(\.setup) { () throws(DeconvolutionError) in
            let engine = try readyEngine()
            let indices = plan.blurIndices(ofChannel: position.channel)
            let blurs = indices.map { index in
                let blur = plan.blurs[index].blur
                let part = blur.shape.limited(to: plan.image.shape, plan.boundary)
                return blur.centralPart(part).moved(to: plan.tiles.imageInWhole.origin)
            }
            try engine.use(blurs, ids: indices.flatMap { setup.ids(ofBlur: $0) })
            return engine
        }
        try useSensitivity(of: &volume, ofView: 0, reader, engine)
        if let second = reader.secondView { try useSensitivity(of: &volume.secondView[0], ofView: 1, second, engine) }
        var measured: [VolumeFigures.Divergence] = []
        let clock = ContinuousClock()
        let started = clock.now
        try record.measure(\.compute) { () throws(DeconvolutionError) in
            try engine.run(
                views,
                tuning: job.findings.channels[position.channel].tuning?.tuning,
                measuring: plan.tiles.imageInWhole,
                watch: nil
            ) { (step) throws(DeconvolutionError) in
                // What is complete is written, whoever asks to stop: see `VolumeWriter`.
                if step.iteration < job.stepCount(position.channel, plan.method) { try job.cancellation.check() }
                try agenda.check()
                try check()
                record.iterated(position)
                if let divergence = step.poissonDivergence {
                    measured.append(VolumeFigures.Divergence(iteration: step.iteration, value: divergence))
                }
                tell(.computing)
            }
        }
        record.computed(
            position,
            measured,
            lane: number,
            seconds: (clock.now - started).inSeconds,
            deviceBytes: engine.byteCount,
            uncountedHostBytes: engine.uncountedHostByteCount
        )
    }

    /// What is known of the light of a view, and Σ of its good voxels above the background, in counts.
    private func light(of volume: SurveyedVolume, _ job: JobDescription) -> (light: ViewLight, sum: Double) {
        let background = job.findings.channels[volume.position.channel].shiftedBackground
        let sum = volume.isDark ? 0 : volume.statistics.light(background: background)
        return (ViewLight(mean: volume.mean, background: background), sum)
    }

    private func readyEngine() throws(DeconvolutionError) -> any VolumeEngine {
        if let engine { return engine }
        if device.backend == .opencl { tell(.compiling) }
        let made = try plan.makeEngine(scratchFolder: job.scratchFolder) {
            [cancellation = setup.cancellation] () throws(DeconvolutionError) in
            try cancellation.check()
        }
        own.engine = made
        record.made(made, lane: number)
        return made
    }

    private func tell(_ stage: DeconvolutionProgress.Stage) {
        record.tell(stage, device, isAlone: plan.overlap == nil && !record.hasSeveralDevices)
    }
}
