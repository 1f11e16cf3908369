import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvSurvey
import DeconvVolume
import Logging

/// Finds out on a part of each channel what its volumes are computed with.
struct ChannelTuner {
    private let job: JobDescription
    private let plan: JobPlan
    private let request: TuningRequest
    /// Which view of the object it looks at.
    private let view: Int
    /// Of the second view; empty where there is one view.
    private let second: [ChannelTuner]

    /// The part as one of the views of the object shows it.
    private struct View {
        let part: TuningPart
        /// Counts.
        let background: Double
        /// Nil where nobody can tell.
        var noise: PhotonNoise?
        var origin: ChannelTuning.GainOrigin?
        /// Why nobody can tell.
        var exception: String?

        /// Its photons.
        var photonCount: Double { part.sum(above: background) / (noise?.gain ?? 1) }

        /// What its brightest voxels hold, photons.
        var light: Double { part.light(above: background, oneIn: ChannelTuner.brightest) / (noise?.gain ?? 1) }
    }

    /// Fewer photons say too little to hold some of them out.
    private static let fewestPhotons = 1e4
    /// What an estimate of the noise is taken times: too much costs little, too little very much.
    private static let caution = 1.05
    /// Nats by which total variation must foretell held-out photons better than none.
    private static let clearlyBetter = 10.0
    /// One voxel in so many is brighter than what light is measured by.
    fileprivate static let brightest = 1000
    /// Time points that are tried for one with light.
    private static let mostTries = 8
    /// Fewer steps leave an estimate that began flat wider than the image.
    private static let fewestSteps = 3
    /// Steps where no volume has light, or where nothing says how many there should be.
    private static let standardSteps = 10

    /// - Parameters:
    ///   - job: has looked at its image.
    ///   - plan: of the device that computes.
    init(_ job: JobDescription, _ plan: JobPlan, _ request: TuningRequest) {
        self.init(job, plan, request, view: 0)
    }

    private init(_ job: JobDescription, _ plan: JobPlan, _ request: TuningRequest, view: Int) {
        (self.job, self.plan, self.request, self.view) = (job, plan, request, view)
        second = job.ofSecondView.map { [ChannelTuner($0, plan, request, view: view + 1)] } ?? []
    }

    /// What a channel is computed with.
    /// - Throws: as `VolumeSource.read`; `outOfMemory`, `deviceFailed` that name the device; `cancelled`.
    func tuning(channel: Int) throws(DeconvolutionError) -> ChannelTuning {
        let background = job.findings.channels[channel].shiftedBackground
        guard let part = try part(channel: channel, background) else {
            // Where some were not looked at, one of them may have light.
            return untuned(triedTimepoints.count < job.source.image.timepointCount)
        }
        let psf = opticalPSF(channel)
        var views = [try look(at: part, channel, background)]
        for tuner in second { views.append(try tuner.look(at: part, channel)) }
        let (noise, origin) = (views[0].noise, views[0].origin)
        var exception = views.compactMap(\.exception).first
        let bright = views.reduce(0) { $0 + $1.light }
        if exception == nil, views.reduce(0, { $0 + $1.photonCount }) < Self.fewestPhotons {
            exception = "fewer than \(Int(Self.fewestPhotons)) photons"
        }
        var rule = request.stop
        var weights = request.weights
        // Others than adjoints are made of one PSF.
        let hasOnePSF = views.count == 1 && !plan.blurs.contains { $0.blur.varies }
        if request.signal == .always || (request.signal == .withoutPhotons && exception != nil && hasOnePSF) {
            return try unmatched(
                part,
                channel,
                psf: psf,
                background: background,
                noise,
                origin,
                exception: request.signal == .always ? nil : exception
            )
        }
        if rule == .heldOut, exception != nil {
            rule = .whiteness
            // Only photons tell one weight from another.
            if weights.count > 1 { weights = [0] }
        } else if noise != nil || (weights == [0] && !request.asksForPhotons) {
            exception = nil
        }
        var result = ChannelTuning(
            tuning: tuning(weights[0], bright, noise, channel),
            stop: rule.text,
            weight: weights[0],
            gain: noise?.gain,
            gainOrigin: origin,
            light: bright,
            exception: exception,
            takesCounts: noise == nil && request.asksForPhotons,
            isCut: false,
            curves: []
        )
        guard rule != .none else { return result }
        do throws(DeconvolutionError) {
            try search(rule, weights, views, channel, on: plan, &result)
        } catch {
            // What it computes with may fail it later as well; which number of steps is best does not depend on that.
            guard error.isOfDevice, plan.backend.device.backend == .opencl, job.options.backend == .auto else {
                throw error
            }
            job.logger.warning("finding the iterations on the CPU", metadata: ["reason": "\(error)"])
            var onCPU = plan
            onCPU.backend = CPUBackend(threadCount: job.options.threadCount)
            result.curves = []
            try search(rule, weights, views, channel, on: onCPU, &result)
        }
        return result
    }

