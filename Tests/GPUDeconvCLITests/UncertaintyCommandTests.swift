import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// The map of standard errors, the resolution and its picture, from the command line.
@Suite struct UncertaintyCommandTests {
    private static let job = [
        "image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu", "-i", "4", "--gain", "1.5",
    ]

    @Test func aRunTellsHowFineItsResultIs() async throws {
        let folder = try Scene.folder()
        let done = try await Command.run(
            Self.job + [
                "--uncertainty", "map.ome.tif", "--resolution-plot", "curves.png", "--report", "report.json",
                "--method",
                "landweber",
            ],
            in: folder
        )
        try #require(done.status == 0, "\(done.error)")
        let line = try #require(done.output.split(separator: "\n").last)
        #expect(
            line.hasPrefix("resolution ") && line.hasSuffix(" µm (z, y, x), by Fourier shell correlation of halves")
        )
        let map = try Scene.voxels(of: folder.path("map.ome.tif"))
        #expect(map.count == Scene.shape.voxelCount && map.allSatisfy { $0 >= 0 } && map.contains { $0 > 0 })
        #expect(try folder.bytes("curves.png").starts(with: [0x89, 0x50, 0x4E, 0x47]))
        let report = try #require(
            try JSONSerialization.jsonObject(with: folder.bytes("report.json")) as? [String: Any]
        )
        let told = try #require(report["uncertainty"] as? [String: Any])
        let channel = try #require((told["channels"] as? [[String: Any]])?.first)
        #expect(channel["gain"] as? Double == 1.5 && channel["gainFrom"] as? String == "given")
        let curves = try #require(channel["curves"] as? [[String: Any]])
        #expect(curves.compactMap { $0["axis"] as? String } == ["z", "y", "x"])
        #expect((curves[1]["results"] as? [Any])?.count == 12 && (curves[1]["images"] as? [Any])?.count == 12)
        // The same result, without another map.
        let again = try await Command.run(["rerun", "report.json", "-o", "again.tif", "--backend", "cpu"], in: folder)
        let plain =
            again.status == 0 ? again : try await Command.run(["rerun", "report.json", "-o", "again.tif"], in: folder)
        #expect(plain.status == 0, "\(plain.error)")
        #expect(try Scene.voxels(of: folder.path("again.tif")) == Scene.voxels(of: folder.path("out.tif")))
    }

    /// A file as ImageJ has it.
    private struct Opened: Decodable {
        let opened: Bool
        let width, height, slices: Int?
        let least, most: Double?
    }

    @Test func imageJFindsTheMapAsItIs() async throws {
        let folder = try Scene.folder()
        let done = try await Command.run(Self.job + ["--uncertainty", "map.tif"], in: folder)
        try #require(done.status == 0, "\(done.error)")
        let found = try TestJava.open([folder.path("map.tif")], in: .imageJ, as: Opened.self)[0]
        #expect(found.opened)
        #expect([found.slices, found.height, found.width] == Scene.shape.axes)
        let map = try Scene.voxels(of: folder.path("map.tif"))
        let seen = try folder.bytes("map.tif.imagej").withUnsafeBytes { bytes in
            (0..<map.count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        #expect(seen == map)
        // It is shown by its own values, between the least and the largest.
        let (least, most) = (Float(found.least ?? 0), Float(found.most ?? 0))
        #expect(try #require(map.min()) <= least && least < most && most <= #require(map.max()))
    }

    @Test func whatWouldDoNothingOrDestroySomethingIsRefused() async throws {
        let folder = try Scene.folder()
        let cases: [([String], String)] = [
            (["--uncertainty", "psf.tif"], "would replace an input"),
            (["--uncertainty", "out.tif"], "would replace another output"),
            (["--uncertainty", "map.png"], "its ending does not say"),
            (["--uncertainty", ""], "--uncertainty names no file"),
            (["--uncertainty", "map.tif", "--resolution-plot", "plot.tif"], "give a name in .png"),
            (["--uncertainty", "map.tif", "--resolution-plot", "map.tif"], "would replace another output"),
        ]
        for (options, words) in cases {
            let refused = try await Command.run(Self.job + options, in: folder)
            #expect(refused.status != 0 && refused.error.contains(words), "\(options): \(refused.error)")
        }
        let alone = try await Command.run(Self.job.dropLast(2) + ["--resolution-plot", "plot.png"], in: folder)
        #expect(alone.error.contains("--resolution-plot: does nothing without --uncertainty"), "\(alone.error)")
        let gain = try await Command.run(Self.job, in: folder)
        #expect(gain.error.contains("--gain: does nothing without"), "\(gain.error)")
        #expect(folder.contents.sorted() == ["image.tif", "psf.tif"], "\(folder.contents)")
    }
}
