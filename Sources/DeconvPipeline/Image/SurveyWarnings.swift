import DeconvOptics
import DeconvOptions
import DeconvSurvey
import DeconvVolume

extension JobDescription.Look {
    /// What a sample of an image's planes tells that a person should know, each once for all channels.
    func warnings(_ name: String, _ options: DeconvolutionOptions) -> [Diagnostic] {
        [
            saturation(name, options), badPixels(name, options), unknownBackground(name, options),
            noDarkPart(name, options),
        ]
        .compactMap(\.self)
    }

    /// Said where a PSF has nothing but one voxel, so that there is no blur to take out.
    static func resultIsImage(_ name: String, _ psfs: [PreparedPSF]) -> Diagnostic? {
        // Its own preparation says as much of one that was a point before.
        let unsaid = psfs.filter { psf in !psf.report.warnings.contains { $0.kind == .psfNarrow } }
        let shares = unsaid.map { psf in Double(psf.psf.volume.voxels.max() ?? 0) }
        guard let largest = shares.max(), largest > mostInOneVoxel else { return nil }
        return Diagnostic(
            .resultIsImage,
            "\(subject: name): the PSF is hardly more than one voxel, so that there is no blur to take out; check "
                + "\(.spacing) and \(.psfSpacing)",
            figures: "\((largest * 100).rounded1) % of its light in one voxel"
        )
    }

    /// Of a PSF's light; with more of it there, nothing is sharpened.
    private static let mostInOneVoxel = 0.98

    /// Figures of the channels that have some.
    private func figures<T>(
        _ value: (ChannelSurvey) -> T?,
        _ words: (T) -> String
    ) -> Message? {
        let found = survey.channels.enumerated().compactMap { number, channel in value(channel).map { (number, $0) } }
        guard !found.isEmpty else { return nil }
        let texts = found.map { number, value in
            survey.channels.count == 1 ? words(value) : "channel \(number): \(words(value))"
        }
        return "\(texts.joined(separator: "; "))"
    }

    /// Said where nobody has said from where on voxels are saturated.
    private func saturation(_ name: String, _ options: DeconvolutionOptions) -> Diagnostic? {
        guard options.saturation == nil else { return nil }
        let found = figures(\.plateau) {
            "\(Double($0.value).rounded1) counts, \(($0.share * 100).rounded2) % of voxels"
        }
        return found.map {
            Diagnostic(
                .saturationSeen,
                "\(subject: name): many voxels share the largest value, as where a camera is saturated; "
                    + "\(.saturation, "auto") leaves them out",
                figures: $0
            )
        }
    }

    private func badPixels(_ name: String, _ options: DeconvolutionOptions) -> Diagnostic? {
        let found = figures({ $0.badColumns.isEmpty ? nil : $0.badColumns }) { columns in
            "\(columns.hot.count) hot, \(columns.dead.count) dead"
        }
        return found.map {
            Diagnostic(
                .badPixels,
                options.masksBadPixels
                    ? "\(subject: name): pixels that are hot or dead in every plane do not count"
                    : "\(subject: name): pixels are hot or dead in every plane, as defects of a camera; "
                        + "\(.mask, "auto") leaves them out",
                figures: $0
            )
        }
    }

    private func unknownBackground(_ name: String, _ options: DeconvolutionOptions) -> Diagnostic? {
        guard options.background == .auto else { return nil }
        let unknown = survey.channels.indices.filter {
            survey.channels[$0].dark == nil && findings.channels[$0].background == 0
        }
        guard !unknown.isEmpty else { return nil }
        return Diagnostic(
            .backgroundUnknown,
            "\(subject: name): too few voxels to find a background, so 0 is taken; give it as \(.background)",
            figures: unknown.count == survey.channels.count
                ? nil : "channels \(unknown.map { "\($0)" }.joined(separator: ", "))"
        )
    }

    /// Of the light; what `auto` takes of less is within what haze takes.
    private static let leastShareTaken = 0.15

    /// Said where `auto` takes light for background, for nothing in the image is dark.
    private func noDarkPart(_ name: String, _ options: DeconvolutionOptions) -> Diagnostic? {
        guard options.background == .auto else { return nil }
        let found = figures({ channel in
            channel.lightShareOfDarkParts.flatMap { $0 >= Self.leastShareTaken ? (channel.dark?.level ?? 0, $0) : nil }
        }) { level, share in
            "\(level.rounded1) counts, about \(Int((share * 100).rounded())) % of the light"
        }
        return found.map {
            Diagnostic(
                .backgroundTakesLight,
                "\(subject: name): nothing in the image is dark, as in a part cut out of a cell, so that "
                    + "\(.background, "auto") takes light for background; give the camera's offset as \(.background)",
                figures: $0
            )
        }
    }
}
