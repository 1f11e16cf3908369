extension MicroscopeOptions.Immersion: OptionValue {
    package static var type: OptionType { .text }

    /// One of the names, or a refractive index.
    package static func parse(_ text: String) -> Self? {
        if let match = named.first(where: { $0.name == text.lowercased() }) { return match.value }
        return Double(text).map { .index($0) }
    }

    package var scalar: OptionScalar {
        if case .index(let value) = self { return .number(value) }
        return .text(Self.named.first { $0.value == self }?.name ?? "")
    }
}

extension MicroscopeOptions.Pinhole: OptionValue {
    package static var type: OptionType { .text }

    /// `1.2` or `1.2AU` for Airy units, `0.3um` for micrometers.
    package static func parse(_ text: String) -> Self? {
        let text = text.lowercased().filter { $0 != " " }
        for unit in ["um", "µm", "μm"] where text.hasSuffix(unit) {
            return Double(text.dropLast(unit.count)).flatMap { $0 > 0 ? .micrometers($0) : nil }
        }
        return Double(text.hasSuffix("au") ? text.dropLast(2) : text[...]).flatMap { $0 > 0 ? .airyUnits($0) : nil }
    }

    package var scalar: OptionScalar {
        switch self {
        case .airyUnits(let value): .text("\(value.inMessage)AU")
        case .micrometers(let value): .text("\(value.inMessage)um")
        }
    }
}

extension MicroscopeOptions.Kind: OptionWords {}
extension MicroscopeOptions.Model: OptionWords {}
