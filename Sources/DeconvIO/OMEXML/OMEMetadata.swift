import DeconvVolume
import Foundation

/// What the OME-XML of a file says about its images.
///
/// Names are matched without their prefix, whatever namespace the prefix stands for: every schema from 2003-FC to 2016-06
/// has the same elements where they matter here.
struct OMEMetadata {
    private var images: [Image] = []
    /// `UUID` of the file itself.
    private var uuid: String?
    /// The file that holds the metadata, where this one has none.
    private var metadataFile: String?
    /// How the image came about, where this program wrote it.
    private var provenance: Provenance?
    private var instruments = OMEInstruments()
    private var annotations = OMEAnnotations()

    /// One `Image` element.
    fileprivate struct Image {
        var name: String?
        /// Attributes of its `Pixels`.
        var pixels: [String: String] = [:]
        /// One per `Channel`: its `Name`.
        var channelNames: [String?] = []
        /// One per `Channel`: its `Color` without alpha, red the highest byte.
        var channelColors: [UInt32?] = []
        /// Where the planes are.
        var data: [PlaneRun] = []
        /// What is said of the microscope.
        var acquisition = AcquisitionMetadata()
        /// Its number among all `Image` elements.
        var number = 0
    }

    /// One `TiffData` element.
    fileprivate struct PlaneRun {
        var attributes: [String: String]
        var uuid: String?
        var fileName: String?
    }

