extension JSONValue {
    /// The value as a document, two blanks a level, lists of scalars on one line.
    package var text: String {
        var text = ""
        write(to: &text, indentation: 0)
        return text + "\n"
    }

    /// The value on one line.
    package var line: String {
        switch self {
        case .array(let values): return "[" + values.map(\.line).joined(separator: ", ") + "]"
        case .object(let object):
            return "{" + object.map { JSONValue.string($0.key).line + ": " + $0.value.line }.joined(separator: ", ")
                + "}"
        default:
            var text = ""
            write(to: &text, indentation: 0)
            return text
        }
    }

    private func write(to text: inout String, indentation: Int) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let digits): text += digits
        case .string(let string): Self.write(string, to: &text)
        case .array(let values) where values.allSatisfy(\.isScalar):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += ", " }
                value.write(to: &text, indentation: 0)
            }
            text += "]"
        case .array(let values):
            Self.write(values, between: ("[", "]"), to: &text, indentation) { value, text in
                value.write(to: &text, indentation: indentation + 1)
            }
        case .object(let object):
            Self.write(Array(object), between: ("{", "}"), to: &text, indentation) { member, text in
                Self.write(member.key, to: &text)
                text += ": "
                member.value.write(to: &text, indentation: indentation + 1)
            }
        }
    }

    private var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    private static func write<Element>(
        _ elements: [Element],
        between brackets: (String, String),
        to text: inout String,
        _ indentation: Int,
        _ write: (Element, inout String) -> Void
    ) {
        text += brackets.0
        for (index, element) in elements.enumerated() {
            text += index > 0 ? ",\n" : "\n"
            text += String(repeating: "  ", count: indentation + 1)
            write(element, &text)
        }
        if !elements.isEmpty { text += "\n" + String(repeating: "  ", count: indentation) }
        text += brackets.1
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
