import CLinux
package import DeconvVolume
import Foundation
import Synchronization

/// A folder with Zarr arrays and groups in it.
///
/// Keys are paths below the folder. None leads out of it: not by its names, and not by a symbolic link on the way. Files
/// appear whole or not at all. Any number of threads may use it at once.
package final class ZarrStore: Sendable {
    /// The folder as the caller gave it.
    package let path: String
    /// The folder without links in its path.
    private let root: String
    /// Held while metadata are written, since those of a group are read and written again for each array in it.
    let metadataLock = Mutex(())

    /// The store in an existing folder.
    /// - Throws: `inputNotFound` where there is no such folder or it may not be read.
    package init(path: String) throws(DeconvolutionError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.notFound(path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(path.inMessage): is a file, not a Zarr store; name the store's folder"
            )
        }
        guard let root = realpath(path, nil) else { throw Self.notFound(path, errno) }
        defer { free(root) }
        self.path = path
        self.root = String(cString: root)
    }

    /// The store in a folder, which is made if it is not there; its parent is.
    /// - Throws: `cannotCreateOutput` or, on a full disk, `inputOutput` where it cannot be made.
    package static func create(path: String) throws(DeconvolutionError) -> ZarrStore {
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw cannotMakeFolder(path, errno, "choose another name") }
        return try ZarrStore(path: path)
    }

    private static func cannotMakeFolder(_ path: String, _ error: Int32, _ remedy: Message) -> DeconvolutionError {
        let isFull = error.meansFullDisk
        return DeconvolutionError(
            isFull ? .diskFull : .cannotCreateOutput,
            "\(path.inMessage): the folder cannot be made: \(String(cString: strerror(error))); "
                + (isFull ? "free some space or \(remedy)" : remedy)
        )
    }

    private static func notFound(_ path: String, _ error: Int32) -> DeconvolutionError {
        let reason =
            switch error {
            case ENOENT, ENOTDIR: "no such folder; check the path"
            case EACCES, EPERM: "may not be read; check its permissions"
            case ELOOP: "is a link that leads back to itself; remove it"
            default: "cannot be opened: \(String(cString: strerror(error)))"
            }
        return DeconvolutionError(.inputNotFound, "\(path.inMessage): \(reason)")
    }

    /// What messages call the file of a key.
    func location(_ key: String) -> String {
        key.isEmpty ? path : path.hasSuffix("/") ? path + key : "\(path)/\(key)"
    }

    /// An `invalidData` error about the file of a key.
    func invalid(_ key: String, _ problem: Message) -> DeconvolutionError {
        DeconvolutionError(.invalidData, "\(location(key).inMessage): \(problem)")
    }

    /// The file or folder of a key without links in its path, or nil where there is none.
    /// - Throws: `invalidData` where the key or a link leads out of the store, in a circle, or to nothing; `inputOutput`
    ///   where a folder on the way may not be searched.
    func resolved(_ key: String) throws(DeconvolutionError) -> String? {
        let names = key.betweenSlashes
        guard key.isEmpty || !names.contains(where: { ["", ".", ".."].contains($0) || $0.utf8.contains(0) }) else {
            throw invalid(key, "is no key of a store; check where it comes from")
        }
        let full = key.isEmpty ? root : "\(root)/\(key)"
        guard let found = realpath(full, nil) else {
            switch errno {
            case ENOENT:
                try requireNoDeadLink(names, key)
                return nil
            case ENOTDIR: throw invalid(key, "a file is where a folder should be; copy the store again from its source")
            case ELOOP: throw invalid(key, "is or lies behind a link that leads back to itself; remove it")
            case let error:
                throw DeconvolutionError(
                    .inputOutput,
                    "\(location(key).inMessage): cannot be reached: \(String(cString: strerror(error))); check its "
                        + "permissions and the disk"
                )
            }
        }
        defer { free(found) }
        let text = String(cString: found)
        guard text.liesIn(root) else {
            throw invalid(
                key,
                "is or lies behind a link that leads out of the store; copy what it leads to into the store"
            )
        }
        return text
    }

    /// A link that leads to nothing is there itself, and is not a chunk that was never written.
    private func requireNoDeadLink(_ names: [String], _ key: String) throws(DeconvolutionError) {
        var path = root
        for name in names {
            path += "/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0 else { return }
            if status.st_mode & S_IFMT == S_IFLNK, stat(path, &status) != 0 {
                throw invalid(key, "is or lies behind a link to nothing; remove or repair it")
            }
        }
    }

    /// The file of a key, open for reading, or nil where there is none.
    /// - Throws: as `resolved`; `invalidData` where it is no regular file, `inputNotFound` where it may not be read.
    func file(_ key: String) throws(DeconvolutionError) -> FileBytes? {
        guard let resolved = try resolved(key) else { return nil }
        var status = stat()
        if stat(resolved, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw invalid(
                key,
                "is a \(isFolder ? "folder" : "pipe or device") where a file should be; copy the store again from its source"
            )
        }
        return try FileBytes(path: resolved, shownAs: location(key))
    }

    /// A small file, or nil where there is none.
    /// - Throws: as `file`; `invalidData` where it is larger than 256 MiB.
    func contents(_ key: String) throws(DeconvolutionError) -> [UInt8]? {
        guard let file = try file(key) else { return nil }
        guard file.byteCount <= 1 << 28 else {
            throw file.invalid("is \(file.byteCount) bytes large, which metadata are not; write it again")
        }
        return try file.bytes(at: 0, count: file.byteCount)
    }

    /// A file of metadata, or nil where there is none.
    /// - Throws: as `contents`; `invalidData` where it is not JSON.
    func json(_ key: String) throws(DeconvolutionError) -> JSONValue? {
        guard let bytes = try contents(key) else { return nil }
        do throws(JSONProblem) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw invalid(key, "is not JSON (\(error.message)); copy it again from its source")
        }
    }

    /// Names of the files and folders in the folder of a key, sorted; none where it is no folder.
    /// - Throws: as `forEachName`.
    func names(in key: String) throws(DeconvolutionError) -> [String] {
        var names: [String] = []
        try forEachName(in: key) { (name) throws(DeconvolutionError) in names.append(name) }
        return names.sorted()
    }

    /// Calls `body` with the names of the files and folders in the folder of a key, in no order; not at all where it is no folder.
    /// - Throws: as `resolved`; `inputOutput` where the folder may not be listed or the disk fails, so that nobody takes what is
    ///   there for nothing; what `body` throws.
    func forEachName(
        in key: String,
        _ body: (String) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        func cannotList(_ error: Int32) -> DeconvolutionError {
            DeconvolutionError(
                .inputOutput,
                "\(location(key).inMessage): cannot be listed: \(String(cString: strerror(error))); check its permissions "
                    + "and the disk"
            )
        }
        guard let folder = try resolved(key) else { return }
        guard let stream = opendir(folder) else {
            let error = errno
            if error == ENOTDIR { return }
            throw cannotList(error)
        }
        defer { closedir(stream) }
        while true {
            // Only by this does the end differ from a failure.
            errno = 0
            guard let entry = readdir(stream) else {
                let error = errno
                if error != 0 { throw cannotList(error) }
                return
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { try body(name) }
        }
    }

    /// Whether there is a file or folder of that key.
    func exists(_ key: String) throws(DeconvolutionError) -> Bool { try resolved(key) != nil }

    /// Starts the file of a key, with the folders above it.
    /// - Parameters:
    ///   - synchronizing: whether to wait until the names of new folders are on the disk.
    ///   - removesAbandoned: see `AtomicOutput.init`.
    /// - Throws: as `resolved`, `makeFolder` and `AtomicOutput`.
    func output(
        _ key: String,
        expectedByteCount: Int? = nil,
        synchronizing: Bool,
        removesAbandoned: Bool = false,
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) -> AtomicOutput {
        if let slash = key.lastSlash { try makeFolder(String(key[..<slash]), synchronizing: synchronizing, calls) }
        _ = try resolved(key)
        return try AtomicOutput(
            path: "\(root)/\(key)",
            shownAs: location(key),
            overwrite: true,
            expectedByteCount: expectedByteCount,
            removesAbandoned: removesAbandoned,
            calls: calls
        )
    }

    /// Writes a file of metadata, whole or not at all, and removes what a killed process has left of it.
    func write(_ value: JSONValue, to key: String, synchronizing: Bool = true) throws(DeconvolutionError) {
        let bytes = Array(value.text.utf8)
        let output = try output(
            key,
            expectedByteCount: bytes.count,
            synchronizing: synchronizing,
            removesAbandoned: true
        )
        let span = bytes.span.bytes
        try span.withUnsafeBytes { (buffer) throws(DeconvolutionError) in try output.append(buffer) }
        try output.finish(synchronizing: synchronizing)
    }

    /// Makes a folder and those above it, where they are not there.
    /// - Throws: as `resolved`; `cannotCreateOutput` or, on a full disk, `inputOutput`.
    private func makeFolder(
        _ key: String,
        synchronizing: Bool,
        _ calls: OutputCalls
    ) throws(DeconvolutionError) {
        if try resolved(key) != nil { return }
        var parent = root
        if let slash = key.lastSlash {
            try makeFolder(String(key[..<slash]), synchronizing: synchronizing, calls)
            parent += "/\(key[..<slash])"
        }
        guard mkdir("\(root)/\(key)", 0o777) == 0 else {
            let error = errno
            // Another thread may have made it meanwhile.
            if error == EEXIST { return }
            throw Self.cannotMakeFolder(location(key), error, "choose another store")
        }
        // A file is as safe as the names of the folders that lead to it.
        if synchronizing { calls.synchronizeFolder(parent) }
    }

    /// Removes a file; of a link the link itself. Does nothing where there is none.
    /// - Throws: as `resolved` for its folder; `cannotCreateOutput` where it cannot be removed.
    func removeFile(_ name: String, in path: ZarrPath) throws(DeconvolutionError) {
        guard let folder = try resolved(path.text), unlink("\(folder)/\(name)") != 0, errno != ENOENT else { return }
        throw DeconvolutionError(
            .cannotCreateOutput,
            "\(location(path.key(name)).inMessage): cannot be removed: \(String(cString: strerror(errno))); check its "
                + "permissions"
        )
    }

    /// Brings everything that was written to the disk's file system to the disk.
    ///
    /// One call for many chunks that were written without waiting for the disk, before anything says that they are there. It
    /// waits for what other programs have written to the same file system, too.
    /// - Throws: `inputOutput` where the disk fails or is full.
    package func synchronize() throws(DeconvolutionError) {
        let descriptor = open(root, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.notFound(path, errno) }
        defer { close(descriptor) }
        guard syncfs(descriptor) == 0 else {
            let error = errno
            throw DeconvolutionError(
                error.meansFullDisk ? .diskFull : .inputOutput,
                "\(path.inMessage): writing failed: \(String(cString: strerror(error))); check the disk"
            )
        }
    }
}
