import DeconvDevice
import DeconvMethods
import DeconvSurvey
import DeconvVolume

/// What is known of the photons of a part of an image, or why nothing is.
enum PhotonEstimate {
    /// How the noise grows with the counts, and how that is known.
    case noise(PhotonNoise, ChannelTuning.GainOrigin)
    /// Nothing, and why.
    case unknown(String)

    /// Less of it is noise that something has averaged away, counts a photon.
    private static let leastGain = 0.3
    /// Less variance, in squares of the mean, is that of rounding.
    private static let leastVariance = 1e-12
    /// The power of noise at high frequencies over that at low ones, where it is white.
    private static let whiteRatios = 0.6...1.6
    /// The same where it is as by a mild interpolation, such as a deskewing: there its strongest frequencies count.
    private static let usableRatios = 0.4...2.5
    /// Noise of the dark parts over that of their photons alone, where they have nothing but photons.
    private static let pureRatios = 0.6...1.4

    /// What a part of an image tells.
    /// - Parameters:
    ///   - gain: counts a photon that somebody gave.
    ///   - isWhole: whether the voxels of the image are whole numbers, so that there cannot be many photons a count.
    ///   - survey: what a sample of the image told.
    /// - Throws: `outOfMemory`.
    init(
        _ part: TuningPart,
        psf: Volume,
        gain: Double?,
        isWhole: Bool,
        survey: ChannelSurvey,
        shift: Double
    ) throws(DeconvolutionError) {
        let dark = survey.dark.map { (level: $0.level + shift, variance: $0.noise * $0.noise) }
        if let gain {
            let noise = PhotonNoise(gain: gain, level: dark?.level ?? 0, darkVariance: dark?.variance ?? 0)
            self = .noise(noise, .given)
            return
        }
        let shape = part.region.shape
        if let spectrum = try NoiseSpectrum(part.voxels, shape, weights: part.weights, psf: psf) {
            guard spectrum.mean > 0, spectrum.variance > Self.leastVariance * spectrum.mean * spectrum.mean else {
                self = .unknown("it has no noise")
                return
            }
            guard spectrum.slopes.allSatisfy(Self.usableRatios.contains) else {
                self = .unknown(
                    "its noise is not the same at all frequencies, as where voxels were filtered or interpolated"
                )
                return
            }
            let noise = Self.noise(spectrum, dark)
            guard !isWhole || noise.gain >= Self.leastGain else {
                self = .unknown(
                    "its noise is that of \((1 / noise.gain).threeFigures) photons a count, as where frames were averaged or filtered"
                )
                return
            }
            self = .noise(noise, .spectrum)
        } else if let noise = survey.noise {
            self = .noise(
                PhotonNoise(gain: noise.gain, level: dark?.level ?? 0, darkVariance: dark?.variance ?? 0),
                .light
            )
        } else if isWhole {
            self = .noise(PhotonNoise(gain: 1), .assumed)
        } else {
            self = .unknown("the PSF leaves no frequency that holds nothing but noise")
        }
    }

    /// The line from the dark parts to the mean of all.
    private static func noise(_ spectrum: NoiseSpectrum, _ dark: (level: Double, variance: Double)?) -> PhotonNoise {
        let isWhite = spectrum.slopes.allSatisfy(whiteRatios.contains)
        let variance = isWhite ? spectrum.variance : spectrum.largestVariance
        let alone = PhotonNoise(gain: variance / spectrum.mean)
        // Where the dark parts are hardly darker than all the rest, the line could have any slope.
        guard let dark, dark.level >= 0, spectrum.mean - dark.level > 0.02 * spectrum.mean,
            variance > 1.05 * dark.variance
        else { return alone }
        // An image without an offset and read noise is its own line, through 0.
        if pureRatios.contains(dark.variance / alone.variance(dark.level)) { return alone }
        let gain = (variance - dark.variance) / (spectrum.mean - dark.level)
        return PhotonNoise(gain: gain, level: dark.level, darkVariance: dark.variance)
    }
}