    /// Steps by the light and the noise of the part, of which no photons need be known.
    private func unmatched(
        _ part: TuningPart,
        _ channel: Int,
        psf: Volume,
        background: Double,
        _ noise: PhotonNoise?,
        _ origin: ChannelTuning.GainOrigin?,
        exception: String?
    ) throws(DeconvolutionError) -> ChannelTuning {
        let signal = try SignalSpectrum(
            part.voxels,
            part.region.shape,
            weights: part.weights,
            psf: psf,
            gain: noise?.gain
        )
        // As many photons as would have this noise, where something has averaged it: smoothing goes by the noise that there is.
        let gain = noise?.gain ?? (part.mean > 0 && signal.noise > 0 ? signal.noise / part.mean : 1)
        let light = part.light(above: background, oneIn: Self.brightest) / gain
        let isAlone = request.signal == .always
        // Nobody can tell how much there is to smooth.
        let isKnown = noise != nil || signal.noise > 0
        let weight = !isKnown ? 0 : isAlone ? request.weights[0] : Fast.totalVariation
        var result = ChannelTuning(
            tuning: tuning(weight, light, nil, channel),
            stop: StopRule.none.text,
            weight: weight,
            gain: noise?.gain,
            gainOrigin: origin,
            light: light,
            exception: exception,
            takesCounts: false,
            isCut: false,
            curves: []
        )
        result.tuning.signal = signal
        if !isAlone { result.tuning.stepCount = min(Fast.standardSteps, request.mostSteps) }
        return result
    }

    /// What a part of the view tells of its photons.
    private func look(
        at part: TuningPart,
        _ channel: Int,
        _ background: Double
    ) throws(DeconvolutionError) -> View {
        var view = View(part: part, background: background)
        switch try photons(of: part, channel) {
        case .noise(let known, let how): (view.noise, view.origin) = (known, how)
        case .unknown(let reason): view.exception = self.view == 0 ? reason : "in the second view \(reason)"
        }
        return view
    }

    /// The same of the part that is that of another view.
    private func look(at other: TuningPart, _ channel: Int) throws(DeconvolutionError) -> View {
        let background = job.findings.channels[channel].shiftedBackground
        let part = try TuningPart(
            other.region,
            of: job.recorded,
            other.position,
            sensitivityMaps,
            background: background
        )
        return try look(at: part, channel, background)
    }

    private var sensitivityMaps: SensitivityMaps? {
        SensitivityMaps(
            job.sensitivity,
            job.findings,
            masksBadPixels: job.options.masksBadPixels,
            image: job.recorded,
            cancellation: job.cancellation
        )
    }

