import DeconvTestSupport
import Foundation
import Testing

/// The pages of `--help`, compared whole with Tests/Fixtures/Help.
///
/// GPUDECONV_UPDATE_SNAPSHOTS=1 writes them anew; read them before they are committed.
@Suite struct HelpTests {
    private static let isUpdating = ProcessInfo.processInfo.environment["GPUDECONV_UPDATE_SNAPSHOTS"] == "1"

    @Test(arguments: [
        "", "deconvolve", "devices", "plan", "psf", "psf inspect", "psf prepare", "psf from-beads", "simulate",
        "compare", "preview",
        "bench", "inspect", "rerun", "options",
    ])
    func helpReadsAsItsSnapshot(command: String) async throws {
        let words = command.split(separator: " ").map(String.init)
        let result = try await Command.run(words + ["--help"], in: try TemporaryFolder())
        #expect(result.status == 0)
        #expect(result.error == "")
        let url = Fixtures.url("Help/\((["gpudeconv"] + words).joined(separator: "-")).txt")
        if Self.isUpdating { try Data(result.output.utf8).write(to: url) }
        #expect(try result.output == String(contentsOf: url, encoding: .utf8))
        let longest = result.output.split(separator: "\n").map(\.count).max() ?? 0
        #expect(longest <= 80)
    }

    @Test func versionIsPrinted() async throws {
        let result = try await Command.run(["--version"], in: try TemporaryFolder())
        #expect(result.status == 0)
        #expect(result.output == "0.1.0\n")
    }

    @Test func noArgumentsAreAnsweredWithTheHelp() async throws {
        let result = try await Command.run([], in: try TemporaryFolder())
        #expect(result.status == 64)
        #expect(result.error.hasPrefix("Error: Missing expected argument '<input>'\n"), "\(result.error)")
        #expect(result.error.contains("USAGE: gpudeconv <input> [--psf <psf>] --output <file>"))
        #expect(result.output == "")
    }
}