    /// Whether a description is OME-XML.
    static func isOMEXML(_ text: String) -> Bool {
        let start = text.trimmed
        guard start.hasPrefix("<") || start.hasPrefix("\u{FEFF}<") else { return false }
        return start.contains(#/<([A-Za-z_][\w.\-]*:)?OME[\s>\/]/#)
    }

    /// Reads the text.
    init(_ text: String) throws(DescriptionProblem) {
        // OME-XML has no document type; refusing one keeps entity bombs out.
        guard !text.contains("<!DOCTYPE"), !text.contains("<!ENTITY") else {
            throw DescriptionProblem("its OME-XML declares a document type, which OME-XML does not have; save it again")
        }
        let start = text.firstIndex(of: "<") ?? text.startIndex
        let reader = Reader()
        if let line = XMLText.read(String(text[start...]), telling: reader) {
            throw DescriptionProblem("its OME-XML is broken at line \(line); save it again as OME-TIFF")
        }
        self = reader.metadata
        if let metadataFile {
            throw DescriptionProblem(
                "it is part of an OME set whose metadata is in \(metadataFile); convert the set to one file, for "
                    + "example with bfconvert"
            )
        }
        for index in images.indices {
            images[index].acquisition = instruments.acquisition(ofImage: index)
            images[index].number = index
        }
        images.removeAll { $0.pixels.isEmpty }
        guard !images.isEmpty else {
            throw DescriptionProblem("its OME-XML describes no image; save it again as OME-TIFF")
        }
    }

    private init() {}

    /// Collects what is wanted; anything else in the text is passed over.
    private final class Reader: XMLListener {
        var metadata = OMEMetadata()
        private var path: [Substring] = []

        private var text = ""
        /// The key of the pair that is being read, of an annotation of this program.
        private var key: String?
        private var isInProvenance = false

        /// The image whose elements are being read; only asked for within one.
        private var last: Int { metadata.images.count - 1 }
        private var isInPixels: Bool { path.prefix(3) == ["OME", "Image", "Pixels"] && path.count == 4 }
        private var isInTiffData: Bool {
            path.prefix(4) == ["OME", "Image", "Pixels", "TiffData"] && path.count == 5
        }

        func begin(_ element: String, _ attributes: [String: String]) {
            let parent = path.last
            let name = element.split(separator: ":").last ?? ""
            path.append(name)
            text = ""
            metadata.instruments.begin(name, in: parent, attributes)
            metadata.annotations.begin(name, in: parent, attributes)
            switch name {
            case "OME" where path.count == 1:
                metadata.uuid = attributes["UUID"]
            case "BinaryOnly" where parent == "OME":
                metadata.metadataFile = attributes["MetadataFile"] ?? "another file"
            case "Image" where parent == "OME":
                metadata.images.append(Image(name: attributes["Name"]))
            case "Pixels" where path == ["OME", "Image", "Pixels"]:
                if metadata.images[last].pixels.isEmpty { metadata.images[last].pixels = attributes }
            case "Channel" where isInPixels:
                metadata.images[last].channelNames.append(attributes["Name"])
                let color = attributes["Color"].flatMap { Int32($0.trimmed) }
                metadata.images[last].channelColors.append(color.map { UInt32(bitPattern: $0) >> 8 })
            case "TiffData" where isInPixels:
                metadata.images[last].data.append(PlaneRun(attributes: attributes))
            case "MapAnnotation" where path == ["OME", "StructuredAnnotations", "MapAnnotation"]:
                isInProvenance = attributes["Namespace"] == OMEXMLWriter.provenanceNamespace
                if isInProvenance { metadata.provenance = Provenance() }
            case "M" where isInProvenance:
                key = attributes["K"]
            case "UUID" where isInTiffData:
                metadata.images[last].data[metadata.images[last].data.count - 1].fileName = attributes["FileName"]
            default: break
            }
        }

        func hear(_ text: String) { self.text += text }

        func end() {
            if isInTiffData, path.last == "UUID" {
                metadata.images[last].data[metadata.images[last].data.count - 1].uuid = text.trimmed
            }
            if let key, path.last == "M" { metadata.provenance?.add(key, text) }
            if path.last == "M" { key = nil }
            if path.last == "MapAnnotation" { isInProvenance = false }
            metadata.instruments.end(path.last, text: text)
            metadata.annotations.end(path.last, in: path.dropLast().last, text: text)
            path.removeLast()
            text = ""
        }
    }

    /// What it says of the microscope that one of its images was taken with; nil where there is no such image.
    func acquisition(ofImage index: Int) -> AcquisitionMetadata? {
        images.indices.contains(index) ? images[index].acquisition : nil
    }

    /// What it says about a file of `pageCount` pages.
    /// - Parameters:
    ///   - pageCount: all directories of the main chain, which is what `IFD` counts.
    ///   - fileName: the last component of the file's path.
    ///   - name: the file, for diagnostics.
    func layout(pageCount: Int, fileName: String, name: String) throws(DescriptionProblem) -> TIFFLayout {
        // A set of positions has one file per image, each with the text of all: the image in this file is wanted.
        guard let chosen = images.firstIndex(where: { otherFile(in: $0, fileName) == nil }) else {
            let other = images.lazy.compactMap { otherFile(in: $0, fileName) }.first ?? "other files"
            throw DescriptionProblem(
                "it is part of an OME set of several files, with \(other.inMessage); convert the set to one file, for "
                    + "example with bfconvert"
            )
        }
        var layout = try images[chosen].layout(pageCount: pageCount, name: name)
        layout.provenance = provenance
        layout.acquisition = images[chosen].acquisition
        layout.annotations.complete(by: annotations.annotations(ofImage: images[chosen].number, layout))
        if images.count > 1 {
            let title = images[chosen].name.map { ", \($0.inMessage)," } ?? ""
            layout.diagnostics.append(
                Diagnostic(
                    .imagesIgnored,
                    "\(subject: name): holds \(images.count) images; image \(chosen + 1)\(title) is used"
                )
            )
        }
        return layout
    }

    /// A file other than this one that holds planes of the image, or nil. A renamed single file is still itself.
    private func otherFile(in image: Image, _ fileName: String) -> String? {
        let foreign = image.data.filter { run in
            guard run.uuid?.isEmpty == false || run.fileName != nil else { return false }
            return !(run.uuid != nil && run.uuid == uuid) && run.fileName != fileName
        }
        guard !foreign.isEmpty else { return nil }
        let files = Set(images.flatMap(\.data).map { $0.fileName ?? $0.uuid ?? "" })
        if files.count == 1, uuid == nil || foreign.allSatisfy({ $0.uuid?.isEmpty != false }) { return nil }
        return foreign.lazy.compactMap(\.fileName).first ?? "another file"
    }
}

extension OMEMetadata.Image {
    /// What the image says about a file of `pageCount` pages.
    fileprivate func layout(pageCount: Int, name: String) throws(DescriptionProblem) -> TIFFLayout {
        let planes = try size("SizeZ")
        let channels = try size("SizeC")
        let timepoints = try size("SizeT")
        let width = try size("SizeX")
        let height = try size("SizeY")
        guard let total = Int.product([planes, channels, timepoints]) else {
            throw DescriptionProblem("its OME-XML claims \(planes) x \(channels) x \(timepoints) planes; save it again")
        }
        guard total <= pageCount else {
            throw DescriptionProblem(
                "its OME-XML claims \(total) planes but it holds \(pageCount) pages; copy it again from its source"
            )
        }
        var layout = TIFFLayout(
            channels: channels,
            planes: planes,
            timepoints: timepoints,
            pages: try pages(total, pageCount, planes: planes, channels: channels, timepoints: timepoints)
        )
        layout.countsAllDirectories = true
        layout.planeSize = (width: width, height: height)
        if channelNames.count == channels, channelNames.contains(where: { $0 != nil }) {
            layout.channelNames = channelNames.enumerated().map { $1 ?? "Channel \($0 + 1)" }
        }
        let colors = channelColors.compactMap { $0 }
        if colors.count == channels { layout.annotations.channelColors = colors }
        calibrate(&layout, name)
        return layout
    }

