package import DeconvPlan
package import DeconvVolume

/// A type that options have: how a text becomes a value of it, and back.
package protocol OptionValue: Hashable, Sendable, SendableMetatype {
    /// What there is to give, for programs.
    static var type: OptionType { get }
    /// The value that a text means; nil where it means none.
    static func parse(_ text: String) -> Self?
    /// The value for programs.
    var scalar: OptionScalar { get }
}

extension OptionValue {
    /// The value for people, and what `parse` takes.
    package var text: String { scalar.text }
}

/// What kind of value an option takes.
package enum OptionType: Hashable, Sendable {
    /// A whole number.
    case integer
    /// A number.
    case number
    /// On or off; a switch on the command line.
    case boolean
    /// Any text.
    case text
    /// One of a few words.
    case words([String])
    /// A number of bytes, such as `8GB`.
    case bytes
    /// Three sizes, as z,y,x.
    case spacing
    /// Three numbers of voxels, as z,y,x.
    case shape
    /// A number, or `auto`.
    case numberOrAuto
    /// Numbers, one for all channels or one a channel.
    case numbers
    /// Texts, one for all channels or one a channel.
    case texts
    /// A number, several of them with commas between them, or `auto`.
    case numbersOrAuto
    /// Places in an image, each with a file or none, or `auto`.
    case placesOrAuto
    /// How the number of iterations is found.
    case stopRule

    /// Its name in `gpudeconv options --json`.
    package var name: String {
        switch self {
        case .integer: "integer"
        case .number: "number"
        case .boolean: "boolean"
        case .text: "text"
        case .words: "word"
        case .bytes: "bytes"
        case .spacing: "spacing"
        case .shape: "shape"
        case .numberOrAuto: "number or auto"
        case .numbers: "numbers"
        case .texts: "texts"
        case .numbersOrAuto: "numbers or auto"
        case .placesOrAuto: "places or auto"
        case .stopRule: "stop rule"
        }
    }

    /// The words that there are; nil for other types.
    package var words: [String]? { if case .words(let words) = self { words } else { nil } }
}

/// A value as JSON has it.
package enum OptionScalar: Hashable, Sendable, Codable {
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case text(String)
    case integers([Int])
    case numbers([Double])

    /// Writes the value alone.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .boolean(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .integers(let values): try container.encode(values)
        case .numbers(let values): try container.encode(values)
        }
    }

    /// Reads what `encode` wrote; numbers without decimals are whole ones.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let values = try? container.decode([Int].self) {
            self = .integers(values)
        } else if let values = try? container.decode([Double].self) {
            self = .numbers(values)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    /// The value in the notation of the command line.
    package var text: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): value.inMessage
        case .boolean(let value): "\(value)"
        case .text(let value): value
        case .integers(let values): values.map { "\($0)" }.joined(separator: ",")
        case .numbers(let values): values.map(\.inMessage).joined(separator: ",")
        }
    }
}

extension Int: OptionValue {
    package static var type: OptionType { .integer }
    package static func parse(_ text: String) -> Int? { Int(text) }
    package var scalar: OptionScalar { .integer(self) }
}

extension Double: OptionValue {
    package static var type: OptionType { .number }
    package static func parse(_ text: String) -> Double? { Double(text) }
    package var scalar: OptionScalar { .number(self) }
}

extension Bool: OptionValue {
    package static var type: OptionType { .boolean }
    /// Also as Python writes them.
    package static func parse(_ text: String) -> Bool? { Bool(text.lowercased()) }
    package var scalar: OptionScalar { .boolean(self) }
}

extension String: OptionValue {
    package static var type: OptionType { .text }
    package static func parse(_ text: String) -> String? { text }
    package var scalar: OptionScalar { .text(self) }
}

extension MethodName: OptionValue {
    /// The table adds which methods there are.
    package static var type: OptionType { .words([]) }
    package static func parse(_ text: String) -> MethodName? { MethodName(rawValue: text) }
    package var scalar: OptionScalar { .text(rawValue) }
}

