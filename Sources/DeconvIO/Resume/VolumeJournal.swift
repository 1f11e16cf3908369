import DeconvVolume
import Foundation
import Synchronization

/// What is known of a result that is not finished, in a file beside its chunks: one JSON document a line.
///
/// The first line is the job, then comes one a volume, then that it is finished; each is on the disk when the call that adds it
/// returns. A line that a crash has cut off, and whatever comes behind it, is as if it had never been written: what it would
/// have said is done once more. Lines that can be read and make no sense are left out.
///
/// While the object lives, the file is locked: no other process, and no other object of this one, has it.
final class VolumeJournal: Sendable {
    /// Its name in the result's folder.
    static let fileName = ".gpudeconv-journal"

    /// What is kept of a volume.
    struct Entry: Sendable {
        /// What the sink wants to know of it.
        var numbers: [String: Double] = [:]
        /// What its files were like when they were written; nil in journals of before these were kept.
        var files: [FileSum]?
        /// What its part of the input was like when it was read; nil where that is said by the job.
        var input: UInt64?
        /// What its writer does; nil where it is not as this program writes it.
        var figures: VolumeFigures?
    }

    /// What the file says.
    struct Contents: Sendable {
        /// The job, once its metadata are written.
        var job: JobFingerprint?
        /// The volumes that are there.
        var volumes: [VolumePosition: Entry] = [:]
        /// Whether all of it is there and is about to get its name.
        var isFinished = false
        /// Whether something else had the name, which is still to be removed.
        var replaces = false
        /// The process that wrote last.
        var process: Int?
        /// What makes no sense and is left out, in words, by line.
        var problems: [String] = []
        /// Volumes that were there twice, of which nobody knows which to believe.
        fileprivate(set) var contested: Set<VolumePosition> = []
    }

    /// What a line says.
    private enum Sense {
        case known
        /// Nothing that is known: it is damaged, and so may all be that follows.
        case damaged
        /// Something that cannot be, in words.
        case none(String)
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
            let isFull = error.meansFullDisk
            throw DeconvolutionError(
                isFull ? .diskFull : .cannotCreateOutput,
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
    func addProcess() throws(DeconvolutionError) { try add([["process": .integer(getpid())]]) }

    /// Says which job the result is of: from now on it may be gone on with.
    func add(_ job: JobFingerprint) throws(DeconvolutionError) {
        var line: JSONObject = ["gpudeconv": .integer(Self.format)]
        for (name, value) in job.json { line[name] = value }
        try add([line])
    }

    /// Has a volume count as done: first all that was written is brought to the disk, then a line says that it is there.
    /// - Parameters:
    ///   - entry: what `contents.volumes` is to give for it.
    ///   - synchronize: brings its files to the disk; where it fails, the volume does not count.
    func complete(
        _ volume: VolumePosition,
        _ entry: Entry,
        _ synchronize: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try synchronize()
        var members: JSONObject = [:]
        for (name, value) in entry.numbers.sorted(by: { $0.key < $1.key }) { members[name] = .double(value) }
        var line: JSONObject = [
            "channel": .integer(volume.channel), "timepoint": .integer(volume.timepoint), "numbers": .object(members),
        ]
        line["files"] = entry.files.map { .string($0.inJournal) }
        line["input"] = entry.input.map { .string(String($0, radix: 16)) }
        line["figures"] = entry.figures?.json
        try add([line])
    }

    /// Says that volumes are to be done once more.
    func remove(_ volumes: [VolumePosition]) throws(DeconvolutionError) {
        try add(
            volumes.map {
                ["channel": .integer($0.channel), "timepoint": .integer($0.timepoint), "again": .bool(true)]
            }
        )
    }

    /// Says that all volumes are there.
    func addEnd(replacing: Bool) throws(DeconvolutionError) {
        try add([["finished": .bool(true), "replaces": .bool(replacing)]])
    }

    private func add(_ lines: [JSONObject]) throws(DeconvolutionError) {
        let bytes = Array(lines.map { JSONValue.object($0).line + "\n" }.joined().utf8)
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
            for line in lines { _ = Self.take(line, into: &state.contents) }
        }
    }

    private func failure(_ state: State) -> DeconvolutionError {
        let error = errno
        ftruncate(descriptor, off_t(state.byteCount))
        let isFull = error.meansFullDisk
        return DeconvolutionError(
            isFull ? .diskFull : .inputOutput,
            "\(name.inMessage): "
                + (isFull
                    ? "no space left; free some and start again"
                    : "writing failed: \(String(cString: strerror(error))); check the disk")
        )
    }

    /// Version of the lines' format. Members that it does not know are left out by every program that reads it.
    private static let format = 1

    private static func read(_ descriptor: Int32, _ path: String) throws(DeconvolutionError) -> State {
        let file = try FileBytes(borrowing: descriptor, path: path)
        let bytes = try file.bytes(at: 0, count: file.byteCount)
        var state = State(contents: Contents(), byteCount: 0)
        var number = 0
        while let end = bytes[state.byteCount...].firstIndex(of: UInt8(ascii: "\n")) {
            number += 1
            let line = (try? JSONValue(parsing: Array(bytes[state.byteCount..<end])))?.object
            switch line.map({ take($0, into: &state.contents) }) ?? .damaged {
            case .known: break
            case .none(let problem): state.contents.problems.append("line \(number) \(problem)")
            case .damaged:
                state.contents.problems.append("line \(number) is damaged, and so may be what is behind it")
                return state
            }
            state.byteCount = end + 1
        }
        return state
    }

    /// Adds what a line says.
    private static func take(_ line: JSONObject, into contents: inout Contents) -> Sense {
        if let process = line["process"]?.integer() {
            contents.process = process
        } else if line["gpudeconv"]?.integer() == format, let job = JobFingerprint(line) {
            contents.job = job
        } else if let channel = line["channel"]?.integer(), let timepoint = line["timepoint"]?.integer() {
            let volume = VolumePosition(channel: channel, timepoint: timepoint)
            if line["again"]?.bool == true {
                contents.volumes[volume] = nil
                contents.contested.remove(volume)
                return .known
            }
            guard let numbers = line["numbers"]?.object else { return .damaged }
            guard channel >= 0, timepoint >= 0 else { return .none("is of \(volume.inMessage)") }
            guard !contents.contested.contains(volume), contents.volumes[volume] == nil else {
                contents.volumes[volume] = nil
                contents.contested.insert(volume)
                return .none("is of \(volume.inMessage), which was there before")
            }
            var entry = Entry(figures: VolumeFigures(line["figures"]))
            for (name, value) in numbers {
                guard let number = value.double, number.isFinite else {
                    return .none("has no number as \(name.shortened)")
                }
                entry.numbers[name] = number
            }
            entry.files = line["files"]?.string.flatMap { [FileSum](inJournal: $0) }
            entry.input = line["input"]?.string.flatMap { UInt64($0, radix: 16) }
            contents.volumes[volume] = entry
        } else if line["finished"]?.bool == true {
            contents.isFinished = true
            contents.replaces = line["replaces"]?.bool == true
        } else {
            return .damaged
        }
        return .known
    }
}

extension VolumePosition {
    /// As messages call it.
    var inMessage: String { "channel \(channel), time point \(timepoint)" }
}
