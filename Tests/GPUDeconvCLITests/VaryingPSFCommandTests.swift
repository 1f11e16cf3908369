import DeconvTestSupport
import Foundation
import Testing

/// PSFs with their places on the command line.
@Suite struct VaryingPSFCommandTests {
    private static let options = ["--backend", "cpu", "-i", "3", "--background", "40", "--psf-as-is"]

    /// An image and PSFs that widen with depth.
    private func folder() throws -> TemporaryFolder {
        let folder = try Scene.folder()
        for (number, width) in [0.8, 1.1, 1.5].enumerated() {
            let psf = Scene.psf(sigma: [width, width, width])
            try Scene.write(psf, Scene.psfShape, to: folder.path("psf\(number).tif"))
        }
        return folder
    }

    private func contents(_ name: String, in folder: TemporaryFolder) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.path(name)))
    }

    @Test func placesComeWithFilesOrByThemselves() async throws {
        let folder = try folder()
        let named = ["image.tif", "--psf-at", "0:psf0.tif,1:psf1.tif,2.1:psf2.tif"]
        let bare = ["image.tif", "--psf", "psf[0-9].tif", "--psf-at", "0,1,2.1"]
        for (number, words) in [named, bare].enumerated() {
            let output = ["-o", "sharp\(number).tif", "--report", "report\(number).json"]
            let result = try await Command.run(words + output + Self.options, in: folder)
            #expect(result.status == 0, "\(result.error)")
            let again = try await Command.run(
                ["rerun", "report\(number).json", "-o", "again\(number).tif"],
                in: folder
            )
            #expect(again.status == 0, "\(again.error)")
        }
        struct Report: Decodable {
            struct Modes: Decodable {
                let modes: Int
                let error: Double
                let places: [[Double]]
            }
            let psfModes: [Modes]
        }
        let report = try JSONDecoder().decode(Report.self, from: contents("report0.json", in: folder))
        #expect(report.psfModes.map(\.places) == [[[0, 0, 0], [1, 0, 0], [2.1, 0, 0]]])
        #expect(report.psfModes[0].modes > 1 && report.psfModes[0].error <= 0.1)
        let voxels = try ["sharp0.tif", "again0.tif", "sharp1.tif", "again1.tif"].map {
            try Scene.voxels(of: folder.path($0))
        }
        for others in voxels.dropFirst() { #expect(others == voxels[0]) }
        let plan = try await Command.run(["plan"] + named + ["--psf-modes", "2"], in: folder)
        #expect(plan.output.contains("PSF modes     2 of 3 PSFs"))
    }

    @Test func whatCannotBeMeantIsRefused() async throws {
        let folder = try folder()
        for (words, message) in [
            (["--psf", "psf.tif", "--psf-at", "0:psf0.tif"], "--psf and --psf-at both name files"),
            (["--psf-at", "0,1"], "there is no PSF, and its file says nothing of the microscope"),
            (["--psf-at", "0:psf0.tif,psf1.tif"], "--psf-at 0:psf0.tif,psf1.tif: give places as z or z/y/x"),
            (["--psf-at", "0/1:psf0.tif"], "--psf-at 0/1:psf0.tif: give"),
            (["--psf-at", "0:psf0.tif,0:psf1.tif"], "are no grid"),
            (["--psf", "psf0.tif", "--psf-at", "0,1"], "2 places, but 1 PSF is given"),
            (["--psf-at", "0:psf0.tif,1:psf1.tif", "--method", "wiener"], "is a filter of one PSF"),
        ] {
            let result = try await Command.run(["plan", "image.tif", "--backend", "cpu"] + words, in: folder)
            #expect(result.status != 0 && result.error.contains(message), "\(words): \(result.error)")
        }
    }
}
