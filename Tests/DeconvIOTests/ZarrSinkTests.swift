import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct ZarrSinkTests {
    private let folder = try! TemporaryFolder()

    private static func rounded(_ voxels: [Float], _ type: PixelType) -> [Float] {
        switch type {
        case .uint8: voxels.map { min(255, $0.rounded(.toNearestOrEven)) }
        case .uint16: voxels.map { $0.rounded(.toNearestOrEven) }
        default: voxels
        }
    }

    /// Every volume of a finished result, voxel by voxel.
    private func check(_ item: SinkCase, _ path: String) throws {
        let plan = try item.plan(folder.path("unused"))
        let array = try ZarrStore(path: path).array(at: ZarrPath(item.options.ome ? "0" : ""))
        #expect(array.metadata.shape == plan.layout.shape)
        let source = try ZarrSource(array, layout: plan.layout)
        for volume in item.volumes {
            let stored = try source.readVolume(channel: volume.channel, timepoint: volume.timepoint).floats
            #expect(stored == Self.rounded(item.voxels(volume), item.options.pixelType), "\(volume)")
        }
    }

    @Test(arguments: SinkCase.all)
    func whatComesOutDependsOnTheVolumesAlone(_ item: SinkCase) throws {
        let plain = folder.path("plain.zarr")
        try item.complete(item.sink(plain, threadCount: 1))
        try check(item, plain)
        let wanted = tree(plain)
        #expect(!wanted.keys.contains { $0.contains("journal") || $0.contains("partial") })
        #expect(folder.contents == ["plain.zarr"])

        // All volumes at once, in another order.
        let crowded = folder.path("crowded.zarr")
        var random = SeededGenerator(seed: 3)
        let shuffled = item.volumes.shuffled(using: &random)
        let sink = try item.sink(crowded, threadCount: 3)
        DispatchQueue.concurrentPerform(iterations: shuffled.count) { number in
            #expect(throws: Never.self) { try item.write(shuffled[number], to: sink) }
        }
        try sink.finish()
        #expect(tree(crowded) == wanted)

        // A volume a run, each of which leaves behind what a killed one might.
        let interrupted = folder.path("interrupted.zarr")
        let partial = interrupted + ".partial"
        for volume in shuffled {
            try item.write(volume, to: item.sink(interrupted))
            let journal = try #require(FileHandle(forWritingAtPath: partial + "/.gpudeconv-journal"))
            try journal.seekToEnd()
            journal.write(Data("{\"channel\": 1, \"timep".utf8))
            try Data([1]).write(to: URL(fileURLWithPath: partial + "/.0.77-abc.partial"))
            #expect(!FileManager.default.fileExists(atPath: interrupted))
        }
        let last = try item.sink(interrupted)
        for volume in item.volumes {
            let figures = last.figures(channel: volume.channel, timepoint: volume.timepoint)
            #expect(figures == item.figures(volume))
        }
        #expect(last.missingByteCount == 0)
        #expect(last.saturatedVoxelCount == sink.saturatedVoxelCount)
        #expect((sink.saturatedVoxelCount > 0) == (item.options.pixelType == .uint8))
        try last.finish()
        #expect(tree(interrupted) == wanted)
    }

    @Test func anUnfinishedResultIsZarrThatOthersRead() throws {
        let item = SinkCase.all[6]
        let sink = try item.sink(folder.path("a.zarr"))
        try item.write(VolumePosition(channel: 1, timepoint: 1), to: sink)
        let array = try ZarrStore(path: folder.path("a.zarr.partial")).array(at: ZarrPath("1"))
        #expect(array.metadata.shape == [2, 2, 5, 150, 136])
        #expect(try array.hasChunk([1, 1, 0, 0, 0]))
        #expect(try !array.hasChunk([0, 1, 0, 0, 0]))
        #expect(!FileManager.default.fileExists(atPath: folder.path("a.zarr")))
    }

    @Test func memoryOfAWriteIsThatOfASlab() throws {
        let shape = [3, 199, 201, 1024, 768]
        let template = try ZarrArrayMetadata(
            version: .two,
            shape: shape,
            chunkShape: [1, 1, 1, 1024, 768],
            dataType: .uint16
        )
        let layout = ArrayLayout(axes: [.channel, .timepoint, .z, .y, .x], shape: shape)
        let content = ZarrOutputContent(
            layout: layout,
            image: ImageDescription(shape: layout.volumeShape, pixelType: .uint16),
            template: template
        )
        let planes = try ZarrOutputPlan(path: "a", content: content)
        let plane = 1024 * 768 * 4
        #expect(planes.bytesPerWrite(threadCount: 1) == plane + 2 * plane)
        #expect(planes.bytesPerWrite(threadCount: 8) == 8 * (plane + 2 * plane))
        #expect(planes.uncompressedByteCount == 3 * 199 * 201 * plane)
        let standard = try ZarrOutputPlan(
            path: "a",
            content: ZarrOutputContent(layout: layout, image: content.image)
        )
        // 201 planes of 3 MiB, at most 64 MiB in a chunk: 10 times 21, the last of which is 12.
        #expect(standard.levels[0].metadata.chunkShape == [1, 1, 21, 1024, 768])
        #expect(standard.bytesPerWrite(threadCount: 1) == 3 * 21 * plane)
        // No more than four of these chunks are gathered for the sake of threads.
        #expect(standard.bytesPerWrite(threadCount: 8) == 4 * 3 * 21 * plane)
        let shared = try ZarrOutputPlan(
            path: "a",
            content: ZarrOutputContent(
                layout: layout,
                image: content.image,
                template: template.replacing(chunkShape: [1, 10, 1, 256, 768])
            )
        )
        // A volume has chunks of its own, or each would have all ten encoded once more.
        #expect(shared.levels[0].metadata.chunkShape == [1, 1, 1, 256, 768])
        #expect(shared.bytesPerWrite(threadCount: 2) == plane + 2 * 2 * plane / 4)
    }

    private struct Choice: CustomTestStringConvertible {
        let testDescription: String
        var options = ZarrOutputOptions()
        var template: ZarrArrayMetadata?
        var version: ZarrVersion
        var chunks: [Int]
        var shards: [Int]?
        var separator = ZarrChunkKeys.Separator.slash
        var names: [String?]?
    }

    private static let shape = [2, 40, 300, 200]
    private static let axes: [String?] = ["t", "z", "y", "x"]
    private static let two = try! ZarrArrayMetadata(
        version: .two,
        shape: [9, 40, 300, 200],
        chunkShape: [4, 16, 64, 256],
        dataType: .uint16,
        compression: [.zlib(level: 4)]
    )
    private static let three = try! ZarrArrayMetadata(
        version: .three,
        shape: [9, 40, 300, 200],
        chunkShape: [1, 48, 320, 224],
        innerChunkShape: [1, 16, 32, 32],
        dataType: .uint16,
        dimensionNames: ["time", nil, "y", "x"]
    )

    private static let choices = [
        Choice(
            testDescription: "nothing known",
            version: .two,
            chunks: [1, 40, 300, 200],
            separator: .dot,
            names: axes
        ),
        Choice(
            testDescription: "shards",
            options: ZarrOutputOptions(shardShape: VolumeShape(z: 40, y: 300, x: 200)),
            version: .three,
            chunks: [1, 40, 75, 50],
            shards: [1, 40, 300, 200],
            names: axes
        ),
        Choice(
            testDescription: "chunks and shards",
            options: ZarrOutputOptions(
                chunkShape: VolumeShape(z: 8, y: 64, x: 64),
                shardShape: VolumeShape(z: 40, y: 320, x: 256)
            ),
            version: .three,
            chunks: [1, 8, 64, 64],
            shards: [1, 40, 320, 256],
            names: axes
        ),
        Choice(
            testDescription: "as version 2",
            template: two,
            version: .two,
            chunks: [1, 16, 64, 256],
            separator: .dot
        ),
        Choice(
            testDescription: "other chunks",
            options: ZarrOutputOptions(chunkShape: VolumeShape(z: 64, y: 64, x: 64)),
            template: two,
            version: .two,
            chunks: [1, 40, 64, 64],
            separator: .dot
        ),
        Choice(
            testDescription: "another version",
            options: ZarrOutputOptions(version: .three),
            template: two,
            version: .three,
            chunks: [1, 16, 64, 256]
        ),
        Choice(
            testDescription: "as version 3 with shards",
            template: three,
            version: .three,
            chunks: [1, 16, 32, 32],
            shards: [1, 48, 320, 224],
            names: ["time", nil, "y", "x"]
        ),
        Choice(
            testDescription: "as version 3 with shards of several volumes",
            template: try! three.replacing(chunkShape: [3, 48, 320, 224]),
            version: .three,
            chunks: [1, 16, 32, 32],
            shards: [1, 48, 320, 224],
            names: ["time", nil, "y", "x"]
        ),
        Choice(
            testDescription: "as version 3 with several volumes in the chunks of shards",
            template: try! ZarrArrayMetadata(
                version: .three,
                shape: [9, 40, 300, 200],
                chunkShape: [4, 48, 320, 224],
                innerChunkShape: [2, 16, 32, 32],
                dataType: .uint16
            ),
            version: .three,
            chunks: [1, 16, 32, 32],
            shards: [1, 48, 320, 224]
        ),
        Choice(
            testDescription: "version 2 of what has shards",
            options: ZarrOutputOptions(version: .two),
            template: three,
            version: .two,
            chunks: [1, 16, 32, 32],
            separator: .dot
        ),
        Choice(
            testDescription: "OME-Zarr of an array whose chunks have dots",
            options: ZarrOutputOptions(ome: true),
            template: two,
            version: .two,
            chunks: [1, 16, 64, 256],
            names: axes
        ),
    ]

    @Test func aResultIsStoredAsItsInputWhereNobodyWantsItOtherwise() throws {
        for choice in Self.choices {
            let layout = ArrayLayout(axes: [.timepoint, .z, .y, .x], shape: Self.shape)
            let image = ImageDescription(shape: layout.volumeShape, pixelType: .uint16)
            let content = ZarrOutputContent(layout: layout, image: image, template: choice.template)
            let plan = try ZarrOutputPlan(path: folder.path("new"), content: content, options: choice.options)
            let metadata = plan.levels[0].metadata
            let name = Comment(rawValue: choice.testDescription)
            #expect(metadata.version == choice.version, name)
            #expect(metadata.innerChunkShape == choice.chunks, name)
            #expect(metadata.isSharded == (choice.shards != nil), name)
            #expect(metadata.chunkShape == choice.shards ?? choice.chunks, name)
            #expect(metadata.chunkKeys.separator == choice.separator, name)
            #expect(metadata.dimensionNames == choice.names, name)
        }
    }

    @Test func whatCannotBeStoredIsRefusedWithARemedy() throws {
        let layout = ArrayLayout(axes: [.other, .z, .y, .x], shape: [2, 8, 8, 8])
        let image = ImageDescription(shape: layout.volumeShape, pixelType: .uint16)
        func message(_ options: ZarrOutputOptions) -> String? {
            let content = ZarrOutputContent(layout: layout, image: image)
            let error = failure { _ = try ZarrOutputPlan(path: "a.zarr", content: content, options: options) }
            #expect(error?.code == .invalidArgument)
            return error?.text(.flag)
        }
        #expect(
            message(ZarrOutputOptions(pixelType: .int16))
                == "a.zarr: Zarr is not written as int16; choose float32, uint16 or uint8"
        )
        #expect(
            message(ZarrOutputOptions(ome: true))
                == "a.zarr: OME-Zarr has no axis for axis 0 of the image, of 2 elements; write a plain array"
        )
        let (three, four) = (VolumeShape(z: 3, y: 3, x: 3), VolumeShape(z: 4, y: 4, x: 4))
        #expect(
            message(ZarrOutputOptions(chunkShape: three, shardShape: four))
                == "a.zarr: shards of 4x4x4 are no multiples of chunks of 3x3x3; choose others"
        )
        #expect(
            message(ZarrOutputOptions(version: .two, chunkShape: four, shardShape: four))
                == "a.zarr: version 2 of Zarr is asked for, which has no shards; leave --shards out, or choose version 3"
        )
        #expect(
            message(ZarrOutputOptions(chunkShape: VolumeShape(z: 0, y: 1, x: 1)))
                == "a.zarr: chunks of 0x1x1 have no voxels; choose at least 1 along each axis"
        )
        let level = failure { _ = try ZarrOutputOptions.Compression(.zstandard, level: 23) }
        #expect(level?.text(.flag) == "compression zstd has levels 1 to 22, not 23")
        let none = failure { _ = try ZarrOutputOptions.Compression(.none, level: 1) }
        #expect(none?.text(.flag) == "compression none has no level; leave it out")
    }

    @Test func aResultBesideItsInputIsEnteredIntoTheirStore() throws {
        try #require(TestPython.interpreter != nil, Comment(rawValue: TestPython.missing))
        for (version, item) in [(2, SinkCase.all[6]), (3, SinkCase.all[7])] {
            let path = folder.path("store\(version)")
            let script = folder.path("make.py")
            try """
            import sys, warnings, zarr
            warnings.filterwarnings("ignore")
            group = zarr.open_group(sys.argv[1], mode="w", zarr_format=\(version))
            group.create_array("raw", shape=(5, 6), chunks=(2, 3), dtype="uint16")[...] = 7
            zarr.consolidate_metadata(sys.argv[1])
            """.write(toFile: script, atomically: true, encoding: .utf8)
            let made = try TestPython.run(URL(fileURLWithPath: script), [path])
            #expect(made.status == 0, "\(made.output)")

            let sink = try item.sink(path, array: "new/deconvolved", inputs: [path + "/raw"])
            #expect(FileManager.default.fileExists(atPath: path + "/new/deconvolved.partial/0"))
            try item.complete(sink)
            let look = folder.path("look.py")
            try """
            import sys, zarr
            group = zarr.open_consolidated(sys.argv[1])
            print(sorted(name for name, _ in group.members(max_depth=None)))
            assert group["raw"][0, 0] == 7
            assert group["new/deconvolved/1"][...].max() > 0
            assert group["new/deconvolved"].attrs
            """.write(toFile: look, atomically: true, encoding: .utf8)
            let seen = try TestPython.run(URL(fileURLWithPath: look), [path])
            #expect(seen.status == 0, "\(seen.output)")
            #expect(
                seen.output.contains("['new', 'new/deconvolved', 'new/deconvolved/0', 'new/deconvolved/1', 'raw']"),
                "\(seen.output)"
            )
            // Replaced by something smaller, of which nothing of the old remains.
            let plain = SinkCase("plain", "tyx", [2, 3, 4], ZarrOutputOptions())
            try plain.complete(plain.sink(path, array: "new/deconvolved", overwrite: true))
            let store = try ZarrStore(path: path)
            #expect(try store.array(at: ZarrPath("new/deconvolved")).metadata.shape == [2, 3, 4])
            let names = try store.group(at: .root).children()
            #expect(names == ["new", "raw"])
            let text = try String(contentsOfFile: path + (version == 2 ? "/.zmetadata" : "/zarr.json"), encoding: .utf8)
            #expect(!text.contains("deconvolved/0") && text.contains("new/deconvolved"))
        }
    }

    @Test func whatAStoreSaysOfItselfStaysWhenAResultIsAddedToIt() throws {
        for version in ZarrVersion.allCases {
            let path = folder.path("said\(version.rawValue)")
            let store = try ZarrStore.create(path: path)
            let attributes: JSONObject = ["multiscales": .array([.object(["version": "0.4"])])]
            try store.createGroup(at: .root, version: version, attributes: attributes)
            try store.createGroup(at: ZarrPath("group"), version: version, attributes: ["owner": "x"])
            let item = SinkCase("plain", "tyx", [2, 3, 4], ZarrOutputOptions(version: version))
            try item.complete(item.sink(path, array: "first"))
            try item.complete(item.sink(path, array: "group/second"))
            #expect(try store.group(at: .root).attributes == attributes)
            #expect(try store.group(at: ZarrPath("group")).attributes == ["owner": "x"])
        }
    }

    @Test func whatLinksOfAReplacedResultLeadToStays() throws {
        let path = folder.path("linked")
        let plain = SinkCase("plain", "yx", [3, 4], ZarrOutputOptions(version: .three))
        try plain.complete(plain.sink(path))
        let manager = FileManager.default
        try manager.moveItem(atPath: path + "/c", toPath: folder.path("chunks"))
        try manager.createSymbolicLink(atPath: path + "/c", withDestinationPath: "../chunks")
        try manager.createSymbolicLink(atPath: path + "/dangling", withDestinationPath: "nowhere")
        try plain.complete(plain.sink(path, overwrite: true))
        #expect(try manager.contentsOfDirectory(atPath: path).sorted() == ["c", "zarr.json"])
        #expect(try manager.attributesOfItem(atPath: path + "/c")[.type] as? FileAttributeType == .typeDirectory)
        #expect(try manager.contentsOfDirectory(atPath: folder.path("chunks")) == ["0"])
    }
}
