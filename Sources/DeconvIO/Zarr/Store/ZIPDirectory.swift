import DeconvVolume

/// What is in a ZIP file, as the directory at its end says.
///
/// APPNOTE.TXT 6.3.10 of PKWARE: sections 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end, also with 64 bits), 4.5.3 (sizes of
/// 64 bits).
struct ZIPDirectory: Sendable {
    /// A file in it.
    struct Entry: Hashable, Sendable {
        /// 0 for stored, 8 for deflate.
        var method: UInt16
        /// Whether it is encrypted.
        var isEncrypted: Bool
        /// CRC-32 of what it holds.
        var checksum: UInt32
        /// Bytes that it takes.
        var storedByteCount: UInt64
        /// Bytes that it holds.
        var byteCount: UInt64
        /// Where its own header is.
        var offset: UInt64
        /// Bytes of its name, which its header repeats.
        var nameByteCount: Int
    }

    /// By name. Of several of one name, as who writes a key again leaves them, the last one counts.
    private(set) var entries: [String: Entry] = [:]
    /// Names of what is right in a folder; that of the root is empty.
    private(set) var folders: [String: Set<String>] = ["": []]

    /// Whether anything in it is compressed.
    var isCompressed: Bool { entries.values.contains { $0.method != 0 } }

    /// Whether there is metadata of Zarr somewhere in it.
    var hasZarr: Bool { folders.values.contains { names in ZarrMetadataFile.all.contains(where: names.contains) } }

    private mutating func add(_ name: String, _ entry: Entry) {
        let isFolder = name.hasSuffix("/")
        var names = name.betweenSlashes
        if isFolder { names.removeLast() }
        // What leads out of it, or is called as a path of another system, has no key.
        guard !names.isEmpty, !names.contains(where: { ["", ".", ".."].contains($0) }) else { return }
        if !isFolder { entries[name] = entry }
        var key = names.joined(separator: "/")
        if isFolder, folders[key] == nil { folders[key] = [] }
        while true {
            let slash = key.lastSlash
            let folder = slash.map { String(key[..<$0]) } ?? ""
            let isNew = folders[folder, default: []].insert(names.removeLast()).inserted
            guard isNew, slash != nil else { return }
            key = folder
        }
    }

    // MARK: - Reading

    /// The directory of a file.
    /// - Throws: `invalidData` where it has none or a damaged one.
    init(of file: some StoredBytes) throws(DeconvolutionError) {
        let end = try Self.end(of: file)
        let (start, overflow) = end.position.subtractingReportingOverflow(end.byteCount)
        guard !overflow, end.byteCount <= 1 << 40 else { throw file.invalid(Self.damaged) }
        // What stands in front of the first file, such as a program that unpacks it, moves all of them.
        let (moved, isBefore) = start.subtractingReportingOverflow(end.offset)
        guard !isBefore else { throw file.invalid(Self.damaged) }
        let bytes = try file.bytes(at: start, count: end.byteCount)
        var reader = LittleEndianReader(bytes)
        while reader.left > 0 {
            guard let (name, entry) = Self.entry(&reader, moved) else { throw file.invalid(Self.damaged) }
            add(name, entry)
        }
    }

    private static let damaged = "is no ZIP file, or its directory is damaged; copy it again from its source"

