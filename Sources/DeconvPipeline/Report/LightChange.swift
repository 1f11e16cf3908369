import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvSurvey
import DeconvVolume

/// Why a result holds more or less light than its image has above the background: the likeliest cause of this run.
enum LightChange {
    /// What a run knows of itself.
    struct Evidence {
        /// Of the result over that of the image, less 1.
        var change: Double
        /// Of each channel.
        var channels: [ImageFindings.Channel]
        /// Of each channel; empty where nobody has looked.
        var survey: [ChannelSurvey]
        /// Of each PSF.
        var psfs: [PSFBorder]
        /// Mean of a voxel of the image above the background, counts.
        var light: Double
        /// What lies outside the frame.
        var boundary: BoundaryMode
        /// Whether bad pixels do not count.
        var masksBadPixels: Bool
        /// Whether volumes have planes that show nothing.
        var hasEmptyPlanes: Bool
    }

    /// Counts, and part of the level, by which a background may be wrong before it is.
    private static let levelTolerance = (counts: 2.0, share: 0.03)
    /// A PSF with more of its light at its sides has a background left in it, or is cut off.
    private static let mostAtBorder = 0.1
    /// Of the light there, where it comes from a slope.
    private static let leastLopsidedness = 0.5
    /// What noise around 0 has above it: the mean of max(n, 0) for normal noise of deviation 1.
    private static let noiseAbove = 0.4

    /// The cause with what to do, and what was measured of it.
    static func cause(_ evidence: Evidence) -> (line: Message, figures: Message?) {
        for (channel, survey) in zip(evidence.channels, evidence.survey) {
            guard let dark = survey.dark else { continue }
            let excess = channel.background - dark.level
            if excess > max(levelTolerance.counts, levelTolerance.share * abs(dark.level)), evidence.change > 0 {
                return (
                    "\(.background) is more than the dark parts of the image hold; give less, or "
                        + "\(.background, "auto")",
                    "\(channel.background.rounded1) counts over \(dark.level.rounded1)"
                )
            }
        }
        if evidence.hasEmptyPlanes {
            return ("planes that show nothing count as dark; \(.mask, "auto") leaves them out", nil)
        }
        let hot = evidence.survey.reduce(0) { $0 + $1.badColumns.hot.count }
        if hot > 0, !evidence.masksBadPixels, evidence.change > 0 {
            return (
                "pixels that are hot in every plane make light of their own; \(.mask, "auto") leaves them out", "\(hot)"
            )
        }
        if let worst = evidence.psfs.max(by: { $0.share < $1.share }), worst.share > mostAtBorder {
            let figures: Message = "\((worst.share * 100).rounded1) % of it there"
            return worst.lopsidedness > leastLopsidedness
                ? (
                    "the PSF has light along one side, as where its background has a slope; take that off it first",
                    figures
                )
                : (
                    "the PSF has light at its sides, as where a background was left in it or it is cut off; see "
                        + "\(.psfBackground)",
                    figures
                )
        }
        if evidence.change < 0, evidence.boundary == .extend {
            return ("light near the borders of the image is put down to objects outside of it", nil)
        }
        let noise = evidence.survey.compactMap { $0.dark?.noise }.max() ?? 0
        if evidence.change > 0, evidence.light > 0, noiseAbove * noise / evidence.light > evidence.change / 2 {
            return (
                "where it is dark, what noise adds counts and what it takes away does not; more light, or fewer iterations, leave less of it",
                "noise of \(noise.rounded1) counts over a mean light of \(evidence.light.rounded1)"
            )
        }
        return ("no cause was found; check background and PSF", nil)
    }
}
