package import DeconvVolume

/// What lines of `key = value` say of a microscope: ImageJ's info, into which Bio-Formats and Micro-Manager write what the
/// maker of the microscope wrote.
///
/// Keys are those of Zeiss CZI and LSM, Leica LIF, Nikon ND2, Olympus OIB and Micro-Manager, as Bio-Formats shows them. A number
/// behind `#`, or in a word such as `Channel 2`, is that of a channel.
package struct AcquisitionText {
    private typealias Channel = AcquisitionMetadata.Channel

    /// What a key is about.
    private enum Meaning {
        case numericalAperture, magnification, immersion, refractiveIndex, emission, excitation, airyUnits, mode, dye
        /// A name such as `Plan-Apochromat 63x/1.40 Oil DIC M27`.
        case objectiveName
    }

    /// The last word of a key, in small letters and without blanks.
    private static let meanings: [String: Meaning] = [
        "lensna": .numericalAperture, "numericalaperture": .numericalAperture, "objectivena": .numericalAperture,
        "dobjectivena": .numericalAperture, "navalue": .numericalAperture, "na": .numericalAperture,
        "nominalmagnification": .magnification, "dobjectivemag": .magnification,
        "objectivemagnification": .magnification,
        "immersion": .immersion, "immersionmedium": .immersion,
        "refractiveindex": .refractiveIndex, "refractionindex": .refractiveIndex,
        "immersionrefractiveindex": .refractiveIndex,
        "emissionwavelength": .emission, "emwavelength": .emission, "emission": .emission, "emwave": .emission,
        "excitationwavelength": .excitation, "exwavelength": .excitation, "excitation": .excitation,
        "exwave": .excitation,
        "pinholesizeairy": .airyUnits, "pinholeairy": .airyUnits,
        "acquisitionmode": .mode, "modality": .mode,
        "fluor": .dye, "dyename": .dye, "dye": .dye, "fluorophore": .dye,
        "objectivename": .objectiveName, "objective": .objectiveName, "wsobjectivename": .objectiveName,
        "recordingobjective": .objectiveName, "ti-objective-label": .objectiveName, "objective-label": .objectiveName,
    ]

    /// What a text says.
    /// - Parameter place: of the text, for messages: `Info of ImageJ`.
    package static func acquisition(_ text: String, channelCount: Int, place: String) -> AcquisitionMetadata {
        var found = AcquisitionMetadata()
        var channels = [Channel](repeating: Channel(), count: channelCount)
        for line in text.split(whereSeparator: \.isNewline) {
            guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { continue }
            let key = line[..<separator]
            let value = String(line[line.index(after: separator)...]).trimmed
            let (word, channel) = Self.parts(key)
            guard !value.isEmpty, let meaning = meanings[word] else { continue }
            let here = "\(String(key).trimmed) in \(place)"
            func figure(_ unit: String? = nil) -> AcquisitionMetadata.Entry<Double>? {
                Self.quantity(value, in: unit).map { .init($0, here) }
            }
            // Light is another one in each channel; nobody knows which one is meant.
            let isShared = channel == nil && channelCount > 1
            func light(_ entry: AcquisitionMetadata.Entry<Double>?) -> AcquisitionMetadata.Entry<Double>? {
                entry.map { .init($0.value, $0.place, isShared: isShared) }
            }
            // Without a number it is said of all channels.
            let indices = channel.map { ($0 < channelCount ? $0..<$0 + 1 : 0..<0) } ?? 0..<channelCount
            switch meaning {
            case .numericalAperture: found.numericalAperture = found.numericalAperture ?? figure()
            case .magnification: found.magnification = found.magnification ?? figure()
            case .immersion: found.immersion = found.immersion ?? .init(value, here)
            case .refractiveIndex: found.refractiveIndex = found.refractiveIndex ?? figure()
            case .objectiveName:
                if let (na, medium) = Self.objective(value) {
                    found.numericalAperture = found.numericalAperture ?? .init(na, here)
                    if let medium { found.immersion = found.immersion ?? .init(medium, here) }
                }
            case .emission: for i in indices { channels[i].emission = channels[i].emission ?? light(figure("nm")) }
            case .excitation:
                for i in indices { channels[i].excitation = channels[i].excitation ?? light(figure("nm")) }
            case .airyUnits:
                for i in indices { channels[i].pinholeAiryUnits = channels[i].pinholeAiryUnits ?? figure() }
            case .mode: for i in indices { channels[i].mode = channels[i].mode ?? .init(value, here) }
            case .dye: for i in indices { channels[i].dye = channels[i].dye ?? .init(value, here) }
            }
        }
        if channels.contains(where: { $0 != Channel() }) { found.channels = channels }
        return found
    }

    /// The last word of a key, and the number of a channel, from 0.
    private static func parts(_ key: Substring) -> (word: String, channel: Int?) {
        var rest = key
        var channel: Int?
        if let hash = key.lastIndex(of: "#"), let number = Int(String(key[key.index(after: hash)...]).trimmed),
            number > 0
        {
            channel = number - 1
            rest = key[..<hash]
        }
        let last = rest.split(whereSeparator: { "|/[]".contains($0) }).last ?? rest
        return (last.lowercased().filter { !$0.isWhitespace && $0 != "_" }, channel)
    }

    /// A number, and perhaps a unit of length behind it.
    /// - Parameter unit: what it is wanted in; nil for a plain number.
    private static func quantity(_ text: String, in unit: String?) -> Double? {
        var digits = text.prefix { $0.isNumber || ".,eE+-".contains($0) }
        // A list, such as 488,561, of which the first one counts; the comma before decimals has few digits on one of its sides.
        if let comma = digits.firstIndex(of: ","),
            digits[digits.index(after: comma)...].prefix(while: \.isNumber).isEmpty
                || digits[..<comma].count >= 3 && digits[comma...].count >= 4
        {
            digits = digits[..<comma]
        }
        guard let value = Double(decimal: digits) else { return nil }
        guard let unit, let wanted = LengthUnit.micrometers(unit) else { return value }
        let stated = LengthUnit.micrometers(String(text[digits.endIndex...]).trimmed) ?? wanted
        return value * stated / wanted
    }

    /// The NA and the medium in an objective's name: `63x/1.40 Oil`, `100x 1.45 NA`.
    private static func objective(_ name: String) -> (na: Double, medium: String?)? {
        guard let match = name.firstMatch(of: #/(?:/|[xX]\s+|NA\s*)([01][.,][0-9]+)/#),
            let na = Double(decimal: match.1)
        else { return nil }
        let words = name.lowercased()
        let medium = ["oil", "glyc", "water", "silicone", "air", "dry"].first { words.contains($0) }
        return (na, medium)
    }
}

extension AcquisitionMetadata {
    /// What is said here, and where nothing is, what another text says.
    func completed(by other: AcquisitionMetadata) -> AcquisitionMetadata {
        var all = self
        all.numericalAperture = numericalAperture ?? other.numericalAperture
        all.magnification = magnification ?? other.magnification
        all.immersion = immersion ?? other.immersion
        all.refractiveIndex = refractiveIndex ?? other.refractiveIndex
        if channels.isEmpty { all.channels = other.channels }
        if channels.count == other.channels.count {
            for (index, channel) in other.channels.enumerated() {
                all.channels[index].emission = all.channels[index].emission ?? channel.emission
                all.channels[index].excitation = all.channels[index].excitation ?? channel.excitation
                all.channels[index].pinhole = all.channels[index].pinhole ?? channel.pinhole
                all.channels[index].pinholeAiryUnits = all.channels[index].pinholeAiryUnits ?? channel.pinholeAiryUnits
                all.channels[index].mode = all.channels[index].mode ?? channel.mode
                all.channels[index].dye = all.channels[index].dye ?? channel.dye
            }
        }
        return all
    }
}
