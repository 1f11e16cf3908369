import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A second view on the command line.
@Suite struct SecondViewCommandTests {
    private static let view = ["--view", "view.tif", "--view-psf", "wide.tif"]

    /// An image, and one of the same beads that is blurred along another axis.
    private func folder() throws -> TemporaryFolder {
        let folder = try Scene.folder()
        let psf = Scene.psf(sigma: [1.6, 1, 1])
        try Scene.write(psf, Scene.psfShape, to: folder.path("wide.tif"))
        try Scene.write(Scene.image.map { $0 + 10 }, Scene.shape, to: folder.path("view.tif"))
        return folder
    }

    @Test func aSecondViewGoesFromFilesToReportAndBack() async throws {
        let folder = try folder()
        let options = ["--backend", "cpu", "-i", "3", "--background", "40", "--view-background", "50", "--psf-as-is"]
        let output = ["-o", "sharp.zarr", "--report", "report.json"]
        let result = try await Command.run(
            ["image.tif", "--psf", "psf.tif"] + Self.view + output + options,
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        struct Report: Decodable {
            struct View: Decodable {
                let image: String
                let background: Double
                let observedSum: Double
            }
            let views: [View]
        }
        let report = try JSONDecoder().decode(Report.self, from: folder.bytes("report.json"))
        #expect(report.views.map(\.background) == [40, 50] && report.views.map(\.image) == ["image.tif", "view.tif"])
        #expect(abs(report.views[0].observedSum - report.views[1].observedSum) < 1)
        let again = try await Command.run(["rerun", "report.json", "-o", "again.zarr"], in: folder)
        #expect(again.status == 0, "\(again.error)")
        let (first, second) = try (
            Scene.voxels(of: folder.path("sharp.zarr")), Scene.voxels(of: folder.path("again.zarr"))
        )
        #expect(first == second)
        let one = try await Command.run(
            [
                "image.tif", "--psf", "psf.tif", "-o", "one.tif", "--backend", "cpu", "-i", "3", "--background", "40",
                "--psf-as-is",
            ],
            in: folder
        )
        #expect(one.status == 0)
        #expect(try Scene.voxels(of: folder.path("one.tif")) != first)
        let plan = try await Command.run(
            ["plan", "image.tif", "--psf", "psf.tif", "--backend", "cpu"] + Self.view,
            in: folder
        )
        #expect(plan.output.contains(", 8 an iteration") && plan.output.contains("view PSF"))
    }

    @Test func whatCannotBeMeantIsRefused() async throws {
        let folder = try folder()
        let small = VolumeShape(z: 8, y: 24, x: 27)
        try Scene.write([Float](repeating: 9, count: small.voxelCount), small, to: folder.path("small.tif"))
        for (words, message) in [
            (["--view", "view.tif"], "--view and --view-psf name a second image and its PSF"),
            (["--view-background", "3"], "leave all of them out"),
            (["--view", "image.tif", "--view-psf", "wide.tif"], "--view image.tif: is the image itself"),
            (
                ["--view", "small.tif", "--view-psf", "wide.tif"],
                "small.tif has 8x24x27 voxels, 1 channel, 1 time point, but image.tif"
            ),
            (Self.view + ["--method", "gated"], "--view: --method gated compares one image; choose --method auto or"),
            (Self.view + ["--view-background", "1,2"], "2 values, but image.tif has 1 channel"),
        ] {
            let result = try await Command.run(
                ["plan", "image.tif", "--psf", "psf.tif", "--backend", "cpu"] + words,
                in: folder
            )
            #expect(result.status != 0 && result.error.contains(message), "\(words): \(result.error)")
        }
    }
}
