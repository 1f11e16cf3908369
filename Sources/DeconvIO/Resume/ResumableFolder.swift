package import DeconvVolume
import Foundation
import Synchronization

/// A folder that may take any number of runs to fill, and gets its name when it is whole.
///
/// Until then it is `NAME.partial` beside its place, with a journal of what is in it. A run that ends early, however it does,
/// leaves it to the next run of the same job. One process has it at a time.
package final class ResumableFolder: Sendable {
    /// Where the run stands.
    private enum Phase {
        case growing, placed, closed
    }

    private struct State {
        var phase: Phase
        var journal: VolumeJournal?
    }

    /// The result as the caller named it.
    package let path: String
    /// The folder that grows, as messages name it.
    package var partialPath: String { path + Self.suffix }

    private let target: OutputPath
    private let job: JobFingerprint
    private let overwrite: Bool
    private let inputs: [String]
    private let calls: OutputCalls
    private let state: Mutex<State>

    private static let suffix = ".partial"

    /// Opens or makes the folder of a job, and locks it.
    /// - Parameters:
    ///   - path: the result; its folder exists.
    ///   - job: what an unfinished result must have been begun with to be gone on with.
    ///   - overwrite: whether a finished Zarr array or group of that name may be replaced, at the end, and an unfinished one of
    ///     another job be thrown away, now.
    ///   - inputs: files and folders that are read, which must not be lost by that.
    /// - Throws: `cannotCreateOutput` where the name is taken, another process is at it, or it was begun by another job, whose
    ///   differences are named.
    package init(
        path: String,
        job: JobFingerprint,
        overwrite: Bool,
        inputs: [String] = [],
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let parts = OutputPath(path)
        guard !["", ".", ".."].contains(parts.name) else {
            throw DeconvolutionError(.cannotCreateOutput, "\(path.inMessage): names no new folder; give a name")
        }
        guard let real = realpath(parts.folder, nil) else {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(path.inMessage): its folder \(parts.folder.inMessage) does not exist; create it"
            )
        }
        // Absolute, since a program may change its folder during a long run.
        let target = OutputPath("\(String(cString: real) == "/" ? "" : String(cString: real))/\(parts.name)")
        free(real)
        self.path = path
        self.target = target
        self.job = job
        self.overwrite = overwrite
        self.inputs = inputs.compactMap { input in
            guard let real = realpath(input, nil) else { return nil }
            defer { free(real) }
            return String(cString: real)
        }
        self.calls = calls
        state = Mutex(State(phase: .closed, journal: nil))
        UnfinishedName.removeAbandoned(target.name, in: target.folder)
        let opened = try open()
        state.withLock { $0 = opened }
    }

    deinit { close() }

    private var finalPath: String { "\(target.folder)/\(target.name)" }
    private var growingPath: String { finalPath + Self.suffix }

    /// Where the files are now, as an absolute path.
    package var currentPath: String { state.withLock { $0.phase == .placed ? finalPath : growingPath } }

    /// A file in it, while it grows, for what the last digits of its voxels follow from.
    package var plansPath: String { "\(growingPath)/\(VolumeJournal.fileName).plans" }

    /// Whether it has its name; all that may be left is what `finish` does behind that.
    package var isPlaced: Bool { state.withLock { $0.phase == .placed } }

    /// The job that a result which is not quite finished was begun by, whoever has it now; nil where there is none.
    static func begunJob(_ path: String) -> JobFingerprint? {
        for folder in [path + suffix, path] {
            if let job = VolumeJournal.contents("\(folder)/\(VolumeJournal.fileName)")?.job { return job }
        }
        return nil
    }

    /// Whether a folder was given its name by a run of a job that died before it was quite done.
    static func isPlaced(_ path: String, by job: JobFingerprint) -> Bool {
        let contents = VolumeJournal.contents("\(path)/\(VolumeJournal.fileName)")
        return contents?.isFinished == true && contents?.job == job
    }

    /// Whether nothing in it counts yet: metadata are to be written, then `begin` called.
    package var isNew: Bool { contents.job == nil }

    /// The volumes that are there.
    var volumes: [VolumePosition: VolumeJournal.Entry] { contents.volumes }

    /// Volumes that the journal has twice, and which so do not count.
    var contestedVolumes: Set<VolumePosition> { contents.contested }

    /// What of its journal makes no sense and was left out, in words.
    var journalProblems: [String] { contents.problems }

    private var contents: VolumeJournal.Contents {
        state.withLock { $0.journal?.contents } ?? VolumeJournal.Contents()
    }

    private func journal() -> VolumeJournal {
        guard let journal = state.withLock(\.journal) else { preconditionFailure("the result is finished or closed") }
        return journal
    }

    /// Says that what is common to all volumes is there, on the disk: from now on another run may go on.
    package func begin() throws(DeconvolutionError) { try journal().add(job) }

    /// Has a volume count as done; see `VolumeJournal.complete`.
    func complete(
        _ volume: VolumePosition,
        _ entry: VolumeJournal.Entry,
        _ synchronize: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try journal().complete(volume, entry, synchronize)
    }

    /// Says that volumes do not count any more.
    func remove(_ volumes: [VolumePosition]) throws(DeconvolutionError) { try journal().remove(volumes) }

    /// Has a result that has its name count as one that somebody finished long ago, which `--overwrite` may replace.
    func forgetPlaced() {
        precondition(isPlaced, "the result has no name yet")
        if journal().contents.replaces { removeReplaced() }
        unlink("\(finalPath)/\(VolumeJournal.fileName)")
        close()
    }

    /// Gives the folder its name; does nothing where that was done.
    /// - Parameter entering: tells others of the new name; called again by the next run if this one dies before all is done.
    /// - Throws: `cannotCreateOutput` where the name was taken meanwhile: the folder stays as it is. `inputOutput` where the disk
    ///   fails.
    package func finish(entering: () throws(DeconvolutionError) -> Void = {}) throws(DeconvolutionError) {
        guard state.withLock({ $0.journal != nil }) else { return }
        if !isPlaced {
            unlink(plansPath)
            try place()
        }
        try entering()
        let journal = journal()
        if journal.contents.replaces { removeReplaced() }
        unlink("\(finalPath)/\(VolumeJournal.fileName)")
        calls.synchronizeFolder(finalPath)
        state.withLock { $0 = State(phase: .closed, journal: nil) }
    }

    /// Lets another process have it. What has no volume yet is removed, everything else stays for the next run.
    package func close() {
        let state = state.withLock { state in
            let old = state
            state = State(phase: .closed, journal: nil)
            return old
        }
        guard state.phase == .growing, let journal = state.journal else { return }
        if journal.contents.volumes.isEmpty, !journal.contents.isFinished { remove(growingPath) }
    }

    // MARK: - Opening

    private func open() throws(DeconvolutionError) -> State {
        // Each further round means that another process did something in between.
        for _ in 0..<100 {
            if let state = try openFinished() { return state }
            if let state = try openUnfinished() { return state }
        }
        throw cannotCreate(path, "other processes keep writing it; try again")
    }

    /// Looks at what has the name, and refuses it if it may not be replaced; a result of this job that was placed and not quite
    /// finished is what we want.
    private func openFinished() throws(DeconvolutionError) -> State? {
        var status = stat()
        guard lstat(finalPath, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: break
        case S_IFLNK: throw cannotCreate(path, "is a link; name the folder it leads to, or choose another name")
        default: throw cannotCreate(path, "is a file, not a Zarr array or group; choose another name")
        }
        let journalPath = "\(finalPath)/\(VolumeJournal.fileName)"
        if let journal = try VolumeJournal.open(journalPath, of: path, creating: false, calls: calls),
            journal.contents.isFinished
        {
            if journal.contents.job == job { return State(phase: .placed, journal: journal) }
            guard overwrite else { throw exists() }
            if journal.contents.replaces { removeReplaced() }
            unlink(journalPath)
        }
        guard overwrite else { throw exists() }
        try requireReplaceable(finalPath, path)
        return nil
    }

    private func openUnfinished() throws(DeconvolutionError) -> State? {
        let isMade = mkdir(growingPath, 0o777) == 0
        if !isMade, errno != EEXIST {
            let error = errno
            let isFull = error.meansFullDisk
            throw DeconvolutionError(
                isFull ? .diskFull : .cannotCreateOutput,
                "\(partialPath.inMessage): the folder cannot be made: \(String(cString: strerror(error))); "
                    + (isFull ? "free some space or choose another folder" : "choose another folder")
            )
        }
        var status = stat()
        guard lstat(growingPath, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw cannotCreate(partialPath, "is in the way of the unfinished result; remove it or choose another name")
        }
        let names = UnfinishedName.names(in: growingPath)
        guard names.isEmpty || names.contains(VolumeJournal.fileName) else {
            throw cannotCreate(
                partialPath,
                "is a folder without the journal of an unfinished result; remove it or choose another name"
            )
        }
        let journal: VolumeJournal?
        do throws(DeconvolutionError) {
            journal = try VolumeJournal.open(
                "\(growingPath)/\(VolumeJournal.fileName)",
                of: path,
                creating: true,
                calls: calls
            )
        } catch {
            // Removes only what is empty.
            if isMade { rmdir(growingPath) }
            throw error
        }
        guard let journal else { return nil }
        guard let begun = journal.contents.job else {
            // The run before died before anything counted.
            for name in names where name != VolumeJournal.fileName {
                try requireNoInput(in: "\(growingPath)/\(name)", partialPath)
                try? FileManager.default.removeItem(atPath: "\(growingPath)/\(name)")
            }
            return try growing(journal)
        }
        let differences = job.differences(from: begun)
        if differences.isEmpty {
            UnfinishedName.removeAll(below: growingPath)
            return try growing(journal)
        }
        guard overwrite else {
            let more = differences.count > 3 ? " and \(differences.count - 3) more" : ""
            throw cannotCreate(
                partialPath,
                "was begun by another job: \(differences.prefix(3).joined(separator: ", "))\(more); give the same options to "
                    + "go on, \(on: .overwrite) to begin anew, or choose another name"
            )
        }
        try requireNoInput(in: growingPath, partialPath)
        remove(growingPath)
        return nil
    }

    private func growing(_ journal: VolumeJournal) throws(DeconvolutionError) -> State {
        do throws(DeconvolutionError) { try journal.addProcess() } catch {
            if journal.contents.job == nil { remove(growingPath) }
            throw error
        }
        return State(phase: .growing, journal: journal)
    }

    // MARK: - Placing

    private func place() throws(DeconvolutionError) {
        let journal = journal()
        var status = stat()
        var replaces = false
        if lstat(finalPath, &status) == 0 {
            guard overwrite else { throw exists() }
            try requireReplaceable(finalPath, path)
            replaces = true
        }
        if !journal.contents.isFinished || journal.contents.replaces != replaces {
            try journal.addEnd(replacing: replaces)
        }
        let aside = "\(target.folder)/\(UnfinishedName.make(for: target.name))"
        switch FolderRename.rename(growingPath, to: finalPath, replacing: replaces, aside: aside) {
        case .placed, .exchanged: break
        case .putAside(let old): try? FileManager.default.removeItem(atPath: old)
        case .failed(EEXIST), .failed(ENOTEMPTY), .failed(ENOTDIR): throw exists()
        case .failed(let error):
            throw DeconvolutionError(
                .inputOutput,
                "\(partialPath.inMessage): renaming to \(target.name.inMessage) failed: \(String(cString: strerror(error))); "
                    + "all of it is there: rename it yourself"
            )
        }
        calls.synchronizeFolder(target.folder)
        state.withLock { $0.phase = .placed }
    }

    /// Removes what had the name before, and was exchanged for the result. A folder with a journal is none of this.
    private func removeReplaced() {
        var status = stat()
        guard lstat(growingPath, &status) == 0, lstat("\(growingPath)/\(VolumeJournal.fileName)", &status) != 0 else {
            return
        }
        remove(growingPath)
    }

    /// Takes a folder out of the way at once, then removes it.
    private func remove(_ path: String) {
        let aside = "\(target.folder)/\(UnfinishedName.make(for: target.name))"
        guard rename(path, aside) == 0 else { return }
        try? FileManager.default.removeItem(atPath: aside)
    }

    // MARK: - Refusing

    private func requireReplaceable(_ folder: String, _ name: String) throws(DeconvolutionError) {
        let names = UnfinishedName.names(in: folder)
        let isNode = [ZarrMetadataFile.version3, ZarrMetadataFile.array, ZarrMetadataFile.group]
            .contains { names.contains($0) }
        guard isNode || names.isEmpty else {
            throw cannotCreate(
                name,
                "is a folder that is no Zarr array or group, which is not replaced; choose another name"
            )
        }
        try requireNoInput(in: folder, name)
    }

    private func requireNoInput(in folder: String, _ name: String) throws(DeconvolutionError) {
        for input in inputs where input == folder || input.hasPrefix(folder + "/") {
            let isInput = input == folder
            throw cannotCreate(
                name,
                isInput
                    ? "is an input of this run; choose another name"
                    : "has the input \(input.inMessage) in it; put the result beside it with a path such as "
                        + "\(name.inMessage)/deconvolved, or choose another name"
            )
        }
    }

    private func exists() -> DeconvolutionError {
        do throws(DeconvolutionError) { try requireNoInput(in: finalPath, path) } catch { return error }
        return DeconvolutionError(
            .outputExists,
            "\(path.inMessage): exists already; give \(on: .overwrite) to replace it, or choose another name"
        )
    }

    private func cannotCreate(_ path: String, _ problem: Message) -> DeconvolutionError {
        DeconvolutionError(.cannotCreateOutput, "\(path.inMessage): \(problem)")
    }
}
