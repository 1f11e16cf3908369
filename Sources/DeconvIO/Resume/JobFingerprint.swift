package import DeconvVolume

/// What has to be the same for two runs to work on one result: the input, the PSF, and every option that changes a voxel.
///
/// Each field has a name and a value in the words of the user, so that a difference can be told.
package struct JobFingerprint: Equatable, Sendable {
    /// A name and a value, such as `--iterations` and `10`.
    package struct Field: Sendable {
        /// What messages call it, an option where it is one.
        package let name: Message
        /// Its value in words.
        package let value: String

        /// The name as journals have it.
        package var key: String { name.text(.flag) }
    }

    /// In the order in which differences are told.
    package private(set) var fields: [Field] = []
    /// The voxels that each tile delivers; nil where volumes are computed in one piece or devices have different tiles.
    ///
    /// Fields say what of it counts.
    package var tileShape: VolumeShape?

    /// What was found out about the image when the result was begun, in the words of who looked; nil where nobody did.
    ///
    /// It follows from the fields as long as the image is what it was, so that it does not tell jobs apart.
    package var findings: String?

    /// A fingerprint from pairs of name and value.
    package init(_ fields: KeyValuePairs<Message, String> = [:]) {
        for (name, value) in fields { append(name, value) }
    }

    /// Adds a field at the end.
    package mutating func append(_ name: Message, _ value: String) { fields.append(Field(name: name, value: value)) }

    /// The value of the first field of a name; nil where there is none.
    package func value(_ name: Message) -> String? { value(key: name.text(.flag)) }

    private func value(key: String) -> String? { fields.first { $0.key == key }?.value }

    /// Whether two have the same fields in the same order.
    package static func == (one: JobFingerprint, other: JobFingerprint) -> Bool {
        one.fields.elementsEqual(other.fields) { $0.key == $1.key && $0.value == $1.value }
    }
}

extension JobFingerprint {
    /// How this job differs from one that was begun: "--iterations is 20 and was 10"; empty where it does not.
    func differences(from begun: JobFingerprint) -> [Message] {
        var told: [Message] = []
        for field in fields {
            switch begun.value(key: field.key) {
            case field.value?: continue
            case let other?: told.append("\(field.name) is \(field.value.inMessage) and was \(other.inMessage)")
            case nil: told.append("\(field.name) is \(field.value.inMessage) and was not given")
            }
        }
        for field in begun.fields where value(key: field.key) == nil {
            told.append("\(field.name) is not given and was \(field.value.inMessage)")
        }
        if told.isEmpty, self != begun { told.append("the order of its fields is another") }
        return told
    }

    /// Its members in the line of a journal.
    var json: JSONObject {
        var members: JSONObject = ["job": .array(fields.map { .array([.string($0.key), .string($0.value)]) })]
        members["tile"] = tileShape.map { .integers($0.axes) }
        members["findings"] = findings.map { .string($0) }
        return members
    }

    /// What `json` gave among the members of a line, or nil for anything else.
    init?(_ line: JSONObject) {
        guard let pairs = line["job"]?.array else { return nil }
        for pair in pairs {
            guard let texts = pair.array?.compactMap(\.string), texts.count == 2 else { return nil }
            append("\(texts[0].inMessage)", texts[1])
        }
        findings = line["findings"]?.string
        if let tile = line["tile"]?.integers, tile.count == 3, tile.allSatisfy({ $0 > 0 }) {
            tileShape = VolumeShape(z: tile[0], y: tile[1], x: tile[2])
        }
    }
}
