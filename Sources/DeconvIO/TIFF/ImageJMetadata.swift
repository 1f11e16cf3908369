import DeconvVolume

/// What ImageJ keeps in two tags of its own: a block of texts and tables, and the lengths of its entries.
///
/// `ij.io.TiffEncoder` writes them: the lengths are that of a header, and then of each entry; the header has the word `IJIJ` and,
/// for each kind of entry, its name in four letters and how many there are.
struct ImageJMetadata {
    /// The word that a block begins with.
    static let magic: UInt32 = 0x494A_494A

    /// What an entry is, by its name in four letters.
    enum Kind: UInt32 {
        /// Image ▸ Show Info: `info`.
        case info = 0x696E_666F
        /// What a plane is called: `labl`.
        case label = 0x6C61_626C
        /// Two 64-bit floating-point numbers a channel, what is black and what is white: `rang`.
        case ranges = 0x7261_6E67
        /// 256 reds, as many greens and blues: `luts`.
        case colorTable = 0x6C75_7473
    }

    /// Image ▸ Show Info, to which importers add what the microscope wrote; nil where there is none.
    private(set) var info: String?
    /// One a plane in the order of the pages, or none.
    private(set) var labels: [String] = []
    /// One a channel, 256 reds, as many greens and blues, or none: without them ImageJ has colors of its own.
    private(set) var colorTables: [[UInt8]] = []

    /// What a directory has; nil where it has nothing of the sort, or something that makes no sense.
    init?(_ directory: TIFFDirectory, _ file: FileBytes, _ header: TIFFHeader) {
        guard let lengths = try? directory.integers(.imageJMetadataByteCounts, file, header),
            let bytes = try? directory.integers(.imageJMetadata, file, header).map({
                $0.map(UInt8.init(truncatingIfNeeded:))
            }),
            let headerLength = lengths.first, headerLength >= 12, headerLength <= UInt64(bytes.count)
        else { return nil }
        func word(_ offset: Int) -> UInt64 { header.integer(bytes[offset..<offset + 4]) }
        guard word(0) == UInt64(Self.magic) else { return nil }
        var (entry, start) = (1, Int(headerLength))
        for kind in stride(from: 4, through: Int(headerLength) - 8, by: 8) {
            let count = word(kind + 4)
            guard count <= UInt64(lengths.count - entry) else { return nil }
            for _ in 0..<Int(count) {
                guard lengths[entry] <= UInt64(bytes.count - start) else { return nil }
                let end = start + Int(lengths[entry])
                switch Kind(rawValue: UInt32(truncatingIfNeeded: word(kind))) {
                case .info: info = Self.text(bytes[start..<end], header)
                case .label: labels.append(Self.text(bytes[start..<end], header))
                case .colorTable where end - start == 768: colorTables.append(Array(bytes[start..<end]))
                default: break
                }
                (entry, start) = (entry + 1, end)
            }
        }
    }

    /// Two bytes a character, in the byte order of the file.
    private static func text(_ bytes: ArraySlice<UInt8>, _ header: TIFFHeader) -> String {
        let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(header.integer(bytes[$0..<$0 + 2]))
        }
        return String(decoding: units, as: UTF16.self)
    }
}

extension ImageJMetadata {
    /// What it says of an image.
    /// - Parameter layout: which page holds which plane.
    func annotations(_ layout: TIFFLayout) -> ImageAnnotations {
        var annotations = ImageAnnotations()
        annotations.text = info
        if colorTables.count == layout.channelCount {
            annotations.colorTables = colorTables
            // That of the brightest voxels, as ImageJ has it for the color of a table.
            annotations.channelColors = colorTables.map { table in
                UInt32(table[255]) << 16 | UInt32(table[511]) << 8 | UInt32(table[767])
            }
        }
        if labels.count == layout.totalPlaneCount, labels.contains(where: { !$0.isEmpty }) {
            annotations.planeLabels = (0..<layout.totalPlaneCount).map { labels[layout.page(ofPlane: $0)] }
        }
        return annotations
    }
}

extension ImageAnnotations {
    /// The names of several channels, where all planes of each have one label and others another one; else none.
    ///
    /// ImageJ has no other names of channels, and this program writes them like that.
    func namesOfChannels(_ channelCount: Int) -> [String] {
        guard channelCount > 1, !planeLabels.isEmpty else { return [] }
        let names = Array(planeLabels[..<channelCount])
        guard Set(names).count == channelCount, !names.contains(""),
            planeLabels.indices.allSatisfy({ planeLabels[$0] == names[$0 % channelCount] })
        else { return [] }
        return names
    }
}
