import DeconvVolume

/// The OME-XML of an image that this program writes.
enum OMEXMLWriter {
    /// A document of schema 2016-06 in UTF-8.
    ///
    /// There are no numbered references in it, which Bio-Formats garbles: with one in a unit it takes the file for a plain TIFF.
    /// - Parameters:
    ///   - image: shape, axes and calibration.
    ///   - pixelType: how the voxels are stored.
    ///   - name: the image's name.
    static func document(_ image: ImageDescription, pixelType: PixelType, name: String) -> String {
        let type =
            switch pixelType {
            case .float32: "float"
            case .float64: "double"
            default: pixelType.rawValue
            }
        var size = ""
        let lengths = image.lengths.valid
        for (axis, length) in [("X", lengths.x), ("Y", lengths.y), ("Z", lengths.z)] {
            if let length {
                size += " PhysicalSize\(axis)=\"\(length)\" PhysicalSize\(axis)Unit=\"µm\""
            }
        }
        if let interval = image.timeInterval { size += " TimeIncrement=\"\(interval)\" TimeIncrementUnit=\"s\"" }
        // Some viewers show nothing where several channels have no color.
        let colors = ChannelColor.colors(of: image)
        let channels = (0..<image.channelCount).map { channel in
            let name = channel < image.channelNames.count ? image.channelNames[channel] : nil
            var text = "<Channel ID=\"Channel:0:\(channel)\""
            if let name { text += " Name=\"\(escaped(name))\"" }
            if image.channelCount > 1 || !image.annotations.channelColors.isEmpty {
                text += " Color=\"\(colors[channel].signedRGBA)\""
            }
            if let light = image.acquisition?.channels, light.count == image.channelCount {
                text += attributes(light[channel], name: name)
            }
            return text + " SamplesPerPixel=\"1\"><LightPath/></Channel>"
        }
        let annotation = image.provenance.map(annotation)
        let microscope = Microscope(image.acquisition)
        let text = image.annotations.text.map { "<Description>\(escaped($0, keepsLines: true))</Description>" } ?? ""
        let planeCount = image.shape.z * image.channelCount * image.timepointCount
        let isBigEndian = 1.bigEndian == 1
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" \
            xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
            xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06 \
            http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="gpudeconv">\
            \(microscope.instrument)<Image ID="Image:0" Name="\(escaped(name))">\(text)\(microscope.references)\
            <Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="\(type)" BigEndian="\(isBigEndian)" \
            SizeX="\(image.shape.x)" SizeY="\(image.shape.y)" SizeC="\(image.channelCount)" SizeZ="\(image.shape.z)" \
            SizeT="\(image.timepointCount)"\(size)>\
            \(channels.joined())<TiffData IFD="0" PlaneCount="\(planeCount)"/>\(planes(image))\
            </Pixels>\(annotation == nil ? "" : "<AnnotationRef ID=\"\(annotationID)\"/>")</Image>\(annotation ?? "")</OME>
            """
    }

    private static let annotationID = "Annotation:0"

    /// The namespace of what is known of a result, and of nothing else.
    static let provenanceNamespace = Provenance.key

    /// A map annotation, which OMERO shows as key-value pairs.
    private static func annotation(_ provenance: Provenance) -> String {
        let pairs = provenance.entries.map { "<M K=\"\(escaped($0.name))\">\(escaped($0.value))</M>" }
        return
            "<StructuredAnnotations><MapAnnotation ID=\"\(annotationID)\" Namespace=\"\(provenanceNamespace)\"><Value>"
            + pairs.joined() + "</Value></MapAnnotation></StructuredAnnotations>"
    }

    /// The text as an attribute's value, which has no line breaks, or as that of an element, which has.
    static func escaped(_ text: String, keepsLines: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n" where keepsLines: result += "\n"
            case "\t", "\n", "\r": result += " "
            // XML 1.0 has no way to write other control characters.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
