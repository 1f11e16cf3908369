import DeconvTestSupport
import Foundation
import Testing

/// `Scripts/gpu-check.sh`, which has one chance on the day a GPU comes, rehearsed on whatever OpenCL device is here.
@Suite(.serialized) struct GPUCheckTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All steps where stacks are simulated, in their order.
    private static let steps = [
        "machine", "bench-light-vkfft", "bench-light-clfft", "cupy-light", "right-widefield", "right-confocal",
        "passes-vkfft", "passes-clfft", "transfers", "bench-light-zero", "bench-cube", "bench-small", "bench-middle",
        "cupy-cube", "stream", "tiles", "largest", "size-8x8x8",
    ]

    /// Runs the script with the program of the tests, or with one that stands before it.
    private func check(
        _ options: [String],
        in folder: TemporaryFolder,
        program: String? = nil,
        environment: [String: String] = [:]
    ) async throws -> (result: CommandResult, steps: [[String: Any]]) {
        // With NumPy, for what stands in for CuPy.
        let python = try #require(TestPython.interpreter, Comment(rawValue: TestPython.missing))
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let script = Self.root.appendingPathComponent("Scripts/gpu-check.sh").path
        let shell = "script=$1; shift; \(program.map { "ours=$1; shift; set -- \($0) \"$@\"; export ours; " } ?? "")"
        // Where all tests compile for the first time at once, a rehearsal takes longer than what it rehearses.
        let result = try await Command.run(
            ["--output", "out", "--rehearsal"] + options,
            in: folder,
            through: ["bash", "-c", shell + "exec bash \"$script\" --program \"$@\"", "bash", script],
            environment: [
                "PATH": "\(python.deletingLastPathComponent().path):\(path)",
                "PYTHONPATH": Fixtures.url("GPUCheck").path, "PYTHONDONTWRITEBYTECODE": "1",
            ].merging(environment) { $1 },
            waiting: 1500
        )
        let text = (try? String(contentsOfFile: folder.path("out/steps.jsonl"), encoding: .utf8)) ?? ""
        let steps = try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
        return (result, steps)
    }

    private func figures(_ steps: [[String: Any]], _ step: String, _ file: String) throws -> [String: Any] {
        let line = try #require(steps.first { $0["name"] as? String == step })
        let figures = try #require(line["figures"] as? [String: Any])
        return try #require(figures[file] as? [String: Any], "\(step) has no \(file): \(figures)")
    }

    private func devices(_ steps: [[String: Any]], _ step: String) throws -> [[String: Any]] {
        try #require(figures(steps, step, "bench")["devices"] as? [[String: Any]])
    }

    @Test func everyStepOfARehearsalEndsWellAndLeavesItsFigures() async throws {
        let folder = try TemporaryFolder()
        // A folder without stacks, so that they are simulated whatever lies beside this checkout.
        try FileManager.default.createDirectory(atPath: folder.path("none"), withIntermediateDirectories: true)
        let (result, steps) = try await check(["--data", "none", "--seconds", "1400"], in: folder)
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(result.error == "")
        #expect(steps.map { $0["name"] as? String } == Self.steps)
        for step in steps {
            let name = step["name"] as? String ?? ""
            #expect(step["status"] as? Int == 0 && step["cutOff"] as? Bool == false, "\(step)")
            #expect(try #require(step["seconds"] as? Double, "\(step)") > 0)
            #expect(FileManager.default.fileExists(atPath: folder.path("out/\(name)/output.txt")))
            #expect(result.output.contains("\n\(name) "), "\(result.output)")
        }

        let listed = try #require(try figures(steps, "machine", "devices")["devices"] as? [String])
        #expect(listed.count >= 2 && listed[0].hasSuffix("(cpu, CPU)"))
        for library in ["vkfft", "clfft"] {
            let bench = try #require(try devices(steps, "bench-light-\(library)").first)
            #expect(bench["fft"] as? String == library)
            #expect(try #require(bench["nrmse"] as? Double) < 1e-5)
            #expect(try #require(bench["deviceSecondsPerIteration"] as? Double) > 0)
            let passes = try #require(try devices(steps, "passes-\(library)").first?["passes"] as? [[String: Any]])
            #expect(passes.count == (library == "clfft" ? 12 : 18))
            #expect(passes.allSatisfy { ($0["milliseconds"] as? Double ?? 0) > 0 && $0["bytes"] is Double })
        }
        for step in ["cupy-light", "cupy-cube"] {
            #expect(try #require(try figures(steps, step, "cupy")["eventSecondsPerIteration"] as? Double) > 0)
        }
        for step in ["right-widefield", "right-confocal"] {
            for file in ["compare-vkfft", "compare-clfft"] {
                #expect(try #require(try figures(steps, step, file)["nrmse"] as? Double) < 1e-5)
            }
        }
        let rates = try #require(try devices(steps, "transfers").first?["transfers"] as? [String: Double])
        #expect(rates.count == 4 && rates.values.allSatisfy { $0 > 0 })
        for step in ["bench-light-zero", "bench-cube", "bench-small", "bench-middle", "size-8x8x8"] {
            #expect(try devices(steps, step).map { $0["fft"] as? String } == ["clfft", "vkfft"])
        }
        #expect(try figures(steps, "largest", "bench")["shape"] as? [Int] == [8, 8, 8])
        let stream = try figures(steps, "stream", "report")
        #expect(stream["volumes"] as? Int == 3)
        #expect(try #require(stream["volumesPerMinute"] as? Double) > 0)
        #expect(try #require(try figures(steps, "tiles", "compare-tiles")["nrmse"] as? Double) < 1e-5)
        #expect(try #require(try figures(steps, "tiles", "report-tiles")["tileCount"] as? Int) > 1)
        #expect(try figures(steps, "tiles", "report-whole")["tileCount"] as? Int == 1)
    }

    /// The layout of the real stacks, with those of a benchmark in their places.
    @Test func stacksThatAreThereAreTakenInsteadOfSimulatedOnes() async throws {
        let folder = try TemporaryFolder()
        let bench = ["bench", "--shape", "8,16,18", "--psf-shape", "7,9,11", "--iterations", "1", "--device", "cpu"]
        for name in ["hollow-bars", "lattice-cell"] {
            #expect(try await Command.run(bench + ["--save", "data/\(name)"], in: folder).status == 0)
        }
        let (result, steps) = try await check(
            ["--data", "data", "--only", "machine,right-hollow-bars,right-widefield,cupy-light"],
            in: folder,
            // No CuPy, and that is no failure.
            environment: ["PYTHONPATH": folder.path("nothing")]
        )
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(steps.map { $0["name"] as? String } == ["machine", "cupy-light", "right-hollow-bars"])
        #expect(steps[1]["skipped"] as? String == "CuPy is not here")
        #expect(try #require(try figures(steps, "right-hollow-bars", "compare-vkfft")["nrmse"] as? Double) < 1e-5)
    }

    /// A program that hangs when it compares, and does not end when it is asked to, breaks in streams, and else ends at once.
    @Test func aStepThatHangsIsCutOffAndOneThatFailsDoesNotEndTheWalk() async throws {
        let folder = try TemporaryFolder()
        let program = """
            #!/bin/sh
            case "$*" in
            *--check*) trap "" TERM; echo $$ >"${0%/*}/pid"; while sleep 1; do :; done ;;
            *streamed.zarr*) echo "gpudeconv: it broke" >&2; exit 69 ;;
            *) echo "{}" ;;
            esac
            """
        try write(program, in: folder)
        let (result, steps) = try await check(
            ["--only", "machine,bench-light-vkfft,stream,largest", "--step-seconds", "10"],
            in: folder,
            program: "./program"
        )
        #expect(result.status == 1)
        #expect(result.error == "")
        #expect(steps.map { $0["name"] as? String } == ["machine", "bench-light-vkfft", "stream", "largest"])
        #expect(steps.map { $0["cutOff"] as? Bool } == [false, true, false, false])
        #expect(steps.map { $0["status"] as? Int } == [0, 137, 69, 0])
        #expect(steps[1]["limit"] as? Int == 10)
        let text = try String(contentsOfFile: folder.path("pid"), encoding: .utf8)
        // Gone, or ended and not yet asked for by whoever inherited it.
        let hung = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let state = (try? String(contentsOfFile: "/proc/\(hung)/status", encoding: .utf8)) ?? "State:\tZ"
        #expect(state.contains("State:\tZ"), "it computes beside what comes after: \(state)")
        let seconds = try #require(steps[1]["seconds"] as? Double)
        #expect(seconds >= 10 && seconds < 20)
        #expect(steps[2]["error"] as? String == "gpudeconv: it broke")
        #expect(result.output.contains(/\nbench-light-vkfft +1[0-9.]+ s, cut off/), "\(result.output)")
        #expect(
            result.output.contains(/\nstream +[0-9.]+ s, failed with 69 \(gpudeconv: it broke\)\n/),
            "\(result.output)"
        )
        #expect(result.output.contains("; 2 steps failed or were cut off; "), "\(result.output)")
    }

    /// A program that hangs whenever something is computed.
    @Test func theWholeWalkEndsWithinItsTime() async throws {
        let folder = try TemporaryFolder()
        let program = """
            #!/bin/sh
            case "$1" in
            bench) sleep 1000 & wait ;;
            *) echo "{}" ;;
            esac
            """
        try write(program, in: folder)
        let started = Date()
        let (result, steps) = try await check(["--seconds", "20"], in: folder, program: "./program")
        // Of which Python takes a part to write what was skipped, where everything is slow.
        #expect(Date().timeIntervalSince(started) < 40)
        #expect(result.status == 1)
        #expect(steps.count == Self.steps.count)
        #expect(steps[1]["cutOff"] as? Bool == true)
        #expect(try #require(steps[1]["limit"] as? Int) <= 16)
        #expect(steps.last?["skipped"] is String)
    }

    /// A CPU that takes too long for the comparison.
    @Test func aComparisonThatTakesTooLongIsLeftOut() async throws {
        let folder = try TemporaryFolder()
        let program = """
            #!/bin/sh
            case "$*" in
            *--check*) exit 124 ;;
            *) exec "$ours" "$@" ;;
            esac
            """
        try write(program, in: folder)
        let (result, steps) = try await check(
            ["--only", "machine,bench-light-vkfft"],
            in: folder,
            program: "./program"
        )
        #expect(result.status == 0, "\(result.output)\(result.error)")
        let bench = try #require(try devices(steps, "bench-light-vkfft").first)
        #expect(bench["nrmse"] == nil && bench["secondsPerIteration"] is Double)
        let errors = try String(contentsOfFile: folder.path("out/bench-light-vkfft/errors.txt"), encoding: .utf8)
        #expect(errors.contains("compared with nothing, for the CPU took too long\n"))
    }

    private func write(_ program: String, in folder: TemporaryFolder) throws {
        try program.write(toFile: folder.path("program"), atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("program"))
    }

    @Test func whatTheTimeDoesNotAllowIsSkippedAndSaid() async throws {
        let folder = try TemporaryFolder()
        let (result, steps) = try await check(["--seconds", "3"], in: folder)
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(steps.count == Self.steps.count)
        #expect(steps.allSatisfy { ($0["skipped"] as? String)?.isEmpty == false }, "\(steps)")
    }

    /// A container with NVIDIA's driver and nothing that tells of it, where PoCL's library has the driver's name.
    @Test func aDriverThatNoFileNamesIsFoundAndNamed() async throws {
        let folder = try TemporaryFolder()
        let vendors = "/etc/OpenCL/vendors"
        let icds = try FileManager.default.contentsOfDirectory(atPath: vendors).filter { $0.hasPrefix("pocl") }
        let icd = try #require(icds.first, "these tests run on PoCL")
        let named = try String(contentsOfFile: "\(vendors)/\(icd)", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        let places = [named, "/usr/lib/x86_64-linux-gnu/\(named)", "/usr/lib/aarch64-linux-gnu/\(named)"]
        let library = try #require(places.first { $0.hasPrefix("/") && FileManager.default.fileExists(atPath: $0) })
        for name in ["driver", "vendors"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        let driver = folder.path("driver/libnvidia-opencl.so.1")
        try FileManager.default.createSymbolicLink(atPath: driver, withDestinationPath: library)
        // It looks for its devices beside itself.
        let pocl = URL(fileURLWithPath: library).deletingLastPathComponent().appendingPathComponent("pocl").path
        try FileManager.default.createSymbolicLink(atPath: folder.path("driver/pocl"), withDestinationPath: pocl)
        let (result, steps) = try await check(
            ["--only", "machine"],
            in: folder,
            environment: ["LD_LIBRARY_PATH": folder.path("driver"), "OCL_ICD_VENDORS": folder.path("vendors")]
        )
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try String(contentsOfFile: folder.path("out/icd/nvidia.icd"), encoding: .utf8) == "\(driver)\n")
        #expect(result.output.hasPrefix("driver: \(driver), named in "), "\(result.output)")
        let listed = try #require(try figures(steps, "machine", "devices")["devices"] as? [String])
        #expect(listed.count >= 2, "\(listed)")
    }

    /// What is carried to a machine with a GPU: the scripts, and a bundle as a folder or as a tarball.
    @Test(arguments: [false, true]) func theProgramOfABundleIsFound(isTarball: Bool) async throws {
        let folder = try TemporaryFolder()
        let bin = "bundle/gpudeconv-9.9-linux-x86_64/bin"
        for path in ["Scripts", bin] {
            try FileManager.default.createDirectory(atPath: folder.path(path), withIntermediateDirectories: true)
        }
        for name in ["gpu-check.sh", "gpu_check.py"] {
            try folder.copy(Self.root.appendingPathComponent("Scripts/\(name)"), as: "Scripts/\(name)")
        }
        try write("#!/bin/sh\necho '{}'\n", in: folder)
        try FileManager.default.moveItem(atPath: folder.path("program"), toPath: folder.path("\(bin)/gpudeconv"))
        let pack = "cd bundle && tar -czf gpudeconv-9.9-linux-x86_64.tar.gz gpudeconv-* && rm -r gpudeconv-*64; cd ..; "
        let walk = "exec bash Scripts/gpu-check.sh --output out --only machine"
        let result = try await Command.run(
            [],
            in: folder,
            through: ["bash", "-c", (isTarball ? pack : "") + walk]
        )
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(
            result.output.contains(/gpudeconv: \/.*\/gpudeconv-9\.9-linux-x86_64\/bin\/gpudeconv\n/),
            "\(result.output)"
        )
        #expect(result.output.contains(/\nmachine +[0-9.]+ s, done/), "\(result.output)")
    }

    /// Benchmarks/streaming.py, which a bundle's program must do for.
    @Test func streamingTakesTheProgramThatItIsGiven() async throws {
        let folder = try TemporaryFolder()
        let python = try #require(TestPython.interpreter, Comment(rawValue: TestPython.missing))
        let script = Self.root.appendingPathComponent("Benchmarks/streaming.py").path
        let options = ["--volumes", "4", "--shape", "8,16,18", "--psf-shape", "7,9,11", "--iterations", "2"]
        let result = try await Command.run(
            options + ["--", "--backend", "cpu"],
            in: folder,
            through: [python.path, script, "--program"]
        )
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.hasPrefix("stage       alone, s   at once, s\nread "))
        #expect(result.output.contains(/\nmost memory [0-9.]+ MB with 2 volumes, [0-9.]+ MB with 4: [0-9.]+\n/))
        let refused = try await Command.run([], in: folder, through: [python.path, script, "--program", "nothing"])
        #expect(refused.status == 2)
        #expect(refused.error.hasSuffix("error: argument --program: nothing is no program that may be run\n"))
    }

    @Test(arguments: [
        (["--program"], 64, "--program wants a value"), (["--sometimes"], 64, "--sometimes is no option"),
        (["--seconds", "soon"], 64, "'soon' is no number of seconds: give 1 to 999999"),
        (["--data", "nowhere"], 66, "--data nowhere: there is no such folder"),
        (["--program", "nothing"], 66, "--program nothing: there is no such program"),
    ])
    func mistakesAreToldInOneLine(options: [String], status: Int32, message: String) async throws {
        let folder = try TemporaryFolder()
        let (result, steps) = try await check(options, in: folder)
        #expect(result.status == status)
        #expect(result.error.hasPrefix("gpu-check.sh: \(message)\n"), "\(result.error)")
        #expect(steps.isEmpty)
    }
}
