import DeconvVolume

/// What ImageJ keeps in two tags of its own: a block of texts and tables, and the lengths of its entries.
///
/// `ij.io.TiffEncoder` writes them: the lengths are that of a header, and then of each entry; the header has the word `IJIJ` and,
/// for each kind of entry, its name in four letters and how many there are.
struct ImageJMetadata {
    /// Image ▸ Show Info, to which importers add what the microscope wrote; nil where there is none.
    let info: String?

    /// What a directory has; nil where it has nothing of the sort, or something that makes no sense.
    init?(_ directory: TIFFDirectory, _ file: FileBytes, _ header: TIFFHeader) {
        guard let lengths = try? directory.integers(.imageJMetadataByteCounts, file, header),
            let bytes = try? directory.integers(.imageJMetadata, file, header).map({
                $0.map(UInt8.init(truncatingIfNeeded:))
            }),
            let headerLength = lengths.first, headerLength >= 12, headerLength <= UInt64(bytes.count)
        else { return nil }
        func word(_ offset: Int) -> UInt64 { header.integer(bytes[offset..<offset + 4]) }
        guard word(0) == 0x494A_494A else { return nil }
        var info: String?
        var (entry, start) = (1, Int(headerLength))
        for kind in stride(from: 4, through: Int(headerLength) - 8, by: 8) {
            let count = word(kind + 4)
            guard count <= UInt64(lengths.count - entry) else { return nil }
            for _ in 0..<Int(count) {
                guard lengths[entry] <= UInt64(bytes.count - start) else { return nil }
                let end = start + Int(lengths[entry])
                if word(kind) == 0x696E_666F { info = Self.text(bytes[start..<end], header) }
                (entry, start) = (entry + 1, end)
            }
        }
        self.info = info
    }

    /// Two bytes a character, in the byte order of the file.
    private static func text(_ bytes: ArraySlice<UInt8>, _ header: TIFFHeader) -> String {
        let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(header.integer(bytes[$0..<$0 + 2]))
        }
        return String(decoding: units, as: UTF16.self)
    }
}
