import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct BeadCommandTests {
    private static let shape = VolumeShape(z: 24, y: 90, x: 90)
    private static let spacing = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)

    /// Four bright Gaussians on a pedestal, and two that touch.
    private static func write(_ folder: TemporaryFolder, channels: Int = 1, noise: Bool = false) throws {
        var sum = [Double](repeating: 100, count: shape.voxelCount)
        for center in [
            [11.3, 20.2, 20.7], [12.1, 20.4, 66.1], [11.8, 65.9, 20.3], [12.4, 45.2, 45.6], [12, 70, 64],
            [12, 70, 70.5],
        ] {
            let bead = GaussianPSF.voxels(shape: shape, center: center, sigma: [1.6, 1.3, 1.3], peak: 1000)
            for i in sum.indices { sum[i] += bead[i] }
        }
        var generator = SeededGenerator(seed: 3)
        let voxels = sum.map { noise ? Float(generator.poisson($0)) : Float($0) }
        let planes = (0..<shape.z).flatMap { z in
            let plane = voxels[z * shape.planeVoxelCount..<(z + 1) * shape.planeVoxelCount]
            return (0..<channels).flatMap { _ in plane }
        }
        try Scene.write(planes, shape, channels: channels, spacing: spacing, to: folder.path("beads.tif"))
    }

    @Test func beadsBecomeAPSFWithAPicture() async throws {
        let folder = try TemporaryFolder()
        try Self.write(folder)
        let result = try await Command.run(
            ["psf", "from-beads", "beads.tif", "-o", "psf.tif", "--picture", "beads.png"],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output.hasPrefix("beads       4 of 6 used\n            2 too near to another\n"),
            "\(result.output)"
        )
        #expect(folder.contents == ["beads.png", "beads.tif", "psf.tif"])
        let psf = try ImageFile.open(path: folder.path("psf.tif"))
        #expect(psf.image.spacing?.matches(Self.spacing, relativeTolerance: 1e-6) == true)
        #expect(psf.image.pixelType == .float32)
        let truth = GaussianPSF.normalized(shape: psf.image.shape, sigma: [1.6, 1.3, 1.3])
        #expect(relativeRMSE(try psf.readVolume().floats, truth.voxels) < 0.01)
        let picture = try Data(contentsOf: folder.url.appendingPathComponent("beads.png"))
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))

        let again = try await Command.run(["psf", "from-beads", "beads.tif", "-o", "psf.tif"], in: folder)
        #expect(again.status != 0 && again.error.contains("--overwrite"), "\(again.error)")
    }

    /// What is wrong with it was said when it was made.
    @Test func aPSFFromBeadsIsUsedWithoutAWarning() async throws {
        let folder = try TemporaryFolder()
        try Self.write(folder, noise: true)
        let made = try await Command.run(["psf", "from-beads", "beads.tif", "-o", "psf.tif"], in: folder)
        #expect(made.status == 0 && made.error.isEmpty, "\(made.error)")
        let used = try await Command.run(["psf", "inspect", "psf.tif"], in: folder)
        #expect(used.status == 0 && used.error.isEmpty, "\(used.error)")
        let small = ["psf", "from-beads", "beads.tif", "-o", "small.tif", "--box", "9,7,7"]
        let cut = try await Command.run(small, in: folder)
        #expect(cut.error.contains("has not faded at the faces of the box"), "\(cut.error)")
    }

    @Test func beadsThatCountTwiceAndBallsLargerThanTheirImagesAreRefused() async throws {
        let folder = try TemporaryFolder()
        try Self.write(folder)
        let twice = ["psf", "from-beads", "beads.tif", "./beads.tif", "-o", "psf.tif"]
        let same = try await Command.run(twice, in: folder)
        #expect(same.status == 64 && same.error.contains("./beads.tif: is given twice, as beads.tif"), "\(same.error)")
        let large = ["psf", "from-beads", "beads.tif", "-o", "psf.tif", "--bead-diameter", "1"]
        let refused = try await Command.run(large, in: folder)
        #expect(refused.status == 64 && refused.error.contains("more than the images of the beads are wide"))
        #expect(folder.contents == ["beads.tif"])
    }

    @Test func theReportNamesEveryBead() async throws {
        let folder = try TemporaryFolder()
        try Self.write(folder)
        let result = try await Command.run(
            ["psf", "from-beads", "beads.tif", "-o", "psf.tif", "--box", "15,11,11", "--json"],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        )
        #expect(report["used"] as? Int == 4 && report["found"] as? Int == 6)
        #expect((report["rejected"] as? [String: Int])?["crowded"] == 2)
        #expect((report["rejected"] as? [String: Int])?.count == 7)
        #expect(report["box"] as? [Int] == [15, 11, 11])
        let beads = try #require(report["beads"] as? [[String: Any]])
        #expect(beads.count == 6)
        #expect(beads.contains { $0["position"] as? [Int] == [12, 45, 46] && $0["verdict"] as? String == "used" })
        let widths = try #require(report["fullWidthAtHalfMaximumMicrometers"] as? [Double])
        for (width, expected) in zip(widths, [1.6 * 0.2, 1.3 * 0.1, 1.3 * 0.1]) {
            #expect(abs(width / (expected * 2.354820045) - 1) < 0.03)
        }
    }

    @Test func channelsAndNamesAreChecked() async throws {
        let folder = try TemporaryFolder()
        try Self.write(folder, channels: 2)
        for (arguments, said) in [
            (["beads.tif", "-o", "psf.tif"], "beads.tif: has 2 channels, each with a PSF of its own; --channel n"),
            (["beads.tif", "-o", "psf.tif", "--channel", "2"], "--channel 2: beads.tif has 2, counted from 0"),
            (["beads.tif", "-o", "beads.tif", "--channel", "1"], "beads.tif: would replace an input of this run"),
            (
                ["beads.tif", "-o", "psf.tif", "--channel", "1", "--picture", "p.jpg"],
                "--picture p.jpg: it is a PNG file"
            ),
            (["beads.tif", "-o", "psf.png", "--channel", "1"], "psf.png: its ending is not that of a TIFF file"),
            (["none.tif", "-o", "psf.tif"], "none.tif"),
        ] {
            let result = try await Command.run(["psf", "from-beads"] + arguments, in: folder)
            #expect(result.status != 0 && result.error.contains(said), "\(arguments): \(result.error)")
            #expect(folder.contents == ["beads.tif"])
        }
        let result = try await Command.run(
            ["psf", "from-beads", "beads.tif", "-o", "psf.tif", "--channel", "1"],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
    }

    /// Four beads by eye. SciPy's curve_fit of a Gaussian in 3D with a level, on the mean of the four: 4.74, 10.10, 7.64 voxels.
    @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.skipReason)))
    func confocalBeadsAreAsWideAsTheirGaussianFits() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            [
                "psf", "from-beads", SharedData.path("confocal-grid/beads.tif"), "-o", "psf.tif", "--spacing",
                "0.125,0.022,0.022", "--json",
            ],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        )
        #expect(report["used"] as? Int == 4 && report["found"] as? Int == 4)
        for key in ["fullWidthAtHalfMaximum", "beadWidths"] {
            let widths = try #require(report[key] as? [Double])
            for (width, fit) in zip(widths, [4.74, 10.10, 7.64]) {
                #expect(abs(width / fit - 1) < 0.1, "\(key): \(widths)")
            }
        }
    }
}
