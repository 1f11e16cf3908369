import DeconvVolume
import Foundation
import Synchronization

/// The number of a volume in a result.
package struct VolumeNumber: Hashable, Sendable {
    /// 0 ..< number of channels.
    package var channel: Int
    /// 0 ..< number of time points.
    package var timepoint: Int

    package init(channel: Int, timepoint: Int) {
        self.channel = channel
        self.timepoint = timepoint
    }
}

/// What is known of a result that is not finished, in a file beside its chunks: one JSON document a line.
///
/// The first line is the job, then comes one a volume, then that it is finished; each is on the disk when the call that adds it
/// returns. A line that a crash has cut off, and whatever comes behind it, is as if it had never been written: what it would
/// have said is done once more.
///
/// While the object lives, the file is locked: no other process, and no other object of this one, has it.
final class VolumeJournal: Sendable {
    /// Its name in the result's folder.
    static let fileName = ".gpudeconv-journal"

    /// What is kept of a volume.
    struct Entry: Sendable {
        /// What the sink wants to know of it.
        var numbers: [String: Double] = [:]
        /// What its writer does; nil where it is not as this program writes it.
        var figures: VolumeFigures?
    }

    /// What the file says.
    struct Contents: Sendable {
        /// The job, once its metadata are written.
        var job: JobFingerprint?
        /// The volumes that are there.
        var volumes: [VolumeNumber: Entry] = [:]
        /// Whether all of it is there and is about to get its name.
        var isFinished = false
        /// Whether something else had the name, which is still to be removed.
        var replaces = false
        /// The process that wrote last.
        var process: Int?
    }

    private struct State {
        var contents: Contents
        var byteCount: Int
    }

    /// What messages call it.
    private let name: String
    private let descriptor: Int32
    private let calls: OutputCalls
    private let state: Mutex<State>

    /// What the file says now.
    var contents: Contents { state.withLock(\.contents) }

