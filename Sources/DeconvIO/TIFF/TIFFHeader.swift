import DeconvVolume

/// How the numbers of one TIFF file are stored, and where its first directory is.
struct TIFFHeader {
    /// Whether the most significant byte comes first.
    let isBigEndian: Bool
    /// Whether offsets have 64 bits.
    let isBigTIFF: Bool
    /// Where the first directory starts.
    let firstDirectory: UInt64

    /// The header of a file.
    /// - Throws: `invalidData` where the file is empty, shorter than a header, or not a TIFF.
    init(_ file: FileBytes) throws(DeconvolutionError) {
        guard file.byteCount > 0 else {
            throw file.invalid("is empty; copy it again from its source")
        }
        let start = try file.bytes(at: 0, count: min(16, file.byteCount))
        let signature = FileSignature(start)
        guard signature == .tiff else { throw file.invalid(signature.problem) }
        let isBigEndian = start[0] == 0x4D
        let isBigTIFF = start[isBigEndian ? 3 : 2] == 43
        self.isBigEndian = isBigEndian
        self.isBigTIFF = isBigTIFF
        guard start.count >= (isBigTIFF ? 16 : 8) else {
            throw file.invalid("is truncated: it ends after \(file.byteCount) bytes; copy it again from its source")
        }
        firstDirectory =
            isBigTIFF
            ? Self.integer(start[8..<16], isBigEndian) : Self.integer(start[4..<8], isBigEndian)
    }

    /// Bytes of the header.
    var byteCount: Int { isBigTIFF ? 16 : 8 }

    /// The header's bytes with another first directory in them: what libtiff is shown to make it read one page.
    func bytes(firstDirectory: UInt64) -> [UInt8] {
        let order: UInt8 = isBigEndian ? 0x4D : 0x49
        var bytes: [UInt8] = [order, order]
        bytes += encoded(isBigTIFF ? 43 : 42, byteCount: 2)
        if isBigTIFF { bytes += encoded(8, byteCount: 2) + encoded(0, byteCount: 2) }
        return bytes + encoded(firstDirectory, byteCount: isBigTIFF ? 8 : 4)
    }

    private func encoded(_ value: UInt64, byteCount: Int) -> [UInt8] {
        let little = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        return isBigEndian ? little.reversed() : little
    }

    /// An unsigned integer of up to 8 bytes in this file's byte order.
    func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 { Self.integer(bytes, isBigEndian) }

    private static func integer(_ bytes: ArraySlice<UInt8>, _ isBigEndian: Bool) -> UInt64 {
        isBigEndian
            ? bytes.reduce(0) { $0 << 8 | UInt64($1) }
            : bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
