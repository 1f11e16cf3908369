import DeconvIO
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
            ["image.tif", "--psf", "made.tif", "-o", "given.tif", "--backend", "cpu"],
            in: folder
        )
        #expect(given.status == 0, "\(given.error)")
        #expect(try Scene.voxels(of: folder.path("own.tif")) == Scene.voxels(of: folder.path("given.tif")))
    }

    /// Its point is not where its light is brightest, and it has light at its faces.
    @Test func aPSFThatWasComputedIsNotPreparedAnew() async throws {
        let folder = try Scene.folder()
        let deep = Array(Self.microscope.dropLast(2)) + ["--depth", "20", "--sample-index", "1.4"]
        let shape = "9,15,15"
        let own = try await Command.run(
            ["image.tif", "-o", "own.tif", "--backend", "cpu", "--psf-shape", shape] + deep,
            in: folder
        )
        #expect(own.status == 0, "\(own.error)")
        let made = try await Command.run(
            ["psf", "generate", "-o", "made.tif", "--spacing", "0.3,0.1,0.1", "--shape", shape] + deep,
            in: folder
        )
        // Into a medium of a higher index the focus moves less than the objective.
        #expect(made.output.contains("nearer than the point lies deep"), "\(made.output)\(made.error)")
        let job = ["image.tif", "--psf", "made.tif", "--backend", "cpu", "-o"]
        #expect(try await Command.run(job + ["given.tif"], in: folder).status == 0)
        #expect(try Scene.voxels(of: folder.path("own.tif")) == Scene.voxels(of: folder.path("given.tif")))
        let provenance = try #require(try ImageFile.open(path: folder.path("made.tif")).image.provenance)
        #expect(
            provenance.value("depth") == "20" && provenance.value("psf-origin")?.hasPrefix("computed, 2025 ") == true
        )
        // Another program's voxels under the same description are no longer ours.
        var voxels = try Scene.voxels(of: folder.path("made.tif"))
        voxels[7] *= 2
        var image = try ImageFile.open(path: folder.path("made.tif")).image
        image.provenance = provenance
        let sink = try TIFFSink(path: folder.path("changed.tif"), image: image, pixelType: .float32)
        for start in stride(from: 0, to: voxels.count, by: image.shape.planeVoxelCount) {
            try voxels[start..<start + image.shape.planeVoxelCount].withUnsafeBufferPointer { try sink.append($0) }
        }
        try sink.finish()
        let changed = try await Command.run(["psf", "inspect", "changed.tif", "--json"], in: folder)
        #expect(changed.output.contains("\"isAsIs\" : false") || changed.output.contains("\"isAsIs\":false"))
    }

    @Test func listsOfChannelsFollowTheChannelsThatAreChosen() async throws {
        let folder = try Scene.folder()
        let plane = Scene.shape.planeVoxelCount
        let two = (0..<Scene.shape.z).flatMap { z -> [Float] in
            let first = Scene.image[z * plane..<(z + 1) * plane]
            return Array(first) + first.map { $0 + 30 }
        }
        try Scene.write(two, Scene.shape, channels: 2, to: folder.path("two.tif"))
        func voxels(_ name: String, _ options: [String]) async throws -> [Float] {
            let job = ["two.tif", "--psf", "psf.tif", "-o", name, "--backend", "cpu", "-i", "3", "--channel", "1"]
            let result = try await Command.run(job + options, in: folder)
            #expect(result.status == 0, "\(result.error)")
            return try Scene.voxels(of: folder.path(name))
        }
        let listed = try await voxels("a.tif", ["--background", "50,80"])
        #expect(try await voxels("b.tif", ["--background", "80"]) == listed)
        #expect(try await voxels("c.tif", ["--background", "50"]) != listed)
        let job = ["two.tif", "-o", "d.tif", "--channel", "1", "--emission", "500,560"]
        let computed = try await Command.run(job + Self.microscope.dropLast(4) + ["--backend", "cpu"], in: folder)
        #expect(computed.status == 0 && computed.error.contains("emission 560 nm"), "\(computed.error)")
        let wrong = try await Command.run(
            ["two.tif", "--psf", "psf.tif", "-o", "e.tif", "--channel", "1", "--background", "1,2,3"],
            in: folder
        )
        #expect(wrong.status == 64)
        #expect(
            wrong.error.contains(
                "--background 1,2,3: 3 values, but two.tif has 2 channels, of which --channel chooses 1"
            ),
            "\(wrong.error)"
        )
    }

    @Test func theLastLineHasTheWidthsOfAllPSFs() async throws {
        let folder = try Scene.folder()
        try Scene.write(
            Scene.image + Scene.image,
            VolumeShape(z: 8, y: 24, x: 28),
            channels: 2,
            to: folder.path("two.tif")
        )
        let job = ["two.tif", "-o", "out.tif", "--emission", "460,640", "--psf-shape", "7,15,15"]
        let result = try await Command.run(job + Self.microscope.dropLast(4) + ["--backend", "cpu"], in: folder)
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output.contains("2 PSFs of 7x15x15 voxels, ") && result.output.contains(" to "),
            "\(result.output)"
        )
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
