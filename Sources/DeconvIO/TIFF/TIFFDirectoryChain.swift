import DeconvVolume

/// The directories of a file in order, found by following the chain once.
struct TIFFDirectoryChain {
    /// One per page of the file, reduced images included: OME-XML counts these too.
    private(set) var directories: [Link] = []
    /// The first directory, which carries the description.
    let first: TIFFDirectory

    /// One directory of the chain.
    struct Link {
        /// Where it starts.
        let offset: UInt64
        /// Whether it is a thumbnail, a lower resolution of another page, or a mask.
        let isAuxiliary: Bool
    }

    /// Follows the chain from the header to its end.
    /// - Throws: `invalidData` where it leaves the file or turns back on itself.
    init(_ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) {
        let first = try TIFFDirectory(file, header, at: header.firstDirectory)
        self.first = first
        var seen: Set<UInt64> = []
        var directory = first
        while true {
            guard seen.insert(directory.offset).inserted else {
                throw file.invalid(
                    "is damaged: its page \(directories.count + 1) leads back to an earlier one; save it again"
                )
            }
            directories.append(Link(offset: directory.offset, isAuxiliary: try directory.isAuxiliary(file, header)))
            if directory.next == 0 { return }
            directory = try TIFFDirectory(file, header, at: directory.next)
        }
    }
}

extension TIFFDirectory {
    /// Whether it is a thumbnail, a lower resolution of another page, or a mask.
    func isAuxiliary(_ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) -> Bool {
        if has(.newSubfileType) {
            // Bit 0: reduced resolution; bit 2: transparency mask. Bit 1 only says "page of many".
            return try integer(.newSubfileType, default: 0, file, header) & 0b101 != 0
        }
        return try integer(.subfileType, default: 1, file, header) == 2
    }
}