    private func calibrate(_ layout: inout TIFFLayout, _ name: String) {
        func length(_ axis: String) -> Double? {
            guard let text = pixels["PhysicalSize\(axis)"] else { return nil }
            let unit = pixels["PhysicalSize\(axis)Unit"] ?? "µm"
            if let value = Double(text.trimmed), value > 0, value.isFinite,
                let micrometers = LengthUnit.micrometers(unit)
            {
                return value * micrometers
            }
            layout.diagnostics.append(
                Diagnostic(
                    .spacingUnknown,
                    "\(subject: name): PhysicalSize\(axis) is \(text.inMessage) \(unit.inMessage), which is no "
                        + "length; it is ignored"
                )
            )
            return nil
        }
        layout.lengths = AxisLengths(z: length("Z"), y: length("Y"), x: length("X"))
        if let interval = pixels["TimeIncrement"].flatMap({ Double($0.trimmed) }), interval > 0, interval.isFinite {
            layout.timeInterval = TimeUnit.seconds(pixels["TimeIncrementUnit"] ?? "s").map { $0 * interval }
        }
    }

    /// The page of each plane, channel fastest, then z, then time.
    private func pages(
        _ total: Int,
        _ pageCount: Int,
        planes: Int,
        channels: Int,
        timepoints: Int
    ) throws(DescriptionProblem) -> [Int] {
        let order = pixels["DimensionOrder"] ?? "XYZCT"
        guard order.hasPrefix("XY"), order.count == 5, Set(order.dropFirst(2)) == ["Z", "C", "T"] else {
            throw DescriptionProblem("its OME-XML has the dimension order \(order); save it again as OME-TIFF")
        }
        let extents: [Character: Int] = ["Z": planes, "C": channels, "T": timepoints]
        let axes = Array(order.dropFirst(2))

        func target(_ position: Int) -> Int {
            var index: [Character: Int] = [:]
            var rest = position
            for axis in axes {
                index[axis] = rest % extents[axis]!
                rest /= extents[axis]!
            }
            return (index["T"]! * planes + index["Z"]!) * channels + index["C"]!
        }

        var pages = [Int](repeating: -1, count: total)
        for run in data.isEmpty ? [OMEMetadata.PlaneRun(attributes: [:])] : data {
            let ifd = try number(run, "IFD") ?? 0
            var start = 0
            var stride = 1
            for axis in axes {
                let first = try number(run, "First\(axis)") ?? 0
                guard first < extents[axis]! else {
                    throw DescriptionProblem(
                        "its OME-XML has a TiffData with First\(axis) \(first) of \(extents[axis]!); save it again"
                    )
                }
                start += first * stride
                stride *= extents[axis]!
            }
            let oldCount = try number(run, "NumPlanes")
            let stated = try number(run, "PlaneCount") ?? oldCount
            let count = stated ?? (run.attributes["IFD"] != nil ? 1 : min(total - start, max(pageCount - ifd, 0)))
            guard count <= total - start, ifd <= pageCount, count <= pageCount - ifd else {
                throw DescriptionProblem(
                    "its OME-XML has a TiffData of \(count) planes from page \(ifd + 1) of \(pageCount); "
                        + "copy it again from its source"
                )
            }
            for step in 0..<count {
                let plane = target(start + step)
                guard pages[plane] == -1 || pages[plane] == ifd + step else {
                    throw DescriptionProblem("its OME-XML names two pages for one plane; save it again as OME-TIFF")
                }
                pages[plane] = ifd + step
            }
        }
        if let missing = pages.firstIndex(of: -1) {
            throw DescriptionProblem(
                "its OME-XML names no page for channel \(missing % channels + 1), plane "
                    + "\(missing / channels % planes + 1), time point \(missing / channels / planes + 1); "
                    + "save it again as OME-TIFF"
            )
        }
        return pages
    }

    private func number(_ run: OMEMetadata.PlaneRun, _ key: String) throws(DescriptionProblem) -> Int? {
        guard let text = run.attributes[key] else { return nil }
        guard let value = Int(text.trimmed), value >= 0, value < 1 << 40 else {
            throw DescriptionProblem("its OME-XML has a TiffData with \(key) \(text.inMessage); save it again")
        }
        return value
    }

    private func size(_ key: String) throws(DescriptionProblem) -> Int {
        guard let text = pixels[key], let value = Int(text.trimmed), value >= 1 else {
            throw DescriptionProblem("its OME-XML has \(key) \((pixels[key] ?? "missing").inMessage); save it again")
        }
        return value
    }
}
