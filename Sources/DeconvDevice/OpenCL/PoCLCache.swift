import Foundation

/// The kernels that PoCL keeps from run to run, each a shared library of its own.
///
/// A process that ends while PoCL 3.1 compiles leaves an empty or cut-off one behind, over which PoCL ends every later process that
/// wants the kernel. So those are removed before a device of PoCL's is used.
enum PoCLCache {
    /// PoCL's name of its platform.
    static let platform = "Portable Computing Language"

    /// Where PoCL keeps them: `$POCL_CACHE_DIR`, else `pocl/kcache` in `$XDG_CACHE_HOME`, in `~/.cache` or in `/tmp`.
    static var folder: String {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        if let folder = value("POCL_CACHE_DIR") { return folder }
        if let cache = value("XDG_CACHE_HOME"), !cache.isEmpty { return cache + "/pocl/kcache" }
        return (value("HOME").map { $0 + "/.cache" } ?? "/tmp") + "/pocl/kcache"
    }

    /// A file that changed more recently may be about to be written.
    private static let leastAge = 2.0

    /// Removes what is not whole and is not being written.
    /// - Returns: how many files were removed.
    static func removeDamaged(in folder: String = folder) -> Int {
        var damaged = libraries(in: folder).filter { !isWhole($0) }
        guard !damaged.isEmpty else { return 0 }
        if let youngest = damaged.compactMap(age).min(), youngest < leastAge {
            usleep(UInt32(1e6 * min(max(leastAge - youngest, 0), leastAge)))
            damaged = damaged.filter { !isWhole($0) }
        }
        let open = openFiles
        return damaged.count { path in
            guard let file = identity(path), !open.contains(file) else { return false }
            return unlink(path) == 0
        }
    }

    private static func libraries(in folder: String) -> [String] {
        guard let names = FileManager.default.enumerator(atPath: folder) else { return [] }
        return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".so") }.map { "\(folder)/\($0)" }
    }

    /// Whether a file is all of an ELF file: the table of its sections, which linkers write at the end, is in it.
    ///
    /// A file that cannot be read, or is none of those, is left alone.
    static func isWhole(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return true }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return true }
        let size = UInt64(status.st_size)
        guard size > 0 else { return false }
        var header = [UInt8](repeating: 0, count: 64)
        let count = pread(file, &header, header.count, 0)
        guard count >= 0 else { return true }
        let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
        guard header.starts(with: magic.prefix(count)) else {
            // Blocks of zeros stand where a machine stopped before the disk had them.
            return header.contains { $0 != 0 }
        }
        // 64 bits, least significant byte first; PoCL has no others where this program runs.
        guard count < 64 || header[4] == 2 && header[5] == 1 else { return true }
        guard count == 64 else { return false }
        func number(_ offset: Int, _ byteCount: Int) -> UInt64 {
            (0..<byteCount).reversed().reduce(0) { $0 << 8 | UInt64(header[offset + $1]) }
        }
        let (table, entrySize, entryCount) = (number(0x28, 8), number(0x3A, 2), number(0x3C, 2))
        let (end, overflows) = table.addingReportingOverflow(entrySize * entryCount)
        return !overflows && end <= size
    }

    /// Which file a path is.
    private struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }

    /// Seconds since a file changed.
    private static func age(_ path: String) -> Double? {
        var (status, now) = (stat(), timespec())
        guard stat(path, &status) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
        let seconds = Double(now.tv_sec - status.st_mtim.tv_sec)
        return seconds + Double(now.tv_nsec - status.st_mtim.tv_nsec) * 1e-9
    }

    /// All files that processes of this machine have open, as far as this user may see them.
    private static var openFiles: Set<Identity> {
        var files: Set<Identity> = []
        for process in names(in: "/proc") where process.allSatisfy(\.isNumber) {
            for descriptor in names(in: "/proc/\(process)/fd") {
                if let file = identity("/proc/\(process)/fd/\(descriptor)") { files.insert(file) }
            }
        }
        return files
    }

    private static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }
}
