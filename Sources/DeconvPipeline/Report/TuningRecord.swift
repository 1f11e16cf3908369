import DeconvDevice
import DeconvMethods

extension RunReport {
    /// What was found out for the method, in one line; nil where it asked for nothing.
    package var tuningSentence: String? {
        let sentences = tunings.map(\.sentence)
        guard let first = sentences.first else { return nil }
        if Set(sentences).count == 1 { return first }
        return sentences.enumerated().map { "channel \($0): \($1)" }.joined(separator: "; ")
    }
}

/// What was found out for the method on a part of a channel, as a report has it.
struct TuningRecord: Codable {
    let tuning: ChannelTuning

    init(_ tuning: ChannelTuning) { self.tuning = tuning }

    private enum Key: String, CodingKey {
        case iterations, stop, totalVariation, strength, rates, signal, noise, channel, gain, gainFrom, light,
            exception,
            takesCounts, reachedMaximum, curves
    }

    /// Writes it with stable keys; null for what nobody needed or nothing tells.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tuning.tuning.stepCount, forKey: .iterations)
        try container.encode(tuning.stop, forKey: .stop)
        try container.encode(tuning.weight, forKey: .totalVariation)
        try container.encode(tuning.tuning.totalVariation, forKey: .strength)
        try container.encode(tuning.tuning.rates, forKey: .rates)
        try container.encode(tuning.tuning.signal, forKey: .signal)
        try container.encode(tuning.tuning.noise, forKey: .noise)
        try container.encode(tuning.tuning.channel, forKey: .channel)
        try container.encode(tuning.gain, forKey: .gain)
        try container.encode(tuning.gainOrigin, forKey: .gainFrom)
        try container.encode(tuning.light, forKey: .light)
        try container.encode(tuning.exception, forKey: .exception)
        try container.encode(tuning.takesCounts, forKey: .takesCounts)
        try container.encode(tuning.isCut, forKey: .reachedMaximum)
        try container.encode(tuning.curves, forKey: .curves)
    }

    /// Reads what a method needs, whoever wrote it.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var tuning = MethodTuning(stepCount: 1)
        tuning.stepCount = try container.decode(Int.self, forKey: .iterations)
        tuning.totalVariation = try container.decode(Double.self, forKey: .strength)
        tuning.rates = try container.decode([Float].self, forKey: .rates)
        tuning.signal = try container.decodeIfPresent(SignalSpectrum.self, forKey: .signal)
        tuning.noise = try container.decodeIfPresent(PhotonNoise.self, forKey: .noise)
        tuning.channel = try container.decode(Int.self, forKey: .channel)
        guard tuning.isPossible else {
            throw DecodingError.dataCorruptedError(forKey: .iterations, in: container, debugDescription: "out of range")
        }
        self.tuning = ChannelTuning(
            tuning: tuning,
            stop: try container.decode(String.self, forKey: .stop),
            weight: try container.decode(Double.self, forKey: .totalVariation),
            gain: try container.decodeIfPresent(Double.self, forKey: .gain),
            gainOrigin: try container.decodeIfPresent(ChannelTuning.GainOrigin.self, forKey: .gainFrom),
            light: try container.decode(Double.self, forKey: .light),
            exception: try container.decodeIfPresent(String.self, forKey: .exception),
            takesCounts: try container.decode(Bool.self, forKey: .takesCounts),
            isCut: try container.decode(Bool.self, forKey: .reachedMaximum),
            curves: try container.decode([ChannelTuning.Curve].self, forKey: .curves)
        )
    }
}
