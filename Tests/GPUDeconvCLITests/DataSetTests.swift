import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Whole data sets from Zarr to Zarr, and what happens to them on the way.
@Suite struct DataSetTests {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/DataSet")

    /// Makes `data.zarr` with `raw` (channel, time, z, y, x) and `psf`, and `psfs/channel-N.tif`.
    private static func folder(_ shape: String, psf: String = "7,9,11", version: Int = 2) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let script = fixtures.appendingPathComponent("make_data_set.py")
        let made = try TestPython.run(script, [folder.url.path, shape, psf, "\(version)"])
        try #require(made.status == 0, "\(made.output)")
        return folder
    }

    private static func job(_ output: String, _ options: String...) -> [String] {
        ["data.zarr", "--array", "raw", "--psf", "psfs/*.tif", "-o", output, "--backend", "cpu"] + options
    }

    /// Every file below a folder with its bytes.
    private static func files(_ folder: TemporaryFolder, _ path: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        let root = folder.url.appendingPathComponent(path)
        for case let name as String in FileManager.default.enumerator(atPath: root.path) ?? .init() {
            let url = root.appendingPathComponent(name)
            if try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
                files[name] = try Data(contentsOf: url)
            }
        }
        return files
    }

    /// The layout of the light-sheet data sets that this program is for, scaled down.
    @Test func aDataSetIsDeconvolvedAsEachVolumeAloneAndAsInNumPy() async throws {
        let folder = try Self.folder("3,8,51,128,96", psf: "13,16,16")
        let options = ["--psf-as-is", "--iterations", "3"]
        let whole = try await Command.run(Self.job("sharp.zarr") + options, in: folder)
        try #require(whole.status == 0, "\(whole.error)")
        #expect(folder.contents == ["data.zarr", "psfs", "sharp.zarr"])
        #expect(whole.output.contains("51x128x96 float32, 3 channels, 8 time points"))
        let checked = try TestPython.run(
            Self.fixtures.appendingPathComponent("check_data_set.py"),
            [folder.url.path, "sharp.zarr", "3", "0,0", "1,3", "2,7"]
        )
        #expect(checked.status == 0, "\(checked.output)")

        let files = try Self.files(folder, "sharp.zarr")
        for (channel, time) in [(0, 0), (0, 7), (1, 3), (2, 0), (2, 7)] {
            let alone = try await Command.run(
                Self.job("alone.zarr", "--channel", "\(channel)", "--time", "\(time)", "--overwrite") + options,
                in: folder
            )
            try #require(alone.status == 0, "\(alone.error)")
            #expect(try Self.files(folder, "alone.zarr")["0.0.0.0.0"] == files["\(channel).\(time).0.0.0"])
        }

        // PSFs of a Zarr array, and the result beside the input.
        var job = Self.job("data.zarr", "--output-array", "deconvolved") + options
        job[4] = "data.zarr/psf"
        let beside = try await Command.run(job, in: folder)
        try #require(beside.status == 0, "\(beside.error)")
        // Where the PSFs came from is in the metadata.
        func chunks(_ files: [String: Data]) -> [String: Data] { files.filter { !$0.key.hasPrefix(".z") } }
        #expect(try chunks(Self.files(folder, "data.zarr/deconvolved")) == chunks(files))
    }

    /// The same data set from a folder, a ZIP file, a web server that is busy at first, and a bucket that only a signature opens.
    @Test func aDataSetIsReadFromWhereverItIs() async throws {
        let folder = try Self.folder("2,2,5,16,12")
        let options = ["--psf", "psfs/*.tif", "--backend", "cpu", "--iterations", "2"]
        func run(
            _ input: String,
            _ output: String,
            _ more: [String] = [],
            _ variables: [String: String] = [:]
        ) async throws -> CommandResult {
            try await Command.run([input, "-o", output] + more + options, in: folder, environment: variables)
        }
        func chunks(_ output: String) throws -> [String: Data] {
            try Self.files(folder, output).filter { !$0.key.hasPrefix(".z") }
        }
        let local = try await run("data.zarr", "local.zarr", ["--array", "raw"])
        try #require(local.status == 0, "\(local.error)")
        let wanted = try chunks("local.zarr")
        #expect(wanted.count == 4)

        let pack = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/Zarr/pack_store.py")
        let packed = try TestPython.run(pack, [folder.path("data.zarr"), folder.path("data.zarr.zip"), "deflated"])
        try #require(packed.status == 0, "\(packed.output)")
        let web = try TestServer(Fixtures.url("Server/serve_files.py"), [folder.url.path])
        let bucket = try TestServer(Fixtures.url("Server/serve_s3.py"), [folder.path("data.zarr"), "signed"])
        let variables = [
            "AWS_ENDPOINT_URL": bucket.url, "AWS_ACCESS_KEY_ID": bucket.words[1],
            "AWS_SECRET_ACCESS_KEY": bucket.words[2],
        ]
        let places = [
            ("data.zarr.zip", ["--array", "raw"]), ("\(web.url)/busy/data.zarr", ["--array", "raw"]),
            ("\(web.url)/good/data.zarr.zip/raw", []), ("s3://images/data.zarr/raw", []),
        ]
        for (number, (input, more)) in places.enumerated() {
            let result = try await run(input, "\(number).zarr", more, variables)
            try #require(result.status == 0, "\(input): \(result.error)")
            #expect(try chunks("\(number).zarr") == wanted, "\(input)")
        }

        let refused = try await run("data.zarr", "\(web.url)/good/result.zarr", ["--array", "raw"])
        #expect(refused.status == 64)
        #expect(refused.error.contains("results are not written to a server; give --output a path on a disk"))
        let silent = try await run("\(web.url)/broken/data.zarr/raw", "none.zarr")
        #expect(silent.status == 74 && silent.error.contains("the server answered 503, 5 times; try again later"))
        #expect(!folder.contents.contains { $0.hasPrefix("none") || $0.hasPrefix("http") })
    }

    /// Power cuts and impatient people.
    @Test(arguments: [
        ["--zarr-format", "2"], ["--zarr-format", "3", "--ome", "--chunks", "8,24,28", "--shards", "16,48,56"],
    ])
    func aRunThatIsKilledTwentyTimesEndsAsOneThatIsNot(options: [String]) async throws {
        let folder = try Self.folder("2,7,16,48,56", version: 3)
        let arguments = options + ["--iterations", "15"]
        let clock = ContinuousClock()
        let started = clock.now
        let whole = try await Command.run(Self.job("whole.zarr") + arguments, in: folder)
        let seconds = (clock.now - started) / .seconds(1)
        try #require(whole.status == 0, "\(whole.error)")

        var generator = SeededGenerator(seed: UInt64(options.count))
        var (kills, resumed) = (0, 0)
        while kills < 20 {
            // The whole run may have waited for other tests.
            let delay = 0.02 + min(seconds, 1) * generator.uniform()
            let run = try await Command.run(Self.job("killed.zarr") + arguments, in: folder) { command in
                usleep(useconds_t(delay * 1e6))
                command.send(SIGKILL)
            }
            if [0, 73].contains(run.status) {
                // Faster than its killer, or the one before was killed when all was done: once more from the beginning.
                #expect(try Self.files(folder, "killed.zarr") == Self.files(folder, "whole.zarr"))
                try FileManager.default.removeItem(at: folder.url.appendingPathComponent("killed.zarr"))
                continue
            }
            try #require(run.status == 128 + SIGKILL, "\(run.error)")
            kills += 1
            if folder.contents.contains("killed.zarr.partial") { resumed += 1 }
        }
        #expect(resumed > 0)
        if !folder.contents.contains("killed.zarr") {
            let last = try await Command.run(Self.job("killed.zarr") + arguments, in: folder)
            try #require(last.status == 0, "\(last.error)")
        }
        #expect(try Self.files(folder, "killed.zarr") == Self.files(folder, "whole.zarr"))
        #expect(folder.contents == ["data.zarr", "killed.zarr", "psfs", "whole.zarr"])
    }

    @Test func anInterruptedRunSaysHowToGoOnAndOthersAreRefused() async throws {
        let folder = try Self.folder("1,6,16,48,56")
        let endless = Self.job("out.zarr", "--iterations", "3000")
        let interrupted = try await Command.run(endless, in: folder) { command in
            // Until the first volume is there.
            let chunk = folder.path("out.zarr.partial/0.0.0.0.0")
            for _ in 0..<12_000 where !FileManager.default.fileExists(atPath: chunk) { usleep(5000) }
            usleep(200_000)
            command.send(SIGINT)
        }
        #expect(interrupted.status == 130)
        #expect(
            interrupted.error.wholeMatch(
                of:
                    /gpudeconv: interrupted; out\.zarr\.partial has [1-5] of 6 volumes, and the same command goes on with it\n/
            ) != nil,
            "\(interrupted.error)"
        )
        let other = try await Command.run(Self.job("out.zarr", "--iterations", "2"), in: folder)
        #expect(other.status == 73)
        #expect(other.error.contains("--iterations is 2 and was 3000"), "\(other.error)")
        #expect(folder.contents == ["data.zarr", "out.zarr.partial", "psfs"])

        // Another input of the same shape.
        let files = FileManager.default
        try files.copyItem(atPath: folder.path("data.zarr"), toPath: folder.path("other.zarr"))
        let elsewhere = try await Command.run(["other.zarr"] + endless.dropFirst(), in: folder)
        #expect(elsewhere.status == 73)
        #expect(elsewhere.error.contains("the image is"), "\(elsewhere.error)")

        // In the input's own store, whose only array it is.
        try files.removeItem(atPath: folder.path("other.zarr/psf"))
        let beside = ["other.zarr", "--psf", "psfs/*.tif", "-o", "other.zarr/sharp", "--backend", "cpu", "-i"]
        for _ in 0..<2 {
            let begun = try await Command.run(beside + ["3000"], in: folder) { command in
                let chunk = folder.path("other.zarr/sharp.partial/0.0.0.0.0")
                for _ in 0..<12_000 where !files.fileExists(atPath: chunk) { usleep(5000) }
                usleep(200_000)
                command.send(SIGKILL)
            }
            #expect(begun.status == 128 + SIGKILL, "\(begun.error)")
        }
        try files.removeItem(atPath: folder.path("other.zarr"))

        // A second process at the same time.
        let first = try await Command.run(endless, in: folder) { command in
            usleep(500_000)
            let second = try Command.runAndWait(endless, in: folder)
            #expect(second.status == 73)
            #expect(second.error.contains("another gpudeconv"), "\(second.error)")
            command.send(SIGINT)
        }
        #expect(first.status == 130)

        let anew = try await Command.run(Self.job("out.zarr", "--iterations", "2", "--overwrite"), in: folder)
        #expect(anew.status == 0, "\(anew.error)")
        #expect(folder.contents == ["data.zarr", "out.zarr", "psfs"])
        let again = try await Command.run(Self.job("out.zarr", "--iterations", "2"), in: folder)
        #expect(again.status == 73)
        #expect(again.error.contains("exists already"), "\(again.error)")
    }

    /// Free memory is another at every start, and tiles follow from it.
    @Test func aRunGoesOnWithTheTilesThatItWasBegunWith() async throws {
        let folder = try Self.folder("1,6,16,48,56")
        let options = ["--iterations", "40"]
        let limit = ["--memory-limit", "1500kB"]
        let plan = try await Command.run(
            ["plan"] + Self.job("").filter { !["-o", ""].contains($0) } + limit,
            in: folder
        )
        try #require(
            plan.output.contains("\ntiles         ") && !plan.output.contains("in one piece"),
            "\(plan.output)"
        )
        let whole = try await Command.run(Self.job("whole.zarr") + options + limit, in: folder)
        try #require(whole.status == 0, "\(whole.error)")
        func begin(_ output: String, _ options: [String]) async throws {
            let run = try await Command.run(Self.job(output) + options, in: folder) { command in
                let chunk = folder.path("\(output).partial/0.0.0.0.0")
                for _ in 0..<60_000 where !FileManager.default.fileExists(atPath: chunk) { usleep(1000) }
                usleep(20_000)
                command.send(SIGINT)
            }
            try #require(
                run.status == 130 && run.error.contains("and the same command goes on with it"),
                "\(run.error)"
            )
        }
        try await begin("out.zarr", options + limit)
        // In one piece, were it begun now.
        let rest = try await Command.run(Self.job("out.zarr", "--report", "report.json") + options, in: folder)
        try #require(rest.status == 0, "\(rest.error)")
        #expect(rest.output.contains("were there already") && rest.output.contains(" tiles"), "\(rest.output)")
        #expect(try Self.files(folder, "out.zarr") == Self.files(folder, "whole.zarr"))

        // Tiles that a person asks for are asked for, and other options differ as ever.
        try await begin("other.zarr", options + limit)
        let journal = folder.path("other.zarr.partial/.gpudeconv-journal")
        let kept = try String(contentsOfFile: journal, encoding: .utf8)
        for (more, difference) in [
            (["--tile", "8,24,56"], "the tiling (--tile, --memory-limit) is"),
            (["--background", "3"], "--background is 3"),
        ] {
            let refused = try await Command.run(Self.job("other.zarr") + options + more, in: folder)
            #expect(refused.status == 73 && refused.error.contains(difference), "\(refused.error)")
        }
        // Tiles that cannot be had any more.
        let pattern = /[0-9]+x[0-9]+x[0-9]+ of ([0-9x]+) voxels in transforms of [0-9x]+/
        let tile = try #require(kept.firstMatch(of: pattern)).1
        let ours = folder.path("other.zarr.partial")
        for (begun, words) in [
            ("1x1x1 of \(tile) voxels in transforms of 7x7x7", "in tiles of \(tile) voxels"),
            ("none, 2x2x2 of 8x24x28 voxels in transforms of 14x35x42", "with other tiles (none, 2x2x2 of"),
        ] {
            var changed = kept.replacing(pattern, with: begun)
            if begun.hasPrefix("none") { changed = changed.replacing(/,\s*"tile":\s*\[[0-9, ]+\]/, with: "") }
            try changed.write(toFile: journal, atomically: false, encoding: .utf8)
            let refused = try await Command.run(Self.job("other.zarr") + options, in: folder)
            #expect(refused.status == 73)
            #expect(
                refused.error.contains("other.zarr.partial: was begun \(words)")
                    && refused.error.contains("free some to go on, give --overwrite to begin anew"),
                "\(refused.error)"
            )
            #expect(FileManager.default.fileExists(atPath: ours))
        }
        let anew = try await Command.run(Self.job("other.zarr", "--overwrite", "-i", "2"), in: folder)
        #expect(anew.status == 0 && !anew.output.contains("were there already"), "\(anew.output)")
    }

    /// The cache may be another then, or emptied, and measuring anew may come to plans with other last digits.
    @Test func aRunGoesOnWithThePlansThatItWasBegunWith() async throws {
        let folder = try Self.folder("1,6,16,48,56")
        let job = Self.job("out.zarr", "--iterations", "40")
        let begun = try await Command.run(job, in: folder, environment: ["XDG_CACHE_HOME": folder.path("first")]) {
            let chunk = folder.path("out.zarr.partial/0.0.0.0.0")
            for _ in 0..<60_000 where !FileManager.default.fileExists(atPath: chunk) { usleep(1000) }
            $0.send(SIGKILL)
        }
        try #require(begun.status == 128 + SIGKILL, "\(begun.error)")
        let kept = folder.path("out.zarr.partial/.gpudeconv-journal.plans")
        let plans = try String(contentsOfFile: kept, encoding: .utf8)
        #expect(try plans == String(contentsOfFile: folder.path("first/gpudeconv/fftwf.wisdom"), encoding: .utf8))

        // A plan of a transform that nobody makes tells where plans come from.
        let plan = try #require(
            plans.firstMatch(of: /\n *(\(fftwf_codelet.*) #x[0-9a-f]+ #x[0-9a-f]+ #x[0-9a-f]+ #x[0-9a-f]+\)/)
        )
        let foreign = "\(plan.1) #x12345678 #x23456789 #x3456789a #x456789ab)"
        try plans.replacing(plan.0, with: "\(plan.0)\n  \(foreign)", maxReplacements: 1)
            .write(toFile: kept, atomically: false, encoding: .utf8)
        // As of a run that is killed while it writes them.
        try Data("half".utf8).write(to: URL(fileURLWithPath: kept + ".new"))
        let rest = try await Command.run(job, in: folder, environment: ["XDG_CACHE_HOME": folder.path("second")])
        try #require(rest.status == 0 && rest.output.contains("were there already"), "\(rest.error)\(rest.output)")
        let cached = try String(contentsOfFile: folder.path("second/gpudeconv/fftwf.wisdom"), encoding: .utf8)
        #expect(cached.contains(foreign), "\(cached)")
        #expect(try Self.files(folder, "out.zarr").keys.allSatisfy { !$0.contains("plans") })
    }

    /// On a disk of its own, most of which something else takes at first.
    @Test func afterADiskWasFullTheSameCommandGoesOn() async throws {
        try #require(SmallDisk.canBeMounted, "needs a user namespace to mount a small disk in")
        let folder = try Self.folder("1,6,16,48,56")
        let script = """
            mkdir disk && mount -t tmpfs -o size=2m none disk && head -c 1500000 /dev/zero >disk/ballast
            "$@"; echo $?; ls -A disk; rm disk/ballast
            "$@" --quiet; echo $?; ls -A disk; cp -r disk/out.zarr kept.zarr
            """
        let result = try await Command.run(
            Self.job("disk/out.zarr", "--iterations", "2"),
            in: folder,
            through: ["unshare", "-rm"] + Command.shell(script)
        )
        #expect(result.output == "74\nballast\nout.zarr.partial\n0\nout.zarr\n")
        #expect(result.error.contains("no space left"), "\(result.error)")
        #expect(result.error.contains("and the same command goes on with it"), "\(result.error)")
        let whole = try await Command.run(Self.job("whole.zarr", "--iterations", "2"), in: folder)
        try #require(whole.status == 0, "\(whole.error)")
        #expect(try Self.files(folder, "kept.zarr") == Self.files(folder, "whole.zarr"))
    }

    /// The report of a run that was killed on the way, but for what belongs to this run alone.
    @Test func theReportOfARunThatWasKilledIsThatOfOneThatWasNot() async throws {
        let folder = try Self.folder("2,6,16,48,56")
        let passing = [
            "seconds", "secondsPerIteration", "voxelsPerSecond", "bottleneck", "peakHostBytes", "peakDeviceBytes",
            "devices", "command", "started", "options",
        ]
        func report(_ name: String) throws -> [String: Any] {
            let data = try Data(contentsOf: folder.url.appendingPathComponent(name))
            let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            return report.filter { !passing.contains($0.key) }
        }
        let options = ["-i", "400", "--background", "19", "--dtype", "uint8", "--report"]
        let killed = try await Command.run(Self.job("killed.zarr") + options + ["killed.json"], in: folder) { command in
            let journal = folder.path("killed.zarr.partial/.gpudeconv-journal")
            func isBegun() -> Bool {
                (try? String(contentsOfFile: journal, encoding: .utf8))?.contains("figures") == true
            }
            for _ in 0..<12_000 where !isBegun() { usleep(5000) }
            command.send(SIGKILL)
        }
        try #require(killed.status == 128 + SIGKILL, "\(killed.error)")
        let resumed = try await Command.run(Self.job("killed.zarr") + options + ["killed.json"], in: folder)
        try #require(resumed.status == 0, "\(resumed.error)")
        let whole = try await Command.run(
            Self.job("killed.zarr", "--overwrite") + options + ["whole.json"],
            in: folder
        )
        try #require(whole.status == 0, "\(whole.error)")
        var first = try report("killed.json")
        let second = try report("whole.json")
        #expect(first["resumedVolumes"] as? Int ?? 0 > 0)
        first["resumedVolumes"] = 0
        #expect(first as NSDictionary == second as NSDictionary)
        #expect((second["convergence"] as? [Any])?.count == 12 && second["saturatedVoxels"] as? Int ?? 0 > 0)
        #expect(resumed.error == whole.error)
        #expect(folder.contents == ["data.zarr", "killed.json", "killed.zarr", "psfs", "whole.json"])
    }

    /// Runs until the journal has a volume, and is killed; iterations must be many enough for that to be before the last one.
    private static func begin(_ job: [String], _ output: String, in folder: TemporaryFolder) async throws {
        let begun = try await Command.run(job, in: folder) { command in
            let journal = folder.path("\(output).partial/.gpudeconv-journal")
            func isBegun() -> Bool {
                (try? String(contentsOfFile: journal, encoding: .utf8))?.contains("figures") == true
            }
            for _ in 0..<12_000 where !isBegun() { usleep(5000) }
            command.send(SIGKILL)
        }
        try #require(begun.status == 128 + SIGKILL, "\(begun.error)")
    }

    /// What a job comes to counts, and not its words, though the result tells of these.
    @Test func aRunGoesOnWhereTheSameJobHasOtherWords() async throws {
        let folder = try Self.folder("2,6,16,48,56")
        let options = ["-i", "400", "--background", "19"]
        try await Self.begin(Self.job("out.zarr") + options, "out.zarr", in: folder)
        let rest = try await Command.run(
            ["data.zarr/raw", "--psf", "./psfs/*.tif", "-o", "out.zarr", "--backend", "cpu"] + options
                + ["--psf-background", "auto", "--boundary", "extend"],
            in: folder
        )
        #expect(rest.status == 0 && rest.output.contains("were there already"), "\(rest.error)")
        let other = try await Command.run(Self.job("out.zarr") + options + ["--psf-background", "1"], in: folder)
        #expect(other.status == 73, "\(other.error)")
    }

    private static func warnings(_ folder: TemporaryFolder, _ report: String) throws -> [String] {
        let data = try Data(contentsOf: folder.url.appendingPathComponent(report))
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        return try #require(object["warnings"] as? [String])
    }

    /// What disks and clean-up tools do while nobody runs, and a journal with a volume that cannot be.
    @Test func whatIsLostOfAnUnfinishedResultIsComputedAgainAndSaid() async throws {
        let folder = try Self.folder("1,4,16,48,56")
        let options = ["-i", "600", "--report", "report.json", "--overwrite"]
        let whole = try await Command.run(Self.job("whole.zarr") + options, in: folder)
        try #require(whole.status == 0, "\(whole.error)")
        for (words, damage): (String, @Sendable (String) throws -> Void) in [
            ("is not there", { try FileManager.default.removeItem(atPath: $0) }),
            ("has 100 bytes instead of ", { try #require(truncate($0, 100) == 0) }),
            (
                "has other bytes than were written",
                {
                    var bytes = try Data(contentsOf: URL(fileURLWithPath: $0))
                    bytes[bytes.count / 2] ^= 0x10
                    try bytes.write(to: URL(fileURLWithPath: $0))
                }
            ),
        ] {
            let job = Self.job("out.zarr") + options
            try await Self.begin(job, "out.zarr", in: folder)
            try damage(folder.path("out.zarr.partial/0.0.0.0.0"))
            let journal = try #require(FileHandle(forWritingAtPath: folder.path("out.zarr.partial/.gpudeconv-journal")))
            try journal.seekToEnd()
            journal.write(Data("{\"channel\":0,\"timepoint\":99,\"numbers\":{}}\n".utf8))
            let rest = try await Command.run(job, in: folder)
            #expect(rest.status == 0, "\(rest.error)")
            #expect(try Self.files(folder, "out.zarr") == Self.files(folder, "whole.zarr"), "\(words)")
            let said = [
                "out.zarr.partial: lines of its journal make no sense and do not count (1; the first: it has channel 0, time "
                    + "point 99 of 1 channels, 4 time points)",
                "out.zarr.partial: finished volumes whose files do not hold are computed again (1 of ",
                "; the first: out.zarr.partial/0.0.0.0.0 \(words)",
            ]
            let report = try Self.warnings(folder, "report.json").joined(separator: "\n")
            for words in said { #expect(rest.error.contains(words) && report.contains(words), "\(rest.error)") }
            try FileManager.default.removeItem(atPath: folder.path("out.zarr"))
        }
    }

    @Test func anInputThatChangesBetweenTwoRunsIsReadAgainWhereItDid() async throws {
        let folder = try Self.folder("1,4,16,48,56")
        let options = ["-i", "600", "--report", "report.json"]
        try await Self.begin(Self.job("out.zarr") + options, "out.zarr", in: folder)
        // The first time point becomes the last.
        let raw = folder.url.appendingPathComponent("data.zarr/raw")
        let last = try Data(contentsOf: raw.appendingPathComponent("0.3.0.0.0"))
        try last.write(to: raw.appendingPathComponent("0.0.0.0.0"))
        let rest = try await Command.run(Self.job("out.zarr") + options, in: folder)
        try #require(rest.status == 0, "\(rest.error)")
        let words = "out.zarr.partial: finished volumes whose input has changed since are computed again (1 of "
        #expect(
            rest.error.contains(words) && rest.error.contains("; the first: channel 0, time point 0"),
            "\(rest.error)"
        )
        #expect(try Self.warnings(folder, "report.json").contains { $0.hasPrefix(words) })
        let files = try Self.files(folder, "out.zarr")
        #expect(files["0.0.0.0.0"] == files["0.3.0.0.0"] && files["0.1.0.0.0"] != files["0.3.0.0.0"])

        // A mask is of all volumes, so that with another one it is another job.
        let shape = [16, 48, 56]
        let metadata = try ZarrArrayMetadata(version: .two, shape: shape, chunkShape: shape, dataType: .uint8)
        let mask = try ZarrStore.create(path: folder.path("mask.zarr"))
        let writer = try ZarrArrayWriter(creating: metadata, at: .root, in: mask)
        var good = [UInt8](repeating: 1, count: 16 * 48 * 56)
        try good.withUnsafeBytes { try writer.write($0, region: ArrayRegion(shape)) }
        let masked = Self.job("masked.zarr", "--mask", "mask.zarr", "-i", "600")
        try await Self.begin(masked, "masked.zarr", in: folder)
        good[7] = 0
        try good.withUnsafeBytes { try writer.write($0, region: ArrayRegion(shape)) }
        let refused = try await Command.run(masked, in: folder)
        #expect(refused.status == 73)
        #expect(refused.error.contains("was begun by another job: --mask is "), "\(refused.error)")
        #expect(refused.error.contains("mask.zarr") && refused.error.contains("--overwrite to begin anew"))
    }

    @Test func chunksThatAreNotThereAreSaidByPlanAndRunAndReport() async throws {
        let folder = try Self.folder("2,3,8,24,28")
        let files = FileManager.default
        for chunk in ["raw/0.1.0.0.0", "raw/1.2.0.0.0"] {
            try files.removeItem(atPath: folder.path("data.zarr/\(chunk)"))
        }
        let words =
            "data.zarr/raw: chunks that are not there count as 0; copy the store again if its source has them "
            + "(2 of 6; channel 0, time point 1: 1 of 1; channel 1, time point 2: 1 of 1)"
        let job = ["data.zarr", "--array", "raw", "--psf", "psfs/*.tif", "--backend", "cpu", "-i", "2"]
        let plan = try await Command.run(["plan", "--json"] + job, in: folder)
        #expect(plan.status == 0 && plan.error.contains(words) && plan.output.contains(words), "\(plan.error)")
        for output in ["out.zarr", "out.tif"] {
            let run = try await Command.run(job + ["-o", output, "--report", "\(output).json"], in: folder)
            #expect(run.status == 0 && run.error.contains(words), "\(run.error)")
            #expect(try Self.warnings(folder, "\(output).json").count { $0 == words } == 1)
        }
        // Of what is read.
        let part = try await Command.run(job + ["--channel", "1", "--time", "2", "-o", "part.tif"], in: folder)
        #expect(part.status == 65 || part.error.contains("has them (1 of 1)"), "\(part.error)")
        let rest = try await Command.run(job + ["--channel", "1", "--time", ":2", "-o", "rest.tif"], in: folder)
        #expect(rest.status == 0 && !rest.error.contains("not there"), "\(rest.error)")

        for look in [
            ["preview", "data.zarr/raw", "--time", "1", "-o", "raw.png"],
            ["compare", "data.zarr/raw", "data.zarr/raw"],
        ] {
            let seen = try await Command.run(look, in: folder)
            #expect(seen.status == 0 && seen.error.contains("chunks that are not there count as 0"), "\(seen.error)")
        }

        // Of a PSF.
        try files.removeItem(atPath: folder.path("data.zarr/psf/1.0.0.0.0"))
        let psf = try await Command.run(
            ["plan", "data.zarr", "--array", "raw", "--channel", "0", "--psf", "data.zarr/psf", "--backend", "cpu"],
            in: folder
        )
        #expect(
            psf.error.contains(
                "data.zarr/psf: chunks that are not there count as 0; copy the store again if its source has them "
                    + "(1 of 2; channel 1: 1 of 1)"
            ),
            "\(psf.error)"
        )

        // The names of other metadata.
        let metadata = folder.path("data.zarr/raw/.zarray")
        let text = try String(contentsOfFile: metadata, encoding: .utf8)
        try text.replacing("\"dimension_separator\": \".\"", with: "\"dimension_separator\": \"/\"")
            .write(toFile: metadata, atomically: false, encoding: .utf8)
        let other = try await Command.run(job + ["-o", "other.tif"], in: folder)
        #expect(other.status == 65)
        #expect(
            other.error
                == "gpudeconv: data.zarr/raw: has no chunk with a name such as 0/0/0/0/0, as its metadata say, but others such "
                + "as 0.0.0.0.0; correct how .zarray names chunks, or copy the store again from its source\n"
        )
    }

    @Test func warningsAreInTheNumbersOfTheInputAndRemediesFitTheFile() async throws {
        let folder = try Self.folder("2,4,8,24,28")
        let dark = try await Command.run(
            Self.job("out.tif", "--channel", "1", "--time", "2:", "--background", "4000", "-i", "2"),
            in: folder
        )
        #expect(dark.status == 0)
        #expect(
            dark.error.contains(
                "data.zarr/raw: where the mean is not above --background 4000 the result is 0 (channel 1, time point 2: a mean of "
            ) && dark.error.contains(" counts, and 1 volume more)\n"),
            "\(dark.error)"
        )
        let several = try await Command.run(
            ["data.zarr", "--array", "raw", "--psf", "data.zarr", "-o", "other.tif"],
            in: folder
        )
        #expect(several.status == 64)
        #expect(
            several.error
                == "gpudeconv: data.zarr: has 2 images or arrays; give the path of one: data.zarr/psf, data.zarr/raw\n"
        )
    }

    @Test func aMaskOfEveryChannelFollowsTheChannelsThatAreSelected() async throws {
        let folder = try Self.folder("2,1,8,24,28")
        let plane = Scene.shape.planeVoxelCount
        let mask = (0..<Scene.shape.z * 2).flatMap { number in
            (0..<plane).map { number % 2 == 1 && $0 % 7 == 0 ? Float(0) : 1 }
        }
        try Scene.write(mask, Scene.shape, channels: 2, to: folder.path("mask.tif"))
        for channels in ["0,1", "1,0", "1"] {
            let run = try await Command.run(
                Self.job("\(channels).zarr", "--channel", channels, "--mask", "mask.tif", "-i", "3"),
                in: folder
            )
            try #require(run.status == 0, "\(run.error)")
        }
        let (straight, crossed) = (try Self.files(folder, "0,1.zarr"), try Self.files(folder, "1,0.zarr"))
        #expect(straight["0.0.0.0.0"] == crossed["1.0.0.0.0"] && straight["1.0.0.0.0"] == crossed["0.0.0.0.0"])
        #expect(straight["1.0.0.0.0"] == (try Self.files(folder, "1.zarr")["0.0.0.0.0"]))
        #expect(straight["0.0.0.0.0"] != straight["1.0.0.0.0"])
    }

    @Test(arguments: ["clfft", "vkfft"])
    func twoDevicesGiveWhatOneGives(fft: String) async throws {
        let folder = try Self.folder("1,6,8,24,28")
        var job = Self.job("one.zarr", "--iterations", "3", "--fft", fft)
        job[job.firstIndex(of: "cpu")!] = "opencl"
        let two = ["POCL_DEVICES": "pthread pthread"]
        let one = try await Command.run(job + ["--device", "1"], in: folder, environment: two)
        try #require(one.status == 0, "\(one.error)")
        job[job.firstIndex(of: "one.zarr")!] = "two.zarr"
        let both = try await Command.run(
            job + ["--device", "all", "--report", "report.json", "--json-progress"],
            in: folder,
            environment: two
        )
        try #require(both.status == 0, "\(both.error)")
        #expect(try Self.files(folder, "one.zarr") == Self.files(folder, "two.zarr"))
        let report = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.url.appendingPathComponent("report.json"))
            ) as? [String: Any]
        )
        let devices = try #require(report["devices"] as? [[String: Any]])
        #expect(devices.compactMap { $0["number"] as? Int } == [1, 2])
        #expect(devices.compactMap { $0["volumes"] as? Int }.reduce(0, +) == 6)

        // Every line of the progress is JSON, and the last one says that all is there.
        var last: [String: Any] = [:]
        for line in both.error.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            if object?["event"] as? String == "progress" { last = object ?? [:] }
        }
        #expect(last["volumes"] as? Int == 6 && last["totalIterations"] as? Int == 18)
        #expect(last["completedIterations"] as? Int == 18 && last["finishedVolumes"] as? Int == 6, "\(last)")

        let failed = try await Command.run(
            job + ["--json-progress", "--report", "report.json"],
            in: folder,
            environment: two
        )
        let error = try JSONSerialization.jsonObject(with: Data(failed.error.utf8)) as? [String: Any]
        #expect(failed.status == 73 && error?["exitCode"] as? Int == 73 && error?["event"] as? String == "error")
        #expect((error?["message"] as? String)?.contains("report.json") == true, "\(failed.error)")

        let wrong = try await Command.run(job + ["--device", "1,1"], in: folder, environment: two)
        #expect(wrong.status == 64)
        #expect(wrong.error.contains("--device 1,1: names"), "\(wrong.error)")
    }

    /// Stacks as time points, to Zarr and back to TIFF.
    @Test func aSeriesOfStacksGoesToZarrAndZarrToTIFF() async throws {
        let folder = try Scene.folder()
        try FileManager.default.createDirectory(
            at: folder.url.appendingPathComponent("frames"),
            withIntermediateDirectories: true
        )
        for time in [1, 2, 10] {
            try Scene.write(Scene.image.map { $0 * Float(time) }, Scene.shape, to: folder.path("frames/t\(time).tif"))
        }
        let options = ["--psf", "psf.tif", "--iterations", "2", "--backend", "cpu", "--background", "50"]
        let series = try await Command.run(["frames", "-o", "series.ome.zarr"] + options, in: folder)
        try #require(series.status == 0, "\(series.error)")
        let chunks = try Self.files(folder, "series.ome.zarr/0")
        for (number, time) in [1, 2, 10].enumerated() {
            let alone = try await Command.run(
                ["frames/t\(time).tif", "-o", "alone.ome.zarr", "--overwrite"] + options,
                in: folder
            )
            try #require(alone.status == 0, "\(alone.error)")
            let chunk = try #require(try Self.files(folder, "alone.ome.zarr/0")["0/0/0/0/0"])
            #expect(chunk == chunks["\(number)/0/0/0/0"])
        }
        let back = try await Command.run(
            ["series.ome.zarr", "-o", "back.tif", "--time", "1:", "--report", "report.json"] + options,
            in: folder
        )
        try #require(back.status == 0, "\(back.error)")
        #expect(back.output.contains("8x24x28 float32, 2 time points"))

        // What the next run would take for an input.
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "frames")
        for (input, output) in [
            ("frames", "frames/sharp.tif"), ("frames/", "link/sharp.tif"), ("frames/t*.tif", "frames/t-sharp.tif"),
            ("./frames/*", "link/sharp.tif"), ("f*/t*.tif", "frames/t-sharp.tif"),
        ] {
            let among = try await Command.run([input, "-o", output] + options, in: folder)
            #expect(among.status == 73 && among.error.contains("would be one of the stacks of"), "\(among.error)")
        }
        let beside = try await Command.run(["frames/t*.tif", "-o", "frames/sharp.tif"] + options, in: folder)
        #expect(beside.status == 0, "\(beside.error)")
    }
}

/// A disk of a few kilobytes, seen by one process alone.
enum SmallDisk {
    /// Whether this machine lets the tests mount one.
    static let canBeMounted: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
