/// A line for people that may name options, which every front end writes in its own way.
///
///     "\(.background, 98) is not below the image's mean; give a lower one"
///
/// is `--background 98 is not below …` to who types commands, and `background=98 is not below …` in Python.
public struct Message: Hashable, Sendable, ExpressibleByStringInterpolation {
    fileprivate enum Part: Hashable, Sendable {
        case text(String)
        case option(OptionName)
        case value(OptionName, String)
        case on(OptionName)
    }

    private var parts: [Part]

    /// A line without options.
    public init(stringLiteral text: String) { parts = [.text(text)] }

    /// A line from its literal pieces and interpolations.
    public init(stringInterpolation: Interpolation) { parts = stringInterpolation.parts }

    /// The options that it names, in their order.
    public var options: [OptionName] {
        parts.compactMap { part in
            switch part {
            case .text: nil
            case .option(let name), .value(let name, _), .on(let name): name
            }
        }
    }

    /// The line as a front end writes it.
    public func text(_ style: OptionName.Style) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .option(let name): name.text(style)
            case .value(let name, let value): name.text(style, value: value)
            case .on(let name): name.textOn(style)
            }
        }
        .joined()
    }

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

extension Message: CustomStringConvertible {
    /// The line as a Swift program reads it.
    public var description: String { text(.property) }
}
