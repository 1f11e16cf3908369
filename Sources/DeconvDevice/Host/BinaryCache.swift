import Foundation
import Synchronization

/// Bytes that are kept from run to run by the text they follow from, each in a file of its own.
///
/// A file holds its key and a checksum, for a driver may end the process over a damaged binary (PoCL 3.1 does): whatever is
/// not whole counts as missing. A cache that cannot be read or written is no error. Processes may share a folder.
package final class BinaryCache: Sendable {
    /// What became of the questions so far.
    package struct Counts: Hashable, Sendable {
        /// Values found.
        package var found = 0
        /// Values that were not there, or not whole.
        package var missing = 0
        /// Values kept.
        package var stored = 0
        /// Values that were found and proved useless.
        package var removed = 0

        /// Counts, 0 where none is given.
        package init(found: Int = 0, missing: Int = 0, stored: Int = 0, removed: Int = 0) {
            self.found = found
            self.missing = missing
            self.stored = stored
            self.removed = removed
        }
    }

    /// Programs built for OpenCL devices, in the user's cache folder; a program of ours has a few hundred kilobytes.
    package static let programs = BinaryCache(
        folder: CacheFolder.path.map { $0 + "/programs" },
        byteLimit: 64 << 20
    )

    private static let magic = Array("gpudeconv binary 1\n".utf8)
    private let folder: String?
    private let byteLimit: Int
    private let finds: Bool
    private let state = Mutex(Counts())

    /// A cache in a folder, which is made when something is stored.
    /// - Parameters:
    ///   - folder: a folder with nothing else in it, or nil for a cache that keeps nothing.
    ///   - byteLimit: the values used least recently go when all of them have more bytes than this.
    package convenience init(folder: String?, byteLimit: Int) {
        self.init(folder, byteLimit, finds: true)
    }

    private init(_ folder: String?, _ byteLimit: Int, finds: Bool) {
        self.folder = folder
        self.byteLimit = byteLimit
        self.finds = finds
    }

    /// The same cache for who builds everything anew: it finds nothing, and what it stores takes the place of what was there.
    var rebuilding: BinaryCache { BinaryCache(folder, byteLimit, finds: false) }

    /// What became of the questions so far.
    package var counts: Counts { state.withLock { $0 } }

    /// What was stored last for a key, or nil.
    package func value(for key: String) -> [UInt8]? {
        guard finds, let path = path(of: key), let file = FileManager.default.contents(atPath: path),
            let value = Self.value(in: [UInt8](file), key: Array(key.utf8))
        else {
            state.withLock { $0.missing += 1 }
            return nil
        }
        state.withLock { $0.found += 1 }
        // The time of its last use.
        utimes(path, nil)
        return value
    }

    /// Keeps a value for a key, in place of what was there.
    package func store(_ value: [UInt8], for key: String) {
        guard let folder, let path = path(of: key) else { return }
        let file = Self.file(of: value, key: Array(key.utf8))
        guard file.count <= byteLimit else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        do {
            try Data(file).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            return
        }
        state.withLock { $0.stored += 1 }
        prune(folder)
    }

    /// Forgets a value that proved useless.
    package func remove(_ key: String) {
        guard let path = path(of: key) else { return }
        unlink(path)
        state.withLock { $0.removed += 1 }
    }

    private func path(of key: String) -> String? {
        // Two keys of one name would only displace each other, for the file holds the key.
        folder.map { "\($0)/\(String(fnv1a(Array(key.utf8)), radix: 16)).bin" }
    }

    /// Deletes the files used least recently until the rest is within the limit.
    private func prune(_ folder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var files: [(path: String, byteCount: Int, used: timespec)] = []
        for name in names {
            var status = stat()
            let path = "\(folder)/\(name)"
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append((path, Int(status.st_size), status.st_mtim))
        }
        files.sort { ($0.used.tv_sec, $0.used.tv_nsec) > ($1.used.tv_sec, $1.used.tv_nsec) }
        var byteCount = 0
        for file in files {
            byteCount += file.byteCount
            if byteCount > byteLimit { unlink(file.path) }
        }
    }
}

// MARK: - The file: magic, lengths of key and value, key, value, FNV-1a of all before it; numbers have 8 bytes, little-endian

extension BinaryCache {
    private static func file(of value: [UInt8], key: [UInt8]) -> [UInt8] {
        let file = magic + bytes(UInt64(key.count)) + bytes(UInt64(value.count)) + key + value
        return file + bytes(fnv1a(file))
    }

    /// The value in a file, or nil where it is not whole or belongs to another key.
    private static func value(in file: [UInt8], key: [UInt8]) -> [UInt8]? {
        let start = magic.count + 16 + key.count
        guard file.count >= start + 8 else { return nil }
        let count = file.count - 8 - start
        let value = Array(file[start..<start + count])
        return file == Self.file(of: value, key: key) ? value : nil
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

/// The 64-bit FNV-1a hash (Fowler, Noll, Vo): tells texts apart that nobody made to collide.
func fnv1a(_ bytes: [UInt8]) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
