import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct PSFCommandTests {
    /// Keys of what was done to a PSF, in reports and in `psf inspect --json`.
    static let reportKeys = [
        "background", "backgroundMethod", "backgroundRise", "center", "croppedFraction", "croppedFrom", "croppedTo",
        "diagnostics", "diffractionLimitMicrometers",
        "fullWidthAtHalfMaximum", "fullWidthAtHalfMaximumMicrometers", "inputShape", "inputSpacing", "isAsIs",
        "lightVoxelCount", "negativeFraction", "noise", "outputShape", "outputSpacing", "peakCount", "resampledFrom",
        "resampledTo",
        "shift",
        "sumBeforeNormalization", "symmetry", "symmetryChange", "warnings",
    ]

    /// A full width at half maximum is 2·√(2·ln 2) standard deviations.
    private static let widthsPerSigma = 2.354820045

    @Test func inspectSaysHowWideAPSFIs() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(["psf", "inspect", "psf.tif"], in: folder)
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.first == "measured    7x9x11, voxels of 0.3, 0.1, 0.1 µm")
        #expect(lines.contains("center      3.00, 4.00, 5.00 (z, y, x), moved by 0.00, 0.00, 0.00"))
        #expect(lines.contains { $0.hasPrefix("FWHM        ") && $0.hasSuffix(" voxels (z, y, x)") })
        #expect(folder.contents == ["image.tif", "psf.tif"])

        let json = try await Command.run(["psf", "inspect", "psf.tif", "--json"], in: folder)
        let reports = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
        )
        #expect(reports.count == 1)
        #expect(reports[0].keys.sorted() == Self.reportKeys)
        let widths = try #require(reports[0]["fullWidthAtHalfMaximum"] as? [Double])
        for (width, sigma) in zip(widths, [1, 1.2, 1.4]) {
            #expect(abs(width / (sigma * Self.widthsPerSigma) - 1) < 0.05)
        }
    }

    @Test func aPictureOfAPSFIsDrawn() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(
            ["psf", "inspect", "psf.tif", "--picture", "psf.png", "--na", "1.4", "--emission", "520", "--json"],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        let bytes = try [UInt8](folder.bytes("psf.png"))
        #expect(Array(bytes.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let reports = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        // 0.51 · 0.52 / 1.4
        let limits = try #require(reports[0]["diffractionLimitMicrometers"] as? [Double])
        #expect(abs(limits[2] - 0.18943) < 1e-4)
        #expect(reports[0]["peakCount"] as? Int == 1)
        let again = try await Command.run(["psf", "inspect", "psf.tif", "--picture", "psf.png"], in: folder)
        #expect(again.status == 73 && again.error.contains("psf.png"), "\(again.error)")
        let half = try await Command.run(["psf", "inspect", "psf.tif", "--na", "1.4"], in: folder)
        #expect(half.status == 64 && half.error.contains("--emission"), "\(half.error)")
    }

    /// Two beads in the box, and an image in the place of the PSF: said by whoever meets them.
    @Test func faultsAreSaidByInspectPlanAndDeconvolve() async throws {
        let folder = try Scene.folder()
        try Scene.write(Scene.image, Scene.shape, to: folder.path("beads.tif"))
        let job = ["image.tif", "--psf", "beads.tif", "--backend", "cpu", "--background", "40"]
        let said = [
            try await Command.run(["psf", "inspect", "beads.tif"], in: folder).error,
            try await Command.run(["plan"] + job, in: folder).error,
            try await Command.run(job + ["-o", "out.tif", "--report", "report.json"], in: folder).error,
        ]
        for text in said { #expect(text.contains("second peak") && text.contains("2 peaks"), "\(text)") }
        let report = try String(contentsOfFile: folder.path("report.json"), encoding: .utf8)
        #expect(report.contains("\"psfSeveralPeaks\""))
        let same = try await Command.run(["plan", "image.tif", "--psf", "image.tif", "--backend", "cpu"], in: folder)
        #expect(same.error.contains("image.tif: is the image and the PSF at once"), "\(same.error)")
    }

    @Test func spacingInTheOrderXYZIsDoubted() async throws {
        let folder = try Scene.folder()
        func said(_ spacing: String) async throws -> String {
            let job = ["plan", "image.tif", "--psf", "psf.tif", "--backend", "cpu", "--psf-spacing", "0.1,0.1,0.1"]
            return try await Command.run(job + ["--spacing", spacing], in: folder).error
        }
        #expect(try await said("0.1,0.1,0.3").contains("--spacing takes z,y,x (spacing of 0.1, 0.1, 0.3 µm)"))
        #expect(try await said("0.3,0.1,0.1").contains("takes z,y,x") == false)
    }

    @Test func inspectTellsChannelsApart() async throws {
        let folder = try TemporaryFolder()
        let voxels = Scene.psf().flatMap { [$0, $0] }
        try Scene.write(voxels, Scene.psfShape, channels: 2, to: folder.path("psfs.tif"))
        let result = try await Command.run(["psf", "inspect", "psfs.tif"], in: folder)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("channel     0\nmeasured    7x9x11"))
        #expect(result.output.contains("\n\nchannel     1\nmeasured    7x9x11"))
    }

    /// Off centre, on a pedestal, and with planes three times as close as those of the image.
    @Test func aPreparedPSFDoesWhatTheMeasuredOneDoes() async throws {
        let folder = try Scene.folder()
        let shape = VolumeShape(z: 25, y: 19, x: 21)
        let measured = GaussianPSF.voxels(shape: shape, center: [11.3, 9.6, 10.2], sigma: [3, 1.2, 1.4], peak: 1000)
            .map { Float($0) + 20 }
        let fine = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        try Scene.write(measured, shape, spacing: fine, to: folder.path("measured.tif"))

        let prepared = try await Command.run(
            ["psf", "prepare", "measured.tif", "-o", "ready.tif", "--spacing", "0.3,0.1,0.1"],
            in: folder
        )
        #expect(prepared.status == 0, "\(prepared.error)")
        #expect(prepared.output.contains("background  20.00 counts"), "\(prepared.output)")
        #expect(prepared.output.contains("resampled   from 0.1, 0.1, 0.1 µm to 0.3, 0.1, 0.1 µm"))
        let ready = try ImageFile.open(path: folder.path("ready.tif"))
        #expect(ready.image.spacing?.matches(Scene.spacing, relativeTolerance: 1e-6) == true)
        let sum = try ready.readVolume().floats.reduce(0.0) { $0 + Double($1) }
        #expect(abs(sum - 1) < 1e-6)

        let job = ["image.tif", "--backend", "cpu", "--background", "40", "--quiet"]
        let a = try await Command.run(job + ["--psf", "measured.tif", "-o", "a.tif"], in: folder)
        let b = try await Command.run(job + ["--psf", "ready.tif", "--psf-as-is", "-o", "b.tif"], in: folder)
        #expect(a.status == 0 && b.status == 0)
        let (first, second) = try (Scene.voxels(of: folder.path("a.tif")), Scene.voxels(of: folder.path("b.tif")))
        #expect(relativeRMSE(second, first) < 1e-5)
        #expect(relativeRMSE(Scene.image, first) > 0.05)
    }

    /// A PSF wider along x than along y, which is round once it is averaged about its axis.
    @Test func aPSFIsMadeRoundOrSymmetric() async throws {
        let folder = try Scene.folder()
        for (option, said) in [
            ("--radial-average", "averaged    about the optical axis"), ("--symmetrize", "symmetrized in y and x"),
        ] {
            let result = try await Command.run(
                ["psf", "prepare", "psf.tif", "-o", "made.tif", option, "--overwrite"],
                in: folder
            )
            #expect(result.status == 0, "\(result.error)")
            #expect(result.output.contains(said), "\(result.output)")
            let made = try ImageFile.open(path: folder.path("made.tif"))
            let (shape, voxels) = (made.image.shape, try made.readVolume().floats)
            func voxel(_ dy: Int, _ dx: Int) -> Float {
                voxels[(shape.z / 2 * shape.y + shape.y / 2 + dy) * shape.x + shape.x / 2 + dx]
            }
            let (here, above, left) = (voxel(1, 2), voxel(-1, 2), voxel(1, -2))
            #expect(abs(here - above) < 1e-5 * here && abs(here - left) < 1e-5 * here)
            #expect((abs(voxel(2, 0) - voxel(0, 2)) < 1e-5 * here) == (option == "--radial-average"))
        }
        let refused = try await Command.run(
            ["image.tif", "--psf", "psf.tif", "-o", "a.tif", "--radial-average", "--psf-as-is"],
            in: folder
        )
        #expect(refused.status == 64)
        #expect(refused.error.contains("--radial-average changes the PSF, which --psf-as-is leaves as it is"))
    }
}
