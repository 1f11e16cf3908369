import DeconvVolume

/// What a person should know of one volume.
struct VolumeWarning {
    /// What it is about.
    enum Kind: String {
        case noGoodVoxel, darkness, belowBackground, negatives, offset

        /// Whether it is said of the first volume only, for others are likely alike.
        var isSaidOnce: Bool { [.darkness, .negatives, .offset].contains(self) }
    }

    /// Its raw value is kept with results.
    let kind: Kind
    let diagnostic: Diagnostic

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        diagnostic = Diagnostic(message)
    }
}

extension DeconvolutionJob {
    /// What is odd about a volume.
    /// - Throws: `invalidData` or `invalidArgument` where it is the only one and has nothing to deconvolve.
    func warnings(of volume: SurveyedVolume) throws(DeconvolutionError) -> [VolumeWarning] {
        let statistics = volume.statistics
        let isOne = source.image.volumeCount == 1
        let name = source.name(channel: volume.position.channel, timepoint: volume.position.timepoint)
        let background = options.background
        if let sensitivity = volume.sensitivity, statistics.voxelCount == 0 {
            let reason = Self.noGoodVoxel(sensitivity, volume.saturatedCount, name)
            // Bad for good, or in this volume only?
            guard !isOne, volume.saturatedCount > 0 || sensitivity.mask?.isSteady == false else {
                throw DeconvolutionError(.invalidData, "\(reason.message); \(reason.remedy)")
            }
            return [VolumeWarning(.noGoodVoxel, "\(reason.message): its result is 0")]
        }
        let mean = statistics.mean(background: background)
        if statistics.sum == 0 { return [VolumeWarning(.darkness, "\(name) has no light: its result is 0")] }
        guard mean > background else {
            // One dark frame must not cost a time series; a whole image below its background is a mistake.
            guard !isOne else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(name): --background \(background.inMessage) is not below the image's mean of "
                        + "\(mean.rounded1); give a lower one"
                )
            }
            return [
                VolumeWarning(
                    .belowBackground,
                    "\(name): its mean of \(mean.rounded1) counts is not above --background "
                        + "\(background.inMessage): its result is 0"
                )
            ]
        }
        var warnings: [VolumeWarning] = []
        if statistics.negativeCount > 0 {
            let share = (100 * Double(statistics.negativeCount) / Double(statistics.voxelCount)).rounded1
            warnings.append(
                VolumeWarning(
                    .negatives,
                    "\(name): \(statistics.negativeCount) voxels (\(share) %) are negative and count as 0"
                )
            )
        }
        if background == 0, statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * mean {
            warnings.append(
                VolumeWarning(
                    .offset,
                    "\(name): the darkest voxel has \(Double(statistics.smallest).rounded1) counts; if that is the "
                        + "camera's offset, give it as --background"
                )
            )
        }
        return warnings
    }

    /// Why no voxel of a volume counts, and what to do about it.
    private static func noGoodVoxel(
        _ sensitivity: VolumeSensitivity,
        _ saturatedCount: Int,
        _ name: String
    ) -> (message: String, remedy: String) {
        if saturatedCount > 0, let saturation = sensitivity.saturation {
            return (
                "\(name): no good voxel is below --saturation \(saturation.inMessage)",
                "give the counts at which the camera saturates"
            )
        }
        let mask = sensitivity.mask.map { "\($0.name): " } ?? ""
        if sensitivity.flatField == nil {
            return ("\(mask)every voxel is 0, so none of \(name) is good", "write 1 on good voxels")
        }
        return ("\(mask)no voxel is good that the flat field calls good", "write 1 on good voxels")
    }
}

extension Double {
    /// The number with one decimal, or none where that is 0.
    var rounded1: String {
        let rounded = (self * 10).rounded() / 10
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }
}
