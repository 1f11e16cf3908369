import DeconvOptions
import DeconvVolume

extension SurveyedVolume {
    /// What is odd about the volume; the texts are about the image, and so the same for all of its volumes.
    /// - Parameters:
    ///   - source: the image that it is of.
    ///   - background: in counts.
    /// - Throws: `invalidData` or `invalidArgument` where it is the only one and has nothing to deconvolve.
    func warnings(of source: any VolumeSource, background: Double) throws(DeconvolutionError) -> [Diagnostic] {
        let isOne = source.image.volumeCount == 1
        let name = source.name(channel: position.channel, timepoint: position.timepoint)
        if let sensitivity, statistics.voxelCount == 0 {
            let reason = Self.noGoodVoxel(sensitivity, saturatedCount, name)
            // Bad for good, or in this volume only?
            guard !isOne, saturatedCount > 0 || sensitivity.mask?.isSteady == false else {
                throw DeconvolutionError(.invalidData, "\(reason.line); \(reason.remedy)")
            }
            return [
                isOne
                    ? Diagnostic(.noGoodVoxel, "\(reason.line): its result is 0")
                    : Diagnostic(
                        .noGoodVoxel,
                        "\(subject: source.name): where no voxel is good the result is 0",
                        figures: reason.line
                    )
            ]
        }
        let mean = statistics.mean(background: background)
        if statistics.sum == 0 {
            return [
                Diagnostic(
                    .noLight,
                    isOne
                        ? "\(name) has no light: its result is 0"
                        : "\(subject: source.name): where there is no light the result is 0"
                )
            ]
        }
        guard mean > background else {
            // One dark frame must not cost a time series; a whole image below its background is a mistake.
            guard !isOne else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(name): \(.background, background.inMessage) is not below the image's mean of "
                        + "\(mean.rounded1); give a lower one"
                )
            }
            return [
                Diagnostic(
                    .belowBackground,
                    "\(subject: source.name): where the mean is not above \(.background, background.inMessage) the "
                        + "result is 0",
                    figures: "a mean of \(mean.rounded1) counts"
                )
            ]
        }
        var warnings: [Diagnostic] = []
        if statistics.negativeCount > 0 {
            let share = (100 * Double(statistics.negativeCount) / Double(statistics.voxelCount)).rounded1
            warnings.append(
                Diagnostic(
                    .negativeVoxels,
                    "\(subject: source.name): negative voxels count as 0",
                    figures: "\(statistics.negativeCount) voxels, \(share) %"
                )
            )
        }
        if background == 0, statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * mean {
            warnings.append(
                Diagnostic(
                    .cameraOffset,
                    "\(subject: source.name): no voxel is dark, as where a camera adds an offset; if it does, give "
                        + "that as "
                        + "\(.background)",
                    figures: "the darkest voxel has \(Double(statistics.smallest).rounded1) counts"
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
    ) -> (line: Message, remedy: String) {
        if saturatedCount > 0, let saturation = sensitivity.saturation {
            return (
                "\(name): no good voxel is below \(.saturation, saturation.inMessage)",
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
