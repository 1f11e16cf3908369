import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Jobs without a PSF.
@Suite struct ComputedPSFCommandTests {
    private static let microscope = [
        "--microscope", "widefield", "--na", "1.2", "--immersion", "water", "--emission", "520", "--backend", "cpu",
    ]

    @Test func aPSFIsComputedWhereNoneIsGiven() async throws {
        let folder = try Scene.folder()
        let own = try await Command.run(["image.tif", "-o", "own.tif"] + Self.microscope, in: folder)
        #expect(own.status == 0, "\(own.error)")
        let notes = own.error.split(separator: "\n")
        #expect(notes.first?.hasPrefix("gpudeconv: PSF: computed, widefield, vectorial, ") == true, "\(own.error)")
        #expect(notes.contains("gpudeconv: PSF: given: widefield, NA 1.2, immersion 1.33, emission 520 nm"))
        #expect(notes.contains("gpudeconv: PSF: assumed: the sample at the cover glass (--depth)"))
        // The same as with the file that `psf generate` writes of as many voxels.
        let plan = try await Command.run(["plan", "image.tif", "--json"] + Self.microscope, in: folder)
        let made = try #require(try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any])
        let psf = try #require((made["psf"] as? [[String: Any]])?.first?["outputShape"] as? [Int])
        let shape = psf.map(String.init).joined(separator: ",")
        let generated = try await Command.run(
            ["psf", "generate", "-o", "made.tif", "--spacing", "0.3,0.1,0.1", "--shape", shape]
                + Self.microscope.dropLast(2),
            in: folder
        )
        #expect(generated.status == 0, "\(generated.error)")
        let given = try await Command.run(
            ["image.tif", "--psf", "made.tif", "--psf-as-is", "-o", "given.tif", "--backend", "cpu"],
            in: folder
        )
        #expect(given.status == 0, "\(given.error)")
        #expect(try Scene.voxels(of: folder.path("own.tif")) == Scene.voxels(of: folder.path("given.tif")))
    }

    @Test func aMaskThatCannotBeWrittenEndsTheRunBeforeItBegins() async throws {
        let folder = try Scene.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu", "--write-mask", "no/mask.tif"]
        let result = try await Command.run(job, in: folder)
        #expect(result.status == 73 && result.error.contains("no/mask.tif"), "\(result.error)")
        #expect(folder.contents == ["image.tif", "psf.tif"])
        let modes = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--psf-modes", "2"]
        let refused = try await Command.run(modes, in: folder)
        #expect(refused.status == 64 && refused.error.contains("--psf-modes: is for PSFs of several places"))
    }
}
