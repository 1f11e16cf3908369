import CLinux
import DeconvVolume
import Foundation

/// Files in a folder of this machine. No key leads out of it: not by its names, and not by a symbolic link on the way.
final class FolderStorage: StoreStorage {
    let name: String
    /// The folder without links in its path.
    private let root: String

    /// An existing folder.
    /// - Throws: `inputNotFound` where there is no such folder or it may not be read.
    init(path: String) throws(DeconvolutionError) {
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
        name = path
        self.root = String(cString: root)
    }

    /// A folder that is made if it is not there; its parent is.
    /// - Throws: `cannotCreateOutput` or, on a full disk, `inputOutput` where it cannot be made.
    static func create(path: String) throws(DeconvolutionError) -> FolderStorage {
        if mkdir(path, 0o777) != 0, errno != EEXIST { throw cannotMakeFolder(path, errno, "choose another name") }
        return try FolderStorage(path: path)
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

    var isListed: Bool { true }

    func identity(of path: ZarrPath) -> String? { nil }

    /// The file or folder of a key without links in its path, or nil where there is none.
    /// - Throws: `invalidData` where the key or a link leads out of the store, in a circle, or to nothing; `inputOutput`
    ///   where a folder on the way may not be searched.
    func resolved(_ key: String) throws(DeconvolutionError) -> String? {
        try requireKey(key)
        let full = key.isEmpty ? root : "\(root)/\(key)"
        guard let found = realpath(full, nil) else {
            switch errno {
            case ENOENT:
                try requireNoDeadLink(key.betweenSlashes, key)
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
    func file(_ key: String, _ use: StoredUse) throws(DeconvolutionError) -> (any StoredBytes)? {
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

    func exists(_ key: String) throws(DeconvolutionError) -> Bool { try resolved(key) != nil }

    func mark(of key: String) -> StoredMark? {
        let path = "\(root)/\(key)"
        var status = stat()
        guard stat(path, &status) == 0 else {
            // What cannot be reached is there, and reading it will tell.
            let isMissing = errno == ENOENT && lstat(path, &status) != 0
            return isMissing ? nil : StoredMark()
        }
        return StoredMark(numbers: [Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec])
    }

    // MARK: - Writing

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
    /// - Parameter folder: the key of its folder.
    /// - Throws: as `resolved` for the folder; `cannotCreateOutput` where it cannot be removed.
    func removeFile(_ name: String, in folder: String) throws(DeconvolutionError) {
        guard let place = try resolved(folder), unlink("\(place)/\(name)") != 0, errno != ENOENT else { return }
        let key = folder.isEmpty ? name : "\(folder)/\(name)"
        throw DeconvolutionError(
            .cannotCreateOutput,
            "\(location(key).inMessage): cannot be removed: \(String(cString: strerror(errno))); check its permissions"
        )
    }

    /// Brings everything that was written to the disk's file system to the disk.
    ///
    /// One call for many chunks that were written without waiting for the disk, before anything says that they are there. It
    /// waits for what other programs have written to the same file system, too.
    /// - Throws: `inputOutput` where the disk fails or is full.
    func synchronize() throws(DeconvolutionError) {
        let descriptor = open(root, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.notFound(name, errno) }
        defer { close(descriptor) }
        guard syncfs(descriptor) == 0 else {
            let error = errno
            throw DeconvolutionError(
                error.meansFullDisk ? .diskFull : .inputOutput,
                "\(name.inMessage): writing failed: \(String(cString: strerror(error))); check the disk"
            )
        }
    }
}
