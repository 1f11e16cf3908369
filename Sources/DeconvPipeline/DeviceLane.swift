import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvPlan
import DeconvVolume
import Logging

/// What one device does of a run: it takes volumes as long as there are any, and computes them on the thread of `run`.
///
/// Unchecked: it belongs to that thread.
final class DeviceLane: @unchecked Sendable {
    /// How often it plans anew after the device ran out of memory in spite of the plan.
    private static let memoryAttempts = 4

    /// Where it computes.
    var device: DeviceDescription { plan.backend.device }

    /// Which of the devices of the run it is.
    let number: Int
    private let job: DeconvolutionJob
    private let method: RichardsonLucy
    private let share: VolumeAgenda.Share
    private let agenda: VolumeAgenda
    private let writer: VolumeWriter
    private let record: RunRecord
    private let setup: JobSetup
    private var own: JobSetup.Lane { setup.lanes[number] }
    private var plan: JobPlan { own.plan }
    private var engine: (any VolumeEngine)? { own.engine }

    init(
        _ number: Int,
        _ job: DeconvolutionJob,
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
        method = RichardsonLucy(job.options)
        writer = VolumeWriter(job, on: setup.lanes[number].plan.backend.device, into: collection, record)
    }

    /// Computes and writes volumes until all are finished; with less memory if there is not what the plan counted on.
    /// - Throws: what went wrong; the volumes that it had are then there for others.
    func run() throws(DeconvolutionError) {
        defer { share.leave() }
        var attempt = 1
        while true {
            do {
                return try runVolumes()
            } catch  where error.code == .outOfMemory && attempt < Self.memoryAttempts {
                own.engine = nil
                if setup.giveUpOthers() {
                    share.reopen()
                    continue
                }
                own.isSpoiled = true
                // One volume at a time takes less; only then less of a volume.
                if plan.overlap != nil {
                    job.logger.warning("going on with one volume at a time", metadata: ["reason": "\(error)"])
                    own.plan.overlap = nil
                } else {
                    attempt += 1
                    job.logger.warning("planning smaller tiles", metadata: ["reason": "\(error)"])
                    let former = plan
                    do { try setup.planSmaller(lane: number, divisor: 1 << (attempt - 1)) } catch _ { throw error }
                    job.limitKeptBytes(plan, insteadOf: former)
                    record.warn(
                        Diagnostic(.outOfMemory, "\(device.name) ran out of memory; went on with smaller tiles")
                    )
                }
                share.reopen()
            } catch {
                own.engine = nil
                own.isSpoiled = true
                throw error
            }
        }
    }

    private func runVolumes() throws(DeconvolutionError) {
        record.plan(plan, lane: number)
        if let engine { record.made(engine, lane: number) }
        let reader = VolumeReader(job, plan.tiles, record)
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
            try record.measure(volume.voxels == nil ? \.read : \.upload) { () throws(DeconvolutionError) in
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
        let light = volume.isDark ? 0 : statistics.light(background: method.background)
        record.surveyed(volume, light: light, try job.warnings(of: volume))
        if volume.isDark { return }
        tell(.preparing)
        let engine = try record.measure(\.setup) { () throws(DeconvolutionError) in
            let engine = try readyEngine()
            let index = plan.psfs.count == 1 ? 0 : position.channel
            let psf = plan.psfs[index].psf
            let part = psf.shape.limited(to: plan.image.shape, job.options.boundary)
            try engine.use(psf.volume.centralPart(part), index: setup.psfIDs[index])
            return engine
        }
        if let key = volume.sensitivityKey {
            try record.measure(volume.sensitivityValues == nil ? \.read : \.upload) { () throws(DeconvolutionError) in
                try engine.useSensitivity(key, reading: reader.sensitivity(of: volume))
            }
            volume.sensitivityValues = nil
        }
        var measured: [VolumeFigures.Divergence] = []
        let clock = ContinuousClock()
        let started = clock.now
        try record.measure(\.compute) { () throws(DeconvolutionError) in
            try engine.run(mean: volume.mean, measuring: plan.tiles.imageInWhole) {
                (step) throws(DeconvolutionError) in
                // What is complete is written, whoever asks to stop: see `VolumeWriter`.
                if step.iteration < method.iterationCount { try job.cancellation.check() }
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

    private func readyEngine() throws(DeconvolutionError) -> any VolumeEngine {
        if let engine { return engine }
        if device.backend == .opencl { tell(.compiling) }
        let made = try plan.makeEngine(method, scratchFolder: job.scratchFolder) {
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

extension RichardsonLucy {
    /// The method as the options have it.
    fileprivate init(_ options: DeconvolutionOptions) {
        self.init(
            iterationCount: options.iterationCount,
            background: options.background,
            readNoise: options.readNoise,
            start: options.start,
            divergenceInterval: options.divergenceInterval
        )
    }
}
