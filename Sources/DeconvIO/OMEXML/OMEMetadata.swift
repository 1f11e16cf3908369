import DeconvVolume
import Foundation

/// What the OME-XML of a file says about its images.
///
/// Names are matched without their prefix, whatever namespace the prefix stands for: every schema from 2003-FC to 2016-06
/// has the same elements where they matter here.
struct OMEMetadata {
    private(set) var images: [Image] = []
    /// `UUID` of the file itself.
    private(set) var uuid: String?
    /// The file that holds the metadata, where this one has none.
    private(set) var metadataFile: String?
    /// How the image came about, where this program wrote it.
    private var provenance: Provenance?
    private var instruments = OMEInstruments()
    private var annotations = OMEAnnotations()
    /// How many files are named.
    private var fileCount = 0

    /// One `Image` element.
    struct Image {
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
    struct PlaneRun {
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
        if metadataFile != nil { return }
        for index in images.indices {
            images[index].acquisition = instruments.acquisition(ofImage: index)
            images[index].number = index
        }
        images.removeAll { $0.pixels.isEmpty }
        fileCount = Set(images.flatMap(\.data).map { $0.fileName ?? $0.uuid ?? "" }).count
        guard !images.isEmpty else {
            throw DescriptionProblem("its OME-XML describes no image; save it again as OME-TIFF")
        }
    }

    private init() {}

    /// The same text as it stands for a file of that number.
    func with(uuid: String?) -> OMEMetadata {
        var result = self
        result.uuid = uuid
        return result
    }

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
                metadata.uuid = attributes["UUID"] ?? metadata.uuid
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
    ///   - array: which of its images is wanted, by number or name; nil for the first one in this file.
    ///   - name: the file, for diagnostics.
    /// - Throws: where the image is in several files, or the text does not go with the pages.
    func layout(
        pageCount: Int,
        fileName: String,
        array: String? = nil,
        name: String
    ) throws(DescriptionProblem) -> TIFFLayout {
        func partOfSet(_ other: String) -> DescriptionProblem {
            DescriptionProblem("it is part of an OME set of several files, with \(other.inMessage); name it by itself")
        }
        if let metadataFile { throw partOfSet(metadataFile) }
        let chosen = try chosenImage(array, in: fileName)
        if let other = members(ofImage: chosen, in: fileName).first(where: { $0 != .this }) {
            throw partOfSet(other.fileName ?? "others")
        }
        let (layout, places) = try layout(
            ofImage: chosen,
            pageCounts: [pageCount],
            fileOfRun: images[chosen].data.map { _ in 0 },
            name: name
        )
        return layout.with(pages: places.map(\.page))
    }

    /// The image of which planes are wanted.
    /// - Parameters:
    ///   - array: its number, from 0, or its name; nil for the first of which planes are in the file.
    ///   - fileName: the last component of the file's path.
    /// - Throws: where there is none of that number or name.
    func chosenImage(_ array: String?, in fileName: String) throws(DescriptionProblem) -> Int {
        guard let array else {
            return images.indices.first { members(ofImage: $0, in: fileName).contains(.this) } ?? 0
        }
        if let number = Int(array), images.indices.contains(number) { return number }
        if let named = images.firstIndex(where: { $0.name == array }) { return named }
        let names = images.enumerated().prefix(8).map { "\($0) (\($1.name?.shortened ?? "no name"))" }
        throw DescriptionProblem(
            "has no image \(array.shortened): it has \(names.joined(separator: ", "))"
                + (images.count > 8 ? " and \(images.count - 8) more" : "")
        )
    }

    /// A file of a set.
    struct Member: Hashable {
        var fileName: String?
        var uuid: String?

        /// The file that the text is in.
        static let this = Member()
    }

    /// The files in which an image is, in the order in which the text names them. A renamed single file is still itself.
    func members(ofImage index: Int, in fileName: String) -> [Member] {
        var seen: Set<Member> = []
        let runs = images[index].data.map { member($0, in: fileName) }
        return runs.isEmpty ? [.this] : runs.filter { seen.insert($0).inserted }
    }

    /// The file of a run of planes.
    func member(_ run: PlaneRun, in fileName: String) -> Member {
        guard run.uuid?.isEmpty == false || run.fileName != nil else { return .this }
        if run.uuid != nil && run.uuid == uuid || run.fileName == fileName { return .this }
        if fileCount == 1, uuid == nil || run.uuid?.isEmpty != false { return .this }
        return Member(fileName: run.fileName, uuid: run.uuid)
    }

