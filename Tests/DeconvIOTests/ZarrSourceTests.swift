import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@Suite struct ZarrSourceTests {
    private func expect(_ spacing: VoxelSpacing?, equals expected: [Double]?, _ name: String) {
        guard let spacing, let expected else {
            #expect(spacing == nil && expected == nil, "\(name): \(String(describing: spacing))")
            return
        }
        #expect(
            (0..<3).allSatisfy { abs(spacing[$0] - expected[$0]) < 1e-12 * expected[$0] + 1e-15 },
            "\(name): \(spacing) for \(expected)"
        )
    }

    @Test func storesOfOthersAreReadVoxelForVoxel() throws {
        let matrix = try StoreMatrix.get()
        #expect(matrix.stores.count >= 44)
        for store in matrix.stores {
            let source = try matrix.open(store, cacheByteLimit: ZarrSource.defaultCacheByteLimit)
            let image = source.image
            #expect(image.shape.axes == store.shape, "\(store.name)")
            #expect(image.channelCount == store.channels, "\(store.name)")
            #expect(image.timepointCount == store.timepoints, "\(store.name)")
            #expect(source.layout.axes.map(\.rawValue).joined() == store.layout, "\(store.name)")
            expect(image.spacing, equals: store.spacing, store.name)
            #expect(image.timeInterval == store.interval, "\(store.name)")
            #expect(image.channelNames == store.names, "\(store.name)")
            #expect(source.diagnostics.isEmpty == store.isSilent, "\(store.name): \(source.diagnostics)")
            let expected = try matrix.volumes(store)
            guard expected.count == image.channelCount * image.timepointCount else { continue }
            for timepoint in 0..<image.timepointCount {
                for channel in 0..<image.channelCount {
                    let voxels = try source.readVolume(channel: channel, timepoint: timepoint)
                    #expect(
                        voxels == expected[timepoint * image.channelCount + channel],
                        "\(store.name), channel \(channel), time point \(timepoint)"
                    )
                }
            }
        }
    }

    @Test(arguments: [0, 1000, 1 << 20], [1, 3])
    func regionsAreTheSameWithAnyCacheAndNumberOfThreads(cacheByteLimit: Int, threadCount: Int) throws {
        let matrix = try StoreMatrix.get()
        var generator = SeededGenerator(seed: 3)
        for store in matrix.stores {
            let source = try matrix.open(store, cacheByteLimit: cacheByteLimit, threadCount: threadCount)
            let expected = try matrix.volumes(store)
            let shape = source.image.shape
            for _ in 0..<6 {
                let number = Int.random(in: 0..<expected.count, using: &generator)
                let origin = VolumeIndex { Int.random(in: 0..<shape[$0], using: &generator) }
                let region = Region(
                    origin: origin,
                    shape: VolumeShape { Int.random(in: 1...shape[$0] - origin[$0], using: &generator) }
                )
                let voxels = try source.read(
                    region,
                    channel: number % source.image.channelCount,
                    timepoint: number / source.image.channelCount
                )
                let whole = ArraySource(expected[number], shape: shape)
                #expect(try voxels == whole.read(region, channel: 0, timepoint: 0), "\(store.name): \(region)")
            }
        }
    }

    @Test func manyThreadsReadOneSourceAtOnce() throws {
        let matrix = try StoreMatrix.get()
        for name in ["many-in-one", "sharded", "ome05-tczyx"] {
            let store = try #require(matrix.stores.first { $0.name == name })
            let source = try matrix.open(store, cacheByteLimit: 40_000, threadCount: 4)
            let expected = try matrix.volumes(store)
            let wrong = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: 64) { index in
                let number = index % expected.count
                let voxels = try? source.readVolume(
                    channel: number % source.image.channelCount,
                    timepoint: number / source.image.channelCount
                )
                if voxels != expected[number] { wrong.withLock { $0 += 1 } }
            }
            #expect(wrong.withLock { $0 } == 0, "\(name)")
        }
    }

    @Test func otherAxesCountAsTimeAndAreNumberedInTheOrderOfTheArray() {
        let layout = ArrayLayout(axes: [.x, .other, .z, .timepoint, .y], shape: [7, 2, 3, 4, 5])
        #expect(layout.timepointCount == 8)
        #expect(
            layout.region(Region(layout.volumeShape), channel: 0, timepoint: 6)
                == ArrayRegion(origin: [0, 1, 0, 2, 0], shape: [7, 1, 3, 1, 5])
        )
    }

    @Test func theLevelThatIsReadComesFirstInItsMetadata() throws {
        let matrix = try StoreMatrix.get()
        let store = try #require(matrix.stores.first { $0.name == "ome04-tczyx-level" })
        let whole = try matrix.open(
            try #require(matrix.stores.first { $0.name == "ome04-tczyx" }),
            cacheByteLimit: 0
        )
        let level = try matrix.open(store, cacheByteLimit: 0)
        let levels = try #require(whole.ome?.levels)
        #expect(levels.count == 2)
        #expect(level.ome?.levels == Array(levels.dropFirst()))
        #expect(level.array.path.text == levels[1].path)
        #expect(whole.ome?.zarrVersion == .two)
    }

    @Test func axesThatAPersonSaysRenameThoseOfTheMetadata() throws {
        let matrix = try StoreMatrix.get()
        let path = matrix.folder.path("ome05-zyx.zarr")
        let (named, said) = (try ZarrSource(path: path), try ZarrSource(path: path, axes: "xzy"))
        #expect(named.image.shape == VolumeShape(z: 7, y: 24, x: 18))
        #expect(said.image.shape == VolumeShape(z: 24, y: 18, x: 7))
        let spacing = try #require(named.image.spacing)
        #expect(said.image.spacing == VoxelSpacing(z: spacing.y, y: spacing.x, x: spacing.z))
        #expect(said.ome?.axes.map(\.name) == ["x", "z", "y"])
        #expect(try ZarrSource(path: path, axes: "*yx").ome?.axes.map(\.type) == [nil, "space", "space"])
    }

    /// Chunk by chunk: as its file has it, and decoded where it is not whole or not in the order of the volume.
    @Test func memoryOfAReadIsThatOfTheChunksOfItsThreads() throws {
        func memory(
            _ chunk: [Int],
            _ type: ZarrDataType = .uint16,
            isFortranOrder: Bool = false,
            compression: [ZarrByteCodec]? = nil,
            planes: Int? = nil
        ) throws -> [Int] {
            let folder = try TemporaryFolder()
            let metadata = try ZarrArrayMetadata(
                version: .two,
                shape: [6, 64, 128, 256],
                chunkShape: chunk,
                dataType: type,
                compression: compression,
                isFortranOrder: isFortranOrder
            )
            let store = try ZarrStore(path: folder.url.path)
            _ = try ZarrArrayWriter(creating: metadata, at: .root, in: store)
            let source = try ZarrSource(path: folder.url.path, axes: "tzyx", threadCount: 2)
            let memory = source.readingMemory(of: VolumeShape(z: planes ?? 64, y: 128, x: 256))
            return [memory.bufferBytes, memory.leastKeptBytes, memory.mostKeptBytes]
        }
        let volume = 64 * 128 * 256 * 2
        #expect(try memory([1, 64, 128, 256]) == [volume, 0, 0])
        #expect(try memory([1, 64, 128, 256], isFortranOrder: true) == [2 * volume, 0, 0])
        #expect(try memory([1, 64, 128, 256], compression: []) == [0, 0, 0])
        // One chunk, of which each plane is a part: it is decoded to where it is kept.
        #expect(try memory([1, 64, 128, 256], planes: 1) == [volume, volume, volume])
        // Two threads with two quarters of a slab of 16 planes.
        #expect(try memory([1, 16, 64, 128]) == [4 * volume / 16, 0, 0])
        #expect(try memory([1, 16, 64, 128], planes: 1) == [4 * volume / 16, volume / 16, volume / 4])
        #expect(try memory([1, 1, 128, 256], planes: 1) == [volume / 64, 0, 0])
        // Slabs of eight planes lie in two chunks.
        #expect(try memory([1, 16, 128, 256], planes: 8) == [volume, volume / 4, volume / 2])
        // Chunks of several volumes are kept if all are.
        #expect(try memory([2, 64, 128, 256]) == [4 * volume, 0, 2 * volume])
        // What is converted lies there as stored.
        #expect(try memory([1, 64, 128, 256], .float64) == [3 * 4 * volume, 0, 0])
    }

    /// The chunk's file is gone after the first plane, so the others can only come from what was decoded then.
    @Test(arguments: [true, false])
    func aChunkThatIsReadPlaneByPlaneIsDecodedOnce(isWithinLimit: Bool) throws {
        let matrix = try StoreMatrix.get()
        let store = try #require(matrix.stores.first { $0.name == "three-compressed" })
        let folder = try TemporaryFolder()
        let path = folder.path("copy.zarr")
        try FileManager.default.copyItem(atPath: matrix.folder.path(store.path), toPath: path)
        let expected = try matrix.volumes(store)[0]
        let source = try ZarrSource(path: path, cacheByteLimit: 0)
        let byteCount = source.decodedChunkByteCount
        #expect(byteCount == 2 * store.shape.reduce(1, *))
        source.cacheByteLimit = isWithinLimit ? byteCount : byteCount - 1
        let whole = ArraySource(expected, shape: source.image.shape)
        for z in 0..<source.image.shape.z {
            var plane = Region(source.image.shape)
            (plane.origin.z, plane.shape.z) = (z, 1)
            let voxels = try source.read(plane, channel: 0, timepoint: 0)
            let isRead = try voxels == whole.read(plane, channel: 0, timepoint: 0)
            #expect(isRead == (z == 0 || isWithinLimit))
            if z == 0 { try FileManager.default.removeItem(atPath: "\(path)/c") }
        }
    }

    @Test func translationsAreScaledByWhatComesAfterThem() throws {
        let matrix = try StoreMatrix.get()
        let store = try #require(matrix.stores.first { $0.name == "global" })
        let level = try #require(try matrix.open(store, cacheByteLimit: 0).ome?.levels.first)
        #expect(level.scale == [300, 100, 0.05])
        #expect(level.translation == [10, 9, 11])
    }

    @Test func aGuessAboutAxesIsSaid() throws {
        let matrix = try StoreMatrix.get()
        func says(_ name: String) throws -> [String] {
            try matrix.open(try #require(matrix.stores.first { $0.name == name }), cacheByteLimit: 0).diagnostics.map {
                $0.message.replacingOccurrences(of: matrix.folder.url.path, with: "DIR")
            }
        }
        #expect(
            try says("article") == [
                "DIR/article.zarr/raw: its axes have no names and are taken as channel 3, time 4, z 5, y 6, x 7; if they "
                    + "are not, name them in its metadata"
            ]
        )
        #expect(
            try says("unitless") == [
                "DIR/unitless.zarr/0: its scale (0.5, 0.1, 0.1 for z, y, x) has no unit of length, so the voxel size is not known"
            ]
        )
        #expect(
            try says("contradiction") == [
                "DIR/contradiction.zarr/0: has 3 axes (3, 6, 7) but its OME-Zarr metadata have 2, so these are left out"
            ]
        )
    }
}
