import DeconvTestSupport
import Foundation
import Testing

/// Computed PSFs of several depths.
@Suite struct DepthPSFCommandTests {
    private static let microscope = [
        "--microscope", "confocal", "--na", "1.4", "--immersion", "oil", "--emission", "520", "--excitation", "488",
    ]
    private static let water = ["--sample-index", "1.33"]
    // 14 µm from the first to the last plane.
    private static let spacing = ["--spacing", "2,0.1,0.1"]

    /// What a report says of computed PSFs.
    private struct Report: Decodable {
        struct PSFs: Decodable {
            let channels: [Channel]
        }
        struct Channel: Decodable {
            let places: [Place]?
        }
        struct Place: Decodable {
            let z: Double
            let depth: Double
            let focalShift: Double
        }
        struct Modes: Decodable {
            let modes: Int
            let places: [[Double]]
        }
        let computedPSF: PSFs
        let psfModes: [Modes]?
    }

    /// Runs a job on the CPU, which succeeds, and gives its report and what it said.
    private func run(_ words: [String], in folder: TemporaryFolder) async throws -> (Report, String) {
        let job = ["image.tif", "-i", "3", "--backend", "cpu", "--report", "report.json", "--overwrite"]
        let result = try await Command.run(job + Self.microscope + Self.spacing + words, in: folder)
        #expect(result.status == 0, "\(result.error)")
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("report.json")))
        return (try JSONDecoder().decode(Report.self, from: data), result.error)
    }

    @Test func whatIsComputedOnTheWayIsWhatFilesOfTheSameDepthsGive() async throws {
        let folder = try Scene.folder()
        let shape = "5,15,15"
        let words = ["-o", "own.tif", "--psf-at", "0,9,14", "--depth", "4", "--psf-shape", shape]
        let (report, said) = try await run(words + Self.water, in: folder)
        let places = try #require(report.computedPSF.channels[0].places)
        #expect(places.map(\.z) == [0, 9, 14] && places[0].depth == 4)
        #expect(said.contains("PSF: for 3 depths: at 0, 9 and 14 µm from the first plane, which are 4, "), "\(said)")
        // What is sharp in a plane lies where the objective has gone as much farther as the plane says.
        for place in places {
            #expect(abs(place.depth + place.focalShift - (places[0].depth + places[0].focalShift) - place.z) < 0.3)
        }
        var files: [String] = []
        for (number, place) in places.enumerated() {
            let name = "psf-of-\(number).tif"
            let made = try await Command.run(
                ["psf", "generate", "-o", name, "--shape", shape, "--depth", "\(place.depth)"] + Self.spacing
                    + Self.microscope + Self.water,
                in: folder
            )
            #expect(made.status == 0, "\(made.error)")
            files.append("\(place.z):\(name)")
        }
        let given = try await Command.run(
            ["image.tif", "-i", "3", "--backend", "cpu", "--psf-at", files.joined(separator: ","), "--psf-as-is"]
                + ["-o", "given.tif"] + Self.spacing,
            in: folder
        )
        #expect(given.status == 0, "\(given.error)")
        let own = try Scene.voxels(of: folder.path("own.tif"))
        #expect(try own == Scene.voxels(of: folder.path("given.tif")))
        // And not what one PSF gives.
        let one = ["-o", "one.tif", "--depth", "4", "--psf-shape", shape]
        _ = try await run(one + Self.water, in: folder)
        #expect(try relativeRMSE(Scene.voxels(of: folder.path("one.tif")), own) > 0.01)
        let again = try await Command.run(["rerun", "report.json", "-o", "again.tif"], in: folder)
        #expect(again.status == 0, "\(again.error)")
        #expect(try Scene.voxels(of: folder.path("again.tif")) == Scene.voxels(of: folder.path("one.tif")))
    }

    @Test func placesAreChosenAndKeptByAReport() async throws {
        let folder = try Scene.folder()
        let (report, _) = try await run(
            ["-o", "own.tif", "--psf-at", "auto", "--psf-shape", "5,15,15"] + Self.water,
            in: folder
        )
        let places = try #require(report.computedPSF.channels[0].places)
        #expect((2...12).contains(places.count) && places[0].z == 0 && places.last?.z == 14)
        #expect(report.psfModes?.map(\.places) == [places.map { [$0.z, 0, 0] }])
        let again = try await Command.run(["rerun", "report.json", "-o", "again.tif"], in: folder)
        #expect(again.status == 0, "\(again.error)")
        #expect(try Scene.voxels(of: folder.path("own.tif")) == Scene.voxels(of: folder.path("again.tif")))
        let plan = try await Command.run(
            ["plan", "image.tif", "--backend", "cpu", "--psf-at", "auto", "--psf-shape", "5,15,15", "--psf-modes", "2"]
                + Self.microscope + Self.water + Self.spacing,
            in: folder
        )
        #expect(plan.output.contains("PSF modes     2 of \(places.count) PSFs"), "\(plan.output) \(plan.error)")
    }

    @Test func onePSFIsUsedWhereDepthMakesNoDifference() async throws {
        let folder = try Scene.folder()
        let shape = ["--psf-shape", "5,15,15"]
        _ = try await run(["-o", "one.tif"] + shape, in: folder)
        for (number, places) in ["auto", "0,5"].enumerated() {
            let (report, said) = try await run(["-o", "sharp\(number).tif", "--psf-at", places] + shape, in: folder)
            #expect(said.contains("PSF: one for all depths, for sample and immersion have the same"), "\(said)")
            #expect(report.computedPSF.channels[0].places == nil && report.psfModes?.isEmpty != false)
            let voxels = try Scene.voxels(of: folder.path("sharp\(number).tif"))
            #expect(try voxels == Scene.voxels(of: folder.path("one.tif")))
        }
    }

    @Test func whatCannotBeMeantIsRefused() async throws {
        let folder = try Scene.folder()
        let computed = Self.microscope + Self.water + Self.spacing
        for (words, message) in [
            (["--psf-at", "0/5/5,0/5/20"] + computed, "--psf-at: a computed PSF is the same across the field"),
            (["--psf-at=-3,5"] + computed, "above the cover glass; give how deep the first plane is with --depth"),
            (["--psf-at", "auto", "--psf", "psf.tif"], "--psf-at auto: is for PSFs that are computed"),
            (["--psf-at", "auto", "--method", "wiener", "--psf-shape", "3,9,9"] + computed, "is a filter of one PSF"),
        ] {
            let result = try await Command.run(["plan", "image.tif", "--backend", "cpu"] + words, in: folder)
            #expect(result.status != 0 && result.error.contains(message), "\(words): \(result.error)")
        }
    }
}
