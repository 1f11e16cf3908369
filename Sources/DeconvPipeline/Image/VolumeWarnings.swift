import DeconvOptions
import DeconvSurvey
import DeconvVolume

extension SurveyedVolume {
    /// What is odd about the volume; the texts are about the image, and so the same for all of its volumes.
    /// - Throws: `invalidData` or `invalidArgument` where it is the only one and has nothing to deconvolve.
    func warnings(_ job: JobDescription) throws(DeconvolutionError) -> [Diagnostic] {
        let source = job.source
        let channel = job.findings.channels[position.channel]
        let background = channel.shiftedBackground
        let isOne = source.image.volumeCount == 1
        let name = source.name(channel: position.channel, timepoint: position.timepoint)
        if let sensitivity, statistics.voxelCount == 0 {
            let reason = Self.noGoodVoxel(sensitivity, saturatedCount, channel, name)
            // Bad for good, or in this volume only?
            guard !isOne, saturatedCount > 0 || sensitivity.mask?.isSteady == false || !sensitivity.emptyPlanes.isEmpty
            else { throw DeconvolutionError(.invalidData, "\(reason.line); \(reason.remedy)") }
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
        guard mean > background else { return [try belowBackground(job, isOne, name, mean: mean)] }
        return [negativeVoxels(job), emptyPlanes(job), cameraOffset(job, mean: mean)].compactMap(\.self)
    }

    /// One dark frame must not cost a time series; a whole image below its background is a mistake.
    private func belowBackground(
        _ job: JobDescription,
        _ isOne: Bool,
        _ name: String,
        mean: Double
    ) throws(DeconvolutionError) -> Diagnostic {
        let channel = job.findings.channels[position.channel]
        let background = channel.background.inMessage
        let meanInCounts = (mean - channel.shift).rounded1
        if job.options.background == .auto {
            return Diagnostic(
                .belowBackground,
                isOne
                    ? "\(name): nothing in it is brighter than its dark parts: its result is 0"
                    : "\(subject: job.source.name): where nothing is brighter than the dark parts that "
                        + "\(.background, "auto") found the result is 0",
                figures: "a mean of \(meanInCounts) counts over a background of \(background)"
            )
        }
        guard !isOne else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): \(.background, background) is not below the image's mean of \(meanInCounts); give a lower one"
            )
        }
        return Diagnostic(
            .belowBackground,
            "\(subject: job.source.name): where the mean is not above \(.background, background) the result is 0",
            figures: "a mean of \(meanInCounts) counts"
        )
    }

    private func negativeVoxels(_ job: JobDescription) -> Diagnostic? {
        let channel = job.findings.channels[position.channel]
        let shift = channel.shift
        if shift > 0 {
            return Diagnostic(
                .negativeVoxels,
                "\(subject: job.source.name): voxels below 0, as where a background was taken off: an offset was added "
                    + "and counts as background, so that their noise is not cut off; better give the image as it was "
                    + "recorded, and \(.background, "auto")",
                figures: "an offset of \(shift.rounded1) counts, dark parts at \(channel.background.rounded1)"
            )
        }
        guard statistics.negativeCount > 0 else { return nil }
        let share = (100 * Double(statistics.negativeCount) / Double(statistics.voxelCount)).rounded1
        return Diagnostic(
            .negativeVoxels,
            "\(subject: job.source.name): negative voxels count as 0",
            figures: "\(statistics.negativeCount) voxels, \(share) %"
        )
    }

    private func emptyPlanes(_ job: JobDescription) -> Diagnostic? {
        let leftOut = sensitivity?.emptyPlanes ?? []
        let empty = leftOut.isEmpty ? EmptyPlanes.find(statistics.planes) : leftOut
        guard let first = empty.first else { return nil }
        let most = 10
        let named = empty.prefix(most).map { "\($0)" }.joined(separator: ", ")
        let others = empty.count - most
        let what: Message =
            empty.count == 1 ? "plane \(first)" : "planes \(named)\(others > 0 ? " and \(others) more" : "")"
        return Diagnostic(
            .emptyPlanes,
            leftOut.isEmpty
                ? "\(subject: job.source.name): planes of which all voxels are the same, as where a camera dropped "
                    + "frames, count as dark; \(.mask, "auto") leaves them out"
                : "\(subject: job.source.name): planes of which all voxels are the same do not count",
            figures: what
        )
    }

    private func cameraOffset(_ job: JobDescription, mean: Double) -> Diagnostic? {
        let channel = job.findings.channels[position.channel]
        guard job.options.background != .auto, channel.background == 0, channel.shift == 0 else { return nil }
        let figures: Message
        if let dark = job.look?.survey.channels[position.channel].dark {
            guard dark.isOffset(darkest: Double(statistics.smallest), mean: mean) else { return nil }
            figures = "its dark parts hold \(dark.level.rounded1) counts"
        } else {
            // Too small to look at more than single voxels.
            guard statistics.smallest >= 10, Double(statistics.smallest) > 0.2 * mean else { return nil }
            figures = "the darkest voxel has \(Double(statistics.smallest).rounded1) counts"
        }
        return Diagnostic(
            .cameraOffset,
            "\(subject: job.source.name): no voxel is dark, as where a camera adds an offset; give that as "
                + "\(.background), or \(.background, "auto") to have it found",
            figures: figures
        )
    }

    /// Why no voxel of a volume counts, and what to do about it.
    private static func noGoodVoxel(
        _ sensitivity: VolumeSensitivity,
        _ saturatedCount: Int,
        _ channel: ImageFindings.Channel,
        _ name: String
    ) -> (line: Message, remedy: String) {
        if saturatedCount > 0, let saturation = channel.saturation {
            return (
                "\(name): no good voxel is below \(.saturation, saturation.inMessage)",
                "give the counts at which the camera saturates"
            )
        }
        if !sensitivity.emptyPlanes.isEmpty, sensitivity.mask == nil {
            return ("\(name): every plane shows nothing", "give an image")
        }
        let mask = sensitivity.mask.map { "\($0.name): " } ?? ""
        if sensitivity.flatField == nil {
            return ("\(mask)every voxel is 0, so none of \(name) is good", "write 1 on good voxels")
        }
        return ("\(mask)no voxel is good that the flat field calls good", "write 1 on good voxels")
    }
}

extension DarkLevel {
    /// Fewer counts are those of haze, or of a dim image.
    private static let leastOffset = 10.0
    /// Of the mean; less than that hardly dims the dark parts of a result.
    private static let leastShare = 0.05
    /// Of the level. Where voxels are nearly black, the level is that of haze.
    private static let darkestShare = 0.25

    /// Whether the level looks like that of a camera.
    /// - Parameters:
    ///   - darkest: the darkest voxel, counts.
    ///   - mean: of all voxels, counts.
    fileprivate func isOffset(darkest: Double, mean: Double) -> Bool {
        level >= Self.leastOffset && level > Self.leastShare * mean && darkest > Self.darkestShare * level
    }
}
