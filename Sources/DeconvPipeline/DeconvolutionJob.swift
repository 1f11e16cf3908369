import DeconvDevice
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

    let source: any VolumeSource
    private let psfs: [MeasuredPSF]
    let sensitivity: Sensitivity
    let options: DeconvolutionOptions
    let scratchFolder: String
    let cancellation: Cancellation
    let progress: @Sendable (DeconvolutionProgress) -> Void
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
        var current = try plan(prepared, backend)
        let writer = VolumeWriter(current, into: sink, cancellation)
        let run = VolumeRun(self, current, writer, seconds)
        var attempt = 1
        while true {
            do {
                try run.run(current)
                break
            } catch  where error.code == .outOfMemory && attempt < Self.memoryAttempts {
                // One volume at a time takes less; only then less of a volume.
                if current.overlap != nil {
                    logger.warning("going on with one volume at a time", metadata: ["reason": "\(error)"])
                    current.overlap = nil
                    continue
                }
                attempt += 1
                logger.warning("planning smaller tiles", metadata: ["reason": "\(error)"])
                let smaller = try? plan(prepared, backend, memoryDivisor: 1 << (attempt - 1))
                guard var smaller else { throw error }
                smaller.overlap = nil
                current = smaller
                run.warn(Diagnostic("\(backend.device.name) ran out of memory; went on with smaller tiles"))
            }
        }
        try writer.finish()
        return run.finishedReport(total: (clock.now - start).inSeconds)
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
