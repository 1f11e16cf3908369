import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvPlan
package import DeconvVolume
package import Logging

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

    /// How often a job is planned anew after its device ran out of memory in spite of the plan.
    private static let memoryAttempts = 4

    private let source: any VolumeSource
    private let psfs: [MeasuredPSF]
    private let sensitivity: Sensitivity
    private let options: DeconvolutionOptions
    private let scratchFolder: String
    private let cancellation: Cancellation
    private let progress: @Sendable (DeconvolutionProgress) -> Void
    private let logger: Logger

    /// A job.
    /// - Parameters:
    ///   - psfs: one for all channels, or one a channel.
    ///   - sensitivity: flat field and mask of the image.
    ///   - scratchFolder: where results go that do not fit in memory before they are written.
    ///   - progress: called on the thread of the run after every iteration and at every change of stage.
    package init(
        source: any VolumeSource,
        psfs: [MeasuredPSF],
        sensitivity: Sensitivity = Sensitivity(),
        options: DeconvolutionOptions,
        scratchFolder: String = ".",
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) {
        self.source = source
        self.psfs = psfs
        self.sensitivity = sensitivity
        self.options = options
        self.scratchFolder = scratchFolder
        self.cancellation = cancellation
        self.logger = logger
        self.progress = progress
    }

    /// What would be done, without doing it.
    /// - Throws: as `JobPlan.init`, and `invalidData` for a flat field or mask that is not that of the image.
    package func plan() throws(DeconvolutionError) -> JobPlan {
        try options.validate()
        try sensitivity.check(against: source)
        let prepared = try preparedPSFs()
        return try plan(prepared, Devices.backend(for: options))
    }

    private func plan(
        _ prepared: [PreparedPSF],
        _ backend: any ComputeBackend,
        memoryDivisor: Int = 1
    ) throws(DeconvolutionError) -> JobPlan {
        try JobPlan(
            image: source,
            psfs: prepared,
            hasSensitivity: !sensitivity.isEmpty || options.saturation != nil,
            options: options,
            backend: backend,
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
        let clock = ContinuousClock()
        let start = clock.now
        var seconds = RunReport.Seconds()
        try options.validate()
        try sensitivity.check(against: source)
        let prepared = try clock.measure(into: &seconds.prepare) { () throws(DeconvolutionError) in
            try preparedPSFs()
        }
        let backend = try clock.measure(into: &seconds.setup) { () throws(DeconvolutionError) in
            try Devices.backend(for: options)
        }
        var attempt = 1
        let run = try Run(self, plan(prepared, backend), seconds)
        for timepoint in 0..<source.image.timepointCount {
            while true {
                do {
                    try run.compute(timepoint: timepoint)
                    break
                } catch  where error.code == .outOfMemory && attempt < Self.memoryAttempts {
                    attempt += 1
                    logger.warning("planning smaller tiles", metadata: ["reason": "\(error)"])
                    run.engine = nil
                    let smaller = try? plan(prepared, backend, memoryDivisor: 1 << (attempt - 1))
                    guard let smaller else { throw error }
                    run.plan = smaller
                    run.report.warnings.append(
                        Diagnostic("\(backend.device.name) ran out of memory; went on with smaller tiles")
                    )
                }
            }
            try run.write(timepoint: timepoint, to: sink)
        }
        try clock.measure(into: &run.report.seconds.write) { () throws(DeconvolutionError) in try sink.finish() }
        run.report.seconds.total = (clock.now - start).inSeconds
        return run.finishedReport()
    }
}

extension DeconvolutionJob {
    /// The state of a run.
    private final class Run {
        let job: DeconvolutionJob
        var plan: JobPlan
        var report: RunReport
        var engine: (any VolumeEngine)?
        /// Part of the light that a result may gain or lose under a background before it is said.
        private static let noticedChange = 0.05

        private let clock = ContinuousClock()
        private let method: RichardsonLucy
        private let maps: SensitivityMaps?
        private var store: ResultStore?
        /// Whether the volume computed last has no light, and so no result in the engine.
        private var isDark = false
        private var completedIterations = 0
        private var finishedVolumes = 0
        /// Volumes that had light.
        private var computedVolumes = 0
        private var warnedOfNegatives = false
        private var warnedOfOffset = false
        private var warnedOfDarkness = false

