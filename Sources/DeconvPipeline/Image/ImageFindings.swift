import DeconvMethods
import DeconvOptions
import DeconvSurvey
import DeconvVolume
import Foundation

/// What each channel of an image is computed with, given or found. A run that goes on with another one's work takes its.
struct ImageFindings: Hashable, Sendable, Codable {
    /// What one channel is computed with.
    struct Channel: Hashable, Sendable, Codable {
        /// What it holds without light, in counts of the image.
        var background: Double
        /// What is added to its voxels before all else, so that noise below 0 is not cut off; 0 for nothing.
        var shift = 0.0
        /// From so many counts of the image on a voxel is saturated; nil where none is.
        var saturation: Double?
        /// Pixels that do not count, y · width + x, ascending.
        var badPixels: [Int] = []
        /// What was found out for the method; nil where it asks for nothing, and until it has been.
        var tuning: ChannelTuning?

        /// What it holds without light when `shift` has been added; at least 0.
        var shiftedBackground: Double { max(background + shift, 0) }
    }

    /// One a channel.
    var channels: [Channel]
    /// Those of the second view of the object; nil where there is one view.
    var secondView: [Channel]?

    /// Fewer voxels below 0 are those that an interpolation leaves.
    static let leastNegativeShare = 0.01

    /// What follows from options and a survey.
    /// - Throws: `invalidArgument` where there are not as many backgrounds as channels.
    init(_ options: DeconvolutionOptions, _ survey: ImageSurvey, name: String) throws(DeconvolutionError) {
        let count = survey.channels.count
        let given = try options.chosen(ChosenChannels(all: count), name).background.given
        channels = survey.channels.enumerated().map { number, survey in
            let background: Double
            if let given {
                background = given.count == 1 ? given[0] : given[number]
            } else {
                background = survey.dark.map { $0.level.sixFigures } ?? 0
            }
            var channel = Channel(background: background)
            if survey.negativeShare >= Self.leastNegativeShare, let lowest = survey.lowest, lowest < 0 {
                channel.shift = -lowest
                // Where more was taken off than there was, nothing is as dark as that.
                if background == 0, let level = survey.dark?.level { channel.background = min(level.sixFigures, 0) }
            }
            // A level below 0 is what was taken off too much.
            channel.shift = max(channel.shift, -channel.background)
            if let saturation = options.saturation {
                channel.saturation = saturation.given ?? survey.plateau.map { Double($0.value) }
            }
            if options.masksBadPixels { channel.badPixels = survey.badColumns.all }
            return channel
        }
    }

    /// Of a view alone.
    init(_ channels: [Channel]) { self.channels = channels }

    /// As a text, and what `init(text:)` takes.
    var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(self) else { preconditionFailure("numbers and lists have a text") }
        return String(decoding: data, as: UTF8.self)
    }

    /// From a text; nil where it is something else, or not that of an image of so many channels and views.
    init?(text: String, channelCount: Int, viewCount: Int) {
        guard let findings = try? JSONDecoder().decode(ImageFindings.self, from: Data(text.utf8)),
            findings.channels.count == channelCount,
            findings.secondView?.count == (viewCount > 1 ? channelCount : nil),
            (findings.channels + (findings.secondView ?? []))
                .allSatisfy({ $0.background.isFinite && $0.shift.isFinite && $0.shift >= 0 }),
            findings.channels.allSatisfy({ $0.tuning?.tuning.isPossible ?? true })
        else { return nil }
        self = findings
    }
}

extension Double {
    /// In six figures: more than a level is known to, whatever its unit.
    fileprivate var sixFigures: Double {
        guard self != 0, isFinite else { return self }
        let scale = pow(10, 5 - log10(magnitude).rounded(.down))
        return (self * scale).rounded() / scale
    }
}