    private static func end(
        of file: some StoredBytes
    ) throws(DeconvolutionError) -> (position: UInt64, byteCount: UInt64, offset: UInt64) {
        // Behind 22 bytes comes a comment of up to 65535.
        let tail = min(file.byteCount, 22 + 65_535)
        let bytes = try file.bytes(at: file.byteCount - tail, count: tail)
        guard bytes.count >= 22,
            let start = stride(from: bytes.count - 22, through: 0, by: -1).first(where: { start in
                var reader = LittleEndianReader(bytes, at: start)
                guard reader.next(UInt32.self) == 0x0605_4B50, reader.skip(16), let count = reader.next(UInt16.self)
                else { return false }
                return reader.skip(Int(count))
            })
        else { throw file.invalid(damaged) }
        var reader = LittleEndianReader(bytes, at: start + 12)
        guard let byteCount = reader.next(UInt32.self), let offset = reader.next(UInt32.self) else {
            throw file.invalid(damaged)
        }
        let position = file.byteCount - tail + UInt64(start)
        guard byteCount == .max || offset == .max else { return (position, UInt64(byteCount), UInt64(offset)) }
        // In front of it is where the one with 64 bits is.
        guard position >= 20 else { throw file.invalid(damaged) }
        var locator = LittleEndianReader(try file.bytes(at: position - 20, count: 20))
        guard locator.next(UInt32.self) == 0x0706_4B50, locator.next(UInt32.self) != nil,
            let place = locator.next(UInt64.self)
        else { throw file.invalid(damaged) }
        var large = LittleEndianReader(try file.bytes(at: place, count: 56))
        guard large.next(UInt32.self) == 0x0606_4B50, large.skip(36), let wholeCount = large.next(UInt64.self),
            let wholeOffset = large.next(UInt64.self)
        else { throw file.invalid(damaged) }
        return (place, wholeCount, wholeOffset)
    }

    private static func entry(_ reader: inout LittleEndianReader, _ moved: UInt64) -> (String, Entry)? {
        guard reader.next(UInt32.self) == 0x0201_4B50, reader.skip(4), let flags = reader.next(UInt16.self),
            let method = reader.next(UInt16.self), reader.skip(4), let checksum = reader.next(UInt32.self),
            let stored = reader.next(UInt32.self), let whole = reader.next(UInt32.self),
            let nameCount = reader.next(UInt16.self), let extraCount = reader.next(UInt16.self),
            let commentCount = reader.next(UInt16.self), reader.skip(8), let offset = reader.next(UInt32.self),
            let name = reader.bytes(Int(nameCount)), let extra = reader.bytes(Int(extraCount)),
            reader.skip(Int(commentCount))
        else { return nil }
        var entry = Entry(
            method: method,
            isEncrypted: flags & 1 == 1,
            checksum: checksum,
            storedByteCount: UInt64(stored),
            byteCount: UInt64(whole),
            offset: UInt64(offset),
            nameByteCount: Int(nameCount)
        )
        guard large(Array(extra), &entry, whole == .max, stored == .max, offset == .max) else { return nil }
        let (place, overflow) = entry.offset.addingReportingOverflow(moved)
        guard !overflow else { return nil }
        entry.offset = place
        return (String(decoding: name, as: UTF8.self), entry)
    }

    /// Takes what does not fit into 32 bits from the field that has it, and gives whether it is there.
    private static func large(
        _ extra: [UInt8],
        _ entry: inout Entry,
        _ byteCount: Bool,
        _ stored: Bool,
        _ offset: Bool
    ) -> Bool {
        guard byteCount || stored || offset else { return true }
        var reader = LittleEndianReader(extra)
        while let id = reader.next(UInt16.self), let count = reader.next(UInt16.self) {
            guard id == 1 else {
                guard reader.skip(Int(count)) else { return false }
                continue
            }
            func take(_ isWanted: Bool, _ value: inout UInt64) -> Bool {
                guard isWanted else { return true }
                guard let large = reader.next(UInt64.self) else { return false }
                value = large
                return true
            }
            return take(byteCount, &entry.byteCount) && take(stored, &entry.storedByteCount)
                && take(offset, &entry.offset)
        }
        return false
    }
}

/// Numbers one after the other, the least significant byte first.
struct LittleEndianReader {
    private let all: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], at position: Int = 0) { (all, self.position) = (bytes, position) }

    /// How many bytes are left.
    var left: Int { all.count - position }

    /// The next number, or nil where the bytes end before.
    mutating func next<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
        let count = MemoryLayout<Integer>.size
        guard left >= count else { return nil }
        defer { position += count }
        return all.withUnsafeBytes {
            Integer(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Integer.self))
        }
    }

    /// Passes bytes over, and gives whether there are as many.
    mutating func skip(_ count: Int) -> Bool {
        guard left >= count else { return false }
        position += count
        return true
    }

    /// The next bytes, or nil where there are not as many.
    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard skip(count) else { return nil }
        return all[position - count..<position]
    }
}