    /// Opens and locks a journal.
    /// - Parameters:
    ///   - path: of the file.
    ///   - name: what messages call the result.
    ///   - creating: whether it is made where it is not there.
    /// - Returns: nil where there is none, or none any more: it was moved or removed before it could be locked.
    /// - Throws: `cannotCreateOutput` where another process has it or it may not be written.
    static func open(
        _ path: String,
        of name: String,
        creating: Bool,
        calls: OutputCalls
    ) throws(DeconvolutionError) -> VolumeJournal? {
        let flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | (creating ? O_CREAT : 0)
        let descriptor = Foundation.open(path, flags, 0o666)
        guard descriptor >= 0 else {
            let error = errno
            if error == ENOENT || error == ENOTDIR { return nil }
            let isFull = error == ENOSPC || error == EDQUOT
            throw DeconvolutionError(
                isFull ? .inputOutput : .cannotCreateOutput,
                "\(path.inMessage): cannot be opened: \(String(cString: strerror(error))); "
                    + (isFull ? "free some space" : "check its permissions or choose another name")
            )
        }
        if !FileLock.take(descriptor) {
            defer { close(descriptor) }
            let process = (try? read(descriptor, path))?.contents.process
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(name.inMessage): another gpudeconv\(process.map { " (process \($0))" } ?? "") is writing it; wait for it "
                    + "to end or choose another name"
            )
        }
        // Another process may have finished or removed the folder meanwhile.
        guard FileLock.isStill(descriptor, at: path) else {
            close(descriptor)
            return nil
        }
        do throws(DeconvolutionError) {
            let state = try read(descriptor, path)
            // What is behind the last whole line must not stand in front of the next one.
            ftruncate(descriptor, off_t(state.byteCount))
            return VolumeJournal(path, descriptor, calls, state)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// What a journal says that another process may be writing; nil where there is none.
    static func contents(_ path: String) -> Contents? {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return (try? read(descriptor, path))?.contents
    }

    private init(_ name: String, _ descriptor: Int32, _ calls: OutputCalls, _ state: State) {
        self.name = name
        self.descriptor = descriptor
        self.calls = calls
        self.state = Mutex(state)
    }

    deinit { close(descriptor) }

    /// Says which process has the file, for others to tell.
    func addProcess() throws(DeconvolutionError) { try add(["process": .integer(getpid())]) }

    /// Says which job the result is of: from now on it may be gone on with.
    func add(_ job: JobFingerprint) throws(DeconvolutionError) {
        try add(["gpudeconv": .integer(Self.format), "job": job.json])
    }

    /// Says that a volume is there, which it is, on the disk.
    /// - Parameter entry: what `contents.volumes` is to give for it.
    func add(_ volume: VolumeNumber, _ entry: Entry) throws(DeconvolutionError) {
        var members: JSONObject = [:]
        for (name, value) in entry.numbers.sorted(by: { $0.key < $1.key }) { members[name] = .double(value) }
        var line: JSONObject = [
            "channel": .integer(volume.channel), "timepoint": .integer(volume.timepoint), "numbers": .object(members),
        ]
        line["figures"] = entry.figures?.json
        try add(line)
    }

    /// Says that all volumes are there.
    func addEnd(replacing: Bool) throws(DeconvolutionError) {
        try add(["finished": .bool(true), "replaces": .bool(replacing)])
    }

    private func add(_ line: JSONObject) throws(DeconvolutionError) {
        let bytes = Array((JSONValue.object(line).line + "\n").utf8)
        try state.withLock { (state) throws(DeconvolutionError) in
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    calls.write(descriptor, $0.baseAddress! + done, bytes.count - done, state.byteCount + done)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure(state) }
                done += count
            }
            if calls.synchronize(descriptor) != 0, ![EINVAL, ENOSYS, ENOTSUP].contains(errno) { throw failure(state) }
            state.byteCount += bytes.count
            Self.take(line, into: &state.contents)
        }
    }

    private func failure(_ state: State) -> DeconvolutionError {
        let error = errno
        ftruncate(descriptor, off_t(state.byteCount))
        let isFull = error == ENOSPC || error == EDQUOT
        return DeconvolutionError(
            .inputOutput,
            "\(name.inMessage): "
                + (isFull
                    ? "no space left; free some and start again"
                    : "writing failed: \(String(cString: strerror(error))); check the disk")
        )
    }

    /// Version of the lines' format.
    private static let format = 1

    private static func read(_ descriptor: Int32, _ path: String) throws(DeconvolutionError) -> State {
        let file = try FileBytes(borrowing: descriptor, path: path)
        let bytes = try file.bytes(at: 0, count: file.byteCount)
        var state = State(contents: Contents(), byteCount: 0)
        while let end = bytes[state.byteCount...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let value = try? JSONValue(parsing: Array(bytes[state.byteCount..<end])), let line = value.object,
                take(line, into: &state.contents)
            else { break }
            state.byteCount = end + 1
        }
        return state
    }

    /// Adds what a line says, or gives false where it says nothing that is known.
    @discardableResult
    private static func take(_ line: JSONObject, into contents: inout Contents) -> Bool {
        if let process = line["process"]?.integer() {
            contents.process = process
        } else if line["gpudeconv"]?.integer() == format, let job = JobFingerprint(line["job"]) {
            contents.job = job
        } else if let channel = line["channel"]?.integer(), let timepoint = line["timepoint"]?.integer(),
            let numbers = line["numbers"]?.object
        {
            var entry = Entry(figures: VolumeFigures(line["figures"]))
            for (name, value) in numbers { entry.numbers[name] = value.double }
            contents.volumes[VolumeNumber(channel: channel, timepoint: timepoint)] = entry
        } else if line["finished"]?.bool == true {
            contents.isFinished = true
            contents.replaces = line["replaces"]?.bool == true
        } else {
            return false
        }
        return true
    }
}
