/// What the first bytes of a file say it is.
enum FileSignature: Equatable {
    /// TIFF of any byte order, classic or BigTIFF.
    case tiff
    /// OME-XML alone: what describes the files of a set.
    case omeXML
    /// MRC, and DeltaVision's form of it.
    case mrc
    /// The header of an ICS image.
    case ics
    /// A microscope's format that is known and not read: its name.
    case foreign(String)
    /// HDF5, in which every program has an order of its own.
    case hdf5
    /// Something else that is known.
    case other(String)
    /// Nothing that is known.
    case unknown

    /// As many bytes as are looked at.
    static let byteCount: UInt64 = 512

    /// The kind of file that starts with `bytes`.
    /// - Parameters:
    ///   - bytes: the first `byteCount`, or all of a shorter file.
    ///   - name: of the file, which tells formats apart that are kept in one container.
    init(_ bytes: [UInt8], _ name: String = "") {
        func starts(_ signature: [UInt8]) -> Bool { bytes.starts(with: signature) }
        func starts(_ signature: String) -> Bool { bytes.starts(with: Array(signature.utf8)) }
        let name = name.lowercased()

        if Self.tiffSignatures.contains(where: { starts($0) }) {
            self = .tiff
        } else if let format = Self.foreign.first(where: { starts($0.signature) }) {
            self = .foreign(format.name)
        } else if starts([0x89, 0x48, 0x44, 0x46]) {
            self = name.hasSuffix(".ims") ? .foreign("an Imaris IMS file") : .hdf5
        } else if starts([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]) {
            self = .foreign(name.hasSuffix(".zvi") ? "a Zeiss ZVI file" : "an Olympus OIB file")
        } else if let other = Self.others.first(where: { starts($0.signature) }) {
            self = .other(other.name)
        } else if ICSHeader.isHeader(bytes) {
            self = .ics
        } else if MRCHeader.isHeader(bytes) {
            self = .mrc
        } else if OMEMetadata.isOMEXML(String(decoding: bytes, as: UTF8.self)) {
            self = .omeXML
        } else {
            self = .unknown
        }
    }

    private static let tiffSignatures: [[UInt8]] = [
        [0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43],
    ]

    private static let foreign: [(signature: [UInt8], name: String)] = [
        (Array("ZISRAWFILE".utf8), "a Zeiss CZI file"),
        ([0xDA, 0xCE, 0xBE, 0x0A], "a Nikon ND2 file"),
        ([0x00, 0x00, 0x00, 0x0C, 0x6A, 0x50, 0x20, 0x20], "a JPEG 2000 file, such as an old Nikon ND2"),
        ([0x70, 0x00, 0x00, 0x00], "a Leica LIF file"),
        (Array("OLYMPUSRAWFORMAT".utf8), "an Olympus OIR file"),
        ([0xFF, 0xFE, 0x5B, 0x00, 0x50, 0x00], "an Olympus OIF file"),
    ]

    private static let others: [(signature: [UInt8], name: String)] = [
        ([0x89, 0x50, 0x4E, 0x47], "a PNG file"),
        ([0xFF, 0xD8, 0xFF], "a JPEG file"),
        ([0x93, 0x4E, 0x55, 0x4D], "a NumPy file"),
        ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive"),
        ([0x1F, 0x8B], "a gzip archive"),
    ]

    /// What a message about a file of this kind says after its name, where TIFF was wanted.
    var problem: String {
        switch self {
        case .tiff: "is a TIFF file"
        case .omeXML: "is OME-XML, not a TIFF file; name one of the files that it describes"
        case .mrc: "is an MRC or DeltaVision file, not a TIFF file; name it by itself"
        case .ics: "is an ICS file, not a TIFF file; name it by itself"
        case .foreign(let kind): "is \(kind), which is not read; \(ForeignFormat.conversion)"
        case .hdf5:
            "is an HDF5 file, which is not read; write what is to be deconvolved as OME-TIFF or Zarr with its voxel size, for "
                + "example with h5py and tifffile, or from Fiji"
        case .other(let kind): "is \(kind), not a TIFF file; convert it to TIFF, for example with Fiji"
        case .unknown: "is not a TIFF file; convert it to TIFF, for example with Fiji"
        }
    }
}
