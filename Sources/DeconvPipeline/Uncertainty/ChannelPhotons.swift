import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvVolume

/// How many counts the photons of a channel make.
struct ChannelPhotons: Sendable {
    /// How its noise grows with its counts; nil for a channel without light.
    let noise: PhotonNoise?
    /// How that is known.
    let origin: ChannelTuning.GainOrigin?

    /// Of one channel of a job that has looked at its image.
    /// - Throws: `invalidArgument` naming the option that says it, where nothing in the image does; as `ChannelTuner.photons`.
    init(_ job: JobDescription, _ plan: JobPlan, channel: Int) throws(DeconvolutionError) {
        var options = job.options
        // Any rule that asks for photons.
        options.stop = .heldOut
        guard let request = TuningRequest(options, of: RichardsonLucy.description) else {
            preconditionFailure("held-out photons are asked for")
        }
        guard let estimate = try ChannelTuner(job, plan, request).photons(channel: channel) else {
            (noise, origin) = (nil, nil)
            return
        }
        let reason: String
        switch estimate {
        case .noise(_, .assumed):
            reason = "the PSF leaves no frequency that holds nothing but noise"
        case .noise(let noise, let origin):
            (self.noise, self.origin) = (noise, origin)
            return
        case .unknown(let why):
            reason = why
        }
        let place = job.source.image.channelCount > 1 ? ", channel \(channel)" : ""
        throw DeconvolutionError(
            .invalidArgument,
            "\(job.source.name)\(place): nobody can tell how many counts a photon makes (\(reason)), which \(.uncertainty) needs; "
                + "give \(.gain)"
        )
    }
}