    /// What one of its images says about files.
    /// - Parameters:
    ///   - pageCounts: all directories of each file.
    ///   - fileOfRun: the number of the file of each of the image's runs of planes.
    ///   - name: the file, for diagnostics.
    /// - Returns: the layout, and where each of its planes is: channel fastest, then z, then time.
    func layout(
        ofImage index: Int,
        pageCounts: [Int],
        fileOfRun: [Int],
        name: String
    ) throws(DescriptionProblem) -> (layout: TIFFLayout, places: [PagePlace]) {
        var (layout, places) = try images[index].layout(pageCounts: pageCounts, fileOfRun: fileOfRun, name: name)
        layout.provenance = provenance
        layout.acquisition = images[index].acquisition
        layout.annotations.complete(by: annotations.annotations(ofImage: images[index].number, layout))
        if images.count > 1 {
            let title = images[index].name.map { ", \($0.inMessage)," } ?? ""
            layout.imageNumber = index
            layout.diagnostics.append(
                Diagnostic(
                    .imagesIgnored,
                    "\(subject: name): holds \(images.count) images; image \(index)\(title) is used; \(.array) picks one by "
                        + "number or name"
                )
            )
        }
        return (layout, places)
    }
}

/// Where a plane of a set is.
struct PagePlace: Hashable {
    /// The number of its file in the set.
    var file: Int
    /// The number of its page in the file.
    var page: Int
}

extension OMEMetadata.Image {
    /// What the image says about files of so many pages.
    fileprivate func layout(
        pageCounts: [Int],
        fileOfRun: [Int],
        name: String
    ) throws(DescriptionProblem) -> (TIFFLayout, [PagePlace]) {
        let planes = try size("SizeZ")
        let channels = try size("SizeC")
        let timepoints = try size("SizeT")
        let width = try size("SizeX")
        let height = try size("SizeY")
        guard let total = Int.product([planes, channels, timepoints]) else {
            throw DescriptionProblem("its OME-XML claims \(planes) x \(channels) x \(timepoints) planes; save it again")
        }
        let extents: [Character: Int] = ["Z": planes, "C": channels, "T": timepoints]
        let (axes, found) = try places(total, pageCounts, fileOfRun, extents)
        // An acquisition that was stopped has all planes of its first time points.
        let perTimepoint = planes * channels
        func isThere(_ timepoint: Int) -> Bool {
            (timepoint * perTimepoint..<(timepoint + 1) * perTimepoint).allSatisfy { found[$0] != nil }
        }
        var whole = 0
        while whole < timepoints, isThere(whole) { whole += 1 }
        func missingPlane() -> String {
            let missing = (whole * perTimepoint..<total).first { found[$0] == nil } ?? 0
            return "channel \(missing % channels + 1), plane \(missing / channels % planes + 1), time point "
                + "\(missing / channels / planes + 1)"
        }
        guard whole > 0 else {
            let pageCount = pageCounts.reduce(0, +)
            throw DescriptionProblem(
                total > pageCount
                    ? "its OME-XML claims \(total) planes but it holds \(pageCount) pages; copy it again from its source"
                    : "its OME-XML names no page for \(missingPlane()); save it again as OME-TIFF"
            )
        }
        let places = (0..<whole * perTimepoint).compactMap { found[$0] }
        guard Set(places).count == places.count else {
            throw DescriptionProblem("its OME-XML names one page for two planes; save it again as OME-TIFF")
        }
        var layout = TIFFLayout(
            channels: channels,
            planes: planes,
            timepoints: whole,
            pages: Array(places.indices),
            storedOrder: axes.reversed().compactMap { $0.lowercased().first }
        )
        if whole < timepoints {
            layout.diagnostics.append(.stopped(name, whole: whole, of: timepoints, missing: missingPlane()))
        }
        layout.countsAllDirectories = true
        layout.planeSize = (width: width, height: height)
        if channelNames.count == channels, channelNames.contains(where: { $0 != nil }) {
            layout.channelNames = channelNames.enumerated().map { $1 ?? "Channel \($0 + 1)" }
        }
        let colors = channelColors.compactMap { $0 }
        if colors.count == channels { layout.annotations.channelColors = colors }
        calibrate(&layout, name)
        return (layout, places)
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

    /// The letters of the axes, the fastest first, and the page of each plane that has one, by the number of the plane: channel
    /// fastest, then z, then time.
    private func places(
        _ total: Int,
        _ pageCounts: [Int],
        _ fileOfRun: [Int],
        _ extents: [Character: Int]
    ) throws(DescriptionProblem) -> (axes: [Character], places: [Int: PagePlace]) {
        let order = pixels["DimensionOrder"] ?? "XYZCT"
        guard order.hasPrefix("XY"), order.count == 5, Set(order.dropFirst(2)) == ["Z", "C", "T"] else {
            throw DescriptionProblem("its OME-XML has the dimension order \(order); save it again as OME-TIFF")
        }
        let axes = Array(order.dropFirst(2))

        func target(_ position: Int) -> Int {
            var index: [Character: Int] = [:]
            var rest = position
            for axis in axes {
                index[axis] = rest % extents[axis]!
                rest /= extents[axis]!
            }
            return (index["T"]! * extents["Z"]! + index["Z"]!) * extents["C"]! + index["C"]!
        }

        var places: [Int: PagePlace] = [:]
        let isStoppable = extents["T"]! > 1
        let runs = data.isEmpty ? [OMEMetadata.PlaneRun(attributes: [:])] : data
        for (run, file) in zip(runs, data.isEmpty ? [0] : fileOfRun) {
            let pageCount = pageCounts[file]
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
            let inFile = max(pageCount - ifd, 0)
            var count = stated ?? (run.attributes["IFD"] != nil ? 1 : min(total - start, inFile))
            if isStoppable { count = min(count, inFile) }
            guard count <= total - start, count <= inFile else {
                // With fewer pages than planes it is told below how many are missing.
                if total > pageCounts.reduce(0, +), extents["T"] == 1, ifd == 0 { continue }
                throw DescriptionProblem(
                    "its OME-XML has a TiffData of \(count) planes from page \(ifd + 1) of \(pageCount); "
                        + "copy it again from its source"
                )
            }
            for step in 0..<count {
                let plane = target(start + step)
                let place = PagePlace(file: file, page: ifd + step)
                guard places[plane] == nil || places[plane] == place else {
                    throw DescriptionProblem("its OME-XML names two pages for one plane; save it again as OME-TIFF")
                }
                places[plane] = place
            }
        }
        return (axes, places)
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
