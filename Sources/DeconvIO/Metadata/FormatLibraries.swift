import CBZip2
import CBlosc
import CExpat
import CLZ4
import CLZMA
import CTIFF
import CZlib
import CZstd

/// The libraries that read and write files.
package enum FormatLibraries {
    /// Their versions as they say them, by name.
    package static var versions: [String: String] {
        // The version is at the end of the first line: `LIBTIFF, Version 4.5.0`.
        let tiff = String(cString: TIFFGetVersion()).split(whereSeparator: \.isNewline).first?.split(separator: " ")
            .last
        return [
            "bzip2": String(cString: BZ2_bzlibVersion()),
            "c-blosc": String(cString: blosc_get_version_string()),
            "expat": String(cString: XML_ExpatVersion()),
            "libtiff": tiff.map(String.init) ?? "unknown",
            "liblzma": String(cString: lzma_version_string()),
            "lz4": String(cString: LZ4_versionString()),
            "zlib": String(cString: zlibVersion()),
            "zstd": String(cString: ZSTD_versionString()),
        ]
    }
}
