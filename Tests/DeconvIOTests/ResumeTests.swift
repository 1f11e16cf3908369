import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@Suite struct ResumeTests {
    private let folder = try! TemporaryFolder()
    private let item = SinkCase.all[0]

    private func message(_ error: DeconvolutionError?) -> String? {
        error?.text(.flag).replacingOccurrences(of: folder.url.path, with: "FOLDER")
    }

    /// Killed before system calls and after random times, gone on with each time.
    @Test(.timeLimit(.minutes(5)), arguments: [0, 2, 3, 6])
    func whatIsKilledAtAnyInstantComesOutAsIfItHadNot(_ number: Int) async throws {
        let item = SinkCase.all[number]
        let wanted = folder.path("wanted.zarr")
        let counter = Counted()
        try item.complete(item.sink(wanted, calls: counter.calls))
        let perVolume = counter.count.load(ordering: .relaxed) / item.volumes.count

        let path = folder.path("killed.zarr")
        var random = SeededGenerator(seed: UInt64(number + 1))
        for round in 0..<20 {
            let moment = 1 + Int(random.next() % UInt64(perVolume + perVolume / 2 + 2))
            let microseconds = UInt32(random.next() % 8_000)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    number = number as Int, path = path as String, round = round as Int, moment = moment as Int,
                    microseconds = microseconds as UInt32
                ] in
                let item = SinkCase.all[number]
                let sink = try item.sink(path, calls: round % 2 == 0 ? killing(before: moment) : .system)
                if round % 2 == 1 {
                    Thread.detachNewThread {
                        usleep(microseconds)
                        kill(getpid(), SIGKILL)
                    }
                }
                DispatchQueue.concurrentPerform(iterations: item.volumes.count) { index in
                    let volume = item.volumes[index]
                    if sink.holds(channel: volume.channel, timepoint: volume.timepoint) { return }
                    try? item.write(volume, to: sink)
                }
                // It was done before its time.
                kill(getpid(), SIGKILL)
            }
            let sink = try item.sink(path)
            guard item.volumes.allSatisfy({ sink.holds(channel: $0.channel, timepoint: $0.timepoint) }) else {
                continue
            }
            try sink.finish()
            #expect(tree(path) == tree(wanted))
            try FileManager.default.removeItem(atPath: path)
        }
        try item.complete(item.sink(path))
        #expect(tree(path) == tree(wanted))
        #expect(folder.contents == ["killed.zarr", "wanted.zarr"])
    }

    private final class Counted: Sendable {
        let count = Atomic(0)

        var calls: OutputCalls {
            OutputCalls(
                write: { [self] in
                    count.wrappingAdd(1, ordering: .relaxed)
                    return pwrite($0, $1, $2, off_t($3))
                },
                synchronize: { [self] in
                    count.wrappingAdd(1, ordering: .relaxed)
                    return fsync($0)
                }
            )
        }
    }

    /// Kills at the `number`th wait for the disk from the one that makes the journal's last line safe on.
    private static func killingAtEnd(_ number: Int) -> OutputCalls {
        final class Waits: Sendable {
            let left = Atomic(Int.max)
        }
        let waits = Waits()
        return OutputCalls(
            write: { [waits] descriptor, bytes, count, offset in
                let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
                if text.contains("\"finished\": true") { waits.left.store(number, ordering: .relaxed) }
                return pwrite(descriptor, bytes, count, off_t(offset))
            },
            synchronize: { [waits] in
                if waits.left.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { kill(getpid(), SIGKILL) }
                return fsync($0)
            }
        )
    }

    /// 1: before the last line is safe; 2: after the name was given; 3: after the journal was removed.
    @Test(arguments: [1, 2, 3], [false, true])
    func whatIsKilledWhileItGetsItsNameIsFinishedByTheNextRun(moment: Int, overwrite: Bool) async throws {
        let path = folder.path("a.zarr")
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        if overwrite {
            let old = SinkCase("old", "yx", [3, 4], ZarrOutputOptions())
            try old.complete(old.sink(path))
        }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, moment = moment as Int, overwrite = overwrite as Bool] in
            let item = SinkCase.all[0]
            try item.complete(item.sink(path, overwrite: overwrite, calls: ResumeTests.killingAtEnd(moment)))
        }
        if moment == 2 {
            #expect(folder.contents == ["a.zarr"] + (overwrite ? ["a.zarr.partial"] : []) + ["wanted.zarr"])
            // To any other job it is a finished result.
            let other = failure { _ = try item.sink(path, job: JobFingerprint(["image": "other.zarr"])) }
            #expect(
                message(other)
                    == "FOLDER/a.zarr: exists already; give --overwrite to replace it, or choose another name"
            )
        }
        if moment < 3 {
            let sink = try item.sink(path, overwrite: overwrite)
            for volume in item.volumes { #expect(sink.holds(channel: volume.channel, timepoint: volume.timepoint)) }
            try sink.finish()
        }
        #expect(tree(path) == tree(wanted))
        #expect(folder.contents == ["a.zarr", "wanted.zarr"])
        try #expect(item.sink(path, overwrite: true).holds(channel: 0, timepoint: 0) == false)
    }

    @Test func aStoreMadeForAnArrayIsFinishedAndItsOtherArraysStay() async throws {
        let path = folder.path("a.zarr")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let item = SinkCase.all[0]
            try item.complete(item.sink(path, array: "first", calls: ResumeTests.killingAtEnd(2)))
        }
        // Another array of the store, while the journal of the first is still there.
        let other = SinkCase("other", "yx", [3, 4], ZarrOutputOptions())
        try other.complete(other.sink(path, array: "second", overwrite: true))
        let sink = try item.sink(path, array: "first")
        #expect(sink.missingByteCount == 0)
        try sink.finish()
        #expect(try ZarrStore(path: path).group(at: .root).children() == ["first", "second"])
        #expect(folder.contents == ["a.zarr"])
        #expect(!FileManager.default.fileExists(atPath: path + "/.gpudeconv-journal"))
    }

    @Test func anotherJobIsToldWhatDiffersAndMayBeginAnew() throws {
        let path = folder.path("a.zarr")
        try item.write(item.volumes[0], to: item.sink(path))
        let job = JobFingerprint(["image": "raw.zarr", "\(.iterations)": "20", "\(.boundary)": "zero"])
        let error = failure { _ = try item.sink(path, job: job) }
        #expect(error?.code == .cannotCreateOutput)
        #expect(
            message(error)
                == "FOLDER/a.zarr.partial: was begun by another job: --iterations is 20 and was 10, --boundary is zero and "
                + "was not given; give the same options to go on, --overwrite to begin anew, or choose another name"
        )
        var narrow = item
        narrow.options.pixelType = .uint16
        let type = failure { _ = try narrow.sink(path) }
        #expect(message(type)?.contains("output type is uint16 and was float32") == true)

        // With --overwrite the same job goes on, and another one throws it away.
        #expect(try item.sink(path, overwrite: true).holds(channel: 0, timepoint: 0))
        let sink = try item.sink(path, job: job, overwrite: true)
        #expect(!sink.holds(channel: 0, timepoint: 0))
        #expect(folder.contents == ["a.zarr.partial"])
        try item.complete(sink)
        #expect(folder.contents == ["a.zarr"])
    }

    @Test func oneProcessAtATimeWritesAResult() async throws {
        let path = folder.path("a.zarr")
        let sink = try item.sink(path)
        try item.write(item.volumes[0], to: sink)
        let error = failure { _ = try item.sink(path, overwrite: true) }
        #expect(error?.code == .cannotCreateOutput)
        #expect(
            message(error)
                == "FOLDER/a.zarr: another gpudeconv (process \(getpid())) is writing it; wait for it to end or choose another "
                + "name"
        )
        let process = getpid()
        await #expect(processExitsWith: .success) { [path = path as String, process = process as Int32] in
            let error = failure { _ = try SinkCase.all[0].sink(path) }
            #expect(error?.text(.flag).contains("another gpudeconv (process \(process)) is writing it") == true)
        }
        sink.close()
        #expect(try item.sink(path).holds(channel: 0, timepoint: 0))
    }

    @Test func ofManyThatBeginAtOnceExactlyOneDoes() throws {
        for round in 0..<20 {
            let path = folder.path("\(round).zarr")
            let sinks = Mutex<[ZarrSink]>([])
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                if let sink = try? item.sink(path) { sinks.withLock { $0.append(sink) } }
            }
            let opened = sinks.withLock { $0 }
            #expect(opened.count == 1)
            try opened.first.map { try item.complete($0) }
        }
        #expect(folder.contents.count == 20)
    }

    @Test func withoutAVolumeNothingIsLeft() throws {
        let path = folder.path("a.zarr")
        try item.sink(path).close()
        _ = try item.sink(path)
        let sink = try item.sink(path)
        let error = failure {
            try sink.write(channel: 0, timepoint: 0) { (_) throws(DeconvolutionError) in
                throw DeconvolutionError(.cancelled, "stop")
            } figures: {
                VolumeFigures()
            }
        }
        #expect(error?.code == .cancelled)
        #expect(!sink.holds(channel: 0, timepoint: 0))
        sink.close()
        #expect(folder.contents == [])
    }

    @Test func anExistingResultStaysUntilTheNewOneIsWhole() throws {
        let path = folder.path("a.zarr")
        let old = SinkCase("old", "zyx", [3, 4, 5], ZarrOutputOptions())
        try old.complete(old.sink(path))
        let before = tree(path)
        let refused = failure { _ = try item.sink(path) }
        #expect(refused?.code == .outputExists)
        #expect(
            message(refused) == "FOLDER/a.zarr: exists already; give --overwrite to replace it, or choose another name"
        )
        do {
            let sink = try item.sink(path, overwrite: true)
            try item.write(item.volumes[0], to: sink)
        }
        #expect(tree(path) == before)
        #expect(folder.contents == ["a.zarr", "a.zarr.partial"])
        try item.complete(item.sink(path, overwrite: true))
        #expect(try ZarrStore(path: path).array(at: .root).metadata.shape == item.layout.shape)
        #expect(folder.contents == ["a.zarr"])
    }

    @Test func aNameThatIsTakenMeanwhileIsNotReplaced() throws {
        let path = folder.path("a.zarr")
        let sink = try item.sink(path)
        for volume in item.volumes { try item.write(volume, to: sink) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data().write(to: URL(fileURLWithPath: path + "/theirs"))
        #expect(failure { try sink.finish() }?.code == .outputExists)
        sink.close()
        #expect(tree(path).keys.sorted() == ["theirs"])
        try FileManager.default.removeItem(atPath: path)
        try item.sink(path).finish()
        #expect(folder.contents == ["a.zarr"])
    }

    @Test func onlyZarrIsReplacedAndNeverAnInput() throws {
        let path = folder.path("home")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try Data().write(to: URL(fileURLWithPath: path + "/thesis.txt"))
        func refusal(_ name: String, inputs: [String] = []) -> String? {
            let error = failure { _ = try item.sink(folder.path(name), overwrite: true, inputs: inputs) }
            #expect(error?.code == .cannotCreateOutput)
            return message(error)
        }
        #expect(
            refusal("home")
                == "FOLDER/home: is a folder that is no Zarr array or group, which is not replaced; choose another name"
        )
        #expect(
            refusal("home/thesis.txt")
                == "FOLDER/home/thesis.txt: is a file, not a Zarr array or group; choose another name"
        )
        let data = SinkCase("data", "zyx", [3, 4, 5], ZarrOutputOptions(ome: true))
        try data.complete(data.sink(folder.path("data.zarr")))
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "data.zarr")
        #expect(refusal("link") == "FOLDER/link: is a link; name the folder it leads to, or choose another name")
        let input = folder.path("link/0")
        #expect(
            refusal("data.zarr", inputs: [input])
                == "FOLDER/data.zarr: has the input \(folder.path("data.zarr/0").replacing(folder.url.path, with: "FOLDER")) in "
                + "it; put the result beside it with a path such as FOLDER/data.zarr/deconvolved, or choose another name"
        )
        try FileManager.default.createDirectory(
            atPath: folder.path("b.zarr.partial/x"),
            withIntermediateDirectories: true
        )
        #expect(
            refusal("b.zarr")
                == "FOLDER/b.zarr.partial: is a folder without the journal of an unfinished result; remove it or choose another "
                + "name"
        )
        #expect(
            refusal("missing/a.zarr") == "FOLDER/missing/a.zarr: its folder FOLDER/missing does not exist; create it"
        )
        #expect(tree(folder.path("data.zarr")).count == 5)
    }

    /// As journals were before figures were kept, and as a later program may write them.
    @Test func aJournalWithoutFiguresIsGoneOnWith() throws {
        let path = folder.path("a.zarr")
        do {
            let sink = try item.sink(path)
            for volume in item.volumes.prefix(3) { try item.write(volume, to: sink) }
        }
        let journal = URL(fileURLWithPath: path + ".partial/.gpudeconv-journal")
        var lines = try String(contentsOf: journal, encoding: .utf8).split(separator: "\n").map(String.init)
        let places = lines.indices.filter { lines[$0].contains("\"figures\"") }
        try #require(places.count == 3)
        lines[places[0]].replace(#/, "figures": .*/#, with: "}")
        lines[places[1]].replace("\"sum\"", with: "\"total\"")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: journal)
        let sink = try item.sink(path)
        let figures = item.volumes.prefix(4).map { sink.figures(channel: $0.channel, timepoint: $0.timepoint) }
        #expect(figures == [nil, nil, item.figures(item.volumes[2]), nil])
        #expect(
            item.volumes.prefix(4).map { sink.holds(channel: $0.channel, timepoint: $0.timepoint) } == [
                true, true, true, false,
            ]
        )
        try item.complete(sink)
        #expect(folder.contents == ["a.zarr"])
    }

    @Test func aFullDiskLeavesWhatIsThereAndTheNextRunGoesOn() throws {
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        let path = folder.path("a.zarr")
        // Room for a few volumes, then for half of a journal's line.
        for (number, room) in [4000, 9000, 60].enumerated() {
            let left = Mutex(room)
            let isJournal = number == 2
            let calls = OutputCalls(
                write: { descriptor, bytes, count, offset in
                    let isCounted = !isJournal || count < 500
                    let taken = left.withLock { left in
                        guard isCounted else { return count }
                        let taken = min(left, count)
                        left -= taken
                        return taken
                    }
                    guard taken > 0 else {
                        errno = ENOSPC
                        return -1
                    }
                    return pwrite(descriptor, bytes, taken, off_t(offset))
                },
                synchronize: { fsync($0) }
            )
            let error = failure { try item.complete(item.sink(path, calls: calls)) }
            #expect(error?.code == .diskFull)
            #expect(error?.text(.flag).contains("no space left") == true, "\(String(describing: error))")
            #expect(error?.text(.flag).hasPrefix(path) == true)
        }
        let sink = try item.sink(path)
        #expect(item.volumes.contains { sink.holds(channel: $0.channel, timepoint: $0.timepoint) })
        try item.complete(sink)
        #expect(tree(path) == tree(wanted))
    }

    @Test func whatCannotFitUncompressedIsRefusedBeforeItIsBegun() throws {
        var large = SinkCase("large", "tzyx", [1_000_000, 100, 1024, 1024], ZarrOutputOptions())
        let sink = try large.sink(folder.path("a.zarr"))
        #expect(sink.missingByteCount == 4 * 100 * 1024 * 1024 * 1_000_000)
        sink.close()
        large.options.compression = try ZarrOutputOptions.Compression(.none)
        let error = failure { _ = try large.sink(folder.path("a.zarr")) }
        #expect(error?.code == .diskFull)
        #expect(message(error)?.hasPrefix("FOLDER/a.zarr: needs 419430400000000 bytes but FOLDER has ") == true)
        #expect(folder.contents == [])
    }

    @Test func aDamagedJournalCountsUpToTheDamage() throws {
        let path = folder.path("a.zarr")
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        let journal = path + ".partial/.gpudeconv-journal"
        do {
            let sink = try item.sink(path)
            for volume in item.volumes.prefix(3) { try item.write(volume, to: sink) }
        }
        // As a loss of power might leave it: zeros in the second volume's line.
        var lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n").map(String.init)
        let second = try #require(lines.indices.filter { lines[$0].contains("\"channel\"") }.dropFirst().first)
        lines[second] = String(repeating: "\0", count: lines[second].count)
        try lines.joined(separator: "\n").appending("\n").write(toFile: journal, atomically: false, encoding: .utf8)
        let sink = try item.sink(path)
        #expect(item.volumes.filter { sink.holds(channel: $0.channel, timepoint: $0.timepoint) } == [item.volumes[0]])
        sink.close()
        // Nothing of it can be trusted any more: it is begun anew.
        try "?\n".write(toFile: journal, atomically: false, encoding: .utf8)
        try Data([1]).write(to: URL(fileURLWithPath: path + ".partial/stray"))
        try item.complete(item.sink(path))
        #expect(tree(path) == tree(wanted))
    }

    // MARK: - What is not believed

    private static func isChunk(_ name: String) -> Bool {
        name.split(separator: "/").allSatisfy { !$0.hasPrefix(".") && $0 != "zarr.json" }
    }

    private func held(_ item: SinkCase, by sink: ZarrSink) -> [VolumePosition] {
        item.volumes.filter { sink.holds(channel: $0.channel, timepoint: $0.timepoint) }
    }

    /// What disks, clean-up tools and bad copies do to files, and what the warning says of it.
    private static let damages: [(words: String, damage: @Sendable (String) throws -> Void)] = [
        ("is not there", { try FileManager.default.removeItem(atPath: $0) }),
        ("has 0 bytes instead of ", { try #require(truncate($0, 0) == 0) }),
        ("has 50 bytes instead of ", { try #require(truncate($0, 50) == 0) }),
        (
            "has other bytes than were written",
            {
                var bytes = try Data(contentsOf: URL(fileURLWithPath: $0))
                bytes[bytes.count / 2] ^= 0x10
                try bytes.write(to: URL(fileURLWithPath: $0))
            }
        ),
        (
            "is no file",
            {
                try FileManager.default.removeItem(atPath: $0)
                try FileManager.default.createSymbolicLink(atPath: $0, withDestinationPath: ".")
            }
        ),
    ]

    /// Chunks, shards, and the smaller copies of a pyramid.
    @Test(arguments: [0, 2, 6, 7])
    func chunksThatDoNotHoldAreNamedAndWrittenAgain(_ number: Int) throws {
        let item = SinkCase.all[number]
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        for (index, (words, damage)) in Self.damages.enumerated() {
            let path = folder.path("\(index).zarr")
            let written = Array(item.volumes.prefix(3))
            do {
                let sink = try item.sink(path)
                for volume in written { try item.write(volume, to: sink) }
            }
            let chunks = tree(path + ".partial").keys.filter(Self.isChunk).sorted()
            // Of a pyramid one of the smaller copies as well.
            let chunk = try #require(index % 2 == 0 ? chunks.first : chunks.last)
            try damage("\(path).partial/\(chunk)")
            let sink = try item.sink(path)
            #expect(held(item, by: sink).count == 2 && Set(held(item, by: sink)).isSubset(of: written))
            let message = try #require(sink.diagnostics.first?.description)
            #expect(
                message.replacingOccurrences(of: folder.url.path, with: "FOLDER").hasPrefix(
                    "FOLDER/\(index).zarr.partial: finished volumes whose files do not hold are computed again (1 of 3; the "
                        + "first: FOLDER/\(index).zarr.partial/\(chunk) \(words)"
                ),
                "\(message)"
            )
            #expect(sink.diagnostics.count == 1)
            sink.close()
            // What is to be done again is known to the run after this one, which may see the files as they should be.
            #expect(try held(item, by: item.sink(path)).count == 2)
            // Links are of the one who made them.
            if words == "is no file" { try FileManager.default.removeItem(atPath: "\(path).partial/\(chunk)") }
            try item.complete(item.sink(path))
            #expect(tree(path) == tree(wanted), "\(words)")
        }
    }

    @Test func severalVolumesThatDoNotHoldAreCountedAndTheFirstIsNamed() throws {
        let path = folder.path("a.zarr")
        do {
            let sink = try item.sink(path)
            for volume in item.volumes { try item.write(volume, to: sink) }
        }
        for name in ["1.0.0.0.0", "0.2.0.0.0"] {
            try FileManager.default.removeItem(atPath: "\(path).partial/\(name)")
        }
        let sink = try item.sink(path)
        #expect(
            sink.diagnostics.map { message(DeconvolutionError(.invalidData, "\($0)")) } == [
                "FOLDER/a.zarr.partial: finished volumes whose files do not hold are computed again (2 of 6; the first: "
                    + "FOLDER/a.zarr.partial/1.0.0.0.0 is not there)"
            ]
        )
        #expect(held(item, by: sink).count == 4)
    }

    /// As journals were before checksums were kept, or with those of another number of files.
    @Test func volumesWithoutChecksumsAreWrittenAgain() throws {
        let path = folder.path("a.zarr")
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        do {
            let sink = try item.sink(path)
            for volume in item.volumes.prefix(3) { try item.write(volume, to: sink) }
        }
        let journal = URL(fileURLWithPath: path + ".partial/.gpudeconv-journal")
        let lines = try String(contentsOf: journal, encoding: .utf8).split(separator: "\n").map(String.init)
        let files = #/"files": "([^"]*)", /#
        let places = lines.indices.filter { lines[$0].contains(files) }
        try #require(places.count == 3)
        func changed(_ change: (inout [String]) -> Void) throws -> (held: [VolumePosition], message: String?) {
            var lines = lines
            change(&lines)
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: journal)
            let sink = try item.sink(path)
            defer { sink.close() }
            return (held(item, by: sink), sink.diagnostics.first?.description)
        }
        let old = try changed { $0[places[1]].replace(files, with: "") }
        #expect(old.held == [item.volumes[0], item.volumes[2]])
        #expect(old.message?.hasSuffix("1 of 3; the first: the journal has no checksums of its files)") == true)
        let fewer = try changed { $0[places[0]].replace(files) { "\"files\": \"\($0.1) \($0.1)\", " } }
        #expect(fewer.held == [item.volumes[1], item.volumes[2]])
        #expect(fewer.message?.hasSuffix("the journal has checksums of 2 files, not 1)") == true)
        let torn = try changed { $0[places[0]].replace(files, with: "\"files\": \"12:34:56 -7\", ") }
        #expect(torn.held == [item.volumes[1], item.volumes[2]])
        try item.complete(item.sink(path))
        #expect(tree(path) == tree(wanted))
    }

    @Test func linesOfTheJournalThatMakeNoSenseAreNamedAndDoNotCount() throws {
        let path = folder.path("a.zarr")
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        do {
            let sink = try item.sink(path)
            for volume in item.volumes.prefix(3) { try item.write(volume, to: sink) }
        }
        let journal = path + ".partial/.gpudeconv-journal"
        let before = try String(contentsOfFile: journal, encoding: .utf8)
        let count = before.split(separator: "\n").count
        let second = try #require(before.split(separator: "\n").filter { $0.contains("\"channel\"") }.dropFirst().first)
        func opened(_ text: String) throws -> (held: [VolumePosition], message: String?) {
            try (before + text).write(toFile: journal, atomically: false, encoding: .utf8)
            let sink = try item.sink(path)
            defer { sink.close() }
            return (held(item, by: sink), sink.diagnostics.first?.description)
        }
        let first = Array(item.volumes.prefix(3))
        for (line, words) in [
            (
                #"{"channel":0,"timepoint":99,"numbers":{}}"#,
                "it has channel 0, time point 99 of 2 channels, 3 time points"
            ),
            (
                #"{"channel":2,"timepoint":0,"numbers":{}}"#,
                "it has channel 2, time point 0 of 2 channels, 3 time points"
            ),
            (#"{"channel":-1,"timepoint":0,"numbers":{}}"#, "line \(count + 1) is of channel -1, time point 0"),
            (
                #"{"channel":1,"timepoint":2,"numbers":{"outputSmallestVoxel":NaN}}"#,
                "line \(count + 1) has no number as outputSmallestVoxel"
            ),
            (#"{"channel":"#, "line \(count + 1) is damaged, and so may be what is behind it"),
        ] {
            let (held, message) = try opened(line + "\n")
            #expect(held == first, "\(line)")
            #expect(
                message?.hasSuffix("lines of its journal make no sense and do not count (1; the first: \(words))")
                    == true,
                "\(message ?? "")"
            )
        }
        // Which of two to believe?
        let twice = try opened(second + "\n")
        #expect(twice.held == [first[0], first[2]])
        let name = "channel \(first[1].channel), time point \(first[1].timepoint)"
        #expect(twice.message?.hasSuffix("line \(count + 1) is of \(name), which was there before)") == true)
        // What is written of it then counts.
        do {
            let sink = try item.sink(path)
            try item.write(first[1], to: sink)
        }
        #expect(try held(item, by: item.sink(path)) == first)
        try (before).write(toFile: journal, atomically: false, encoding: .utf8)
        // What was cut off is what a crash leaves, and nothing odd.
        #expect(try opened("{\"channel\": 0, \"ti").message == nil)

        // Counts that cannot be added up, of a volume whose files hold.
        let huge = second.replacing(/"outputSaturatedVoxels": [0-9.]+/, with: "\"outputSaturatedVoxels\": 1e300")
            .replacing(/"maskedVoxels": [0-9]+/, with: "\"maskedVoxels\": 9223372036854775807")
        try before.replacing(second, with: huge).write(toFile: journal, atomically: false, encoding: .utf8)
        let sink = try item.sink(path)
        #expect(sink.saturatedVoxelCount == 0)
        #expect(sink.figures(channel: first[1].channel, timepoint: first[1].timepoint) == nil)
        sink.close()

        _ = try opened(#"{"channel":0,"timepoint":99,"numbers":{}}"# + "\n")
        try item.complete(item.sink(path))
        #expect(tree(path) == tree(wanted))
    }

    @Test func aResultThatGotItsNameAndDoesNotHoldIsRefusedOrMadeAnew() async throws {
        let wanted = folder.path("wanted.zarr")
        try item.complete(item.sink(wanted))
        for (name, words) in [("lost", "is not there"), ("short", "its journal has 5 of 6 volumes")] {
            let path = folder.path("\(name).zarr")
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let item = SinkCase.all[0]
                try item.complete(item.sink(path, calls: ResumeTests.killingAtEnd(2)))
            }
            if name == "lost" {
                try FileManager.default.removeItem(atPath: path + "/0.1.0.0.0")
            } else {
                let journal = path + "/.gpudeconv-journal"
                var lines = try String(contentsOfFile: journal, encoding: .utf8).split(separator: "\n")
                lines.remove(at: try #require(lines.firstIndex { $0.contains("\"channel\"") }))
                try (lines.joined(separator: "\n") + "\n").write(toFile: journal, atomically: false, encoding: .utf8)
            }
            let error = failure { _ = try item.sink(path) }
            #expect(error?.code == .cannotCreateOutput)
            #expect(error?.text(.flag).contains(words) == true, "\(error?.text(.flag) ?? "")")
            #expect(error?.text(.flag).hasSuffix("give --overwrite to compute it anew, or choose another name") == true)
            try item.complete(item.sink(path, overwrite: true))
            #expect(tree(path) == tree(wanted))
        }
    }

    @Test func volumesWhoseInputHasChangedAreWrittenAgain() throws {
        let path = folder.path("a.zarr")
        var stamps: [VolumePosition: UInt64] = [:]
        for (number, volume) in item.volumes.enumerated() { stamps[volume] = .max - UInt64(number) }
        do {
            let sink = try item.sink(path, inputStamps: stamps)
            for volume in item.volumes.prefix(4) { try item.write(volume, to: sink) }
        }
        let same = try item.sink(path, inputStamps: stamps)
        #expect(held(item, by: same).count == 4 && same.diagnostics.isEmpty)
        same.close()
        stamps[item.volumes[2]] = 7
        stamps[item.volumes[5]] = 7
        let sink = try item.sink(path, inputStamps: stamps)
        #expect(held(item, by: sink) == [0, 1, 3].map { item.volumes[$0] })
        let (channel, timepoint) = (item.volumes[2].channel, item.volumes[2].timepoint)
        #expect(
            sink.diagnostics.map(\.description).first?.hasSuffix(
                "a.zarr.partial: finished volumes whose input has changed since are computed again (1 of 4; the first: channel "
                    + "\(channel), time point \(timepoint))"
            ) == true
        )
        try item.complete(sink)
        #expect(folder.contents == ["a.zarr"])
    }

    // MARK: - Checksums

    /// With RFC 3720's examples (B.4), and bit by bit.
    @Test func checksumsAreThoseOfTheStandardByInstructionAndByTables() {
        func checksum(_ bytes: [UInt8], _ usesInstruction: Bool, cut: Int = 0) -> UInt32 {
            var checksum = CRC32C(usesInstruction: usesInstruction)
            bytes.withUnsafeBytes {
                checksum.add(UnsafeRawBufferPointer(rebasing: $0[..<cut]))
                checksum.add(UnsafeRawBufferPointer(rebasing: $0[cut...]))
            }
            return checksum.value
        }
        func bitByBit(_ bytes: [UInt8]) -> UInt32 {
            ~bytes.reduce(UInt32.max) { crc, byte in
                (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in (crc >> 1) ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
            }
        }
        var random = SeededGenerator(seed: 9)
        let noise = (0..<60_001).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for usesInstruction in [true, false] {
            #expect(checksum([UInt8](repeating: 0, count: 32), usesInstruction) == 0x8A91_36AA)
            #expect(checksum([UInt8](repeating: 0xFF, count: 32), usesInstruction) == 0x62A8_AB43)
            #expect(checksum(Array(0..<32), usesInstruction) == 0x46DD_794E)
            #expect(checksum([], usesInstruction) == 0)
            for (count, cut) in [(1, 0), (9, 4), (12_287, 1), (12_288, 0), (12_289, 7), (40_003, 12_301), (60_001, 5)] {
                let bytes = Array(noise[..<count])
                #expect(checksum(bytes, usesInstruction, cut: cut) == bitByBit(bytes), "\(count) bytes")
            }
        }
    }
}
