import Foundation

/// Classic little-endian TIFF files of 2 x 1 pixels a page, written byte by byte, for descriptions that no other tool here
/// writes. Page p holds the values p and p + 100.
enum TinyTIFF {
    /// Where the voxels of the first page start.
    static func dataStart(description: String) -> Int { 8 + padded(description).count + 16 }

    private static func padded(_ description: String) -> [UInt8] {
        let text = Array(description.utf8) + [0]
        return text + [UInt8](repeating: 0, count: max(8, (text.count + 3) / 4 * 4) - text.count)
    }

    /// The bytes of a file.
    /// - Parameters:
    ///   - resolution: numerator and denominator of pixels per unit along x, then y.
    ///   - resolutionUnit: 1 none, 2 inch, 3 cm.
    ///   - auxiliary: pages marked as reduced images.
    ///   - firstValue: the value of page 0 in place of 0; the others follow.
    ///   - extra: a tag of the first page with its bytes, more than 4 of them.
    static func bytes(
        pages: Int,
        description: String = "",
        resolution: [(UInt32, UInt32)] = [],
        resolutionUnit: UInt16 = 1,
        auxiliary: Set<Int> = [],
        firstValue: Int = 0,
        extra: (tag: UInt16, bytes: [UInt8])? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = [0x49, 0x49, 42, 0]
        func add(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }

        let padded = padded(description)
        let textStart = 8
        let resolutionStart = textStart + padded.count
        let dataStart = dataStart(description: description)
        let directoryStart = dataStart + (2 * pages + 3) / 4 * 4
        let entryCount = 10
        let directoryBytes = 2 + 12 * (entryCount + 5) + 4

        add(UInt32(directoryStart))
        bytes += padded
        for (numerator, denominator) in resolution.isEmpty ? [(1, 1), (1, 1)] : resolution {
            add(UInt32(numerator))
            add(UInt32(denominator))
        }
        for page in 0..<pages {
            bytes.append(UInt8(truncatingIfNeeded: firstValue + page))
            bytes.append(UInt8(truncatingIfNeeded: firstValue + page + 100))
        }
        while bytes.count < directoryStart { bytes.append(0) }
        for page in 0..<pages {
            var entries: [(UInt16, UInt16, UInt32, UInt32)] = [
                (254, 4, 1, auxiliary.contains(page) ? 1 : 0), (256, 4, 1, 2), (257, 4, 1, 1), (258, 3, 1, 8),
                (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, UInt32(dataStart + 2 * page)), (277, 3, 1, 1),
                (278, 4, 1, 1), (279, 4, 1, 2),
            ]
            if page == 0 {
                entries.insert((270, 2, UInt32(padded.count), UInt32(textStart)), at: 6)
                if !resolution.isEmpty {
                    entries += [(282, 5, 1, UInt32(resolutionStart)), (283, 5, 1, UInt32(resolutionStart + 8))]
                    entries.append((296, 3, 1, UInt32(resolutionUnit)))
                }
                if let extra {
                    entries.append(
                        (extra.tag, 7, UInt32(extra.bytes.count), UInt32(directoryStart + pages * directoryBytes))
                    )
                }
            }
            let start = bytes.count
            add(UInt16(entries.count))
            for (tag, type, count, value) in entries {
                add(tag)
                add(type)
                add(count)
                add(value)
            }
            add(page == pages - 1 ? UInt32(0) : UInt32(start + directoryBytes))
            while bytes.count < start + directoryBytes { bytes.append(0) }
        }
        if let extra { bytes += extra.bytes }
        return bytes
    }
}
