import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Names of files as people have them.
@Suite struct NameTests {
    @Test func aNameWithACommaIsThatOfOnePSF() async throws {
        let folder = try Scene.folder()
        for name in ["p,1.tif", "q,2.tif"] { try Scene.write(Scene.psf(), Scene.psfShape, to: folder.path(name)) }
        let two = Scene.image.map { $0 + 1 }
        let planes = stride(from: 0, to: Scene.image.count, by: Scene.shape.planeVoxelCount).flatMap { start in
            [Scene.image, two].flatMap { $0[start..<start + Scene.shape.planeVoxelCount] }
        }
        try Scene.write(planes, Scene.shape, channels: 2, to: folder.path("two.tif"))
        let options = [
            "-o", "out.tif", "--overwrite", "-i", "1", "--method", "richardson-lucy", "--psf-as-is", "--backend", "cpu",
            "--json",
        ]
        func run(_ image: String, _ words: [String]) async throws -> (status: Int32, error: String, psfs: [String]) {
            let result = try await Command.run([image] + options + words, in: folder)
            let report = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            let files = (report?["inputs"] as? [String: Any])?["psf"] as? [[String: Any]] ?? []
            return (result.status, result.error, files.compactMap { ($0["path"] as? NSString)?.lastPathComponent })
        }
        for words in [["--psf", "p,1.tif"], ["--psf", #""p,1.tif""#]] {
            let found = try await run("image.tif", words)
            #expect(found.status == 0 && found.psfs == ["p,1.tif"], "\(words): \(found)")
        }
        for words in [
            ["--psf", "p,1.tif", "--psf", "q,2.tif"], ["--psf", #""p,1.tif","q,2.tif""#], ["--psf", #""?,*.tif""#],
        ] {
            let found = try await run("two.tif", words)
            #expect(found.status == 0 && found.psfs == ["p,1.tif", "q,2.tif"], "\(words): \(found)")
        }
        let mixed = try await run("two.tif", ["--psf", #"psf.tif,"q,2.tif""#])
        #expect(mixed.psfs == ["psf.tif", "q,2.tif"], "\(mixed)")
        let places = try await run("image.tif", ["--psf-at", #"0:"p,1.tif",5:psf.tif"#])
        #expect(places.status == 0 && places.psfs == ["p,1.tif", "psf.tif"], "\(places)")
        let missing = try await run("two.tif", ["--psf", "p,1.tif", "--psf", "r,3.tif"])
        #expect(missing.status != 0 && missing.error.contains("r,3.tif"), "\(missing)")
    }
}
