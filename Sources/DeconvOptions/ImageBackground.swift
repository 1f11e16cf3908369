/// What an image holds without light: camera offset and haze, in its counts.
///
/// A number, or a list of one a channel, is written as it is: `options.background = 98`.
public enum ImageBackground: Hashable, Sendable {
    /// From the dark parts of the image, one for all volumes of a channel.
    case auto
    /// Counts, each at least 0: one for all channels, or one a channel.
    case values([Double])

    /// Counts for all channels.
    public static func value(_ counts: Double) -> ImageBackground { .values([counts]) }

    /// That of the first channel, and 0 until it has been found.
    package var first: Double { given?.first ?? 0 }

    /// Those that were given; nil where they are to be found.
    package var given: [Double]? { if case .values(let values) = self { values } else { nil } }
}

extension ImageBackground: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// Counts for all channels.
    public init(floatLiteral counts: Double) { self = .values([counts]) }

    /// Counts for all channels.
    public init(integerLiteral counts: Int) { self = .values([Double(counts)]) }

    /// Counts of each channel.
    public init(arrayLiteral counts: Double...) { self = .values(counts) }
}

extension ImageBackground {
    /// `auto`, or counts with commas between them; nil where the text is something else.
    package init?(text: String) {
        if text == "auto" {
            self = .auto
            return
        }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Double($0) }
        guard values.count == parts.count, !values.isEmpty else { return nil }
        self = .values(values)
    }
}
