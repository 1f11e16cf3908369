/// How the noise of an image grows with its counts: variance = gain · (g − level) + dark variance, at least 0.
package struct PhotonNoise: Hashable, Sendable, Codable {
    /// Counts a photon, above 0.
    package var gain: Double
    /// Counts of the dark parts.
    package var level: Double
    /// The variance there, counts², at least 0.
    package var darkVariance: Double

    /// A model of the noise.
    package init(gain: Double, level: Double = 0, darkVariance: Double = 0) {
        precondition(gain > 0 && darkVariance >= 0)
        self.gain = gain
        self.level = level
        self.darkVariance = darkVariance
    }

    /// The variance of a voxel that holds some counts, counts².
    package func variance(_ counts: Double) -> Double { max(gain * (counts - level) + darkVariance, 0) }

    /// That of a part of the photons, as if a camera had recorded no others.
    package func of(share: Double) -> PhotonNoise {
        PhotonNoise(gain: gain, level: share * level, darkVariance: share * darkVariance)
    }

    /// Whether it is one; one that was read from a file may be anything.
    package var isPossible: Bool {
        gain > 0 && gain.isFinite && level.isFinite && darkVariance >= 0 && darkVariance.isFinite
    }
}
