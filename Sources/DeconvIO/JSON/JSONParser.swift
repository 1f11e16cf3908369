/// Why a text is not JSON, and where.
struct JSONProblem: Error {
    /// For example `line 3: a comma or } is missing`.
    let message: String
}

extension JSONValue {
    /// The value that a text holds.
    /// - Throws: where it is not JSON in UTF-8, goes on after the value, or nests deeper than 256 levels.
    init(parsing bytes: [UInt8]) throws(JSONProblem) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONProblem) in
            var parser = JSONParser(bytes: buffer)
            return try parser.document()
        }
    }
}

/// A recursive descent over the bytes of a document.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    /// Far below what a thread's stack of 512 KiB holds, far above what any metadata needs.
    private static let deepestLevel = 256

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        // A byte order mark, which some editors add.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    mutating func document() throws(JSONProblem) -> JSONValue {
        let value = try value(level: 0)
        skipSpace()
        guard position == bytes.count else { throw problem("something follows the end") }
        return value
    }

    private func problem(_ message: String) -> JSONProblem {
        let line = 1 + bytes.prefix(position).count { $0 == UInt8(ascii: "\n") }
        return JSONProblem(message: "line \(line): \(message)")
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(level: Int) throws(JSONProblem) -> JSONValue {
        guard level < Self.deepestLevel else { throw problem("more than \(Self.deepestLevel) levels") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try object(level: level))
        case UInt8(ascii: "["): return .array(try array(level: level))
        case UInt8(ascii: "\""): return .string(try string())
        case nil: throw problem("a value is missing")
        default: return try scalar()
        }
    }

    private mutating func object(level: Int) throws(JSONProblem) -> JSONObject {
        position += 1
        var object = JSONObject()
        skipSpace()
        if take("}") { return object }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw problem("a name in quotes is missing") }
            let key = try string()
            skipSpace()
            guard take(":") else { throw problem("a colon is missing") }
            object[key] = try value(level: level + 1)
            skipSpace()
            if take("}") { return object }
            guard take(",") else { throw problem("a comma or } is missing") }
        }
    }

    private mutating func array(level: Int) throws(JSONProblem) -> [JSONValue] {
        position += 1
        var array: [JSONValue] = []
        skipSpace()
        if take("]") { return array }
        while true {
            array.append(try value(level: level + 1))
            skipSpace()
            if take("]") { return array }
            guard take(",") else { throw problem("a comma or ] is missing") }
        }
    }

    private mutating func scalar() throws(JSONProblem) -> JSONValue {
        let start = position
        while let byte = next, !Self.delimiters.contains(byte) { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "NaN", "Infinity", "-Infinity": return .number(word)
        default:
            guard Self.isNumber(bytes[start..<position]) else {
                position = start
                throw problem("\(String(word.prefix(40)).inMessage) is no value")
            }
            return .number(word)
        }
    }

    private static let delimiters = Set(" \n\r\t,]}:\"[{".utf8)

    /// Whether the bytes are `-? digits (. digits)? ([eE] [+-]? digits)?` without a superfluous zero in front.
    private static func isNumber(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var rest = bytes[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let first = rest.first
        let whole = digits()
        guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private mutating func string() throws(JSONProblem) -> String {
        position += 1
        var text: [UInt8] = []
        while true {
            let start = position
            while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
                position += 1
            }
            text += bytes[start..<position]
            guard let byte = next, byte >= 0x20 else { throw problem("a text has no end") }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            text += try escaped().utf8
        }
        guard let string = String(validating: text, as: UTF8.self) else { throw problem("a text is not UTF-8") }
        return string
    }

    private mutating func escaped() throws(JSONProblem) -> String {
        guard let byte = next else { throw problem("a text has no end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var units = [try codeUnit()]
            if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: Array("\\u".utf8)) {
                position += 2
                units.append(try codeUnit())
            }
            // A surrogate without its other half becomes U+FFFD: no text of Swift can hold it.
            return String(decoding: units, as: UTF16.self)
        default: throw problem("\\\(UnicodeScalar(byte)) is no escape")
        }
    }

    private mutating func codeUnit() throws(JSONProblem) -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw problem("\\u needs four hexadecimal digits") }
        position += 4
        return unit
    }
}