extension VoxelSpacing: OptionValue {
    package static var type: OptionType { .spacing }
    package static func parse(_ text: String) -> VoxelSpacing? { VoxelSpacing(text: text) }
    package var scalar: OptionScalar { .numbers([z, y, x]) }
}

extension VolumeShape: OptionValue {
    package static var type: OptionType { .shape }
    package static func parse(_ text: String) -> VolumeShape? { VolumeShape(text: text) }
    package var scalar: OptionScalar { .integers(axes) }
}

extension DeconvolutionOptions.PSFBackground: OptionValue {
    package static var type: OptionType { .numberOrAuto }
    package static func parse(_ text: String) -> Self? { Self(text: text) }
    package var scalar: OptionScalar {
        switch self {
        case .auto: .text("auto")
        case .value(let counts): .number(counts)
        }
    }
}

extension ImageBackground: OptionValue {
    package static var type: OptionType { .numbersOrAuto }
    package static func parse(_ text: String) -> Self? { Self(text: text) }
    package var scalar: OptionScalar {
        switch self {
        case .auto: .text("auto")
        case .values(let values): values.count == 1 ? .number(values[0]) : .numbers(values)
        }
    }
}

extension TotalVariation: OptionValue {
    package static var type: OptionType { .numberOrAuto }
    package static func parse(_ text: String) -> Self? { text == "auto" ? .auto : Double(text).map { .weight($0) } }
    package var scalar: OptionScalar {
        switch self {
        case .auto: .text("auto")
        case .weight(let weight): .number(weight)
        }
    }
}

extension StopRule: OptionValue {
    package static var type: OptionType { .stopRule }
    package static func parse(_ text: String) -> Self? { Self(text: text) }
    package var scalar: OptionScalar { .text(text) }
}

extension ImageSaturation: OptionValue {
    package static var type: OptionType { .numberOrAuto }
    package static func parse(_ text: String) -> Self? { text == "auto" ? .auto : Double(text).map { .value($0) } }
    package var scalar: OptionScalar {
        switch self {
        case .auto: .text("auto")
        case .value(let counts): .number(counts)
        }
    }
}

/// A number of bytes, which people write as `8GB`.
struct OptionBytes: OptionValue {
    let count: Int

    static var type: OptionType { .bytes }
    static func parse(_ text: String) -> OptionBytes? { ByteCount.parse(text).map { OptionBytes(count: $0) } }
    var scalar: OptionScalar { .integer(count) }
}

/// Numbers, one for all channels or one a channel: `509,610`.
struct ChannelNumbers: OptionValue {
    let values: [Double]

    static var type: OptionType { .numbers }
    static func parse(_ text: String) -> ChannelNumbers? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Double($0.filter { $0 != " " }) }
        return values.count == parts.count ? ChannelNumbers(values: values) : nil
    }
    var scalar: OptionScalar { .numbers(values) }
}

/// Texts, one for all channels or one a channel: `DAPI,GFP`.
struct ChannelTexts: OptionValue {
    let values: [String]

    static var type: OptionType { .texts }
    static func parse(_ text: String) -> ChannelTexts? {
        ChannelTexts(values: text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
    }
    var scalar: OptionScalar { .text(values.joined(separator: ",")) }
}

/// An enumeration is the words of its cases.
package protocol OptionWords: OptionValue, RawRepresentable, CaseIterable where RawValue == String {}

extension OptionWords {
    package static var type: OptionType { .words(allCases.map(\.rawValue)) }
    package static func parse(_ text: String) -> Self? { Self(rawValue: text) }
    package var scalar: OptionScalar { .text(rawValue) }
}

extension BoundaryMode: OptionWords {}
extension StartingEstimate: OptionWords {}
extension Acceleration: OptionWords {}
extension DeconvolutionOptions.Backend: OptionWords {}
extension FFTChoice: OptionWords {}

extension PixelType: OptionWords {
    /// Those that results may have.
    package static var type: OptionType { .words(OutputOptions.pixelTypes.map(\.rawValue)) }
    package static func parse(_ text: String) -> PixelType? { OutputOptions.pixelTypes.first { $0.rawValue == text } }
}
