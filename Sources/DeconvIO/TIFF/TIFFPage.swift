import DeconvVolume

/// One page that can be read: a grey image, or for a mask what has values that are 0 or not, whose strips or tiles all lie within the file.
///
/// The strips and tiles are called chunks where it makes no difference which they are.
struct TIFFPage {
    /// Voxels of a row.
    let width: Int
    /// Rows.
    let height: Int
    /// How the voxels are stored.
    let pixelType: PixelType
    let compression: TIFFCompression
    /// Where its directory starts.
    let directoryOffset: UInt64
    /// Bits of a voxel in a mask that has none of the types of an image: 1, packed with the highest bit first, or 64; nil else.
    let maskBits: Int?
    /// Voxels of a chunk's row: the width for strips.
    let chunkWidth: Int
    /// Rows of a chunk; the last strip may have fewer.
    let chunkHeight: Int
    let isTiled: Bool
    /// Whether the bits of every byte come in reverse.
    let isBitReversed: Bool
    /// The number of the first chunk among those of all samples of the page.
    let firstChunk: Int
    /// One per chunk, row by row.
    let chunkOffsets: [UInt64]
    /// One per chunk.
    let chunkByteCounts: [UInt64]

    /// Bytes of the decoded page.
    var byteCount: Int { height * Self.byteCount(width, pixelType, maskBits) }
    /// Chunks beside each other.
    var chunksAcross: Int { (width - 1) / chunkWidth + 1 }

    /// Whether voxels can be copied from the file without a codec.
    var isPlain: Bool { compression == .none && !isBitReversed && maskBits == nil }

    /// Whether the chunks follow each other without a gap, so that the page is one run of bytes.
    var isContiguous: Bool {
        isPlain && !isTiled
            && (1..<chunkOffsets.count).allSatisfy {
                chunkOffsets[$0] == chunkOffsets[0] + UInt64($0) * UInt64(chunkHeight * rowByteCount)
            }
    }

    /// Bytes of a row.
    var rowByteCount: Int { Self.byteCount(width, pixelType, maskBits) }

    /// Bytes of a decoded chunk's row.
    var chunkRowByteCount: Int { Self.byteCount(chunkWidth, pixelType, maskBits) }

    private static func byteCount(_ voxels: Int, _ type: PixelType, _ maskBits: Int?) -> Int {
        maskBits.map { (voxels * $0 + 7) / 8 } ?? voxels * type.byteCount
    }

    /// Rows of one chunk: all of a tile, what is left in the last strip.
    func rowCount(ofChunk index: Int) -> Int {
        isTiled ? chunkHeight : min(chunkHeight, height - index * chunkHeight)
    }

    /// Bytes of one decoded chunk.
    func byteCount(ofChunk index: Int) -> Int { rowCount(ofChunk: index) * chunkRowByteCount }

