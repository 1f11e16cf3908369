/// What has to be the same for two runs to work on one result: the input, the PSF, and every option that changes a voxel.
///
/// Each field has a name and a value in the words of the user, so that a difference can be told.
package struct JobFingerprint: Hashable, Sendable {
    /// A name and a value, such as `--iterations` and `10`.
    package struct Field: Hashable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// In the order in which differences are told.
    package var fields: [Field]

    /// A fingerprint from pairs of name and value.
    package init(_ fields: KeyValuePairs<String, String> = [:]) {
        self.fields = fields.map { Field(name: $0.key, value: $0.value) }
    }

    /// Adds a field at the end.
    package mutating func append(_ name: String, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The value of the first field of a name; nil where there is none.
    package func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

extension JobFingerprint {
    /// How this job differs from one that was begun: "--iterations is 20 and was 10"; empty where it does not.
    func differences(from begun: JobFingerprint) -> [String] {
        var told: [String] = []
        for field in fields {
            switch begun.value(field.name) {
            case field.value?: continue
            case let other?: told.append("\(field.name) is \(field.value) and was \(other)")
            case nil: told.append("\(field.name) is \(field.value) and was not given")
            }
        }
        for field in begun.fields where value(field.name) == nil {
            told.append("\(field.name) is not given and was \(field.value)")
        }
        if told.isEmpty, self != begun { told.append("the order of its fields is another") }
        return told.map(\.inMessage)
    }

    /// As the journal has it.
    var json: JSONValue { .array(fields.map { .array([.string($0.name), .string($0.value)]) }) }

    /// What `json` gave, or nil for anything else.
    init?(_ json: JSONValue?) {
        guard let pairs = json?.array else { return nil }
        fields = []
        for pair in pairs {
            guard let texts = pair.array?.compactMap(\.string), texts.count == 2 else { return nil }
            append(texts[0], texts[1])
        }
    }
}
