/// A JSON value that keeps what others wrote: members in their order, numbers with their digits.
///
/// Foundation's JSON gives neither: it orders members anew, and `1.0` and a 64-bit integer pass through one number type.
/// Metadata of others has to be carried over unchanged, and an unsigned 64-bit fill value has to stay exact.
package enum JSONValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number as written; also `NaN`, `Infinity` and `-Infinity`, which Python writes and JSON does not have.
    case number(String)
    /// A text.
    case string(String)
    /// A list.
    case array([JSONValue])
    /// Named members.
    case object(JSONObject)
}

extension JSONValue {
    /// A whole number.
    package static func integer(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }

    /// A list of whole numbers.
    package static func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }

    /// A number with the fewest digits that give it back.
    package static func double(_ value: Double) -> JSONValue {
        if value.isNaN { return .number("NaN") }
        if value.isInfinite { return .number(value < 0 ? "-Infinity" : "Infinity") }
        return .number("\(value)")
    }

    /// The members, or nil for any other value.
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// The list, or nil for any other value.
    package var array: [JSONValue]? { if case .array(let array) = self { array } else { nil } }

    /// The text, or nil for any other value.
    package var string: String? { if case .string(let string) = self { string } else { nil } }

    /// The truth value, or nil for any other value.
    package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    /// The whole number, also where it is written `1.0` or `1e3`; nil for any other value and outside of `Integer`.
    package func integer<Integer: FixedWidthInteger>(as type: Integer.Type = Int.self) -> Integer? {
        guard case .number(let text) = self else { return nil }
        return Integer(text) ?? Double(text).flatMap { Integer(exactly: $0) }
    }

    /// The list of whole numbers, or nil where it is something else.
    package var integers: [Int]? {
        guard let array else { return nil }
        let integers = array.compactMap { $0.integer() }
        return integers.count == array.count ? integers : nil
    }

    /// The number, or nil for any other value.
    package var double: Double? {
        guard case .number(let text) = self else { return nil }
        return switch text {
        case "NaN": .nan
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: Double(text)
        }
    }

    /// The member of an object, or nil where there is none.
    package subscript(key key: String) -> JSONValue? { object?[key] }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
}

/// Named JSON values in the order in which they were written.
package struct JSONObject: Hashable, Sendable {
    /// The names, in order.
    package private(set) var keys: [String] = []
    private var values: [String: JSONValue] = [:]

    /// No members.
    package init() {}

    /// The value of a member; nil where there is none, and setting nil removes it. A new member comes last.
    package subscript(key: String) -> JSONValue? {
        get { values[key] }
        set {
            if let newValue {
                if values.updateValue(newValue, forKey: key) == nil { keys.append(key) }
            } else if values.removeValue(forKey: key) != nil {
                keys.removeAll { $0 == key }
            }
        }
    }

    /// Whether there are no members.
    package var isEmpty: Bool { keys.isEmpty }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (key, value) in elements { self[key] = value }
    }
}

extension JSONObject: Sequence {
    /// The members in order.
    package func makeIterator() -> some IteratorProtocol<(key: String, value: JSONValue)> {
        keys.lazy.map { (key: $0, value: values[$0]!) }.makeIterator()
    }
}