    /// What its image tells of the photons of a channel.
    /// - Returns: nil for a channel without light.
    /// - Throws: as `VolumeSource.read`; `outOfMemory`; `cancelled`.
    func photons(channel: Int) throws(DeconvolutionError) -> PhotonEstimate? {
        if let part = try part(channel: channel, job.findings.channels[channel].shiftedBackground) {
            return try photons(of: part, channel)
        }
        guard triedTimepoints.count < job.source.image.timepointCount else { return nil }
        return .unknown("\(triedTimepoints.count) time points that were looked at have no light")
    }

    private func photons(of part: TuningPart, _ channel: Int) throws(DeconvolutionError) -> PhotonEstimate {
        try PhotonEstimate(
            part,
            psf: opticalPSF(channel),
            gain: request.gain,
            isWhole: job.source.image.pixelType.inMemory != .float32,
            survey: job.look?.survey.channels[channel] ?? ChannelSurvey(),
            shift: job.findings.channels[channel].shift
        )
    }

    private func opticalPSF(_ channel: Int) -> Volume {
        plan.blurs[plan.blurIndices(ofChannel: channel)[view]].blur.opticalPSF
    }

    /// What is used where nothing can be found out.
    private func untuned(_ isException: Bool) -> ChannelTuning {
        ChannelTuning(
            tuning: MethodTuning(
                stepCount: min(Self.standardSteps, request.mostSteps),
                signal: request.signal == .always ? SignalSpectrum(noise: 1, power: 1) : nil
            ),
            stop: StopRule.none.text,
            weight: 0,
            gain: nil,
            gainOrigin: nil,
            light: 0,
            exception: isException ? "\(triedTimepoints.count) time points that were looked at have no light" : nil,
            takesCounts: false,
            isCut: false,
            curves: []
        )
    }

    /// A part with enough photons, the middle of the first volume if it has them; else that with most light, nil where there is none.
    private func part(channel: Int, _ background: Double) throws(DeconvolutionError) -> TuningPart? {
        let source = job.recorded
        let maps = sensitivityMaps
        let gain = job.look?.survey.channels[channel].noise?.gain ?? 1
        var best: (part: TuningPart, light: Double)?
        for timepoint in triedTimepoints {
            try job.cancellation.check()
            let position = VolumePosition(channel: channel, timepoint: timepoint)
            var region: Region? = TuningPart.middle(of: source.image.shape)
            for isMiddle in [true, false] {
                if !isMiddle { region = try TuningPart.brightest(of: source, position, background: background) }
                guard let region else { continue }
                let part = try TuningPart(region, of: source, position, maps, background: background)
                let light = part.mean > background ? part.sum(above: background) : 0
                if light / gain >= Self.fewestPhotons { return part }
                if light > best?.light ?? 0 { best = (part, light) }
            }
        }
        return best?.part
    }

    /// The first time point, and others over all of them, in case it is dark.
    private var triedTimepoints: [Int] {
        let count = job.source.image.timepointCount
        let tries = min(count, Self.mostTries)
        return (0..<tries).map { tries > 1 ? $0 * (count - 1) / (tries - 1) : 0 }
    }

    /// Tells that the run goes on.
    private func tell() {
        let volumeCount = job.source.image.volumeCount
        job.progress(
            DeconvolutionProgress(
                stage: .preparing,
                device: plan.backend.device.name,
                completedIterations: 0,
                totalIterations: request.mostSteps * volumeCount,
                volume: 1,
                volumeCount: volumeCount
            )
        )
    }

    private func tuning(_ weight: Double, _ light: Double, _ noise: PhotonNoise?, _ channel: Int) -> MethodTuning {
        let rates = plan.spacing?.rates ?? SIMD3(1, 1, 1)
        return MethodTuning(
            stepCount: request.mostSteps,
            totalVariation: weight / max(light, 1).squareRoot(),
            rates: [rates[0], rates[1], rates[2]],
            noise: request.asksForPhotons ? noise : nil,
            channel: channel
        )
    }

