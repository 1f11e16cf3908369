import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvVolume

extension DeconvolutionJob {
    /// Does the work, and before it that of both halves of the photons of each volume.
    /// - Parameters:
    ///   - collection: takes the volumes in any order; is finished here.
    ///   - map: takes the standard errors likewise.
    /// - Throws: as `run`; `invalidArgument` where nobody knows the photons.
    func run(
        into collection: any VolumeCollection,
        uncertainty map: any VolumeCollection
    ) throws(DeconvolutionError) -> RunReport {
        let setup = try makeSetup(results: .inAnyOrder(writeBytes: 0))
        description.limitKeptBytes(setup.plans)
        let looked = try lookedAt().tuned(on: setup)
        var image = description.source.image
        image.pixelType = .float32
        image.spacing = description.options.spacing ?? image.spacing
        let errors = UncertaintyMap(into: map, image)
        let progress = description.progress
        try errors.compute(looked, setup.plans[0], progress: progress)
        var report = try looked.afterHalves(progress: progress).run(setup, into: collection)
        try errors.finish(&report)
        return report
    }

    /// The same job for both halves of the photons of each volume: time point 2t is the first half, 2t + 1 the second.
    ///
    /// What the channels are computed with is that of the whole light: the number of steps, and λ of total variation, which is without a unit, so that a
    /// half of the light without noise comes to half the result. Backgrounds are halves, and so is the variance of the read noise.
    /// - Parameters:
    ///   - photons: one a channel.
    ///   - memoryLimit: most bytes that it may hold; nil for what is free.
    ///   - progress: is told of a run that has this as its first two thirds.
    func ofHalves(
        _ photons: [ChannelPhotons],
        memoryLimit: Int?,
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) -> DeconvolutionJob {
        let (whole, findings) = (description, description.findings)
        var options = whole.options
        options.readNoise *= 0.5.squareRoot()
        options.divergenceInterval = 0
        options.memoryLimitBytes = memoryLimit
        let halves = photons.enumerated().map { channel, photons in
            PhotonHalves(
                noise: photons.noise ?? PhotonNoise(gain: 1),
                random: Philox(seed: UInt32(clamping: options.seed), stream: Self.firstStream + UInt32(channel))
            )
        }
        var look = whole.look
        var limits: [Float] = []
        for (channel, found) in findings.channels.enumerated() {
            let saturation = found.saturation.map { $0 + found.shift }
            limits.append(saturation.map { Float($0) } ?? .infinity)
            look?.findings.channels[channel].background = found.shiftedBackground / 2
            // The halves are those of counts that have been shifted.
            look?.findings.channels[channel].shift = 0
            look?.findings.channels[channel].saturation = saturation
            if let noise = found.tuning?.tuning.noise {
                look?.findings.channels[channel].tuning?.tuning.noise = noise.of(share: 0.5)
            }
        }
        var sensitivity = whole.sensitivity
        sensitivity.flatField = sensitivity.flatField.map { RepeatedSource($0) }
        sensitivity.mask = sensitivity.mask.map { RepeatedSource($0) }
        var job = self
        job.description = JobDescription(
            source: HalvedSource(
                whole.recorded,
                halves,
                limits: limits,
                keepsEmptyPlanes: options.masksBadPixels
            ),
            sensitivity: sensitivity,
            options: options,
            look: look,
            resultType: .float32,
            scratchFolder: whole.scratchFolder,
            cancellation: whole.cancellation,
            logger: whole.logger,
            progress: { progress($0.beforeTheWhole) }
        )
        return job
    }

    /// The same job, told of as the last third of a run that has computed halves.
    /// - Parameter progress: is told of all of that run.
    func afterHalves(progress: @escaping @Sendable (DeconvolutionProgress) -> Void) -> DeconvolutionJob {
        let whole = description
        var job = self
        job.description = JobDescription(
            source: whole.source,
            sensitivity: whole.sensitivity,
            options: whole.options,
            look: whole.look,
            resultType: whole.resultType,
            scratchFolder: whole.scratchFolder,
            cancellation: whole.cancellation,
            logger: whole.logger,
            progress: { progress($0.afterHalves) }
        )
        return job
    }

    /// Photons that are held out are drawn from streams below.
    private static let firstStream: UInt32 = 1 << 31
}

extension DeconvolutionProgress {
    /// As that of a run that goes on with the whole of each volume when the halves are done.
    fileprivate var beforeTheWhole: DeconvolutionProgress {
        var all = self
        all.totalIterations += totalIterations / 2
        all.volumeCount += volumeCount / 2
        if let secondsLeft, totalIterations > completedIterations {
            let left = Double(all.totalIterations - completedIterations)
            all.secondsLeft = secondsLeft * left / Double(totalIterations - completedIterations)
        }
        return all
    }

    /// As that of a run that has computed both halves of each volume before.
    fileprivate var afterHalves: DeconvolutionProgress {
        var all = self
        all.completedIterations += 2 * totalIterations
        all.totalIterations *= 3
        all.volume += 2 * volumeCount
        all.finishedVolumeCount += 2 * volumeCount
        all.volumeCount *= 3
        return all
    }
}
