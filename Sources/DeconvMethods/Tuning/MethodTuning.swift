package import DeconvDevice
package import DeconvOptions

/// What the volumes of a channel are computed with, found out on a part of one of them.
package struct MethodTuning: Hashable, Sendable, Codable {
    /// Steps that a volume takes, at least 1.
    package var stepCount: Int
    /// λ of total variation; 0 for none.
    package var totalVariation: Double
    /// The smallest voxel size over that along z, y and x, by which total variation counts differences.
    package var rates: [Float]
    /// Light and noise of the channel by frequency, for steps that are made by them; nil for others.
    package var signal: SignalSpectrum?

    /// How the noise of the image grows with its counts; nil where a count is taken for a photon.
    package var noise: PhotonNoise?
    /// The number of the channel, which tells its random numbers from those of others.
    package var channel = 0

    /// What was found out.
    package init(
        stepCount: Int,
        totalVariation: Double = 0,
        rates: [Float] = [1, 1, 1],
        signal: SignalSpectrum? = nil,
        noise: PhotonNoise? = nil,
        channel: Int = 0
    ) {
        self.signal = signal
        self.noise = noise
        self.channel = channel
        self.stepCount = stepCount
        self.totalVariation = totalVariation
        self.rates = rates
        precondition(isPossible)
    }

    /// Whether a method can be run with it; one that was read from a file may be anything.
    package var isPossible: Bool {
        stepCount >= 1 && totalVariation >= 0 && totalVariation.isFinite && rates.count == 3
            && rates.allSatisfy { $0 > 0 && $0 <= 1 } && signal?.isPossible ?? true && noise?.isPossible ?? true
            && channel >= 0
    }
}

/// What has to be found out on a part of a channel before its volumes are computed.
package struct TuningRequest: Hashable, Sendable {
    /// When light and noise are measured by frequency.
    package enum Signal: Hashable, Sendable {
        /// Never.
        case never
        /// Where photons cannot be told, which then nothing is decided by.
        case withoutPhotons
        /// Always.
        case always
    }

    /// How the number of steps is found; not `auto`.
    package var stop: StopRule
    /// When light and noise are measured by frequency.
    package var signal = Signal.never
    /// Whether the method asks how many counts a photon makes, however the steps are found.
    package var asksForPhotons: Bool
    /// The number of steps where that is none, and the most there may be elsewhere.
    package var mostSteps: Int
    /// The weights of total variation to choose from, at least one.
    package var weights: [Double]
    /// Counts a photon; nil for what the noise of the image says.
    package var gain: Double?
    /// What photons are drawn with.
    package var seed: Int

    /// What options leave open; nil where they say everything.
    package init?(_ options: DeconvolutionOptions, of method: MethodDescription) {
        stop = options.stop == .auto ? method.stop(options) : options.stop
        asksForPhotons = method.asksForPhotons
        weights = options.totalVariation.candidates
        mostSteps =
            stop == .none
            ? options.iterationCount ?? DeconvolutionOptions.standardIterationCount : options.maximumIterationCount
        gain = options.gain
        seed = options.seed
        if stop == .none, weights == [0], !asksForPhotons { return nil }
    }

    /// Whether a method takes a field for the weight of total variation.
    package var hasTotalVariation: Bool { weights.contains { $0 > 0 } }
}
