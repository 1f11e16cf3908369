import DeconvVolume
import Foundation

/// How uncertain a result is, and how fine: what both halves of its photons came to, for people and programs.
package struct UncertaintyReport: Sendable, Encodable {
    /// How alike the halves are along one axis.
    package struct Curve: Sendable, Encodable {
        /// `z`, `y` or `x`.
        package let axis: String
        /// The middle of each shell, cycles per unit.
        package let frequencies: [Double]
        /// Fourier shell correlation of the results of both halves; null where a shell has too few frequencies.
        package let results: [Double?]
        /// That of the halves of the image.
        package let images: [Double?]
        /// The length of the wave at which the first of both correlations falls below the threshold; null where one never is above, and the shortest
        /// that voxels can hold where neither falls.
        package let resolution: Double?
        /// Whether neither falls, so that the voxels decide on the resolution.
        package let isLimitedByVoxels: Bool

        init(_ axis: String, results: ShellSums.Axis, images: ShellSums.Axis) {
            self.axis = axis
            frequencies = results.frequencies
            self.results = results.correlations
            self.images = images.correlations
            guard let first = results.crossing, let second = images.crossing else {
                (resolution, isLimitedByVoxels) = (nil, false)
                return
            }
            // What is in both results but not in both images was not seen: a method that sharpens makes the same of noise that differs.
            let crossing = min(first, second)
            isLimitedByVoxels = crossing == .infinity
            resolution = 1 / (isLimitedByVoxels ? results.end : crossing)
        }

        /// `0.41`, with `<` before it where voxels are the limit; nil where there is none.
        package var resolutionInWords: String? {
            resolution.map { (isLimitedByVoxels ? "<" : "") + $0.twoFigures }
        }
    }

    /// What is known of one channel.
    package struct Channel: Sendable, Encodable {
        /// Counts a photon; null for a channel without light.
        package let gain: Double?
        /// Where they come from.
        package let gainFrom: ChannelTuning.GainOrigin?
        /// Along z, y and x, those axes that have several voxels.
        package let curves: [Curve]

        init(gain: Double?, from origin: ChannelTuning.GainOrigin?, _ likeness: HalfLikeness) {
            (self.gain, gainFrom) = (gain, origin)
            let axes = zip(likeness.results.axes, likeness.images.axes)
            curves = zip(["z", "y", "x"], axes).filter { $1.0.width > 0 }.map { name, axis in
                Curve(name, results: axis.0, images: axis.1)
            }
        }

        /// `0.41 x 0.22 x 0.21`, with `-` where halves have nothing in common.
        fileprivate var resolution: String { curves.map { $0.resolutionInWords ?? "-" }.joined(separator: " x ") }
    }

    /// Where the map lies; nil for an array.
    package let file: String?
    /// What resolutions are counted in: `µm`, or `voxels` where nobody said how large these are.
    package let unit: String
    /// One a channel.
    package let channels: [Channel]
    /// The correlation that counts as the end.
    package let threshold: Double
    /// Half the angle of the cone around an axis, degrees.
    package let halfAngle: Double
    /// Volumes whose map an earlier run had finished.
    package let resumedVolumeCount: Int
    /// What it took to compute the halves, seconds.
    package let seconds: Double

    init(file: String?, spacing: VoxelSpacing?, channels: [Channel], resumedVolumeCount: Int, seconds: Double) {
        self.file = file
        unit = spacing == nil ? "voxels" : "µm"
        self.channels = channels
        threshold = ShellSums.threshold
        halfAngle = ShellSums.halfAngle
        self.resumedVolumeCount = resumedVolumeCount
        self.seconds = seconds
    }

    /// `resolution 0.41 x 0.22 x 0.21 µm (z, y, x), by Fourier shell correlation of halves`.
    package var sentence: String {
        let axes = channels[0].curves.map(\.axis).joined(separator: ", ")
        let texts = channels.map(\.resolution)
        let all =
            Set(texts).count == 1
            ? texts[0] : texts.enumerated().map { "\($1) in channel \($0)" }.joined(separator: ", ")
        return "resolution \(all) \(unit) (\(axes)), by Fourier shell correlation of halves"
    }
}

extension Double {
    /// In two figures: `0.041`, `0.41`, `4.1`, `41`.
    fileprivate var twoFigures: String {
        guard self > 0, isFinite else { return "\(self)" }
        let digits = max(1 - Int(log10(self).rounded(.down)), 0)
        return String(format: "%.\(digits)f", self)
    }
}
