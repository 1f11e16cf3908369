/// How a result came about, in short: it is written into the result itself, and read back from there.
public struct Provenance: Hashable, Sendable {
    /// One thing that is known.
    public struct Entry: Hashable, Sendable {
        /// What it is, such as `method` or the words of an option.
        public let name: String
        /// The value in the notation of the command line, on one line.
        public let value: String
    }

    /// What stands in front of names where other programs' keys stand too.
    package static let key = "gpudeconv"

    /// In the order of telling.
    public private(set) var entries: [Entry] = []

    /// A result of which nothing is known yet.
    package init() {}

    /// Adds what is known. Line breaks become spaces, for formats have lines.
    package mutating func add(_ name: String, _ value: String) {
        let line = String(value.map { $0.isNewline ? " " : $0 })
        entries.append(Entry(name: name, value: line))
    }

    /// The value of a name; nil where there is none.
    public func value(_ name: String) -> String? { entries.first { $0.name == name }?.value }
}

/// A key of JSON that only data know.
package struct DataKey: CodingKey {
    package let stringValue: String
    package var intValue: Int? { nil }

    /// Any text.
    package init(stringValue: String) { self.stringValue = stringValue }
    /// Never: objects have texts.
    package init?(intValue: Int) { nil }
}

extension Provenance: Encodable {
    /// Writes an object of texts by their names.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: DataKey.self)
        for entry in entries { try container.encode(entry.value, forKey: DataKey(stringValue: entry.name)) }
    }
}
