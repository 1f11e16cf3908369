import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Many images in one command, each with a result of its own.
@Suite struct BatchTests {
    private let options = ["--psf", "psf.tif", "--backend", "cpu", "-i", "3"]

    /// `in/` with three stacks of one shape, one of another, and a file that is no TIFF.
    private func folder() throws -> TemporaryFolder {
        let folder = try Scene.folder()
        try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: false)
        for number in 1...3 {
            try Scene.write(
                Scene.image.map { $0 + Float(10 * number) },
                Scene.shape,
                to: folder.path("in/c\(number).tif")
            )
        }
        let part = Array(Scene.image[..<(6 * Scene.shape.planeVoxelCount)])
        var shape = Scene.shape
        shape.z = 6
        try Scene.write(part, shape, to: folder.path("in/thin.ome.tif"))
        try Data("no image".utf8).write(to: folder.url.appendingPathComponent("in/bad.tif"))
        return folder
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func eachImageGetsTheResultThatItWouldGetAlone() async throws {
        let folder = try folder()
        let result = try await Command.run(
            ["in", "-o", "out", "--each", "--report", "out.json"] + options,
            in: folder
        )
        #expect(result.status == 65)
        #expect(result.error.hasPrefix("gpudeconv: in/bad.tif: is not a TIFF file"), "\(result.error)")
        #expect(result.output.contains("5 images: 4 deconvolved, 1 failed (bad.tif); "), "\(result.output)")
        let names = ["c1.tif", "c2.tif", "c3.tif", "thin.ome.tif"]
        let found = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
        #expect(found.filter { !$0.hasPrefix(".") }.sorted() == names)
        for name in names {
            let alone = try await Command.run(["in/\(name)", "-o", name] + options, in: folder)
            #expect(alone.status == 0, "\(alone.error)")
            #expect(try Scene.voxels(of: folder.path("out/\(name)")) == Scene.voxels(of: folder.path(name)), "\(name)")
        }
        let report = try object(String(contentsOfFile: folder.path("out.json"), encoding: .utf8))
        #expect(report["done"] as? Int == 4 && report["failed"] as? Int == 1 && report["alreadyThere"] as? Int == 0)
        let images = try #require(report["images"] as? [[String: Any]])
        #expect(images.map { $0["outcome"] as? String } == ["failed", "done", "done", "done", "done"])
        #expect((images[0]["error"] as? String)?.contains("in/bad.tif") == true)
        let first = try #require(images[1]["report"] as? [String: Any])
        let inputs = try #require((first["inputs"] as? [String: Any])?["image"] as? [String: Any])
        #expect((inputs["path"] as? String)?.hasSuffix("/in/c1.tif") == true)
        // Plans are made for the first of them, and again for another shape only.
        let setups = try images[1...].map { image in
            let seconds = try #require((image["report"] as? [String: Any])?["seconds"] as? [String: Any])
            return try #require(seconds["setup"] as? Double)
        }
        #expect(setups[0] > 0 && setups[3] > 0 && setups[1] < setups[0] && setups[2] < setups[0], "\(setups)")
    }

    @Test func whatIsThereIsNotMadeAgain() async throws {
        let folder = try folder()
        try FileManager.default.removeItem(atPath: folder.path("in/bad.tif"))
        let batch = ["in/*.tif", "-o", "out/", "--each", "--report", "out.json"]
        // As an interruption leaves it.
        let part = try await Command.run(["in/c2.tif", "-o", "out/", "--each"] + options, in: folder)
        #expect(part.status == 0, "\(part.error)")
        let went = try await Command.run(batch + options, in: folder)
        #expect(went.status == 0, "\(went.error)")
        #expect(went.output.contains("out/c2.tif: was there already"), "\(went.output)")
        #expect(went.output.contains("4 images: 3 deconvolved, 1 there already; "), "\(went.output)")

        // What another job made is not taken for a result of this one, and not replaced.
        let others = try await Command.run(batch + options + ["--background", "40"], in: folder)
        #expect(others.status == 73)
        #expect(
            others.output.contains("4 images: 0 deconvolved, 4 failed (c1.tif, c2.tif, c3.tif, ...)"),
            "\(others.output)"
        )
        #expect(
            others.error.split(separator: "\n").count == 4 && others.error.contains("--overwrite"),
            "\(others.error)"
        )
        let masked = try await Command.run(batch + options + ["--mask", "auto"], in: folder)
        #expect(masked.status == 73 && masked.output.contains("4 images: 0 deconvolved, 4 failed"), "\(masked.output)")
        // Nor what was made of an image of the same name elsewhere.
        try FileManager.default.createDirectory(atPath: folder.path("in2"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: folder.path("in/c1.tif"), toPath: folder.path("in2/c2.tif"))
        let elsewhere = try await Command.run(["in2", "-o", "out", "--each"] + options, in: folder)
        #expect(elsewhere.status == 73 && elsewhere.error.contains("out/c2.tif: exists already"), "\(elsewhere.error)")
        // Nor of one that has been written since.
        try Scene.write(Scene.image, Scene.shape, to: folder.path("in/new.tif"))
        try FileManager.default.removeItem(atPath: folder.path("in/c3.tif"))
        try FileManager.default.moveItem(atPath: folder.path("in/new.tif"), toPath: folder.path("in/c3.tif"))
        let changed = try await Command.run(batch + options, in: folder)
        #expect(changed.status == 73)
        #expect(
            changed.output.contains("4 images: 0 deconvolved, 3 there already, 1 failed (c3.tif)"),
            "\(changed.output)"
        )
    }

    @Test(arguments: [
        (["in", "-o", "out.tif"], "out.tif: is the name of one result"),
        (["in", "-o", "out", "--uncertainty", "u.tif"], "--uncertainty is for one image"),
        (["in", "-o", "in"], "would replace an input"),
        (["in", "-o", "out", "--report", "psf.tif", "--overwrite"], "would replace an input"),
        (["in", "-o", "out", "--mask", "image.tif", "--report", "image.tif", "--overwrite"], "would replace an input"),
        (["in", "-o", ""], "--output names no folder"),
        (["none/*.tif", "-o", "out"], "no file matches"),
        (["in", "-o", "out", "--psf", "none.tif"], "none.tif: no such file"),
    ])
    func whatCannotBeginWritesNothing(arguments: [String], message: String) async throws {
        let folder = try folder()
        let before = folder.files
        let psf = arguments.contains("--psf") ? [] : ["--psf", "psf.tif"]
        let result = try await Command.run(arguments + psf + ["--each"], in: folder)
        #expect(result.status != 0 && result.error.contains(message), "\(result.error)")
        #expect(folder.files == before)
    }
}
