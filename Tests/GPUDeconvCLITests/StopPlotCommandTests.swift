import DeconvTestSupport
import Foundation
import Testing

/// The picture of how the number of iterations was found, from the command line.
@Suite struct StopPlotCommandTests {
    private static let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu"]

    @Test func aRunThatLooksForItsIterationsIsDrawn() async throws {
        let folder = try Scene.folder()
        let done = try await Command.run(
            Self.job + ["--gain", "1", "--stop-plot", "stop.png", "--report", "report.json"],
            in: folder
        )
        try #require(done.status == 0, "\(done.error)")
        #expect(done.output.contains("(held-out photons)"), "\(done.output)")
        #expect(try folder.bytes("stop.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
        // What another image said is drawn as well.
        let given = try await Command.run(
            Self.job + ["--tuning", "report.json", "--stop-plot", "again.png", "--overwrite"],
            in: folder
        )
        #expect(given.status == 0, "\(given.error)")
        #expect(try folder.bytes("again.png") == folder.bytes("stop.png"))
    }

    @Test func aRunThatLooksForNothingIsRefused() async throws {
        let folder = try Scene.folder()
        let cases: [([String], String)] = [
            (["-i", "4", "--stop-plot", "stop.png"], "give --stop held-out, or leave it out"),
            (["--method", "wiener", "--stop-plot", "stop.png"], "--method wiener looks for no number of iterations"),
            (
                ["--gain", "1", "--stop-plot", "stop.tif"],
                "--stop-plot stop.tif: it is a PNG file; give a name in .png"
            ),
            (["--gain", "1", "--stop-plot", "out.tif"], "would replace another output"),
        ]
        for (options, words) in cases {
            let refused = try await Command.run(Self.job + options, in: folder)
            #expect(refused.status != 0 && refused.error.contains(words), "\(options): \(refused.error)")
        }
        #expect(folder.contents.sorted() == ["image.tif", "psf.tif"], "\(folder.contents)")
    }
}
