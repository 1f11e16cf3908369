import DeconvTestSupport
import Foundation
import Testing

/// Where a result comes from: what other programs find of it, what `inspect` prints, and whether it can be made again.
@Suite struct ProvenanceTests {
    private let options = ["--backend", "cpu", "-i", "3", "--background", "40", "--psf-as-is"]

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    private func deconvolve(_ output: String, _ more: [String] = [], in folder: TemporaryFolder) async throws {
        let result = try await Command.run(
            ["image.tif", "--psf", "psf.tif", "-o", output] + options + more,
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
    }

    private struct Found: Decodable {
        let provenance: [String: String]
    }

    private func check(_ found: [String: String], in folder: TemporaryFolder) throws {
        let psf = try #require(found["psf"])
        #expect(psf.hasPrefix("psf.tif (CRC-32C ") && psf.count == "psf.tif (CRC-32C 01234567)".count)
        var others = found
        others["psf"] = nil
        #expect(
            others == [
                "program": "gpudeconv 0.1.0", "image": "image.tif", "method": "richardson-lucy", "iterations": "3",
                "boundary": "extend", "background": "40", "read-noise": "0", "start": "light", "psf-as-is": "true",
            ]
        )
    }

    @Test func imageJAndBioFormatsAndZarrFindIt() async throws {
        let folder = try Scene.folder()
        for output in ["sharp.tif", "sharp.ome.tif", "sharp.zarr", "plain.zarr"] {
            try await deconvolve(output, output == "plain.zarr" ? ["--zarr-format", "3"] : [], in: folder)
            let result = try await Command.run(["inspect", output, "--json"], in: folder)
            #expect(result.status == 0)
            let found = try #require(try object(result.output)["provenance"] as? [String: String])
            try check(found, in: folder)
        }
        let imageJ = try TestJava.open([folder.path("sharp.tif")], in: .imageJ, as: Found.self)
        try check(imageJ[0].provenance, in: folder)
        let bioFormats = try TestJava.open([folder.path("sharp.ome.tif")], in: .bioFormats, as: Found.self)
        try check(bioFormats[0].provenance, in: folder)
        let attributes = try object(String(contentsOfFile: folder.path("sharp.zarr/.zattrs"), encoding: .utf8))
        try check(#require(attributes["gpudeconv"] as? [String: String]), in: folder)
    }

    @Test func namesThatImageJWouldTakeForEscapesComeBack() async throws {
        let folder = try Scene.folder()
        let name = #"cell\users "1".tif"#
        try FileManager.default.copyItem(atPath: folder.path("image.tif"), toPath: folder.path(name))
        let result = try await Command.run([name, "--psf", "psf.tif", "-o", "sharp.tif"] + options, in: folder)
        #expect(result.status == 0, "\(result.error)")
        let imageJ = try TestJava.open([folder.path("sharp.tif")], in: .imageJ, as: Found.self)
        #expect(imageJ[0].provenance["image"] == name)
        let inspected = try await Command.run(["inspect", "sharp.tif"], in: folder)
        #expect(inspected.output.contains("  image       \(name)\n"))
    }

    @Test func aReportHasEverythingThatARunStandsOn() async throws {
        let folder = try Scene.folder()
        try await deconvolve("sharp.tif", ["--report", "sharp.json", "--spacing", "0.3,0.1,0.1"], in: folder)
        let report = try object(String(contentsOfFile: folder.path("sharp.json"), encoding: .utf8))
        #expect(report["program"] as? String == "gpudeconv" && report["version"] as? String == "0.1.0")
        #expect((report["command"] as? [String])?.dropFirst().first == "image.tif")
        #expect((report["started"] as? String)?.wholeMatch(of: /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        #expect((report["libraries"] as? [String: String])?["FFTW"]?.hasPrefix("3.") == true)
        let inputs = try #require(report["inputs"] as? [String: Any])
        let image = try #require(inputs["image"] as? [String: Any])
        #expect((image["path"] as? String)?.hasSuffix("/image.tif") == true)
        #expect(image["spacingFrom"] as? String == "option")
        let bytes = try folder.bytes("image.tif")
        #expect(image["bytes"] as? Int == bytes.count)
        // By another implementation of the checksum.
        let checksum = try crc32c(bytes)
        #expect(image["crc32c"] as? String == checksum)
        let psf = try #require((inputs["psf"] as? [[String: Any]])?.first)
        #expect(psf["spacingFrom"] as? String == "file" && psf["crc32c"] is String)
        let values = try #require(report["options"] as? [String: [String: Any]])
        #expect(values["iterations"]?["value"] as? Int == 3 && values["iterations"]?["given"] as? Bool == true)
        #expect(values["boundary"]?["value"] as? String == "extend" && values["boundary"]?["given"] as? Bool == false)
        #expect(values["spacing"]?["value"] as? [Double] == [0.3, 0.1, 0.1])
        #expect(values["memory-limit"]?["value"] is NSNull)
    }

    /// Bit by bit, as RFC 3720 defines it.
    private func crc32c(_ bytes: Data) throws -> String {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        let digits = String(~crc, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    @Test func aReportMakesTheSameResultAgain() async throws {
        let folder = try Scene.folder()
        let memory = ["XDG_CACHE_HOME": folder.path("cache")]
        let command = ["image.tif", "--psf", "psf.tif", "-o", "sharp.tif", "--report", "sharp.json"] + options
        #expect(try await Command.run(command, in: folder, environment: memory).status == 0)
        let again = try await Command.run(["rerun", "sharp.json", "-o", "again.tif"], in: folder, environment: memory)
        #expect(again.status == 0 && again.error == "", "\(again.error)")
        #expect(try folder.bytes("again.tif") == folder.bytes("sharp.tif"))

        let kept = try await Command.run(["rerun", "sharp.json"], in: folder, environment: memory)
        #expect(kept.status == 73 && kept.error.contains("sharp.tif: exists already"))

        try FileManager.default.removeItem(atPath: folder.path("psf.tif"))
        try Scene.write(Scene.psf(sigma: [1, 1, 1]), Scene.psfShape, to: folder.path("psf.tif"))
        let other = try await Command.run(["rerun", "sharp.json", "-o", "other.tif"], in: folder, environment: memory)
        #expect(other.status == 0)
        #expect(other.error.contains("psf.tif: is not the file that it was at that run"), "\(other.error)")
        #expect(try folder.bytes("other.tif") != folder.bytes("sharp.tif"))
    }

    @Test func everyPSFIsNamedAndAnArrayIsFoundAgain() async throws {
        let folder = try Scene.folder()
        try Scene.write(Scene.psf(sigma: [1.3, 1.7, 1.5]), Scene.psfShape, to: folder.path("wide.tif"))
        try Scene.write(Scene.image + Scene.image, Scene.shape, channels: 2, to: folder.path("many.tif"))
        func run(_ arguments: [String]) async throws {
            let result = try await Command.run(arguments, in: folder)
            #expect(result.status == 0, "\(result.error)")
        }
        try await run(["many.tif", "--psf", "psf.tif,wide.tif", "-o", "many.zarr"] + options)
        let psfs = ["--psf", "psf.tif,wide.tif", "--mask", "many.tif"]
        try await run(["many.zarr", "--array", "0"] + psfs + ["-o", "first.zarr", "--report", "first.json"] + options)
        let again = try await Command.run(["rerun", "first.json", "-o", "again.zarr"], in: folder)
        #expect(again.status == 0 && again.error.contains("many.zarr/0: whether it is what it was"), "\(again.error)")
        for output in ["first.zarr", "again.zarr"] {
            let attributes = try object(String(contentsOfFile: folder.path("\(output)/.zattrs"), encoding: .utf8))
            let found = try #require(attributes["gpudeconv"] as? [String: String])
            #expect(found["image"] == "many.zarr/0")
            #expect(found["psf-1"]?.hasPrefix("psf.tif (CRC-32C ") == true)
            #expect(found["psf-2"]?.hasPrefix("wide.tif (CRC-32C ") == true)
            #expect(found["mask"]?.hasPrefix("many.tif (CRC-32C ") == true)
        }
    }

    @Test func aBoundaryThatAMethodHasNotIsToldOf() async throws {
        let folder = try Scene.folder()
        let command = ["image.tif", "--psf", "psf.tif", "-o", "sharp.tif", "--method", "wiener", "--backend", "cpu"]
        let result = try await Command.run(command + ["--boundary", "extend"], in: folder)
        #expect(result.status == 0)
        #expect(
            result.error.contains(
                "--boundary extend: wiener estimates nothing outside the image; reflect is used"
            )
        )
        let inspected = try await Command.run(["inspect", "sharp.tif"], in: folder)
        #expect(inspected.output.contains("  boundary    reflect\n") && inspected.output.contains("  snr         20\n"))
    }

    @Test func whatIsNoReportIsRefused() async throws {
        let folder = try Scene.folder()
        let missing = try await Command.run(["rerun", "no.json", "-o", "x.tif"], in: folder)
        #expect(missing.status == 66)
        let image = try await Command.run(["rerun", "image.tif", "-o", "x.tif"], in: folder)
        #expect(image.status == 65 && image.error.hasPrefix("gpudeconv: image.tif: is no report of gpudeconv"))
        try await deconvolve("sharp.tif", ["--report", "sharp.json"], in: folder)
        let report = try String(contentsOfFile: folder.path("sharp.json"), encoding: .utf8)
        try report.replacing("\"read-noise\"", with: "\"red-noise\"").replacing(
            "\"given\" : false",
            with: "\"given\" : true"
        )
        .write(toFile: folder.path("other.json"), atomically: true, encoding: .utf8)
        let unknown = try await Command.run(["rerun", "other.json", "-o", "x.tif"], in: folder)
        #expect(
            unknown.status == 65 && unknown.error.hasPrefix("gpudeconv: other.json: has an option that there is not: "),
            "\(unknown.error)"
        )
        #expect(!FileManager.default.fileExists(atPath: folder.path("x.tif")))
    }
}
