import DeconvVolume

/// One image file directory: its tags, and where the next directory is.
///
/// libtiff decodes, but it is not asked to find its way: it would rescan the chain of directories for every jump,
/// and fill gaps where this reader must say that a file is damaged. Every count is held against the length of the
/// file before anything is allocated.
struct TIFFDirectory {
    /// Where the directory starts.
    let offset: UInt64
    /// Where the next one starts, or 0 after the last.
    let next: UInt64
    private let entries: [UInt16: Entry]

    private struct Entry {
        let type: UInt16
        let count: UInt64
        /// The value itself where it fits, else where it starts.
        let field: [UInt8]
    }

    /// The tags this program looks at.
    enum Tag: UInt16 {
        case newSubfileType = 254
        case subfileType = 255
        case imageWidth = 256
        case imageLength = 257
        case bitsPerSample = 258
        case compression = 259
        case photometric = 262
        case fillOrder = 266
        case imageDescription = 270
        case stripOffsets = 273
        case samplesPerPixel = 277
        case rowsPerStrip = 278
        case stripByteCounts = 279
        case xResolution = 282
        case yResolution = 283
        case planarConfiguration = 284
        case resolutionUnit = 296
        case software = 305
        case tileWidth = 322
        case tileLength = 323
        case tileOffsets = 324
        case tileByteCounts = 325
        case sampleFormat = 339
        case imageDepth = 32997
        case metaMorphPlanes = 33629
        case imageJMetadataByteCounts = 50838
        case imageJMetadata = 50839
        case fluoView = 34361
        case lsm = 34412
        case microManager = 51123
    }

    /// The directory at `offset`.
    /// - Throws: `invalidData` where it does not lie within the file.
    init(_ file: FileBytes, _ header: TIFFHeader, at offset: UInt64) throws(DeconvolutionError) {
        let countBytes: UInt64 = header.isBigTIFF ? 8 : 2
        let entryBytes: UInt64 = header.isBigTIFF ? 20 : 12
        let offsetBytes: UInt64 = header.isBigTIFF ? 8 : 4
        guard offset >= UInt64(header.byteCount), offset < file.byteCount else {
            throw file.invalid(
                "is truncated or damaged: a directory should be at byte \(offset) of \(file.byteCount); "
                    + "copy it again from its source"
            )
        }
        let count = header.integer(try file.bytes(at: offset, count: countBytes)[...])
        guard count > 0, count <= file.byteCount / entryBytes else {
            throw file.invalid("is damaged: its directory at byte \(offset) has \(count) entries; save it again")
        }
        let table = try file.bytes(at: offset + countBytes, count: count * entryBytes + offsetBytes)
        var entries: [UInt16: Entry] = [:]
        for start in stride(from: 0, to: Int(count * entryBytes), by: Int(entryBytes)) {
            let tag = UInt16(header.integer(table[start..<start + 2]))
            let type = UInt16(header.integer(table[start + 2..<start + 4]))
            let field = start + 4 + Int(offsetBytes)
            let entry = Entry(
                type: type,
                count: header.integer(table[start + 4..<field]),
                field: Array(table[field..<field + Int(offsetBytes)])
            )
            // The first of two equal tags counts: Micro-Manager writes its ImageJ description as a second one.
            if entries[tag] == nil { entries[tag] = entry }
        }
        self.entries = entries
        self.offset = offset
        next = header.integer(table.suffix(Int(offsetBytes)))
    }

    /// Whether the tag is there.
    func has(_ tag: Tag) -> Bool { entries[tag.rawValue] != nil }

    /// Number of values of a tag, 0 where it is absent.
    func count(_ tag: Tag) -> UInt64 { entries[tag.rawValue]?.count ?? 0 }

    /// The values of a tag that holds whole numbers, or nil where it is absent.
    /// - Throws: `invalidData` where they do not lie within the file or are of another type.
    func integers(_ tag: Tag, _ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) -> [UInt64]? {
        guard let entry = entries[tag.rawValue] else { return nil }
        let size: Int
        switch entry.type {
        case 1, 7: size = 1
        case 3: size = 2
        case 4, 13: size = 4
        case 16, 18: size = 8
        default: throw file.invalid("is damaged: tag \(tag.rawValue) has type \(entry.type); save it again")
        }
        let bytes = try value(of: entry, size: size, tag, file, header)
        return stride(from: 0, to: bytes.count, by: size).map { header.integer(bytes[$0..<$0 + size]) }
    }

    /// The first value of a tag that holds whole numbers, or `fallback` where it is absent.
    func integer(
        _ tag: Tag,
        default fallback: UInt64,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) -> UInt64 {
        try integers(tag, file, header)?.first ?? fallback
    }

    /// A rational number, or nil where it is absent or its denominator is 0.
    func rational(_ tag: Tag, _ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) -> Double? {
        guard let entry = entries[tag.rawValue], entry.type == 5, entry.count >= 1 else { return nil }
        let bytes = try value(of: entry, size: 8, tag, file, header)
        let denominator = header.integer(bytes[4..<8])
        return denominator == 0 ? nil : Double(header.integer(bytes[0..<4])) / Double(denominator)
    }

    /// A text without the zeros at its end, or nil where it is absent.
    ///
    /// Text that is not UTF-8 is taken as Latin-1, in which old programs wrote `µm`.
    func text(_ tag: Tag, _ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) -> String? {
        guard let entry = entries[tag.rawValue], [1, 2, 7].contains(entry.type) else { return nil }
        let bytes = try value(of: entry, size: 1, tag, file, header)
        let text = bytes[..<(bytes.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)]
        return String(validating: text, as: UTF8.self)
            ?? String(String.UnicodeScalarView(text.map { Unicode.Scalar($0) }))
    }

    /// Bytes of a tag, or nil where it is absent; at most `limit` of them.
    func bytes(
        _ tag: Tag,
        limit: UInt64,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) -> [UInt8]? {
        guard let (offset, count) = location(tag, header) else { return entries[tag.rawValue]?.field }
        return try file.bytes(at: offset, count: min(count, limit))
    }

    /// Where the value of a tag starts in the file, and its length in bytes; nil where it lies in the directory.
    func location(_ tag: Tag, _ header: TIFFHeader) -> (offset: UInt64, count: UInt64)? {
        guard let entry = entries[tag.rawValue], entry.count > UInt64(entry.field.count) else { return nil }
        return (header.integer(entry.field[...]), entry.count)
    }

    private func value(
        of entry: Entry,
        size: Int,
        _ tag: Tag,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) -> [UInt8] {
        let (byteCount, overflow) = entry.count.multipliedReportingOverflow(by: UInt64(size))
        guard !overflow, byteCount <= file.byteCount else {
            throw file.invalid(
                "is truncated or damaged: tag \(tag.rawValue) claims \(entry.count) values; copy it again from its source"
            )
        }
        if byteCount <= UInt64(entry.field.count) { return Array(entry.field.prefix(Int(byteCount))) }
        return try file.bytes(at: header.integer(entry.field[...]), count: byteCount)
    }
}
