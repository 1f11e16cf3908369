import DeconvSurvey

/// What a sample of its planes told of a channel, as a report has it.
///
/// As JSON: null for what the sample does not tell.
package struct ChannelRecord: Sendable, Hashable, Encodable {
    /// What its dark parts hold, counts.
    package let darkLevel: Double?
    /// Standard deviation of the noise of a voxel there, counts.
    package let darkNoise: Double?
    /// Counts a photon.
    package let gain: Double?
    /// Standard deviation of the noise without light, counts.
    package let readNoise: Double?
    /// The value at which many voxels stop, counts.
    package let plateau: Double?
    /// Share of the voxels that have it.
    package let plateauShare: Double?
    /// Pixels that are hot in every plane.
    package let hotPixelCount: Int
    /// Pixels that are dead in every plane.
    package let deadPixelCount: Int
    /// What was added to its voxels before all else, counts.
    package let shift: Double

    init(_ survey: ChannelSurvey, _ channel: ImageFindings.Channel) {
        darkLevel = survey.dark?.level
        darkNoise = survey.dark?.noise
        gain = survey.noise?.gain
        readNoise = survey.noise?.readNoise
        plateau = survey.plateau.map { Double($0.value) }
        plateauShare = survey.plateau?.share
        hotPixelCount = survey.badColumns.hot.count
        deadPixelCount = survey.badColumns.dead.count
        shift = channel.shift
    }

    private enum Key: String, CodingKey {
        case darkLevel, darkNoise, gain, readNoise, plateau, plateauShare, hotPixels, deadPixels, shift
    }

    /// Writes it with stable keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(darkLevel, forKey: .darkLevel)
        try container.encode(darkNoise, forKey: .darkNoise)
        try container.encode(gain, forKey: .gain)
        try container.encode(readNoise, forKey: .readNoise)
        try container.encode(plateau, forKey: .plateau)
        try container.encode(plateauShare, forKey: .plateauShare)
        try container.encode(hotPixelCount, forKey: .hotPixels)
        try container.encode(deadPixelCount, forKey: .deadPixels)
        try container.encode(shift, forKey: .shift)
    }
}
