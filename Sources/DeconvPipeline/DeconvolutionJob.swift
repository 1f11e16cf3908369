import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvPlan
package import DeconvVolume
package import Logging

/// One image, its PSFs and what to do with them: from source to sink, volume after volume, tile after tile.
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
    private let options: DeconvolutionOptions
    private let scratchFolder: String
    private let cancellation: Cancellation
    private let progress: @Sendable (DeconvolutionProgress) -> Void
    private let logger: Logger

    /// A job.
    /// - Parameters:
    ///   - psfs: one for all channels, or one a channel.
    ///   - scratchFolder: where results go that do not fit in memory before they are written.
    ///   - progress: called on the thread of the run after every iteration and at every change of stage.
    package init(
        source: any VolumeSource,
        psfs: [MeasuredPSF],
        options: DeconvolutionOptions,
        scratchFolder: String = ".",
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) {
        self.source = source
        self.psfs = psfs
        self.options = options
        self.scratchFolder = scratchFolder
        self.cancellation = cancellation
        self.logger = logger
        self.progress = progress
    }

    /// What would be done, without doing it.
    /// - Throws: as `JobPlan.init`.
    package func plan() throws(DeconvolutionError) -> JobPlan {
        try options.validate()
        let prepared = try preparedPSFs()
        return try JobPlan(
            image: source,
            psfs: prepared,
            options: options,
            backend: Devices.backend(for: options)
        )
    }

    private func preparedPSFs() throws(DeconvolutionError) -> [PreparedPSF] {
        let image = source.image
        guard psfs.count == 1 || psfs.count == image.channelCount else {
            let channels = image.channelCount == 1 ? "1 channel" : "\(image.channelCount) channels"
            throw DeconvolutionError(
                .invalidData,
                "\(psfs.map(\.name).joined(separator: ", ")): \(psfs.count) PSFs, but \(source.name) has \(channels); "
                    + "give one for all or one a channel"
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
        let prepared = try clock.measure(into: &seconds.prepare) { () throws(DeconvolutionError) in
            try preparedPSFs()
        }
        let backend = try clock.measure(into: &seconds.setup) { () throws(DeconvolutionError) in
            try Devices.backend(for: options)
        }
        var attempt = 1
        let run = try Run(self, JobPlan(image: source, psfs: prepared, options: options, backend: backend), seconds)
        for timepoint in 0..<source.image.timepointCount {
            while true {
                do {
                    try run.compute(timepoint: timepoint)
                    break
                } catch  where error.code == .outOfMemory && attempt < Self.memoryAttempts {
                    attempt += 1
                    logger.warning("planning smaller tiles", metadata: ["reason": "\(error)"])
                    run.engine = nil
                    run.plan = try JobPlan(
                        image: source,
                        psfs: prepared,
                        options: options,
                        backend: backend,
                        memoryDivisor: 1 << (attempt - 1)
                    )
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
        var engine: (any TileEngine)?
        private let clock = ContinuousClock()
        private let method: RichardsonLucy
        private var store: ResultStore?
        /// The one volume of a time point that needs no store.
        private var result: [Float] = []
        private var completedIterations = 0
        private var finishedVolumes = 0
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
                tileCount: plan.tiles.tiles.count,
                halo: plan.tiles.halo,
                seconds: seconds,
                warnings: plan.warnings,
                psfs: plan.psfs.map(\.report)
            )
        }

        func finishedReport() -> RunReport {
            var report = report
            report.workShape = plan.tiles.workShape
            report.tileCount = plan.tiles.tiles.count
            report.halo = plan.tiles.halo
            report.peakHostBytes = HostSystem.peakResidentBytes
            let volumes = plan.image.channelCount * plan.image.timepointCount
            report.secondsPerIteration = report.seconds.compute / Double(volumes * method.iterationCount)
            return report
        }

        // MARK: Computing

        /// Computes all channels of a time point.
        func compute(timepoint: Int) throws(DeconvolutionError) {
            let image = plan.image
            // What an attempt that ran out of memory has done counts for nothing.
            let earlier = report
            completedIterations = timepoint * image.channelCount * plan.tiles.tiles.count * method.iterationCount
            finishedVolumes = timepoint * image.channelCount
            do {
                if plan.storeBytes > 0, store == nil {
                    store = try ResultStore(
                        shape: image.shape,
                        channelCount: image.channelCount,
                        scratchFolder: plan.usesScratchFile ? job.scratchFolder : nil
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
                    store = nil
                }
                throw error
            }
        }

        private func compute(channel: Int, timepoint: Int) throws(DeconvolutionError) {
            let shape = plan.image.shape
            var whole: VoxelData?
            var statistics = ImageStatistics()
            tell(.reading, tile: 0)
            if plan.tiles.isUntiled {
                let data = try timed(\.read) { () throws(DeconvolutionError) in
                    try job.source.readVolume(channel: channel, timepoint: timepoint)
                }
                try timed(\.prepare) { () throws(DeconvolutionError) in
                    try statistics.add(data, of: Region(shape), name: job.source.name)
                }
                whole = data
            } else {
                for z in 0..<shape.z {
                    try job.cancellation.check()
                    let plane = Region(
                        origin: VolumeIndex(z: z, y: 0, x: 0),
                        shape: VolumeShape(z: 1, y: shape.y, x: shape.x)
                    )
                    let data = try timed(\.read) { () throws(DeconvolutionError) in
                        try job.source.read(plane, channel: channel, timepoint: timepoint)
                    }
                    try timed(\.prepare) { () throws(DeconvolutionError) in
                        try statistics.add(data, of: plane, name: job.source.name)
                    }
                }
            }
            try job.cancellation.check()
            try warn(statistics, channel: channel, timepoint: timepoint)
            report.observedSum += statistics.sum - method.background * Double(shape.voxelCount)
            if statistics.sum == 0 {
                keep([Float](repeating: 0, count: shape.voxelCount), Region(shape), channel: channel)
                completedIterations += plan.tiles.tiles.count * method.iterationCount
                return
            }

            tell(.preparing, tile: 0)
            let engine = try readyEngine(channel: channel)
            let reader: FrameReader
            if let whole {
                let inMemory = ArraySource(whole, shape: shape, name: job.source.name)
                reader = FrameReader(inMemory, boundary: job.options.boundary)
            } else {
                reader = FrameReader(job.source, boundary: job.options.boundary)
            }
            whole = nil
            var convergence = RunReport.Convergence(
                channel: channel,
                timepoint: timepoint,
                iterations: [],
                poissonDivergence: []
            )
            for (index, tile) in plan.tiles.tiles.enumerated() {
                try job.cancellation.check()
                let isInMemory = plan.tiles.isUntiled
                let observed = try timed(isInMemory ? \.prepare : \.read) { () throws(DeconvolutionError) in
                    try reader.read(
                        tile.frame,
                        channel: isInMemory ? 0 : channel,
                        timepoint: isInMemory ? 0 : timepoint
                    )
                }
                let started = clock.now
                let estimate = try engine.estimate(tile, observed: observed, mean: statistics.mean) {
                    (step) throws(DeconvolutionError) in
                    try job.cancellation.check()
                    self.completedIterations += 1
                    if let divergence = step.poissonDivergence {
                        convergence.add(divergence, at: step.iteration)
                    }
                    self.tell(.computing, tile: index + 1)
                }
                report.seconds.compute += (clock.now - started).inSeconds
                report.peakDeviceBytes = max(report.peakDeviceBytes, engine.byteCount)
                try check(estimate, tile)
                keep(estimate, tile.core, channel: channel)
            }
            report.convergence.append(convergence)
        }

        private func readyEngine(channel: Int) throws(DeconvolutionError) -> any TileEngine {
            let index = plan.psfs.count == 1 ? 0 : channel
            let started = clock.now
            defer { report.seconds.setup += (clock.now - started).inSeconds }
            let ready: any TileEngine
            if let engine {
                ready = engine
            } else {
                let layout = WorkspaceLayout(plan.tiles.tiles[0].geometry, pixelType: plan.image.pixelType)
                ready = try makeTileEngine(layout, method, on: plan.backend)
                engine = ready
            }
            let psf = plan.psfs[index].psf
            let limited = PSFExtent(shape: psf.shape, energyRadius: psf.shape)
                .limited(to: plan.image.shape, boundary: job.options.boundary).shape
            try ready.use(psf.volume.centralPart(limited), index: index)
            return ready
        }

        /// A result that no image can have is never shown.
        private func check(_ estimate: [Float], _ tile: Tile) throws(DeconvolutionError) {
            guard estimate.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
                throw DeconvolutionError(
                    .deviceFailed,
                    "\(plan.backend.device.name) gave voxels that are not numbers in the tile \(tile.core): "
                        + "use another --device, or --backend cpu"
                )
            }
        }

        private func keep(_ voxels: [Float], _ region: Region, channel: Int) {
            report.resultSum += voxels.reduce(0.0) { $0 + Double($1) }
            if let store { store.store(voxels, in: region, channel: channel) } else { result = voxels }
        }

        // MARK: Writing

        /// Gives the planes of a time point away.
        func write(timepoint: Int, to sink: any VolumeSink) throws(DeconvolutionError) {
            tell(.writing, tile: plan.tiles.tiles.count)
            let shape = plan.image.shape
            let started = clock.now
            defer { report.seconds.write += (clock.now - started).inSeconds }
            for z in 0..<shape.z {
                for channel in 0..<plan.image.channelCount {
                    try job.cancellation.check()
                    if let store {
                        try sink.append(store.plane(z, channel: channel))
                        continue
                    }
                    try result.withUnsafeBufferPointer { (voxels) throws(DeconvolutionError) in
                        let start = z * shape.planeVoxelCount
                        try sink.append(UnsafeBufferPointer(rebasing: voxels[start..<start + shape.planeVoxelCount]))
                    }
                }
            }
            result = []
        }

        // MARK: Telling

        private func warn(
            _ statistics: ImageStatistics,
            channel: Int,
            timepoint: Int
        ) throws(DeconvolutionError) {
            let image = plan.image
            let isOne = image.channelCount * image.timepointCount == 1
            let name = isOne ? job.source.name : "\(job.source.name), channel \(channel), time point \(timepoint)"
            let background = method.background
            if statistics.sum == 0 {
                if !warnedOfDarkness { report.warnings.append(Diagnostic("\(name) has no light: its result is 0")) }
                warnedOfDarkness = true
                return
            }
            guard statistics.mean > background else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(name): --background \(background) is not below the image's mean of \(short(statistics.mean)); "
                        + "give a lower one"
                )
            }
            if statistics.negativeCount > 0, !warnedOfNegatives {
                warnedOfNegatives = true
                let share = short(100 * Double(statistics.negativeCount) / Double(statistics.voxelCount))
                report.warnings.append(
                    Diagnostic("\(name): \(statistics.negativeCount) voxels (\(share) %) are negative and count as 0")
                )
            }
            if background == 0, statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * statistics.mean,
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

        private func short(_ value: Double) -> String {
            let rounded = (value * 10).rounded() / 10
            return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
        }

        private func tell(_ stage: DeconvolutionProgress.Stage, tile: Int) {
            let volumes = plan.image.channelCount * plan.image.timepointCount
            job.progress(
                DeconvolutionProgress(
                    stage: stage,
                    completedIterations: completedIterations,
                    totalIterations: plan.iterationCount(job.options),
                    volume: min(finishedVolumes + 1, volumes),
                    volumeCount: volumes,
                    tile: tile,
                    tileCount: plan.tiles.tiles.count
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

extension RunReport.Convergence {
    /// Adds the divergence of one tile to those of the other tiles at the same iteration.
    fileprivate mutating func add(_ divergence: Double, at iteration: Int) {
        if let index = iterations.firstIndex(of: iteration) {
            poissonDivergence[index] += divergence
        } else {
            iterations.append(iteration)
            poissonDivergence.append(divergence)
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
