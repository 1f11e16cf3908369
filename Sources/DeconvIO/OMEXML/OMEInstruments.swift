import DeconvVolume

/// What OME-XML says of objectives, light and channels; collects it while the text is read.
///
/// Of every schema from 2003-FC to 2016-06: names of elements and attributes changed, meanings did not.
struct OMEInstruments {
    private var objectives: [String: [String: String]] = [:]
    private var lasers: [String: String] = [:]
    /// The objective whose children are being read.
    private var objective: String?
    private var images: [Image] = []

    private struct Image {
        /// Attributes of `ObjectiveSettings`, `ObjectiveRef` in older schemas.
        var settings: [String: String] = [:]
        /// Attributes of each `Channel` of its `Pixels`.
        var channels: [[String: String]] = []
        /// Attributes of each `LogicalChannel` of older schemas.
        var logicalChannels: [[String: String]] = []
    }

    /// An element begins.
    /// - Parameters:
    ///   - name: without its prefix.
    ///   - parent: the element that it is in, without its prefix.
    mutating func begin(_ name: Substring, in parent: Substring?, _ attributes: [String: String]) {
        switch (name, parent) {
        case ("Objective", _):
            objective = attributes["ID"] ?? ""
            objectives[attributes["ID"] ?? ""] = attributes
        case ("Laser", _):
            if let id = attributes["ID"], let wavelength = attributes["Wavelength"] { lasers[id] = wavelength }
        case ("Image", "OME"):
            images.append(Image())
        case ("ObjectiveSettings", "Image"), ("ObjectiveRef", "Image"):
            if !images.isEmpty { images[images.count - 1].settings = attributes }
        case ("Channel", "Pixels"):
            if !images.isEmpty { images[images.count - 1].channels.append(attributes) }
        case ("LogicalChannel", "Image"):
            if !images.isEmpty { images[images.count - 1].logicalChannels.append(attributes) }
        case ("LightSourceSettings", "Channel"), ("LightSourceSettings", "LogicalChannel"),
            ("LightSourceRef", "LogicalChannel"):
            let wavelength = attributes["Wavelength"] ?? attributes["ID"].flatMap { lasers[$0] }
            guard let wavelength, !images.isEmpty else { return }
            let key = "SourceWavelength"
            if parent == "Channel", !images[images.count - 1].channels.isEmpty {
                images[images.count - 1].channels[images[images.count - 1].channels.count - 1][key] = wavelength
            } else if parent == "LogicalChannel" {
                let last = images[images.count - 1].logicalChannels.count - 1
                images[images.count - 1].logicalChannels[last][key] = wavelength
            }
        default: break
        }
    }

    /// An element ends.
    /// - Parameters:
    ///   - name: without its prefix.
    ///   - text: what was in it.
    mutating func end(_ name: Substring?, text: String) {
        if name == "Objective" { objective = nil }
        // Until 2007 an objective had elements in place of attributes.
        guard let objective, let name, ["LensNA", "NominalMagnification", "Magnification", "Immersion"].contains(name)
        else { return }
        objectives[objective]?[String(name)] = text.trimmed
    }

    /// What is said of an image.
    /// - Parameter index: of its element among all images.
    func acquisition(ofImage index: Int) -> AcquisitionMetadata {
        guard images.indices.contains(index) else { return AcquisitionMetadata() }
        let image = images[index]
        var acquisition = AcquisitionMetadata()
        let only = objectives.count == 1 ? objectives.first?.value : nil
        let objective = image.settings["ID"].flatMap { objectives[$0] } ?? only ?? [:]
        acquisition.numericalAperture = number(objective, ["LensNA"])
        acquisition.magnification = number(
            objective,
            ["CalibratedMagnification", "NominalMagnification", "Magnification"]
        )
        // The medium of this image goes before what the objective is made for.
        acquisition.immersion = text(image.settings, ["Medium"]) ?? text(objective, ["Immersion"])
        acquisition.refractiveIndex = number(image.settings, ["RefractiveIndex"])
        let channels = image.channels.isEmpty ? image.logicalChannels : image.channels
        acquisition.channels = channels.map { attributes in
            var channel = AcquisitionMetadata.Channel()
            channel.emission = wavelength(attributes, ["EmissionWavelength", "EmWave"])
            channel.excitation = wavelength(attributes, ["ExcitationWavelength", "ExWave", "SourceWavelength"])
            channel.pinhole = length(attributes, "PinholeSize")
            channel.mode = text(attributes, ["AcquisitionMode", "Mode"])
            channel.dye = text(attributes, ["Fluor", "Name"])
            return channel
        }
        return acquisition
    }

    private func text(_ attributes: [String: String], _ names: [String]) -> AcquisitionMetadata.Entry<String>? {
        for name in names {
            if let text = attributes[name]?.trimmed, !text.isEmpty { return .init(text, "\(name) of its OME-XML") }
        }
        return nil
    }

    private func number(_ attributes: [String: String], _ names: [String]) -> AcquisitionMetadata.Entry<Double>? {
        guard let entry = text(attributes, names), let value = Double(decimal: entry.value) else { return nil }
        return .init(value, entry.place)
    }

    /// In nm, which is the unit where none is given.
    private func wavelength(_ attributes: [String: String], _ names: [String]) -> AcquisitionMetadata.Entry<Double>? {
        for name in names {
            guard let entry = number(attributes, [name]) else { continue }
            let unit = LengthUnit.micrometers(attributes["\(name)Unit"] ?? "nm") ?? 1e-3
            return .init(entry.value * unit * 1000, entry.place)
        }
        return nil
    }

    /// In µm, which is the unit where none is given.
    private func length(_ attributes: [String: String], _ name: String) -> AcquisitionMetadata.Entry<Double>? {
        guard let entry = number(attributes, [name]) else { return nil }
        let unit = LengthUnit.micrometers(attributes["\(name)Unit"] ?? "µm") ?? 1
        return .init(entry.value * unit, entry.place)
    }
}