    /// The page of a directory.
    /// - Parameters:
    ///   - number: counted from 1, for messages.
    ///   - sample: which of the planes that lie one after the other in the page.
    ///   - samplesPerPage: how many there should be; 1 for a grey page.
    ///   - meaning: what its values are taken for.
    /// - Throws: `invalidData` where the page is in color, of a depth that is not read, or not wholly in the file.
    init(
        _ directory: TIFFDirectory,
        number: Int,
        sample: Int = 0,
        samplesPerPage: Int = 1,
        meaning: TIFFMeaning,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) {
        func integer(_ tag: TIFFDirectory.Tag, default fallback: UInt64) throws(DeconvolutionError) -> UInt64 {
            try directory.integer(tag, default: fallback, file, header)
        }
        directoryOffset = directory.offset
        let width = try integer(.imageWidth, default: 0)
        let height = try integer(.imageLength, default: 0)
        guard width > 0, height > 0, width <= Int32.max, height <= Int32.max else {
            throw file.invalid("is damaged: page \(number) claims \(width) x \(height) pixels; save it again")
        }
        self.width = Int(width)
        self.height = Int(height)

        let samples = try integer(.samplesPerPixel, default: 1)
        let photometric = try integer(.photometric, default: 1)
        // Samples side by side are pixels in color; one plane after the other are channels.
        let isPlanar = try integer(.planarConfiguration, default: 1) == 2
        guard samples == 1 || samples == UInt64(samplesPerPage) && isPlanar else {
            let kind = photometric == 2 || photometric == 6 ? "in color" : "not a grey image"
            throw file.invalid(
                "page \(number) is \(kind) (\(samples) samples per pixel); split the channels and save them as "
                    + "one stack of grey pages"
            )
        }
        switch photometric {
        case 1: break
        case 0 where meaning == .mask, 4 where meaning == .mask: break
        case 0:
            throw file.invalid(
                "page \(number) stores bright as low (MinIsWhite); invert it and save it as MinIsBlack, so that "
                    + "intensities rise with light"
            )
        case 3 where meaning != .intensities, 2 where samples > 1: break
        case 3:
            throw file.invalid("page \(number) is in color by a palette; save it as a grey image of intensities")
        default:
            throw file.invalid(
                "page \(number) is not a grey image (photometric interpretation \(photometric)); save it as grey"
            )
        }
        guard try integer(.imageDepth, default: 1) == 1 else {
            throw file.invalid("page \(number) holds a volume in one page (ImageDepth); save one page per plane")
        }
        let bits = try directory.integers(.bitsPerSample, file, header)?.first ?? 1
        let format = try integer(.sampleFormat, default: 1)
        let maskBits = meaning == .mask && (bits == 1 || bits == 64 && format != 3) ? Int(bits) : nil
        self.maskBits = maskBits
        pixelType =
            maskBits == nil ? try Self.pixelType(bits: bits, format: format, number: number, file) : .uint8
        let code = try integer(.compression, default: 1)
        compression = TIFFCompression(code: UInt16(clamping: code))
        guard compression.isAvailable else {
            throw file.invalid(
                "page \(number) has compression \(code) (\(compression.name)), which this build of libtiff cannot "
                    + "decode; save it uncompressed or with deflate"
            )
        }
        isBitReversed = try integer(.fillOrder, default: 1) == 2

        isTiled = directory.has(.tileWidth)
        let chunkWidth = isTiled ? try integer(.tileWidth, default: 0) : width
        let rows =
            isTiled
            ? try integer(.tileLength, default: 0)
            : min(height, try integer(.rowsPerStrip, default: height))
        guard chunkWidth > 0, rows > 0, chunkWidth <= Int32.max, rows <= Int32.max else {
            throw file.invalid("is damaged: page \(number) has strips or tiles of no size; save it again")
        }
        self.chunkWidth = Int(chunkWidth)
        chunkHeight = Int(rows)

        // Both factors are below 2^31, so only the third can overflow.
        let chunkCount = ((width - 1) / chunkWidth + 1) * ((height - 1) / rows + 1)
        let (allChunks, tooMany) = chunkCount.multipliedReportingOverflow(by: samples)
        guard !tooMany, allChunks <= file.byteCount else {
            throw file.invalid(
                "is truncated or damaged: page \(number) claims \(width) x \(height) pixels in \(file.byteCount) bytes; "
                    + "copy it again from its source"
            )
        }
        let offsets =
            isTiled && directory.has(.tileOffsets)
            ? try directory.integers(.tileOffsets, file, header)
            : try directory.integers(.stripOffsets, file, header)
        guard let offsets, offsets.count >= allChunks else {
            throw file.invalid(
                "is damaged: page \(number) has \(offsets?.count ?? 0) of \(allChunks) strips or tiles; save it again"
            )
        }
        let counts =
            isTiled && directory.has(.tileByteCounts)
            ? try directory.integers(.tileByteCounts, file, header)
            : try directory.integers(.stripByteCounts, file, header)
        firstChunk = sample * Int(chunkCount)
        chunkOffsets = Array(offsets[firstChunk...].prefix(Int(chunkCount)))
        var byteCounts = Array((counts ?? []).dropFirst(firstChunk).prefix(Int(chunkCount)))

        // Of a chunk and of a page; widths are below 2^31.
        let rowBytes = UInt64(Self.byteCount(Int(chunkWidth), pixelType, maskBits))
        let (fullBytes, overflow) = rows.multipliedReportingOverflow(by: rowBytes)
        let (pageBytes, pageOverflow) = height.multipliedReportingOverflow(
            by: UInt64(Self.byteCount(Int(width), pixelType, maskBits))
        )
        guard !overflow, !pageOverflow, fullBytes <= Int.max, pageBytes <= Int.max else {
            throw file.invalid("is damaged: page \(number) claims \(width) x \(height) pixels; save it again")
        }
        let lastStripRows = height - (height - 1) / rows * rows
        let isStrips = !isTiled
        func decodedBytes(_ index: UInt64) -> UInt64 {
            isStrips && index == chunkCount - 1 ? lastStripRows * rowBytes : fullBytes
        }
        if compression == .none, counts == nil || (chunkCount == 1 && byteCounts.first == 0) {
            byteCounts = (0..<chunkCount).map { decodedBytes($0) }
        }
        guard byteCounts.count == Int(chunkCount) else {
            throw file.invalid(
                "is damaged: page \(number) has the lengths of \(byteCounts.count) of \(chunkCount) strips or tiles; "
                    + "save it again"
            )
        }
        chunkByteCounts = byteCounts

        let chunkName = isTiled ? "tile" : "strip"
        for index in 0..<Int(chunkCount) {
            let (end, overflow) = chunkOffsets[index].addingReportingOverflow(byteCounts[index])
            guard chunkOffsets[index] > 0, byteCounts[index] > 0 else {
                throw file.invalid(
                    "\(chunkName) \(index + 1) of page \(number) was never written; save the file again from its source"
                )
            }
            guard !overflow, end <= file.byteCount else {
                throw file.invalid(
                    "is truncated: \(chunkName) \(index + 1) of page \(number) ends at byte \(end) of "
                        + "\(file.byteCount); copy it again from its source"
                )
            }
            let (limit, unlimited) = byteCounts[index].multipliedReportingOverflow(by: compression.largestExpansion)
            guard unlimited || decodedBytes(UInt64(index)) <= limit else {
                throw file.invalid(
                    "is damaged: \(chunkName) \(index + 1) of page \(number) has \(byteCounts[index]) bytes, too few for "
                        + "\(decodedBytes(UInt64(index))); copy it again from its source"
                )
            }
        }
    }

    private static func pixelType(
        bits: UInt64,
        format: UInt64,
        number: Int,
        _ file: FileBytes
    ) throws(DeconvolutionError) -> PixelType {
        // Format 4 is "undefined", which libtiff and others take as unsigned.
        switch (format, bits) {
        case (1, 8), (4, 8): return .uint8
        case (1, 16), (4, 16): return .uint16
        case (1, 32), (4, 32): return .uint32
        case (2, 8): return .int8
        case (2, 16): return .int16
        case (2, 32): return .int32
        case (3, 32): return .float32
        case (3, 64): return .float64
        default: break
        }
        let kind =
            switch format {
            case 1, 4: "unsigned integers"
            case 2: "signed integers"
            case 3: "floating point"
            case 5, 6: "complex numbers"
            default: "sample format \(format)"
            }
        throw file.invalid(
            "page \(number) holds \(bits)-bit \(kind), which are not read; save it as 8 or 16-bit integers or "
                + "32-bit floating point"
        )
    }
}