        init(_ job: DeconvolutionJob, _ plan: JobPlan, _ seconds: RunReport.Seconds) {
            self.job = job
            self.plan = plan
            let options = job.options
            method = RichardsonLucy(
                iterationCount: options.iterationCount,
                background: options.background,
                readNoise: options.readNoise,
                start: options.start,
                divergenceInterval: options.divergenceInterval
            )
            maps = SensitivityMaps(
                job.sensitivity,
                saturation: options.saturation,
                image: job.source,
                cancellation: job.cancellation
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

        func finishedReport() -> RunReport {
            var report = report
            report.workShape = plan.tiles.workShape
            report.tileCount = plan.tiles.tileCount
            report.halo = plan.tiles.halo
            report.peakHostBytes = HostSystem.peakResidentBytes
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
            if maps == nil, method.background > 0, report.observedSum > 0, abs(change) > Self.noticedChange {
                report.warnings.append(
                    Diagnostic(
                        "the result holds \(short(abs(change) * 100)) % \(change > 0 ? "more" : "less") light than the image has "
                            + "above --background \(method.background.inMessage): noise below the background counts as "
                            + "none; compare intensities with care, or check the background"
                    )
                )
            }
            report.secondsPerIteration =
                report.seconds.compute / Double(max(computedVolumes, 1) * method.iterationCount)
            return report
        }

        // MARK: Computing

        /// Computes all channels of a time point; the last one stays in the engine.
        func compute(timepoint: Int) throws(DeconvolutionError) {
            let image = plan.image
            // What an attempt that ran out of memory has done counts for nothing.
            let earlier = report
            completedIterations = timepoint * image.channelCount * method.iterationCount
            finishedVolumes = timepoint * image.channelCount
            do {
                if plan.storeBytes > 0, store == nil {
                    store = try ResultStore(
                        shape: image.shape,
                        channelCount: image.channelCount,
                        scratchFolder: plan.usesScratchFiles ? job.scratchFolder : nil
                    )
                }
                for channel in 0..<image.channelCount {
                    try compute(channel: channel, timepoint: timepoint)
                    finishedVolumes += 1
                }
            } catch {
                if error.code == .outOfMemory {
                    report.convergence = earlier.convergence
                    report.observedSum = earlier.observedSum
                    report.resultSum = earlier.resultSum
                    report.maskedVoxelCount = earlier.maskedVoxelCount
                    report.saturatedInputVoxelCount = earlier.saturatedInputVoxelCount
                }
                throw error
            }
        }

        private func compute(channel: Int, timepoint: Int) throws(DeconvolutionError) {
            let image = plan.image
            tell(.reading)
            var whole = WholeVolume()
            let sensitivity = try timed(\.read) { () throws(DeconvolutionError) in
                try maps?.volume(channel: channel, timepoint: timepoint)
            }
            let (statistics, saturatedCount) = try survey(
                channel: channel,
                timepoint: timepoint,
                sensitivity,
                keeping: &whole
            )
            try job.cancellation.check()
            report.saturatedInputVoxelCount += saturatedCount
            report.maskedVoxelCount += image.shape.voxelCount - statistics.voxelCount - saturatedCount
            try warn(statistics, sensitivity, saturatedCount, channel: channel, timepoint: timepoint)
            let mean = statistics.mean(background: method.background)
            isDark = mean <= method.background
            if isDark {
                completedIterations += method.iterationCount
                try keepChannel(channel)
                return
            }

            report.observedSum += statistics.light(background: method.background)
            tell(.preparing)
            let engine = try readyEngine(channel: channel)
            if let sensitivity {
                let number = timepoint * image.channelCount + channel
                try load(
                    sensitivity,
                    sensitivity.key(image: saturatedCount > 0 ? number : nil),
                    engine,
                    channel: channel,
                    timepoint: timepoint,
                    whole
                )
            }
            whole.sensitivity = nil
            try load(engine, sensitivity, channel: channel, timepoint: timepoint, whole)
            whole.observed = nil
            var convergence = RunReport.Convergence(
                channel: channel,
                timepoint: timepoint,
                iterations: [],
                poissonDivergence: []
            )
            let started = clock.now
            try engine.run(mean: mean, measuring: plan.tiles.imageInWhole) {
                (step) throws(DeconvolutionError) in
                try self.job.cancellation.check()
                self.completedIterations += 1
                if let divergence = step.poissonDivergence {
                    convergence.iterations.append(step.iteration)
                    convergence.poissonDivergence.append(divergence)
                }
                self.tell(.computing)
            }
            report.seconds.compute += (clock.now - started).inSeconds
            computedVolumes += 1
            report.peakDeviceBytes = max(report.peakDeviceBytes, engine.byteCount)
            report.convergence.append(convergence)
            try keepChannel(channel)
        }

        /// A volume that is computed in one piece, between being looked at and being brought to the engine.
        private struct WholeVolume {
            /// Its voxels, 0 on bad ones.
            var observed: VoxelData?
            /// Its f, where there are maps.
            var sensitivity: [Float]?
        }

        /// What must be known of a volume beforehand; keeps its voxels if they are computed in one piece.
        /// - Returns: that, and the number of voxels that are bad for no other reason than that they are saturated.
        private func survey(
            channel: Int,
            timepoint: Int,
            _ sensitivity: VolumeSensitivity?,
            keeping whole: inout WholeVolume
        ) throws(DeconvolutionError) -> (ImageStatistics, saturatedCount: Int) {
            let shape = plan.image.shape
            // Planes are read one by one where the volume may not fit in memory.
            let step = plan.tiles.tile == nil ? shape.z : 1
            var statistics = ImageStatistics()
            var saturatedCount = 0
            for z in stride(from: 0, to: shape.z, by: step) {
                try job.cancellation.check()
                let slab = Region(
                    origin: VolumeIndex(z: z, y: 0, x: 0),
                    shape: VolumeShape(z: step, y: shape.y, x: shape.x)
                )
                var data = try timed(\.read) { () throws(DeconvolutionError) in
                    try job.source.read(slab, channel: channel, timepoint: timepoint)
                }
                try timed(\.prepare) { () throws(DeconvolutionError) in
                    guard let sensitivity else {
                        return try statistics.add(data, of: slab, name: job.source.name)
                    }
                    let (values, saturated) = try sensitivity.values(in: slab, observed: data)
                    saturatedCount += saturated
                    try statistics.add(data, sensitivity: values, of: slab, name: job.source.name)
                    if step == shape.z {
                        data.clear(where: values)
                        whole.sensitivity = values
                    }
                }
                if step == shape.z { whole.observed = data }
            }
            return (statistics, saturatedCount)
        }

        /// Brings the frame to the engine: the image, with what the boundary mode puts around it.
        private func load(
            _ engine: any VolumeEngine,
            _ sensitivity: VolumeSensitivity?,
            channel: Int,
            timepoint: Int,
            _ whole: WholeVolume
        ) throws(DeconvolutionError) {
            let isWhole = whole.observed != nil
            try timed(isWhole ? \.prepare : \.read) { () throws(DeconvolutionError) in
                let source: any VolumeSource
                if let observed = whole.observed {
                    source = ArraySource(observed, shape: plan.image.shape, name: job.source.name)
                } else {
                    source = sensitivity?.goodVoxels(of: job.source) ?? job.source
                }
                let read = frameReader(source, channel: isWhole ? 0 : channel, timepoint: isWhole ? 0 : timepoint)
                try engine.setObserved(reading: read)
            }
        }

        /// Brings f on the frame to the engine, if the engine has another one.
        private func load(
            _ sensitivity: VolumeSensitivity,
            _ key: VolumeSensitivity.Key,
            _ engine: any VolumeEngine,
            channel: Int,
            timepoint: Int,
            _ whole: WholeVolume
        ) throws(DeconvolutionError) {
            let isWhole = whole.sensitivity != nil
            try timed(isWhole ? \.prepare : \.read) { () throws(DeconvolutionError) in
                let source: any VolumeSource
                if let values = whole.sensitivity {
                    source = ArraySource(.float32(values), shape: plan.image.shape, name: job.source.name)
                } else {
                    source = sensitivity.source(for: job.source)
                }
                let read = frameReader(source, channel: isWhole ? 0 : channel, timepoint: isWhole ? 0 : timepoint)
                try engine.useSensitivity(key) { (region) throws(DeconvolutionError) in try read(region).floats }
            }
        }

        /// Reads regions of the frame, given in its own coordinates.
        private func frameReader(
            _ source: any VolumeSource,
            channel: Int,
            timepoint: Int
        ) -> (Region) throws(DeconvolutionError) -> VoxelData {
            let frame = plan.tiles.frameInImage
            let reader = FrameReader(source, boundary: job.options.boundary)
            return { (region) throws(DeconvolutionError) in
                let part = Region(
                    origin: VolumeIndex { frame.origin[$0] + region.origin[$0] },
                    shape: region.shape
                )
                return try reader.read(part, channel: channel, timepoint: timepoint)
            }
        }

        private func readyEngine(channel: Int) throws(DeconvolutionError) -> any VolumeEngine {
            let index = plan.psfs.count == 1 ? 0 : channel
            return try timed(\.setup) { () throws(DeconvolutionError) in
                let ready: any VolumeEngine
                if let engine {
                    ready = engine
                } else {
                    if plan.backend.device.backend == .opencl { tell(.compiling) }
                    ready = try plan.makeEngine(
                        method,
                        scratchFolder: job.scratchFolder,
                        cancellation: job.cancellation
                    )
                    engine = ready
                }
                let psf = plan.psfs[index].psf
                let part = psf.shape.limited(to: plan.image.shape, job.options.boundary)
                try ready.use(psf.volume.centralPart(part), index: index)
                return ready
            }
        }

        // MARK: Writing

        /// Keeps the channel that has just been computed until the others are there.
        private func keepChannel(_ channel: Int) throws(DeconvolutionError) {
            guard let store else { return }
            for z in 0..<plan.image.shape.z { store.store(try resultPlane(z), plane: z, channel: channel) }
        }

        /// A plane of the channel that was computed last.
        private func resultPlane(_ z: Int) throws(DeconvolutionError) -> [Float] {
            let shape = plan.image.shape
            guard !isDark, let engine else { return [Float](repeating: 0, count: shape.planeVoxelCount) }
            let image = plan.tiles.imageInWhole
            let plane = try engine.result(
                Region(
                    origin: VolumeIndex(z: image.origin.z + z, y: image.origin.y, x: image.origin.x),
                    shape: VolumeShape(z: 1, y: shape.y, x: shape.x)
                )
            )
            // A result that no image can have is never shown.
            guard plane.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                throw DeconvolutionError(
                    .deviceFailed,
                    "\(plan.backend.device.name) gave voxels that are not numbers in plane \(z): use another --device, "
                        + "or --backend cpu"
                )
            }
            report.resultSum += plane.reduce(0.0) { $0 + Double($1) }
            return plane
        }

        /// Gives the planes of a time point away.
        func write(timepoint: Int, to sink: any VolumeSink) throws(DeconvolutionError) {
            tell(.writing)
            try timed(\.write) { () throws(DeconvolutionError) in
                for z in 0..<plan.image.shape.z {
                    try job.cancellation.check()
                    guard let store else {
                        let plane = try resultPlane(z)
                        try plane.withUnsafeBufferPointer { (voxels) throws(DeconvolutionError) in
                            try sink.append(voxels)
                        }
                        continue
                    }
                    for channel in 0..<plan.image.channelCount { try sink.append(store.plane(z, channel: channel)) }
                }
            }
        }

        // MARK: Telling

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
                report.warnings.append(Diagnostic("\(reason.message): its result is 0"))
                return
            }
            let mean = statistics.mean(background: background)
            if statistics.sum == 0 {
                if !warnedOfDarkness { report.warnings.append(Diagnostic("\(name) has no light: its result is 0")) }
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
                report.warnings.append(
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
                report.warnings.append(
                    Diagnostic("\(name): \(statistics.negativeCount) voxels (\(share) %) are negative and count as 0")
                )
            }
            if background == 0, statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * mean,
                !warnedOfOffset
            {
                warnedOfOffset = true
                report.warnings.append(
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
