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
struct TuningRecord: Encodable {
    private let tuning: ChannelTuning

    init(_ tuning: ChannelTuning) { self.tuning = tuning }

    private enum Key: String, CodingKey {
        case iterations, stop, totalVariation, strength, gain, gainFrom, light, exception, reachedMaximum, curves
    }

    /// Writes it with stable keys; null for what nobody needed or nothing tells.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(tuning.tuning.stepCount, forKey: .iterations)
        try container.encode(tuning.stop, forKey: .stop)
        try container.encode(tuning.weight, forKey: .totalVariation)
        try container.encode(tuning.tuning.totalVariation, forKey: .strength)
        try container.encode(tuning.gain, forKey: .gain)
        try container.encode(tuning.gainOrigin, forKey: .gainFrom)
        try container.encode(tuning.light, forKey: .light)
        try container.encode(tuning.exception, forKey: .exception)
        try container.encode(tuning.isCut, forKey: .reachedMaximum)
        try container.encode(tuning.curves, forKey: .curves)
    }
}
