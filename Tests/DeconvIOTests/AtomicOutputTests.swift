import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@Suite struct AtomicOutputTests {
    private let folder = try! TemporaryFolder()

    private func append(_ text: String, to output: AtomicOutput) throws(DeconvolutionError) {
        try Array(text.utf8).withUnsafeBufferPointer { (buffer) throws(DeconvolutionError) in
            try output.append(UnsafeRawBufferPointer(buffer))
        }
    }

    private func failure(_ body: () throws(DeconvolutionError) -> Void) -> (
        code: DeconvolutionError.Code, message: String
    )? {
        do throws(DeconvolutionError) {
            try body()
            return nil
        } catch {
            return (error.code, error.text(.flag).replacingOccurrences(of: folder.url.path, with: "FOLDER"))
        }
    }

    private func create(_ path: String, overwrite: Bool = false) -> (code: DeconvolutionError.Code, message: String)? {
        failure { () throws(DeconvolutionError) in _ = try AtomicOutput(path: path, overwrite: overwrite) }
    }

    @Test func bytesAppearUnderTheNameOnlyAfterFinish() throws {
        let path = folder.path("report.json")
        let output = try AtomicOutput(path: path, overwrite: false)
        try append("hello ", to: output)
        try append("world", to: output)
        #expect(output.byteCount == 11)
        #expect(folder.contents.count == 1)
        #expect(folder.contents[0].wholeMatch(of: #/\.report\.json\.\d+-[0-9a-z]+\.partial/#) != nil)
        try output.finish()
        #expect(folder.contents == ["report.json"])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello world")
    }

    @Test func anOutputThatIsForgottenIsRemoved() throws {
        do {
            let output = try AtomicOutput(path: folder.path("a"), overwrite: false)
            try append("x", to: output)
            #expect(folder.contents.count == 1)
        }
        #expect(folder.contents == [])
    }

    @Test func aRelativeNameStaysWhereItWasWhenTheProgramChangesItsFolder() async throws {
        let path = folder.url.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            try #require(chdir(path) == 0)
            let output = try AtomicOutput(path: "a", overwrite: false)
            try #require(chdir("/") == 0)
            try output.finish()
        }
        #expect(folder.contents == ["a"])
    }

    @Test func wholeFilesAreWrittenInOneCall() throws {
        try AtomicOutput.write(Data([1, 2, 3]), to: folder.path("a"), overwrite: false)
        try AtomicOutput.write([4, 5], to: folder.path("a"), overwrite: true)
        try AtomicOutput.write([UInt8](), to: folder.path("empty"), overwrite: false)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("a"))) == Data([4, 5]))
        #expect(folder.contents == ["a", "empty"])
    }

    @Test func anExistingFileIsRefusedAtTheStart() throws {
        try Data().write(to: URL(fileURLWithPath: folder.path("a")))
        #expect(
            try #require(create(folder.path("a")))
                == (
                    .outputExists,
                    "FOLDER/a: exists already; give --overwrite to replace it, or choose another name"
                )
        )
        #expect(folder.contents == ["a"])
    }

    @Test func aFileThatComesInBetweenIsNotReplaced() throws {
        let path = folder.path("a")
        let output = try AtomicOutput(path: path, overwrite: false)
        try append("ours", to: output)
        try Data("theirs".utf8).write(to: URL(fileURLWithPath: path))
        let error = try #require(failure { () throws(DeconvolutionError) in try output.finish() })
        #expect(error.code == .outputExists)
        #expect(error.message.hasPrefix("FOLDER/a: exists already"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "theirs")
        #expect(folder.contents == ["a"])
    }

    @Test func ofManyWritersOfOneNameExactlyOneWins() async throws {
        let path = folder.path("a")
        let wins = await withTaskGroup(of: Int.self) { group in
            for writer in 0..<16 {
                group.addTask {
                    do {
                        try AtomicOutput.write([UInt8(writer)], to: path, overwrite: false)
                        return 1
                    } catch {
                        return 0
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wins == 1)
        #expect(folder.contents == ["a"])
    }

    @Test func aFolderThatCannotTakeTheFileIsNamed() throws {
        #expect(
            try #require(create(folder.path("missing/a")))
                == (.cannotCreateOutput, "FOLDER/missing/a: its folder FOLDER/missing does not exist; create it")
        )
        #expect(
            try #require(create(folder.url.path))
                == (.cannotCreateOutput, "FOLDER: is a folder; name a file in it")
        )
        #expect(
            try #require(create(folder.url.path + "/", overwrite: true))
                == (.cannotCreateOutput, "FOLDER/: is a folder; name a file in it")
        )
        #expect(
            try #require(create("/dev/null", overwrite: true))
                == (.cannotCreateOutput, "/dev/null: is a pipe or device, not a file; choose another name")
        )
        let long = try #require(create(folder.path(String(repeating: "n", count: 300))))
        #expect(long.code == .cannotCreateOutput)
        #expect(long.message.hasSuffix(": its name is too long; choose a shorter one"))
    }

    @Test func aFolderThatMayNotBeWrittenIsNamed() async throws {
        let path = folder.path("locked")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        chmod(path, 0o555)
        // Root may write everywhere, so a child of the test becomes nobody.
        await #expect(processExitsWith: .success) { [path = path as String] in
            if geteuid() == 0 { try #require(seteuid(65534) == 0) }
            do throws(DeconvolutionError) {
                _ = try AtomicOutput(path: path + "/a", overwrite: false)
                Issue.record("the folder was written")
            } catch {
                #expect(error.code == .cannotCreateOutput)
                #expect(
                    error.text(.flag) == "\(path)/a: its folder \(path) may not be written; choose another folder"
                )
            }
        }
    }

    @Test func namesUpToTheLongestOfTheDiskAreWritten() throws {
        let name = String(repeating: "n", count: 255)
        try AtomicOutput.write([1], to: folder.path(name), overwrite: false)
        #expect(folder.contents == [name])
    }

    @Test func replacingKeepsTheRightsAndFollowsALink() throws {
        let path = folder.path("a")
        try Data([1]).write(to: URL(fileURLWithPath: path))
        chmod(path, 0o640)
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: path)
        try AtomicOutput.write([2], to: folder.path("link"), overwrite: true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([2]))
        var status = stat()
        #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
        #expect(lstat(folder.path("link"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(folder.contents == ["a", "link"])
    }

    @Test func aLinkToNothingIsRefused() throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "nowhere")
        #expect(
            try #require(create(folder.path("link"), overwrite: true))
                == (
                    .cannotCreateOutput,
                    "FOLDER/link: is a link to nothing; remove it or choose another name"
                )
        )
    }

    @Test func aFullDiskSaysHowMuchIsMissingAndLeavesNothing() throws {
        let calls = OutputCalls(
            write: { descriptor, bytes, count, offset in
                // A disk takes what fits, then refuses: first a short write, then an error.
                let room = max(0, min(count, 10 - offset))
                guard room > 0 else {
                    errno = ENOSPC
                    return -1
                }
                return pwrite(descriptor, bytes, room, off_t(offset))
            },
            synchronize: { fsync($0) }
        )
        let output = try AtomicOutput(
            path: folder.path("a"),
            overwrite: false,
            expectedByteCount: 40,
            calls: calls
        )
        try append("1234", to: output)
        let error = try #require(failure { () throws(DeconvolutionError) in try append("567890123", to: output) })
        #expect(
            error
                == (.diskFull, "FOLDER/a: no space left in FOLDER; free 36 bytes or choose another folder")
        )
        #expect(folder.contents == [])
    }

    @Test func aRealLimitOnFileSizesIsAnErrorAndLeavesNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.url.path as String] in
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            do throws(DeconvolutionError) {
                try AtomicOutput.write([UInt8](repeating: 1, count: 8192), to: path + "/a", overwrite: false)
                Issue.record("8192 bytes were written")
            } catch {
                #expect(error.code == .inputOutput)
                #expect(
                    error.text(.flag)
                        == "\(path)/a: this file system or your limits allow no file this large; choose another folder"
                )
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        }
    }

    @Test func aDyingProcessRemovesWhatIsUnfinished() async throws {
        let path = folder.url.path
        try AtomicOutput.write([1], to: path + "/done", overwrite: false)
        await #expect(processExitsWith: .exitCode(130)) { [path = path as String] in
            let outputs = try (0..<3).map { try AtomicOutput(path: path + "/\($0)", overwrite: false) }
            try AtomicOutput.write([2], to: path + "/also done", overwrite: false)
            try #require(FileManager.default.contentsOfDirectory(atPath: path).count == 5)
            // As on a second Ctrl-C: no deinit runs after this.
            signal(SIGUSR1) { _ in
                AtomicOutput.removeAllUnfinished()
                _exit(130)
            }
            // To the process: the threads that run tests have signals blocked.
            kill(getpid(), SIGUSR1)
            sleep(30)
            withExtendedLifetime(outputs) {}
        }
        #expect(folder.contents == ["also done", "done"])
    }

    @Test func hiddenFilesOfKilledProcessesGoWithTheNextOutput() async throws {
        let path = folder.path("a.tif")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let outputs = try (0..<2).map { _ in try AtomicOutput(path: path, overwrite: false) }
            _ = try AtomicOutput(path: path + "f", overwrite: false)
            kill(getpid(), SIGKILL)
            withExtendedLifetime(outputs) {}
        }
        #expect(folder.contents.count == 2)
        let mine = try AtomicOutput(path: path, overwrite: false)
        #expect(folder.contents.count == 1)
        // Not that of a process that lives, nor of another machine, of whose processes nobody here knows.
        let other = ".a.tif.999999999-zzzzzz1.partial"
        try Data().write(to: URL(fileURLWithPath: folder.path(other)))
        try AtomicOutput.write([1], to: path, overwrite: true)
        #expect(folder.contents.count == 3 && folder.contents.contains(other))
        mine.discard()
        #expect(folder.contents == [other, "a.tif"])
    }

    private func exclusive(_ path: String, overwrite: Bool = false) throws(DeconvolutionError) -> AtomicOutput {
        try AtomicOutput(path: path, overwrite: overwrite, isExclusive: true)
    }

    @Test func anExclusiveOutputIsRefusedAtTheStartWhileAnotherIsWritten() async throws {
        let path = folder.path("a.tif")
        try AtomicOutput.write([1], to: path, overwrite: false)
        try FileManager.default.createSymbolicLink(atPath: folder.path("link.tif"), withDestinationPath: "a.tif")
        let output = try exclusive(path, overwrite: true)
        for name in ["a.tif", "link.tif", "./a.tif"] {
            let error = failure { () throws(DeconvolutionError) in
                _ = try exclusive(folder.path(name), overwrite: true)
            }
            #expect(
                error ?? (.internalError, "")
                    == (
                        .cannotCreateOutput,
                        "FOLDER/\(name): another gpudeconv (process \(getpid())) is writing it; wait for it to end or choose "
                            + "another name"
                    )
            )
        }
        // Another process, and another name.
        let process = getpid()
        await #expect(processExitsWith: .success) { [path = path as String, process = process as Int32] in
            let error = #expect(throws: DeconvolutionError.self) {
                _ = try AtomicOutput(path: path, overwrite: true, isExclusive: true)
            }
            #expect(error?.text(.flag).contains("another gpudeconv (process \(process)) is writing it") == true)
            try AtomicOutput(path: path + "f", overwrite: true, isExclusive: true).finish()
        }
        try append("x", to: output)
        try output.finish()
        #expect(folder.contents == ["a.tif", "a.tiff", "link.tif"])
        #expect(
            failure { () throws(DeconvolutionError) in _ = try exclusive(path) }?.message.contains("exists") == true
        )
        try exclusive(path, overwrite: true).discard()
        #expect(folder.contents == ["a.tif", "a.tiff", "link.tif"])
    }

    @Test func aKilledProcessKeepsNobodyOut() async throws {
        let path = folder.path("a.tif")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let output = try AtomicOutput(path: path, overwrite: false, isExclusive: true)
            kill(getpid(), SIGKILL)
            withExtendedLifetime(output) {}
        }
        #expect(folder.contents.count == 2)
        do {
            let output = try exclusive(path)
            #expect(folder.contents.count == 2)
            try output.finish()
        }
        #expect(folder.contents == ["a.tif"])
        // What another user has left, who lets nobody write it.
        try Data("77\n".utf8).write(to: folder.url.appendingPathComponent(".a.tif.lock"))
        chmod(folder.path(".a.tif.lock"), 0o444)
        try exclusive(path, overwrite: true).finish()
        #expect(folder.contents == ["a.tif"])
    }

    /// What is wrong with the folder is said by the output itself.
    @Test func aFolderThatTakesNoFilesIsNamed() {
        let error = failure { () throws(DeconvolutionError) in _ = try exclusive("/proc/a.tif") }
        #expect(error?.message == "/proc/a.tif: its folder /proc takes no files; choose another folder")
    }

    @Test func aDyingProcessRemovesItsLock() async throws {
        let path = folder.path("a.tif")
        await #expect(processExitsWith: .exitCode(130)) { [path = path as String] in
            let output = try AtomicOutput(path: path, overwrite: false, isExclusive: true)
            AtomicOutput.removeAllUnfinished()
            withExtendedLifetime(output) { _exit(130) }
        }
        #expect(folder.contents == [])
    }

    /// Unchecked: it goes from the thread that began the output to the one that finishes it.
    private struct Begun: @unchecked Sendable {
        let output: AtomicOutput
    }

    @Test func ofManyExclusiveOutputsThatBeginAtOnceExactlyOneDoes() throws {
        for round in 0..<20 {
            let path = folder.path("\(round)")
            let outputs = Mutex<[Begun]>([])
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                if let output = try? AtomicOutput(path: path, overwrite: false, isExclusive: true) {
                    let begun = Begun(output: output)
                    outputs.withLock { $0.append(begun) }
                }
            }
            let opened = outputs.withLock { $0 }
            #expect(opened.count == 1)
            try opened.first?.output.finish()
        }
        #expect(folder.contents.count == 20)
    }

    @Test func roomOnTheDiskIsCheckedBeforeALongRun() throws {
        let free = try #require(DiskSpace.freeByteCount(for: folder.path("a")))
        #expect(free > 0)
        #expect(DiskSpace.freeByteCount(for: folder.path("missing/a")) == nil)
        try DiskSpace.require(byteCount: 1, for: folder.path("a"))
        let error = try #require(
            failure { () throws(DeconvolutionError) in
                try DiskSpace.require(byteCount: .max, for: folder.path("a"))
            }
        )
        #expect(error.code == .diskFull)
        #expect(
            error.message.wholeMatch(
                of: #/FOLDER\/a: needs \d{19} bytes but FOLDER has \d+ free; free \d+ bytes or choose another folder/#
            ) != nil,
            "\(error.message)"
        )
    }
}
