import DeconvVolume

extension OMEXMLWriter {
    /// The elements of a microscope: those of the document, and of the image in front of its `Pixels`.
    struct Microscope {
        /// An `Instrument` with its objective; empty where nothing is known of one.
        let instrument: String
        /// References to it.
        let references: String

        /// What is known of an image's microscope.
        init(_ acquisition: AcquisitionMetadata?) {
            let known = acquisition ?? AcquisitionMetadata()
            var objective = ""
            if let na = known.numericalAperture { objective += " LensNA=\"\(na.value)\"" }
            if let magnification = known.magnification {
                objective += " NominalMagnification=\"\(magnification.value)\""
            }
            if let medium = known.immersion {
                objective += " Immersion=\"\(OMEXMLWriter.word(medium.value, of: OMEXMLWriter.immersions) ?? "Other")\""
            }
            let index = known.refractiveIndex.map { " RefractiveIndex=\"\($0.value)\"" } ?? ""
            guard !(objective + index).isEmpty else {
                (instrument, references) = ("", "")
                return
            }
            instrument =
                "<Instrument ID=\"Instrument:0\"><Objective ID=\"Objective:0:0\"\(objective)/></Instrument>"
            references = "<InstrumentRef ID=\"Instrument:0\"/><ObjectiveSettings ID=\"Objective:0:0\"\(index)/>"
        }
    }

    /// Attributes of a `Channel`: what is known of its light.
    static func attributes(_ channel: AcquisitionMetadata.Channel, name: String?) -> String {
        var text = ""
        // A number for all channels is that of one of them.
        if let light = channel.excitation, !light.isShared {
            text += " ExcitationWavelength=\"\(light.value)\" ExcitationWavelengthUnit=\"nm\""
        }
        if let light = channel.emission, !light.isShared {
            text += " EmissionWavelength=\"\(light.value)\" EmissionWavelengthUnit=\"nm\""
        }
        if let pinhole = channel.pinhole { text += " PinholeSize=\"\(pinhole.value)\" PinholeSizeUnit=\"µm\"" }
        if let mode = channel.mode.flatMap({ word($0.value, of: modes) }) { text += " AcquisitionMode=\"\(mode)\"" }
        if let dye = channel.dye, dye.value != name { text += " Fluor=\"\(escaped(dye.value))\"" }
        return text
    }

    /// The `Plane` elements of an image.
    static func planes(_ image: ImageDescription) -> String {
        let planes = image.annotations.planes
        let planeCount = image.shape.z * image.channelCount * image.timepointCount
        guard planes.count == planeCount else { return "" }
        var text = ""
        for (number, plane) in planes.enumerated() where plane != ImageAnnotations.Plane() {
            text += "<Plane TheC=\"\(number % image.channelCount)\""
            text += " TheZ=\"\(number / image.channelCount % image.shape.z)\""
            text += " TheT=\"\(number / image.channelCount / image.shape.z)\""
            for (name, quantity) in [
                ("DeltaT", plane.time), ("ExposureTime", plane.exposure), ("PositionX", plane.x),
                ("PositionY", plane.y),
                ("PositionZ", plane.z),
            ] {
                guard let quantity else { continue }
                text += " \(name)=\"\(quantity.value)\""
                if let unit = quantity.unit { text += " \(name)Unit=\"\(escaped(unit))\"" }
            }
            text += "/>"
        }
        return text
    }

    /// The word of a list that a text is, in whatever letters and with whatever blanks.
    fileprivate static func word(_ text: String, of list: [String]) -> String? {
        let letters = text.lowercased().filter(\.isLetter)
        return list.first { $0.lowercased() == letters }
    }

    /// `Immersion` of an `Objective`.
    fileprivate static let immersions = ["Oil", "Water", "WaterDipping", "Air", "Multi", "Glycerol"]

    /// `AcquisitionMode` of a `Channel`.
    private static let modes = [
        "WideField", "LaserScanningConfocalMicroscopy", "SpinningDiskConfocal", "SlitScanConfocal",
        "MultiPhotonMicroscopy", "StructuredIllumination", "SingleMoleculeImaging", "TotalInternalReflection",
        "FluorescenceLifetime", "SpectralImaging", "FluorescenceCorrelationSpectroscopy",
        "NearFieldScanningOpticalMicroscopy", "SecondHarmonicGenerationImaging", "PALM", "STORM", "STED", "TIRF", "FSM",
        "LCM", "BrightField", "SweptFieldConfocal", "SPIM",
    ]
}
