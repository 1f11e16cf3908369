import DeconvTestSupport
import Foundation
import Testing

@Suite struct InterruptionTests {
    /// Longer than a test waits.
    private static let endless = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "-i", "1000000"]

    private static let refusals: Set = [
        "gpudeconv: interrupted; nothing was written\n",
        "gpudeconv: interrupted; nothing that looks finished is left, and what is NAME.partial can be gone on with\n",
    ]

    /// Waits until a hidden, unfinished file is in the folder: from then on signals are what users send.
    private static func waitForWork(in folder: TemporaryFolder) {
        for _ in 0..<20_000 where !folder.contents.contains(where: { $0.hasSuffix(".partial") }) { usleep(5000) }
        usleep(100_000)
    }

    /// Runs the program, and sends it signals once it works.
    private func interrupt(
        _ arguments: [String],
        in folder: TemporaryFolder,
        with signals: [Int32]
    ) async throws -> CommandResult {
        try await Command.run(arguments, in: folder) { command in
            Self.waitForWork(in: folder)
            for signal in signals { command.send(signal) }
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP], ["cpu", "opencl"])
    func aSignalEndsARunAndLeavesNothing(signal: Int32, backend: String) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let arguments = Self.endless + ["--backend", backend, "--report", "report.json"]
        let result = try await interrupt(arguments, in: folder, with: [signal])
        #expect(result.status == 130)
        #expect(result.error == "gpudeconv: interrupted; nothing was written\n")
        #expect(result.output == "")
        #expect(folder.files == before)
    }

    /// With nothing compiled yet, all kernels take a minute or more, in which nothing is computed.
    @Test(arguments: ["out.tif", "out.zarr"])
    func aSignalWhileKernelsAreCompiledEndsTheRunAtOnce(output: String) async throws {
        let (folder, caches) = (try Scene.folder(), try TemporaryFolder())
        let before = folder.files
        let arguments = [
            "image.tif", "--psf", "psf.tif", "-o", output, "-i", "5", "--backend", "opencl", "--fft", "clfft",
        ]
        let result = try await Command.run(
            arguments + ["--json-progress"],
            in: folder,
            environment: ["XDG_CACHE_HOME": caches.url.path, "POCL_CACHE_DIR": caches.path("pocl")]
        ) { command in
            Self.waitForWork(in: folder)
            // PoCL makes this folder when it compiles first.
            for _ in 0..<20_000 where !FileManager.default.fileExists(atPath: caches.path("pocl")) { usleep(5000) }
            usleep(1_500_000)
            command.send(SIGINT)
        }
        #expect(result.status == 130)
        // Not all programs were compiled first.
        let told = result.error.matches(of: /"program":([0-9]+),"programs":([0-9]+)/).map { (Int($0.1)!, Int($0.2)!) }
        let last = try #require(told.last, "\(result.error)")
        #expect(last.0 < last.1)
        #expect(result.error.contains("\"stage\":\"compiling\""))
        #expect(
            result.error.contains(
                output.hasSuffix(".zarr")
                    ? "interrupted; nothing that looks finished is left" : "interrupted; nothing was written"
            )
        )
        #expect(!result.error.contains("\"stage\":\"computing\""))
        #expect(folder.files.filter { !$0.key.contains(".partial") } == before)
    }

    @Test(arguments: 0..<5)
    func twoSignalsAtOnceDoTheSame(attempt: Int) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let signals = [SIGINT, attempt % 2 == 0 ? SIGINT : SIGTERM]
        let result = try await interrupt(Self.endless + ["--backend", "cpu"], in: folder, with: signals)
        #expect(result.status == 130)
        #expect(Self.refusals.contains(result.error), "\(result.error)")
        #expect(folder.files == before)
    }

    @Test func anOutputToBeReplacedStaysWhatItWas() async throws {
        let folder = try Scene.folder()
        try Data("the old result".utf8).write(to: folder.url.appendingPathComponent("out.tif"))
        let before = folder.files
        let arguments = Self.endless + ["--backend", "cpu", "--overwrite"]
        #expect(try await interrupt(arguments, in: folder, with: [SIGINT]).status == 130)
        #expect(folder.files == before)
    }

    /// Before hours of work, not after them.
    @Test func aSecondRunIntoTheSameFileIsRefusedAtOnce() async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let arguments = Self.endless + ["--backend", "cpu", "--overwrite", "--report", "report.json"]
        let first = try await Command.run(arguments, in: folder) { command in
            Self.waitForWork(in: folder)
            for other in [["--report", "other.json"], ["-o", "other.tif"]] {
                let second = try Command.runAndWait(arguments + other, in: folder)
                #expect(second.status == 73)
                let file = other[0] == "-o" ? "report.json" : "out.tif"
                #expect(
                    second.error.wholeMatch(
                        of: /gpudeconv: ([a-z.]+): another gpudeconv \(process [0-9]+\) is writing it; wait .*\n/
                    )?.1 == file[...],
                    "\(second.error)"
                )
            }
            command.send(SIGKILL)
        }
        #expect(first.status == 128 + SIGKILL)
        // What it has left keeps nobody out, and goes.
        let next = try await Command.run(
            [
                "image.tif", "--psf", "psf.tif", "-o", "out.tif", "-i", "2", "--backend", "cpu", "--report",
                "report.json",
            ],
            in: folder
        )
        #expect(next.status == 0, "\(next.error)")
        #expect(Set(folder.contents) == Set(before.keys).union(["out.tif", "report.json"]))
    }

    /// A simulation has no steps at which it could stop: the first signal ends it.
    @Test func aSignalEndsASimulationAndLeavesNothing() async throws {
        let folder = try TemporaryFolder()
        let arguments = ["simulate", ".", "--shape", "96,768,768", "--backend", "cpu"]
        let result = try await interrupt(arguments, in: folder, with: [SIGINT])
        #expect(result.status == 130)
        #expect(
            result.error
                == "gpudeconv: interrupted; nothing that looks finished is left, and what is NAME.partial can be gone on with\n"
        )
        #expect(folder.contents == [])
    }

    /// A run ended that should have gone on.
    private struct Stopped: Error {}

    /// As `nohup` starts it.
    @Test func aSignalThatWasSwitchedOffStaysOff() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(
            Self.endless + ["--backend", "cpu"],
            in: folder,
            through: Command.shell(#"trap "" HUP; exec "$@""#)
        ) { command in
            Self.waitForWork(in: folder)
            command.send(SIGHUP)
            usleep(300_000)
            // It works on, with its unfinished output.
            guard folder.contents.count == 4 else { throw Stopped() }
            command.send(SIGTERM)
        }
        #expect(result.status == 130)
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }
}
