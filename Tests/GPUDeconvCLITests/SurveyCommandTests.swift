import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What the command finds out about an image, and what it does with that.
@Suite struct SurveyCommandTests {
    private static let shape = VolumeShape(z: 10, y: 40, x: 48)
    private static let hot = [7 * 48 + 9, 30 * 48 + 31]

    /// Two channels over offsets of 100 and 40, the first with hot pixels, as `image.tif` with `psf.tif`.
    private static func folder() throws -> TemporaryFolder {
        let folder = try Scene.folder()
        let light = zip(
            GaussianPSF.voxels(shape: shape, center: [3, 12, 14], sigma: [2, 2, 2], peak: 900),
            GaussianPSF.voxels(shape: shape, center: [7, 28, 36], sigma: [2, 2, 3], peak: 700)
        ).map { $0 + $1 }
        var generator = SeededGenerator(seed: 31)
        var voxels: [Float] = []
        for z in 0..<shape.z {
            for channel in 0..<2 {
                for index in 0..<shape.planeVoxelCount {
                    let photons = generator.poisson(light[z * shape.planeVoxelCount + index])
                    let pixel: Double = channel == 0 && hot.contains(index) ? 2000 : 0
                    let noise = 1.6 * generator.normal()
                    voxels.append(Float((photons + noise + pixel + (channel == 0 ? 100 : 40)).rounded()))
                }
            }
        }
        try FileManager.default.removeItem(atPath: folder.path("image.tif"))
        try Scene.write(voxels, shape, channels: 2, pixelType: .uint16, to: folder.path("image.tif"))
        return folder
    }

    private func report(_ folder: TemporaryFolder, _ name: String = "report.json") throws -> [String: Any] {
        let data = try folder.bytes(name)
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test func whatIsFoundIsUsedReportedAndWritten() async throws {
        let folder = try Self.folder()
        let job = ["image.tif", "--psf", "psf.tif", "--backend", "cpu", "-i", "3", "--report", "report.json"]
        let found = try await Command.run(
            job + ["-o", "found.tif", "--background", "auto", "--mask", "auto", "--write-mask", "mask.tif"],
            in: folder
        )
        try #require(found.status == 0, "\(found.error)")
        #expect(
            found.error.contains("hot or dead in every plane do not count (channel 0: 2 hot, 0 dead)"),
            "\(found.error)"
        )
        let levels = try #require(try report(folder)["background"] as? [Double])
        #expect(levels.count == 2 && abs(levels[0] - 100) < 1 && abs(levels[1] - 40) < 1, "\(levels)")
        let mask = try ImageFile.open(path: folder.path("mask.tif"))
        #expect(mask.image.shape == VolumeShape(z: 1, y: 40, x: 48) && mask.image.channelCount == 2)
        let bad = try mask.readVolume(channel: 0).floats.indices { $0 == 0 }
        #expect(bad.ranges.flatMap { Array($0) } == Self.hot)
        // The same again, with what was found written down.
        let values = levels.map { "\($0)" }.joined(separator: ",")
        let given = try await Command.run(
            job + ["-o", "given.tif", "--background", values, "--mask", "mask.tif", "--overwrite"],
            in: folder
        )
        try #require(given.status == 0, "\(given.error)")
        #expect(try Scene.voxels(of: folder.path("found.tif")) == Scene.voxels(of: folder.path("given.tif")))
    }

    @Test func aMaskThatWouldReplaceAnInputIsRefused() async throws {
        let folder = try Self.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu", "-i", "1", "--write-mask"]
        let refused = try await Command.run(job + ["psf.tif"], in: folder)
        #expect(refused.status != 0 && refused.error.contains("would replace an input"), "\(refused.error)")
        let two = try await Command.run(job + ["out.tif"], in: folder)
        #expect(two.status != 0 && two.error.contains("would replace another output"), "\(two.error)")
    }

    @Test func asManyBackgroundsAsChannelsAreAskedFor() async throws {
        let folder = try Self.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu", "--background"]
        let three = try await Command.run(job + ["1,2,3"], in: folder)
        #expect(three.error.contains("--background 1,2,3: 3 values, but image.tif has 2 channels"), "\(three.error)")
        for text in ["much", "100,", "-1", "1,nan"] {
            let refused = try await Command.run(job + [text], in: folder)
            #expect(refused.status == 64 && refused.error.contains("--background \(text): give"), "\(refused.error)")
        }
    }

    /// What was found is in the journal, and holds when the run is gone on with: here it is changed to tell that.
    @Test func aRunGoesOnWithWhatWasFoundWhenItBegan() async throws {
        let folder = try Self.folder()
        let path = folder.path("out.zarr.partial/.gpudeconv-journal")
        let job = [
            "image.tif", "--psf", "psf.tif", "-o", "out.zarr", "--backend", "cpu", "--background", "auto", "-i", "4000",
            "--report", "report.json",
        ]
        @Sendable func journal() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
        let begun = try await Command.run(job, in: folder) { command in
            for _ in 0..<12_000 where (try? journal())?.contains("figures") != true { usleep(5000) }
            command.send(SIGKILL)
        }
        try #require(begun.status == 128 + SIGKILL, "\(begun.error)")
        let written = try journal()
        let changed = written.replacing(#/(background[\\]*":)9?[0-9]+[.]?[0-9]*/#) { "\($0.output.1)55.5" }
        try #require(changed != written, "\(written)")
        try changed.write(toFile: path, atomically: false, encoding: .utf8)
        let rest = try await Command.run(job, in: folder)
        try #require(rest.status == 0, "\(rest.error)")
        let report = try report(folder)
        #expect(report["resumedVolumes"] as? Int == 1 && report["background"] as? Double == 55.5)
    }
}
