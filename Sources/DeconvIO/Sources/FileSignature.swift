/// What the first bytes of a file say it is.
enum FileSignature: Equatable {
    /// TIFF of any byte order, classic or BigTIFF.
    case tiff
    /// A format that is known and not read, with what to do about it.
    case other(String)
    /// Nothing that is known.
    case unknown

    /// The kind of file that starts with `bytes`; 16 are enough.
    init(_ bytes: [UInt8]) {
        func starts(_ signature: [UInt8]) -> Bool { bytes.starts(with: signature) }
        func starts(_ signature: String) -> Bool { bytes.starts(with: Array(signature.utf8)) }

        if Self.tiffSignatures.contains(where: { starts($0) }) {
            self = .tiff
        } else if starts("ZISRAWFILE") {
            self = .other("a Zeiss CZI file")
        } else if starts([0xDA, 0xCE, 0xBE, 0x0A]) {
            self = .other("a Nikon ND2 file")
        } else if starts([0x70, 0x00, 0x00, 0x00]) {
            self = .other("a Leica LIF file")
        } else if starts([0x89, 0x48, 0x44, 0x46]) {
            self = .other("an HDF5 file")
        } else if starts([0x89, 0x50, 0x4E, 0x47]) {
            self = .other("a PNG file")
        } else if starts([0xFF, 0xD8, 0xFF]) {
            self = .other("a JPEG file")
        } else if starts([0x93, 0x4E, 0x55, 0x4D]) {
            self = .other("a NumPy file")
        } else if starts([0x50, 0x4B, 0x03, 0x04]) {
            self = .other("a ZIP archive")
        } else if starts([0x1F, 0x8B]) {
            self = .other("a gzip archive")
        } else {
            self = .unknown
        }
    }

    private static let tiffSignatures: [[UInt8]] = [
        [0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43],
    ]

    /// What a message about a file of this kind says after its name, where TIFF was wanted.
    var problem: String {
        switch self {
        case .tiff: "is a TIFF file"
        case .other(let kind): "is \(kind), not a TIFF file; convert it to TIFF, for example with Fiji"
        case .unknown: "is not a TIFF file; convert it to TIFF, for example with Fiji"
        }
    }
}
