/// A line for people that may name options, which every front end writes in its own way.
///
///     "\(.background, 98) is not below the image's mean; give a lower one"
///
/// is `--background 98 is not below …` to who types commands, and `background=98 is not below …` in Python.
public struct Message: Hashable, Sendable, ExpressibleByStringInterpolation {
    /// A piece of a line.
    package enum Part: Hashable, Sendable {
        /// Words.
        case text(String)
        /// The file, PSF or map that the line is about.
        case subject(String)
        /// An option by its name.
        case option(OptionName)
        /// An option with a value.
        case value(OptionName, String)
        /// A switch that is on.
        case on(OptionName)
    }

    /// Its pieces in their order.
    package let parts: [Part]

    /// A line from its pieces.
    package init(parts: [Part]) { self.parts = parts }

    /// A line without options.
    public init(stringLiteral text: String) { parts = [.text(text)] }

    /// A line from its literal pieces and interpolations.
    public init(stringInterpolation: Interpolation) { parts = stringInterpolation.parts }

    /// The options that it names, in their order.
    public var options: [OptionName] {
        parts.compactMap { part in
            switch part {
            case .text, .subject: nil
            case .option(let name), .value(let name, _), .on(let name): name
            }
        }
    }

    /// The file, PSF or map that it is about; nil where it names none as such.
    public var subject: String? {
        for case .subject(let name) in parts { return name }
        return nil
    }

    /// The line as a front end writes it.
    public func text(_ style: OptionName.Style) -> String {
        parts.map { part in
            switch part {
            case .text(let text), .subject(let text): text
            case .option(let name): name.text(style)
            case .value(let name, let value): name.text(style, value: value)
            case .on(let name): name.textOn(style)
            }
        }
        .joined()
    }

    /// The line without the name of what it is about: the same for all of which the same is said.
    package var withoutSubject: Message {
        Message(parts: parts.filter { if case .subject = $0 { false } else { true } })
    }

    /// What stands before the first line break.
    package var firstLine: Message {
        var kept: [Part] = []
        for part in parts {
            if case .text(let text) = part, let end = text.firstIndex(where: \.isNewline) {
                return Message(parts: kept + [.text(String(text[..<end]))])
            }
            kept.append(part)
        }
        return self
    }

    /// One line behind another.
    public static func + (first: Message, second: Message) -> Message { "\(first)\(second)" }

    /// Collects the pieces of a line.
    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var parts: [Part] = []

        /// Nothing yet.
        public init(literalCapacity: Int, interpolationCount: Int) {}

        /// Appends what stands between interpolations.
        public mutating func appendLiteral(_ literal: String) { append(literal) }

        /// Appends a text.
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) { append("\(value)") }

        /// Appends another line.
        public mutating func appendInterpolation(_ message: Message) {
            for part in message.parts {
                if case .text(let text) = part { append(text) } else { parts.append(part) }
            }
        }

        /// Appends the whole line of an error.
        public mutating func appendInterpolation(_ error: DeconvolutionError) { appendInterpolation(error.wholeLine) }

        /// Appends the name of what the line is about.
        public mutating func appendInterpolation(subject: String) { parts.append(.subject(subject)) }

        /// Appends the name of an option.
        public mutating func appendInterpolation(_ option: OptionName) { parts.append(.option(option)) }

        /// Appends an option with its value.
        public mutating func appendInterpolation(_ option: OptionName, _ value: some CustomStringConvertible) {
            parts.append(.value(option, "\(value)"))
        }

        /// Appends a switch that is on.
        public mutating func appendInterpolation(on option: OptionName) { parts.append(.on(option)) }

        private mutating func append(_ text: String) {
            if case .text(let last)? = parts.last {
                parts[parts.count - 1] = .text(last + text)
            } else if !text.isEmpty {
                parts.append(.text(text))
            }
        }
    }
}

extension Sequence<Message> {
    /// The lines one behind the other with a text between them.
    package func joined(separator: String) -> Message {
        var parts: [Message.Part] = []
        for message in self { parts += (parts.isEmpty ? [] : [.text(separator)]) + message.parts }
        return Message(parts: parts)
    }
}

extension Message: CustomStringConvertible {
    /// The line as a Swift program reads it.
    public var description: String { text(.property) }
}

extension Message: Encodable {
    /// Writes the line in the encoder's `optionStyle`; without one as a Swift program reads it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text(encoder.userInfo[.optionStyle] as? OptionName.Style ?? .property))
    }
}

extension CodingUserInfoKey {
    /// How an encoder has messages name options: an `OptionName.Style`.
    public static let optionStyle = CodingUserInfoKey(rawValue: "optionStyle")!
}
