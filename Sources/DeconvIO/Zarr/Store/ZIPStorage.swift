import CZlib
import DeconvVolume
import Foundation

/// Files in a ZIP file, each of which is read where it is.
///
/// What a file holds is checked against its checksum when it is read as a whole; parts of files that are stored as they are have none.
struct ZIPStorage: StoreStorage {
    let name: String
    private let file: any StoredBytes
    private let directory: ZIPDirectory
    private let fileMark: String
    let readsWhole: Bool

    /// The files in a ZIP file.
    /// - Parameters:
    ///   - name: of the ZIP file, as the caller gave it.
    ///   - mark: what changes when the ZIP file does.
    /// - Throws: `invalidData` where it is none, is damaged, or has no Zarr store in it.
    init(_ file: some StoredBytes, name: String, mark: String) throws(DeconvolutionError) {
        directory = try ZIPDirectory(of: file)
        guard directory.hasZarr else {
            throw file.invalid("is a ZIP archive without a Zarr store in it; unpack it and name a file of it")
        }
        self.file = file
        self.name = name
        fileMark = mark
        readsWhole = directory.isCompressed
    }

    /// The ZIP file at a path.
    /// - Throws: as `FileBytes.init`.
    init(path: String) throws(DeconvolutionError) {
        var status = stat()
        stat(path, &status)
        let file = try FileBytes(path: path)
        try self.init(
            file,
            name: path,
            mark: "of \(status.st_size) bytes, written at \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        )
    }

    /// The ZIP file that a path is or leads into, and the rest of the path; nil where there is none on the way.
    static func split(_ path: String) -> (file: String, rest: String)? {
        var (file, rest) = (path.withoutTrailingSlashes, "")
        while true {
            var status = stat()
            if stat(file, &status) == 0 {
                guard status.st_mode & S_IFMT == S_IFREG else { return nil }
                // In some there is something in front, such as a program that unpacks them.
                if [".zip", ".ozx"].contains(where: file.lowercased().hasSuffix) { return (file, rest) }
                guard let bytes = try? FileBytes(path: file),
                    let start = try? bytes.bytes(at: 0, count: min(4, bytes.byteCount)), isSignature(start)
                else { return nil }
                return (file, rest)
            }
            guard let slash = file.lastSlash, slash != file.startIndex else { return nil }
            let name = file[file.utf8.index(after: slash)...]
            rest = rest.isEmpty ? String(name) : "\(name)/\(rest)"
            file = String(file[..<slash]).withoutTrailingSlashes
        }
    }

    /// Whether a file starts as ZIP files do, also those of nothing.
    private static func isSignature(_ bytes: [UInt8]) -> Bool {
        bytes == [0x50, 0x4B, 3, 4] || bytes == [0x50, 0x4B, 5, 6]
    }

    var isListed: Bool { true }

    func identity(of path: ZarrPath) -> String? { "\(path) in \(OutputPath(name).name) \(fileMark)" }

    func exists(_ key: String) throws(DeconvolutionError) -> Bool {
        try requireKey(key)
        return directory.entries[key] != nil || directory.folders[key] != nil
    }

    func mark(of key: String) -> StoredMark? {
        directory.entries[key].map {
            StoredMark(numbers: [Int($0.checksum), Int(truncatingIfNeeded: $0.byteCount)])
        }
    }

    func forEachName(
        in key: String,
        _ body: (String) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        for name in directory.folders[key] ?? [] { try body(name) }
    }

    func file(_ key: String, _ use: StoredUse) throws(DeconvolutionError) -> (any StoredBytes)? {
        try requireKey(key)
        guard let entry = directory.entries[key] else { return nil }
        let place = ChunkPlace(path: location(key))
        guard !entry.isEncrypted else {
            throw invalid(key, "is encrypted in the ZIP file; unpack it with its password and name the folder")
        }
        guard entry.method == 0 || entry.method == 8 else {
            throw invalid(
                key,
                "is packed by method \(entry.method) of ZIP, which is not read; unpack the file and name the folder"
            )
        }
        if case .metadata = use, entry.byteCount > StoredUse.mostMetadataBytes {
            throw invalid(key, "is \(entry.byteCount) bytes large, which metadata are not; write it again")
        }
        if entry.method == 0, case .parts = use {
            let start = try start(of: entry, try header(of: entry, more: 0, place), place)
            return PartOfBytes(path: place.path, whole: file, range: start..<start + entry.byteCount)
        }
        return try whole(entry, place)
    }

    // MARK: - Entries

    /// What most writers leave between the name of an entry and its bytes, so that one read gets all of it.
    private static let usualExtra: UInt64 = 64
    private static let headerSize: UInt64 = 30

    /// An entry's own header, and some bytes behind it, as far as the file goes.
    private func header(
        of entry: ZIPDirectory.Entry,
        more: UInt64,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> ByteBuffer {
        let wanted = Self.headerSize + UInt64(entry.nameByteCount) + more
        let (end, overflow) = entry.offset.addingReportingOverflow(wanted)
        guard !overflow, entry.offset + Self.headerSize <= file.byteCount else {
            throw place.damaged("it lies behind the end of the ZIP file")
        }
        let count = Int(min(end, file.byteCount) - entry.offset)
        let buffer = try ByteBuffer(byteCount: count, for: place.path)
        try file.read(into: buffer.bytes, at: entry.offset)
        return buffer
    }

    /// Where the bytes of an entry start, all of which are there.
    private func start(
        of entry: ZIPDirectory.Entry,
        _ header: ByteBuffer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> UInt64 {
        var reader = LittleEndianReader(Array(header.bytes.prefix(Int(Self.headerSize))))
        guard reader.next(UInt32.self) == 0x0403_4B50, reader.skip(22), let nameCount = reader.next(UInt16.self),
            let extraCount = reader.next(UInt16.self)
        else { throw place.damaged("its header in the ZIP file is not valid") }
        let start = entry.offset + Self.headerSize + UInt64(nameCount) + UInt64(extraCount)
        guard start <= file.byteCount, entry.storedByteCount <= file.byteCount - start,
            entry.method != 0 || entry.storedByteCount == entry.byteCount
        else { throw place.damaged("it ends behind the end of the ZIP file") }
        return start
    }

    private func whole(_ entry: ZIPDirectory.Entry, _ place: ChunkPlace) throws(DeconvolutionError) -> BufferedBytes {
        guard entry.storedByteCount <= file.byteCount else {
            throw place.damaged("it ends behind the end of the ZIP file")
        }
        let read = try header(of: entry, more: entry.storedByteCount + Self.usualExtra, place)
        let start = try start(of: entry, read, place)
        var (buffer, first) = (read, Int(start - entry.offset))
        let storedCount = Int(entry.storedByteCount)
        if first + storedCount > read.bytes.count {
            buffer = try ByteBuffer(byteCount: storedCount, for: place.path)
            first = 0
            try file.read(into: buffer.bytes, at: start)
        }
        let stored = UnsafeRawBufferPointer(rebasing: buffer.bytes[first..<first + storedCount])
        var held = BufferedBytes(path: place.path, buffer: buffer, range: first..<first + storedCount)
        if entry.method != 0 {
            // Deflate makes at most 1032 bytes of one.
            guard let count = Int(exactly: entry.byteCount), count == 0 || storedCount > 0, count / 1100 <= storedCount
            else {
                throw place.damaged("\(storedCount) bytes of deflate are too few for \(entry.byteCount)")
            }
            let inflated = try ByteBuffer(byteCount: count, for: place.path)
            if count > 0 {
                let made = try DeflateCodec.decode(stored, .bare, into: inflated.bytes, place)
                guard made == count else { throw place.damaged("it holds \(made) bytes instead of \(count)") }
            }
            held = BufferedBytes(path: place.path, buffer: inflated, range: 0..<count)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: held.buffer.bytes[held.range])
        let checksum = crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        guard UInt32(truncatingIfNeeded: checksum) == entry.checksum else {
            throw place.damaged("its CRC-32 is not what the ZIP file says")
        }
        return held
    }
}