    /// Runs the method with each weight as long as the rule wants to see more.
    private func search(
        _ rule: StopRule,
        _ weights: [Double],
        _ views: [View],
        _ channel: Int,
        on plan: JobPlan,
        _ result: inout ChannelTuning
    ) throws(DeconvolutionError) {
        let noise = views[0].noise
        let share = rule == .heldOut ? Thinning.keptShare : 1
        var (parts, images): ([PartRun.View], [StopSearch.Image]) = ([], [])
        for (number, view) in views.enumerated() {
            let part = view.part
            var (observed, heldOut): ([Float], [Float]?) = (part.voxels, nil)
            if rule == .heldOut, var careful = view.noise {
                if view.origin != .given {
                    careful.gain *= Self.caution
                    careful.darkVariance *= Self.caution
                }
                let stream = number * job.source.image.channelCount + channel
                let thinning = Thinning(
                    part.voxels,
                    numbers: part.number(in: job.source.image.shape),
                    noise: careful,
                    random: Philox(seed: UInt32(clamping: request.seed), stream: UInt32(stream))
                )
                (observed, heldOut) = (thinning.kept, thinning.heldOut)
            }
            parts.append(PartRun.View(part: part, observed: observed, background: view.background))
            images.append(
                StopSearch.Image(
                    shape: part.region.shape,
                    observed: observed,
                    heldOut: heldOut,
                    weights: part.weights,
                    background: share * view.background,
                    floor: Double(RatioConstants.leastDivisor) * share * part.mean,
                    gain: view.noise?.gain ?? 1
                )
            )
        }
        let run = try PartRun(parts, lightShare: share, job, plan, channel: channel)
        var searches: [(weight: Double, search: StopSearch)] = []
        for weight in weights {
            var search = StopSearch(rule, images, mostSteps: request.mostSteps)
            let ofPart = tuning(weight, result.light, noise?.of(share: share), channel)
            if rule == .consensus {
                let watch: ConsensusWatch = { (_, agreed) throws(DeconvolutionError) in
                    try job.cancellation.check()
                    tell()
                    return search.look(share: agreed)
                }
                try run.run(ofPart, watch: .consensus(watch))
            } else {
                let watch: ProjectionWatch = { (_, projections) throws(DeconvolutionError) in
                    try job.cancellation.check()
                    tell()
                    return search.look(projections)
                }
                try run.run(ofPart, watch: .projections(watch))
            }
            searches.append((weight, search))
            result.curves.append(ChannelTuning.Curve(totalVariation: weight, values: search.values))
        }
        var chosen = searches[0]
        if rule == .heldOut {
            let best = searches.max { $0.search.best < $1.search.best }!
            if best.search.best - chosen.search.best > Self.clearlyBetter { chosen = best }
        }
        result.weight = chosen.weight
        result.tuning = tuning(chosen.weight, result.light, noise, channel)
        result.tuning.stepCount = chosen.search.stepCount
        result.isCut = !chosen.search.isFound
        if result.exception != nil, request.stop != rule, result.isCut || result.tuning.stepCount < Self.fewestSteps {
            // A rule that nobody asked for and that sees no end, or no beginning, as in noise: as few as do no harm.
            result.tuning.stepCount = min(Self.standardSteps, request.mostSteps)
            result.stop = StopRule.none.text
            result.isCut = false
        }
    }
}

extension TuningPart {
    /// Σ of what its voxels hold above a background, counts; what is below counts as none.
    fileprivate func sum(above background: Double) -> Double {
        voxels.indices.reduce(0) { sum, index in
            weights?[index] == 0 ? sum : sum + max(Double(voxels[index]) - background, 0)
        }
    }

    /// What one in so many voxels exceeds above a background, counts.
    fileprivate func light(above background: Double, oneIn count: Int) -> Double {
        let good = voxels.indices.filter { weights?[$0] != 0 }.map { voxels[$0] }.sorted()
        guard !good.isEmpty else { return 0 }
        return max(Double(good[good.count - 1 - good.count / count]) - background, 0)
    }
}
