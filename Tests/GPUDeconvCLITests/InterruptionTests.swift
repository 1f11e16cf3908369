import DeconvTestSupport
import Foundation
import Testing

@Suite struct InterruptionTests {
    /// Longer than a test waits.
    private static let endless = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "-i", "1000000"]

    private static let refusals: Set = [
        "gpudeconv: interrupted; nothing was written\n", "gpudeconv: interrupted; nothing unfinished is left\n",
    ]

    /// Waits until a hidden, unfinished file is in the folder: from then on signals are what users send.
    private func waitForWork(in folder: TemporaryFolder) async throws {
        for _ in 0..<1500 {
            if folder.contents.contains(where: { $0.hasSuffix(".partial") }) {
                try await Task.sleep(for: .milliseconds(150))
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("the run has begun no output")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP], ["cpu", "opencl"])
    func aSignalEndsARunAndLeavesNothing(signal: Int32, backend: String) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let run = try Command.start(Self.endless + ["--backend", backend, "--report", "report.json"], in: folder)
        try await waitForWork(in: folder)
        run.send(signal)
        let result = try await run.result()
        #expect(result.status == 130)
        #expect(result.error == "gpudeconv: interrupted; nothing was written\n")
        #expect(result.output == "")
        #expect(folder.files == before)
    }

    @Test(arguments: 0..<5)
    func twoSignalsAtOnceDoTheSame(attempt: Int) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let run = try Command.start(Self.endless + ["--backend", "cpu"], in: folder)
        try await waitForWork(in: folder)
        run.send(SIGINT)
        run.send(attempt % 2 == 0 ? SIGINT : SIGTERM)
        let result = try await run.result()
        #expect(result.status == 130)
        #expect(Self.refusals.contains(result.error), "\(result.error)")
        #expect(folder.files == before)
    }

    @Test func anOutputToBeReplacedStaysWhatItWas() async throws {
        let folder = try Scene.folder()
        try Data("the old result".utf8).write(to: folder.url.appendingPathComponent("out.tif"))
        let before = folder.files
        let run = try Command.start(Self.endless + ["--backend", "cpu", "--overwrite"], in: folder)
        try await waitForWork(in: folder)
        run.send(SIGINT)
        #expect(try await run.result().status == 130)
        #expect(folder.files == before)
    }

    /// A simulation has no steps at which it could stop: the first signal ends it.
    @Test func aSignalEndsASimulationAndLeavesNothing() async throws {
        let folder = try TemporaryFolder()
        let run = try Command.start(["simulate", ".", "--shape", "96,768,768", "--backend", "cpu"], in: folder)
        try await waitForWork(in: folder)
        run.send(SIGINT)
        let result = try await run.result()
        #expect(result.status == 130)
        #expect(result.error == "gpudeconv: interrupted; nothing unfinished is left\n")
        #expect(folder.contents == [])
    }

    /// As `nohup` starts it.
    @Test func aSignalThatWasSwitchedOffStaysOff() async throws {
        let folder = try Scene.folder()
        let run = try Command.start(
            Self.endless + ["--backend", "cpu"],
            in: folder,
            through: Command.shell(#"trap "" HUP; exec "$@""#)
        )
        try await waitForWork(in: folder)
        run.send(SIGHUP)
        try await Task.sleep(for: .milliseconds(300))
        #expect(folder.contents.count == 3, "it works on, with its unfinished output")
        run.send(SIGTERM)
        #expect(try await run.result().status == 130)
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }
}
