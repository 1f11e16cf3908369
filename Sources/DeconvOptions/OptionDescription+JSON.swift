import DeconvVolume

extension OptionDescription: Encodable {
    private enum Key: String, CodingKey {
        case name, keyword, property, group, help, type, values, unit, `default`, otherwise, minimum, above, maximum,
            effect
        case ofFiles, methods
    }

    /// Writes the record with stable keys; what an option does not have is left out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name.words, forKey: .name)
        try container.encode(name.keyword, forKey: .keyword)
        try container.encode(name.property, forKey: .property)
        try container.encode(group.rawValue, forKey: .group)
        try container.encode(help, forKey: .help)
        try container.encode(type.name, forKey: .type)
        try container.encodeIfPresent(type.words, forKey: .values)
        try container.encodeIfPresent(unit, forKey: .unit)
        if let defaultValue {
            try container.encode(defaultValue, forKey: .default)
        } else {
            try container.encodeIfPresent(defaultText, forKey: .otherwise)
        }
        try container.encodeIfPresent(range?.minimum, forKey: range?.excludesMinimum == true ? .above : .minimum)
        try container.encodeIfPresent(range?.maximum, forKey: .maximum)
        try container.encode(effect.rawValue, forKey: .effect)
        try container.encode(isOfFiles, forKey: .ofFiles)
        try container.encodeIfPresent(methods?.map(\.rawValue), forKey: .methods)
    }
}

/// An option as a report has it.
package struct ReportedOption: Encodable, Hashable, Sendable {
    /// Its words.
    package let name: String
    /// Its value; nil where there is none.
    package let value: OptionScalar?
    /// Whether somebody gave it.
    package let given: Bool

    private enum Key: String, CodingKey { case value, given }

    /// Writes value and whether it was given; the name is the key that it stands under.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(value, forKey: .value)
        try container.encode(given, forKey: .given)
    }
}

extension OptionTable {
    /// Every option with its value.
    /// - Parameter files: whether those of files are among them.
    package func reported(_ options: JobOptions, files: Bool) -> [ReportedOption] {
        let method = method(of: options)
        // The value of an option that the method does not take is that of nothing that was done.
        return self.options.filter { files || !$0.isOfFiles }.map { option in
            let isTaken = option.methods?.contains(method) ?? true
            return ReportedOption(
                name: option.name.words,
                value: isTaken ? option.value(options) : nil,
                given: options.given.contains(option.name)
            )
        }
    }
}
