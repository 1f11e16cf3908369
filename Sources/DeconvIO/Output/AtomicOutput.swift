package import DeconvVolume
import Foundation

/// A file that appears whole or not at all.
///
/// Bytes go to a hidden file beside the target, `.NAME.PID-RANDOM.partial`; `finish` brings them to the disk and renames
/// it. Whatever happens instead, an error, a forgotten `finish`, the object going away, removes the hidden file.
/// `removeAllUnfinished` does the same for a process that is about to end.
///
/// One owner at a time: it has no lock.
package final class AtomicOutput {
    /// What messages call the target: its path as the caller gave it.
    package let path: String
    /// Bytes from the start of the file to the end of what was written.
    package private(set) var byteCount = 0

    /// Open for reading and writing until `finish`.
    var descriptor: Int32 {
        direct.end()
        return file
    }

    private let file: Int32
    private let target: String
    private let temporary: String
    private let overwrite: Bool
    private let expectedByteCount: Int?
    private let calls: OutputCalls
    private let entry: UnfinishedOutputs.Entry
    private let lock: OutputLock?
    private var direct: DirectWriting
    private var state = State.open

    private enum State { case open, closed }

    /// Starts a file.
    /// - Parameters:
    ///   - name: what messages call it, or nil for its path.
    ///   - overwrite: whether an existing file may be replaced; without it, it is refused now and again in `finish`,
    ///     where no other program can come between the check and the rename.
    ///   - expectedByteCount: the length if it is known, for the message on a full disk.
    ///   - isExclusive: whether it is refused now where another output of the same target is being written that is exclusive too,
    ///     by whatever process: for those that are begun long before they are finished.
    ///   - removesAbandoned: whether hidden files of the same target are removed that killed processes of this machine have
    ///     left. For that its folder is listed, which is not for chunks in a folder of many.
    /// - Throws: `cannotCreateOutput` where the target exists, is not a regular file, is being written by another process, or
    ///   its folder is missing or may not be written.
    package init(
        path: String,
        shownAs name: String? = nil,
        overwrite: Bool,
        expectedByteCount: Int? = nil,
        isExclusive: Bool = false,
        removesAbandoned: Bool = true,
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) {
        let name = name ?? path
        let target = try Self.target(path, name, overwrite: overwrite)
        let parts = OutputPath(target)
        let lock = isExclusive ? try OutputLock(parts, shownAs: name) : nil
        // Whoever had the lock may have finished the target meanwhile.
        if isExclusive { _ = try Self.target(path, name, overwrite: overwrite) }
        if removesAbandoned { UnfinishedName.removeAbandoned(parts.name, in: parts.folder) }
        var existing = stat()
        let mode = stat(target, &existing) == 0 ? existing.st_mode & 0o777 : nil
        var temporary = ""
        var descriptor: Int32 = -1
        repeat {
            temporary = "\(parts.folder)/\(UnfinishedName.make(for: parts.name))"
            descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        } while descriptor < 0 && (errno == EEXIST || errno == EINTR)
        guard descriptor >= 0 else { throw Self.cannotCreate(path, name, errno) }
        if let mode { fchmod(descriptor, mode) }
        self.path = name
        self.overwrite = overwrite
        self.expectedByteCount = expectedByteCount
        self.calls = calls
        self.target = target
        self.temporary = temporary
        file = descriptor
        direct = DirectWriting(descriptor)
        self.lock = lock
        entry = UnfinishedOutputs.add(temporary)
    }

    deinit { discard() }

    /// Writes a whole file.
    /// - Throws: as `init`, `write` and `finish`.
    package static func write(
        _ bytes: some Sequence<UInt8>,
        to path: String,
        overwrite: Bool
    ) throws(DeconvolutionError) {
        let bytes = Array(bytes)
        let output = try AtomicOutput(path: path, overwrite: overwrite, expectedByteCount: bytes.count)
        let span = bytes.span.bytes
        try span.withUnsafeBytes { (buffer) throws(DeconvolutionError) in try output.append(buffer) }
        try output.finish()
    }

    /// Removes the hidden files of all outputs of this process that are not finished.
    ///
    /// Takes no lock, so it may be called in a signal handler right before the process ends. The outputs themselves
    /// fail afterwards.
    package static func removeAllUnfinished() { UnfinishedOutputs.removeAll() }

    /// Writes at the end.
    /// - Throws: as `write(_:at:)`.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(DeconvolutionError) {
        try write(bytes, at: byteCount)
    }

    /// Writes anywhere.
    /// - Throws: `inputOutput` where the disk is full or fails; the output is removed then.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DeconvolutionError) {
        precondition(state == .open, "an output that has failed or is finished takes no more bytes")
        var done = 0
        while done < bytes.count {
            let start = bytes.baseAddress! + done
            // Linux writes at most 2 GiB a call.
            let wanted = direct.choose(start, min(bytes.count - done, 1 << 30), at: offset + done)
            let count = calls.write(file, start, wanted, offset + done)
            guard count > 0 else {
                let error = count < 0 ? errno : EIO
                let isRefusal = [EINVAL, EOPNOTSUPP, ENOTSUP].contains(error)
                if error == EINTR || isRefusal && direct.giveUp() { continue }
                throw fail("writing", error)
            }
            done += count
        }
        byteCount = max(byteCount, offset + done)
    }

    /// Reads back what was written, up to the size of `buffer`.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        direct.end()
        while true {
            let count = pread(file, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// Brings everything to the disk and makes it visible under its name.
    /// - Parameter synchronizing: whether to wait for the disk. Without it a loss of power may leave a file of this name with
    ///   other contents; it is for callers that wait for many files at once.
    /// - Throws: `inputOutput` where the disk is full or fails, `cannotCreateOutput` where the target has come into
    ///   existence meanwhile. The output is removed then.
    package func finish(synchronizing: Bool = true) throws(DeconvolutionError) {
        precondition(state == .open, "an output is finished once")
        // File systems that keep nothing back have no fsync and say EINVAL.
        if synchronizing, calls.synchronize(file) != 0, ![EINVAL, ENOSYS, ENOTSUP].contains(errno) {
            throw fail("writing", errno)
        }
        let problem = OutputRename.rename(temporary, to: target, replacing: overwrite)
        if problem == EEXIST {
            discard()
            throw Self.exists(path)
        }
        guard problem == 0 else { throw fail("renaming", problem) }
        state = .closed
        UnfinishedOutputs.remove(entry)
        close(file)
        lock?.release()
        guard synchronizing else { return }
        // The name itself is safe once the folder is.
        calls.synchronizeFolder(OutputPath(target).folder)
    }

    /// Removes what there is; nothing appears at the target. Does nothing after `finish`.
    package func discard() {
        guard state == .open else { return }
        state = .closed
        unlink(temporary)
        UnfinishedOutputs.remove(entry)
        close(file)
        lock?.release()
    }

    private func fail(_ action: String, _ error: Int32) -> DeconvolutionError {
        discard()
        let reason: String
        switch error {
        case ENOSPC, EDQUOT:
            let missing = expectedByteCount.map { max(0, $0 - byteCount) } ?? 0
            let space = error == EDQUOT ? "no space left in your quota" : "no space left"
            let amount = missing > 0 ? "free \(missing) bytes" : "free some"
            return DeconvolutionError(
                .diskFull,
                "\(path.inMessage): \(space) in \(OutputPath(target).folder.inMessage); \(amount) or choose another "
                    + "folder"
            )
        case EFBIG:
            reason = "this file system or your limits allow no file this large; choose another folder"
        default:
            reason = "\(action) failed: \(String(cString: strerror(error))); check the disk or choose another folder"
        }
        return DeconvolutionError(.inputOutput, "\(path.inMessage): \(reason)")
    }

    /// The file that a path stands for, links followed, if it may be written.
    private static func target(
        _ path: String,
        _ shownName: String,
        overwrite: Bool
    ) throws(DeconvolutionError) -> String {
        guard !path.isEmpty else {
            throw DeconvolutionError(.cannotCreateOutput, "the output has no name; give one")
        }
        guard !OutputPath(path).name.isEmpty else {
            throw DeconvolutionError(.cannotCreateOutput, "\(shownName.inMessage): is a folder; name a file in it")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            let error = errno
            if error == ENOENT, lstat(path, &status) != 0 {
                // Absolute, since a program may change its folder during a long run.
                let parts = OutputPath(path)
                guard let folder = realpath(parts.folder, nil) else { throw cannotCreate(path, shownName, errno) }
                defer { free(folder) }
                let prefix = String(cString: folder)
                return prefix == "/" ? "/\(parts.name)" : "\(prefix)/\(parts.name)"
            }
            switch error {
            case ENOENT:
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(shownName.inMessage): is a link to nothing; remove it or choose another name"
                )
            default: throw cannotCreate(path, shownName, error)
            }
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR:
            throw DeconvolutionError(.cannotCreateOutput, "\(shownName.inMessage): is a folder; name a file in it")
        default:
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(shownName.inMessage): is a pipe or device, not a file; choose another name"
            )
        }
        guard overwrite else { throw exists(shownName) }
        guard let resolved = realpath(path, nil) else { throw cannotCreate(path, shownName, errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func exists(_ shownName: String) -> DeconvolutionError {
        DeconvolutionError(
            .outputExists,
            "\(shownName.inMessage): exists already; give \(on: .overwrite) to replace it, or choose another name"
        )
    }

    private static func cannotCreate(_ path: String, _ shownName: String, _ error: Int32) -> DeconvolutionError {
        let folder = OutputPath(path).folder.inMessage
        // Some folders, such as /proc, say that they do not exist when a file is made in them.
        let isThere = access(OutputPath(path).folder, F_OK) == 0
        let reason =
            switch error {
            case ENOENT where !isThere: "its folder \(folder) does not exist; create it"
            case ENOTDIR: "\(folder) is not a folder; choose another"
            case ENOENT: "its folder \(folder) takes no files; choose another folder"
            case EACCES, EPERM, EROFS: "its folder \(folder) may not be written; choose another folder"
            case ENAMETOOLONG: "its name is too long; choose a shorter one"
            case ENOSPC, EDQUOT: "no space left in \(folder); free some or choose another folder"
            default: "cannot be created: \(String(cString: strerror(error))); choose another folder"
            }
        return DeconvolutionError(
            error.meansFullDisk ? .diskFull : .cannotCreateOutput,
            "\(shownName.inMessage): \(reason)"
        )
    }
}

/// The system calls whose failure a test cannot bring about on a disk with room.
package struct OutputCalls: Sendable {
    /// `pwrite`: descriptor, bytes, count, offset.
    package var write: @Sendable (Int32, UnsafeRawPointer, Int, Int) -> Int
    /// `fsync`.
    package var synchronize: @Sendable (Int32) -> Int32

    package init(
        write: @escaping @Sendable (Int32, UnsafeRawPointer, Int, Int) -> Int,
        synchronize: @escaping @Sendable (Int32) -> Int32
    ) {
        self.write = write
        self.synchronize = synchronize
    }

    /// Brings the names in a folder to the disk. File systems that cannot do this say so and lose nothing.
    func synchronizeFolder(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = synchronize(descriptor)
        close(descriptor)
    }

    /// The real ones.
    package static let system = OutputCalls(
        write: { pwrite($0, $1, $2, off_t($3)) },
        synchronize: { fsync($0) }
    )
}

/// Renaming with and without replacing.
private enum OutputRename {
    /// Renames, and gives 0 or the error number; `EEXIST` where the target is there and may not be replaced.
    static func rename(_ source: String, to target: String, replacing: Bool) -> Int32 {
        if replacing { return result(Foundation.rename(source, target)) }
        // A link never replaces, whoever comes in between.
        var problem = result(link(source, target))
        if [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK].contains(problem) {
            // No links here (FAT, some network disks): take the name exclusively, then rename over what we took.
            let reserved = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
            guard reserved >= 0 else { return errno }
            close(reserved)
            problem = result(Foundation.rename(source, target))
            if problem != 0 { unlink(target) }
        } else if problem == 0 {
            unlink(source)
        }
        return problem
    }

    private static func result(_ status: Int32) -> Int32 { status == 0 ? 0 : errno }
}
