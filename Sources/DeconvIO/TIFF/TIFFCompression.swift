import CTIFF
import DeconvVolume

/// The compression of a TIFF page: its name, whether it can be decoded here, and how far it can shrink.
struct TIFFCompression: Hashable {
    /// The value of the tag.
    let code: UInt16

    static let none = TIFFCompression(code: 1)
    static let oldJPEG = TIFFCompression(code: 6)
    static let jpeg = TIFFCompression(code: 7)

    /// What people call it.
    var name: String {
        switch code {
        case 1: "none"
        case 2, 3, 4, 32771: "CCITT"
        case 5: "LZW"
        case 6, 7: "JPEG"
        case 8, 32946: "deflate"
        case 32773: "PackBits"
        case 32809: "ThunderScan"
        case 32909: "PixarLog"
        case 33003, 33005, 34712: "JPEG 2000"
        case 34661: "JBIG"
        case 34676, 34677: "SGILog"
        case 34887: "LERC"
        case 34925: "LZMA"
        case 34933: "PNG"
        case 34934, 22610: "JPEG XR"
        case 50000, 34926: "Zstandard"
        case 34927, 50001: "WebP"
        case 50002, 52546: "JPEG XL"
        default: "unknown"
        }
    }

    /// Whether this libtiff was built with the codec.
    var isAvailable: Bool { TIFFIsCODECConfigured(code) != 0 }

    /// No stream of this codec decodes to more bytes than this per byte: a header that claims more is damaged.
    ///
    /// PackBits: 2 bytes make 128. LZW: a 12-bit code stands for at most 4096 bytes. Deflate: at most 1032.
    /// Zstandard's run blocks make 128 KiB of 4 bytes, and no other codec is denser.
    var largestExpansion: UInt64 {
        switch code {
        case 1: 1
        case 32773: 64
        case 5: 4096
        case 8, 32946: 1100
        default: 1 << 17
        }
    }

    /// Whether libtiff's codec goes on with invented voxels after damage and only warns.
    var warnsInsteadOfFailing: Bool { self == .jpeg || self == .oldJPEG }
}
