import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Stores in ZIP files, as Python's zipfile writes them.
@Suite struct ZIPStoreTests {
    private let folder = try! TemporaryFolder()

    /// `s.zarr` with `a` in chunks and `b` in shards, both of (z, y, x).
    private func makeStore() throws {
        let store = try ZarrStore.create(path: folder.path("s.zarr"))
        for (name, inner) in [("a", nil), ("b", [2, 4, 5])] as [(String, [Int]?)] {
            let metadata = try ZarrArrayMetadata(
                version: .three,
                shape: [6, 8, 10],
                chunkShape: [4, 8, 10],
                innerChunkShape: inner,
                dataType: .uint16,
                compression: inner == nil ? [.zlib(level: 1)] : []
            )
            let writer = try ZarrArrayWriter(creating: metadata, at: ZarrPath(name), in: store)
            var random = SeededGenerator(seed: 5)
            let bytes = (0..<2 * 480).map { _ in UInt8.random(in: 0...9, using: &random) }
            try bytes.withUnsafeBytes { try writer.write($0, region: ArrayRegion([6, 8, 10])) }
        }
    }

    private func pack(_ how: String, as name: String) throws -> String {
        let path = folder.path(name)
        let packed = try TestPython.run(Fixtures.url("Zarr/pack_store.py"), [folder.path("s.zarr"), path, how])
        try #require(packed.status == 0, "\(packed.output)")
        return path
    }

    @Test(arguments: [
        "stored", "deflated", "stored-large", "deflated-inside-behind", "stored-twice", "stored-large-behind",
    ])
    func aStoreInAZIPFileReadsAsItsFolder(how: String) throws {
        try makeStore()
        let path = try pack(how, as: how.hasPrefix("stored") ? "s.zarr.zip" : "s.ozx")
        let region = Region(origin: VolumeIndex(z: 1, y: 2, x: 3), shape: VolumeShape(z: 4, y: 3, x: 2))
        let inside = how.contains("inside") ? "s.zarr/" : ""
        for name in ["a", "b"] {
            let folder = try ImageFile.open(path: folder.path("s.zarr/\(name)"))
            for file in [
                try ImageFile.open(path: path, options: ImageFile.Options(array: inside + name)),
                try ImageFile.open(path: "\(path)/\(inside)\(name)"),
            ] {
                #expect(try file.readVolume() == folder.readVolume())
                #expect(
                    try file.read(region, channel: 0, timepoint: 0) == folder.read(region, channel: 0, timepoint: 0)
                )
                #expect(file.paths == [path] && file.name == "\(path)/\(inside)\(name)")
                #expect(try file.surveyChunks()?.diagnostics.isEmpty == true)
            }
        }
    }

    @Test func whatIsDamagedOrNoStoreIsSaid() throws {
        try makeStore()
        let path = try pack("stored", as: "s.zarr.zip")
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        // A byte of the first chunk.
        let name = try #require(whole.firstRange(of: Data("a/c/0/0/0".utf8)))
        var bytes = whole
        bytes[name.upperBound + 40] ^= 0xFF
        try bytes.write(to: URL(fileURLWithPath: path))
        let damaged = failure { _ = try ImageFile.open(path: path + "/a").readVolume() }
        #expect(
            damaged?.message.hasPrefix("\(path)/a/c/0/0/0: is damaged: its CRC-32 is not what the ZIP file says")
                == true
        )
        for count in [whole.count - 5, whole.count / 2, 30] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            let cut = failure { _ = try ImageFile.open(path: path) }
            #expect(cut?.code == .invalidData)
            #expect(cut?.message.hasPrefix("\(path): is no ZIP file, or its directory is damaged; copy it") == true)
        }
        try FileManager.default.removeItem(atPath: folder.path("s.zarr"))
        try FileManager.default.createDirectory(atPath: folder.path("s.zarr"), withIntermediateDirectories: false)
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path("s.zarr/note.txt")))
        let other = try pack("stored", as: "other.zip")
        let error = failure { _ = try ImageFile.open(path: other) }
        #expect(
            error?.message == "\(other): is a ZIP archive without a Zarr store in it; unpack it and name a file of it"
        )
    }
}
