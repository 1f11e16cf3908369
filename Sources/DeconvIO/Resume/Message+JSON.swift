import DeconvVolume

extension Message {
    /// As the journal has it: a text, or a list of texts and objects where options or a subject are named.
    var json: JSONValue {
        let pieces = parts.map(\.json)
        return pieces.count == 1 && pieces[0].string != nil ? pieces[0] : .array(pieces)
    }

    /// What `json` gave, or nil for anything else.
    init?(_ json: JSONValue) {
        let pieces = json.array ?? [json]
        let parts = pieces.compactMap { Part($0) }
        guard parts.count == pieces.count else { return nil }
        self.init(parts: parts)
    }
}

extension Message.Part {
    fileprivate var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .subject(let name): .object(["subject": .string(name)])
        case .option(let option): .object(option.members)
        case .value(let option, let value): .object(option.members.with("value", .string(value)))
        case .on(let option): .object(option.members.with("value", .bool(true)))
        }
    }

    fileprivate init?(_ json: JSONValue) {
        if let text = json.string {
            self = .text(text)
        } else if let name = json[key: "subject"]?.string {
            self = .subject(name)
        } else if let words = json[key: "option"]?.string, let property = json[key: "property"]?.string {
            let option = OptionName(words, property: property)
            switch json[key: "value"] {
            case .string(let value)?: self = .value(option, value)
            case .bool(true)?: self = .on(option)
            case nil: self = .option(option)
            default: return nil
            }
        } else {
            return nil
        }
    }
}

extension OptionName {
    fileprivate var members: JSONObject { ["option": .string(words), "property": .string(property)] }
}

extension JSONObject {
    fileprivate func with(_ name: String, _ value: JSONValue) -> JSONObject {
        var object = self
        object[name] = value
        return object
    }
}
