import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

/// An array to write, and in this form the job of `check_written.py`.
private struct Job: Encodable {
    var store: String
    var path: String
    var version: Int
    var dtype: String
    var shape: [Int]
    var chunks: [Int]
    var fill: [UInt8]
    var raw: String
    var attributes: [String: [Int]]
    var dimensionNames: [String?]?
    var zarrPython = true
    var tensorstore: Bool
    var consolidated = false
}

/// Little-endian elements for an array: bytes that change slowly enough for codecs to have something to do.
private func elements(_ type: ZarrDataType, _ shape: [Int], seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    let count = shape.reduce(1, *)
    return (0..<count).flatMap { index -> [UInt8] in
        let noise = Int(random.next() % 3)
        switch type {
        case .bool: return [UInt8(noise & 1)]
        case .float16:
            return withUnsafeBytes(of: Float16(Float(index % 2000) / 8 + Float(noise)).bitPattern, Array.init)
        case .float32: return withUnsafeBytes(of: Float(index) / 64 + Float(noise), Array.init)
        case .float64: return withUnsafeBytes(of: Double(index) / 64 + Double(noise), Array.init)
        default:
            return withUnsafeBytes(of: UInt64(truncatingIfNeeded: index / 5 - 40 + noise)) {
                Array($0.prefix(type.byteCount))
            }
        }
    }
}

@Suite struct ZarrWritingTests {
    private let folder = try! TemporaryFolder()

    private static let shapes: [(shape: [Int], chunk: [Int], shard: [Int])] = [
        ([7, 10, 13], [3, 4, 5], [6, 8, 10]),
        ([5, 6, 7], [8, 8, 8], [16, 8, 8]),
        ([61], [16], [32]),
        ([2, 3, 4, 9, 11], [1, 1, 3, 9, 4], [1, 3, 3, 9, 8]),
        ([8, 12, 10], [4, 6, 5], [8, 12, 10]),
    ]

    /// Codecs, and whether tensorstore knows them in version 2 and in version 3.
    private struct Compression {
        var name: String
        var codecs: [ZarrByteCodec]
        var isKnownToTensorstore = [true, true]
    }

    private static let compressions: [Compression] = {
        var compressions = [
            Compression(name: "none", codecs: []),
            Compression(name: "zlib", codecs: [.zlib(level: 6)], isKnownToTensorstore: [true, false]),
            Compression(name: "gzip", codecs: [.gzip(level: 5)]),
            Compression(name: "zstd", codecs: [.zstd(level: 3)]),
            Compression(
                name: "zstd-checksum",
                codecs: [.zstd(level: 1, hasChecksum: true)],
                isKnownToTensorstore: [false, true]
            ),
            Compression(name: "lz4", codecs: [.lz4()], isKnownToTensorstore: [false, false]),
            Compression(name: "bz2", codecs: [.bz2(level: 9)], isKnownToTensorstore: [true, false]),
            Compression(name: "blosc", codecs: [.blosc(BloscCodec())]),
            Compression(name: "blosc-auto", codecs: [.blosc(BloscCodec(.zstd, level: 3, shuffle: .automatic))]),
        ]
        // Python's Blosc is built without Snappy.
        for compressor in BloscCodec.Compressor.allCases where compressor != .snappy {
            for shuffle in [BloscCodec.Shuffle.none, .bits] {
                let codec = ZarrByteCodec.blosc(BloscCodec(compressor, level: 4, shuffle: shuffle))
                compressions.append(Compression(name: "blosc-\(compressor)-\(shuffle)", codecs: [codec]))
            }
        }
        return compressions
    }()

    /// Makes an array and writes it, whole or chunk by chunk from several threads.
    private func write(
        _ metadata: ZarrArrayMetadata,
        _ name: String,
        path: String = "",
        store: ZarrStore? = nil,
        inParts: Bool,
        tensorstore: Bool,
        seed: UInt64
    ) throws -> Job {
        let store = try store ?? ZarrStore.create(path: folder.path(name))
        let writer = try ZarrArrayWriter(creating: metadata, at: try ZarrPath(path), in: store, synchronizing: false)
        let bytes = elements(metadata.dataType, metadata.shape, seed: seed)
        let raw = folder.path("\(name)\(path.replacing("/", with: "-")).raw")
        try Data(bytes).write(to: URL(fileURLWithPath: raw))
        let whole = ArrayRegion(metadata.shape)
        if inParts {
            let parts = writer.array.chunkRegions(in: whole)
            DispatchQueue.concurrentPerform(iterations: parts.count) { number in
                let part = cut(bytes, metadata.shape, metadata.dataType.byteCount, parts[number])
                #expect(throws: Never.self) {
                    try part.withUnsafeBytes { try writer.write($0, region: parts[number], synchronizing: false) }
                }
            }
        } else {
            try bytes.withUnsafeBytes { try writer.write($0, region: whole, synchronizing: false) }
        }
        #expect(try store.array(at: ZarrPath(path)).readBytes(whole) == bytes, "\(name)")
        return Job(
            store: store.path,
            path: path,
            version: metadata.version.rawValue,
            dtype: metadata.dataType.rawValue,
            shape: metadata.shape,
            chunks: metadata.chunkShape,
            fill: metadata.fillValue.bytes,
            raw: raw,
            attributes: [:],
            dimensionNames: metadata.dimensionNames,
            tensorstore: tensorstore
        )
    }

    private func check(_ jobs: [Job]) throws {
        try #require(TestPython.interpreter != nil, Comment(rawValue: TestPython.missing))
        try JSONEncoder().encode(jobs).write(to: folder.url.appendingPathComponent("jobs.json"))
        let result = try TestPython.run(Fixtures.url("Zarr/check_written.py"), [folder.path("jobs.json")])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func othersReadWhatIsWrittenVoxelForVoxel() throws {
        var jobs: [Job] = []
        func fill(_ number: Int, _ type: ZarrDataType) -> ZarrFillValue {
            [0, 1, .nan, -.infinity, 0.1].compactMap { ZarrFillValue($0, type) }.turn(number)
        }
        for (version, compression) in Self.compressions.flatMap({ item in ZarrVersion.allCases.map { ($0, item) } }) {
            for turn in 0..<2 {
                let number = jobs.count
                let order = (number / 2 + 2 * turn) % 4
                let type = ZarrDataType.allCases.turn(number * 5)
                let (shape, chunk, shard) = Self.shapes.turn(number)
                let isSharded = version == .three && number % 3 == 0
                let metadata = try ZarrArrayMetadata(
                    version: version,
                    shape: shape,
                    chunkShape: isSharded ? shard : chunk,
                    innerChunkShape: isSharded ? chunk : nil,
                    dataType: type,
                    fillValue: fill(number, type),
                    compression: compression.codecs,
                    separator: [nil, .dot, .slash].turn(number),
                    isBigEndian: order & 1 == 1,
                    isFortranOrder: order & 2 == 2,
                    dimensionNames: version == .three && number % 2 == 0 ? shape.indices.map { "axis\($0)" } : nil
                )
                jobs.append(
                    try write(
                        metadata,
                        "w\(version.rawValue)-\(compression.name)-\(order)",
                        inParts: number % 2 == 1,
                        tensorstore: compression.isKnownToTensorstore[version.rawValue - 2],
                        seed: UInt64(number)
                    )
                )
            }
        }
        for version in ZarrVersion.allCases {
            let metadata = try ZarrArrayMetadata(version: version, shape: [], chunkShape: [], dataType: .uint16)
            jobs.append(
                try write(metadata, "scalar\(version.rawValue)", inParts: false, tensorstore: true, seed: 1)
            )
        }
        #expect(jobs.count >= 75)
        try check(jobs)
    }

    @Test func anArrayIsWrittenAsAnotherOneIsStored() throws {
        let matrix = try ZarrMatrix.get()
        var jobs: [Job] = []
        for (number, entry) in matrix.arrays.enumerated() where entry.name != "z2-large" {
            let source = try ZarrStore(path: matrix.folder.path(entry.name)).array(at: .root).metadata
            let type = [source.dataType, .float32, .uint16].turn(number)
            let metadata = try source.replacing(dataType: type)
            #expect(metadata.chunkShape == source.chunkShape && metadata.version == source.version)
            let isForTensorstore = ![
                "z2-lz4", "z2-zstd-checksum", "numcodecs", "filters", "shard-in-zstd", "z2-lzma", "z2-delta",
                "z2-shuffle",
            ]
            .contains { entry.name.contains($0) }
            var job = try write(
                metadata,
                "as-\(entry.name)",
                inParts: number % 2 == 0,
                tensorstore: isForTensorstore,
                seed: UInt64(number)
            )
            // zarr-python holds the inner chunks against the shard before it transposes it.
            job.zarrPython = !entry.name.contains("t3-shard")
            jobs.append(job)
        }
        try check(jobs)
    }

    @Test func anArrayIsAddedBesideOthersInTheirStore() throws {
        for version in ZarrVersion.allCases {
            let path = folder.path("store\(version.rawValue)")
            let script = folder.path("make.py")
            try """
            import sys, warnings, zarr
            warnings.filterwarnings("ignore")
            group = zarr.open_group(sys.argv[1], mode="w", zarr_format=\(version.rawValue), attributes={"owner": "x", "n": 1.0})
            group.create_array("raw", shape=(5, 6), chunks=(2, 3), dtype="uint16")[...] = 7
            group.create_group("deep")
            zarr.consolidate_metadata(sys.argv[1])
            """.write(toFile: script, atomically: true, encoding: .utf8)
            let made = try TestPython.run(URL(fileURLWithPath: script), [path])
            #expect(made.status == 0, "\(made.output)")

            let store = try ZarrStore(path: path)
            var jobs: [Job] = []
            for name in ["deconvolved", "deep/inside", "new/group/inside"] {
                let metadata = try store.array(at: ZarrPath("raw")).metadata.replacing(
                    dataType: .float32,
                    attributes: ["list": .integers([1, 2])]
                )
                var job = try write(metadata, "", path: name, store: store, inParts: false, tensorstore: true, seed: 3)
                job.attributes = ["list": [1, 2]]
                job.consolidated = true
                jobs.append(job)
            }
            try check(jobs)
            let group = try store.group(at: .root)
            #expect(try group.children() == ["deconvolved", "deep", "new", "raw"])
            #expect(group.attributes["owner"] == "x")
            #expect(group.attributes["n"] == .number("1.0"))
            #expect(try store.group(at: ZarrPath("new")).children() == ["group"])
            #expect(try store.array(at: ZarrPath("raw")).readBytes(ArrayRegion([5, 6])).prefix(4) == [7, 0, 7, 0])
        }
    }

    @Test func attributesAreReplacedAndAllElseStays() throws {
        for version in ZarrVersion.allCases {
            let store = try ZarrStore.create(path: folder.path("attributes\(version.rawValue)"))
            let metadata = try ZarrArrayMetadata(
                version: version,
                shape: [4, 5],
                chunkShape: [2, 5],
                dataType: .uint8,
                attributes: ["a": 1],
                dimensionNames: ["y", "x"]
            )
            let path = try ZarrPath("group/array")
            _ = try ZarrArrayWriter(creating: metadata, at: path, in: store)
            try store.setAttributes(["b": "two"], at: path)
            let found = try store.array(at: path).metadata
            #expect(found.attributes == ["b": "two"])
            #expect(found.dimensionNames == ["y", "x"])
            #expect(try found.replacing(dimensionNames: .some(nil)).dimensionNames == nil)
            #expect(found.shape == [4, 5] && found.chunkShape == [2, 5])
            try store.createGroup(at: ZarrPath("group"), version: version, attributes: ["c": 3])
            #expect(try store.group(at: ZarrPath("group")).attributes == ["c": 3])
            #expect(try store.array(at: path).metadata.attributes == ["b": "two"])
            // A group that only has to be there keeps what it says.
            try store.createGroup(at: ZarrPath("group"), version: version)
            #expect(try store.group(at: ZarrPath("group")).attributes == ["c": 3])
        }
    }

    @Test func anArrayOrGroupThatIsThereIsNotReplaced() throws {
        let store = try ZarrStore.create(path: folder.path("there"))
        let path = try ZarrPath("a")
        let metadata = try ZarrArrayMetadata(version: .two, shape: [4, 4], chunkShape: [2, 2], dataType: .uint8)
        let writer = try ZarrArrayWriter(creating: metadata, at: path, in: store)
        try [UInt8](repeating: 9, count: 16).withUnsafeBytes { try writer.write($0, region: ArrayRegion([4, 4])) }
        func refusal(
            _ path: String,
            _ metadata: ZarrArrayMetadata,
            _ code: DeconvolutionError.Code = .cannotCreateOutput
        ) throws -> String? {
            let path = try ZarrPath(path)
            let error = #expect(throws: DeconvolutionError.self) {
                _ = try ZarrArrayWriter(creating: metadata, at: path, in: store)
            }
            #expect(error?.code == code)
            return error?.message.replacing(folder.url.path, with: "DIR")
        }
        #expect(
            try refusal("a", metadata, .outputExists) == "DIR/there/a: the array exists already; choose another name"
        )
        #expect(
            try refusal("a/b", metadata)
                == "DIR/there/a: is a Zarr array, which takes no array inside; choose another name"
        )
        #expect(try refusal("", metadata) == "DIR/there: is a Zarr group; name an array in it that is not there yet")
        let three = try ZarrArrayMetadata(version: .three, shape: [4], chunkShape: [4], dataType: .uint8)
        #expect(
            try refusal("b", three)
                == "DIR/there: is a Zarr group of version 2 and takes no array of version 3; write version 2 or choose another "
                + "store"
        )
        #expect(try writer.array.readBytes(ArrayRegion([4, 4])) == [UInt8](repeating: 9, count: 16))
        #expect(try store.group(at: .root).children() == ["a"])
    }

    @Test func whatIsRefusedLeavesNoGroups() throws {
        let thesis = URL(fileURLWithPath: folder.path("refused/mine/thesis.txt"))
        try FileManager.default.createDirectory(
            at: thesis.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data().write(to: thesis)
        // A store by another array in it, so that its root may become a group.
        let store = try ZarrStore(path: folder.path("refused"))
        let metadata = try ZarrArrayMetadata(version: .two, shape: [4], chunkShape: [4], dataType: .uint8)
        _ = try ZarrArrayWriter(
            creating: metadata,
            at: .root,
            in: try ZarrStore.create(path: folder.path("refused/array"))
        )
        for path in ["mine", "mine/result", "array/new/result"] {
            #expect(throws: DeconvolutionError.self) {
                _ = try ZarrArrayWriter(creating: metadata, at: try ZarrPath(path), in: store)
            }
        }
        #expect(
            FileManager.default.enumerator(atPath: folder.path("refused"))!.compactMap { $0 as? String }.sorted()
                == ["array", "array/.zarray", "mine", "mine/thesis.txt"]
        )
    }

    @Test func aFolderThatIsAGroupByWhatIsInItHasTheVersionOfThat() throws {
        // tensorstore writes an array and no group above it.
        let path = folder.path("implicit")
        let script = folder.path("make.py")
        try """
        import sys, tensorstore as ts
        ts.open({"driver": "zarr", "kvstore": {"driver": "file", "path": sys.argv[1] + "/raw"},
                 "metadata": {"shape": [4], "chunks": [4], "dtype": "|u1"}}, create=True).result().write(7).result()
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let made = try TestPython.run(URL(fileURLWithPath: script), [path])
        #expect(made.status == 0, "\(made.output)")
        let store = try ZarrStore(path: path)
        let raw = try store.array(at: ZarrPath("raw")).metadata
        let three = try ZarrArrayMetadata(version: .three, shape: [4], chunkShape: [4], dataType: .uint8)
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try ZarrArrayWriter(creating: three, at: try ZarrPath("result"), in: store)
        }
        #expect(
            error?.message
                == "\(path): has in it raw of version 2 and takes no array of version 3; write version 2 or choose another store"
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["raw"])
        _ = try ZarrArrayWriter(creating: raw, at: try ZarrPath("result"), in: store)
        #expect(try store.group(at: .root).children() == ["raw", "result"])
    }

    @Test(arguments: ZarrVersion.allCases, ["group", "group/array"])
    func whatAKilledProcessHasBegunIsBegunAgain(version: ZarrVersion, begun: String) throws {
        let root = folder.path("begun")
        let store = try ZarrStore.create(path: root)
        let (array, begunPath) = (try ZarrPath("group/array"), try ZarrPath(begun))
        for path in [ZarrPath.root, try ZarrPath("group")] where path.names.count < begunPath.names.count {
            try store.createGroup(at: path, version: version)
        }
        // Hidden files that are not whole, and attributes of what never came.
        try FileManager.default.createDirectory(atPath: "\(root)/\(begun)", withIntermediateDirectories: false)
        for name in [".zarray", ".zgroup", "zarr.json"] {
            // Process numbers end far below this one.
            try write("{", "begun/\(begun)/.\(name).999999999-abcdef12.partial")
        }
        try write(#"{"of": "before"}"#, "begun/\(begun)/.zattrs")
        let metadata = try ZarrArrayMetadata(version: version, shape: [4], chunkShape: [4], dataType: .uint8)
        _ = try ZarrArrayWriter(creating: metadata, at: array, in: store)
        #expect(try store.array(at: array).metadata.attributes.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "\(root)/group/array/.zattrs"))
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path(path)))
    }

    @Test func hiddenFilesOfKilledProcessesGoWhenTheirFileIsWrittenAgain() async throws {
        let root = folder.path("killed")
        await #expect(processExitsWith: .signal(SIGKILL)) { [root = root as String] in
            let metadata = try ZarrArrayMetadata(version: .three, shape: [4], chunkShape: [4], dataType: .uint8)
            let store = try ZarrStore.create(path: root)
            _ = try ZarrArrayWriter(creating: metadata, at: .root, in: store)
            // As a process that is killed while it writes the same file leaves it.
            _ = Unmanaged.passRetained(try AtomicOutput(path: root + "/zarr.json", overwrite: true))
            kill(getpid(), SIGKILL)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: root).count == 2)
        try ZarrStore(path: root).setAttributes(["a": 1], at: .root)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root) == ["zarr.json"])
    }

    @Test func namesOfNewFoldersAreBroughtToTheDisk() throws {
        let root = URL(fileURLWithPath: folder.path("durable")).resolvingSymlinksInPath().path
        let store = try ZarrStore.create(path: root)
        let metadata = try ZarrArrayMetadata(version: .three, shape: [2, 4], chunkShape: [1, 2], dataType: .uint8)
        let array = try ZarrArrayWriter(creating: metadata, at: .root, in: store).array
        let waited = Mutex<[String]>([])
        let calls = OutputCalls(
            write: { pwrite($0, $1, $2, off_t($3)) },
            synchronize: { descriptor in
                let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
                waited.withLock { $0.append(name ?? "") }
                return fsync(descriptor)
            }
        )
        func folders(synchronizing: Bool, _ row: Int) throws -> [String] {
            waited.withLock { $0 = [] }
            let region = ArrayRegion(origin: [row, 0], shape: [1, 2])
            try [1, 2].withUnsafeBytes {
                try ZarrArrayWriter(array, calls: calls).write(
                    UnsafeRawBufferPointer(rebasing: $0[..<2]),
                    region: region,
                    synchronizing: synchronizing
                )
            }
            return waited.withLock { $0 }.filter { !$0.hasSuffix(".partial") }
        }
        #expect(try folders(synchronizing: true, 0) == [root, "\(root)/c", "\(root)/c/0"])
        #expect(try folders(synchronizing: true, 0) == ["\(root)/c/0"])
        #expect(try folders(synchronizing: false, 1) == [])
    }

    @Test func aStoreNamedFromTheCurrentFolderStaysWhereItIs() async throws {
        await #expect(processExitsWith: .success) { [folder = folder.url.path as String] in
            #expect(chdir(folder) == 0)
            let store = try ZarrStore.create(path: "here")
            let metadata = try ZarrArrayMetadata(
                version: .two,
                shape: [4],
                chunkShape: [4],
                dataType: .uint8,
                compression: []
            )
            #expect(chdir("/") == 0)
            let writer = try ZarrArrayWriter(creating: metadata, at: try ZarrPath("a"), in: store)
            try [UInt8](repeating: 7, count: 4).withUnsafeBytes { try writer.write($0, region: ArrayRegion([4])) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/here/a/0")) == Data([7, 7, 7, 7]))
            let full = OutputCalls(
                write: { _, _, _, _ in
                    errno = ENOSPC
                    return -1
                },
                synchronize: { _ in 0 }
            )
            let error = #expect(throws: DeconvolutionError.self) {
                try [UInt8](repeating: 7, count: 4).withUnsafeBytes {
                    try ZarrArrayWriter(writer.array, calls: full).write($0, region: ArrayRegion([4]))
                }
            }
            #expect(error?.message.hasPrefix("here/a/0: no space left in ") == true)
        }
    }

    @Test func aFolderOfOtherThingsIsLeftAlone() throws {
        try FileManager.default.createDirectory(atPath: folder.path("home"), withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder.path("home/thesis.txt")))
        let metadata = try ZarrArrayMetadata(version: .three, shape: [4], chunkShape: [4], dataType: .uint8)
        for path in ["", "array", "group/array"] {
            let error = #expect(throws: DeconvolutionError.self) {
                let store = try ZarrStore.create(path: folder.path("home"))
                _ = try ZarrArrayWriter(creating: metadata, at: try ZarrPath(path), in: store)
            }
            #expect(error?.code == .cannotCreateOutput)
            #expect(error?.message.hasSuffix("/home: is a folder with other things in it; choose another name") == true)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("home")) == ["thesis.txt"])
    }

    @Test func manyThreadsMakeArraysInOneStore() throws {
        let store = try ZarrStore.create(path: folder.path("many"))
        let metadata = try ZarrArrayMetadata(version: .two, shape: [4], chunkShape: [4], dataType: .uint8)
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            #expect(throws: Never.self) {
                let path = try ZarrPath("group\(number % 2)/array\(number)")
                _ = try ZarrArrayWriter(creating: metadata, at: path, in: store, synchronizing: false)
            }
        }
        try store.synchronize()
        #expect(try store.group(at: ZarrPath("group1")).children() == ["array1", "array3", "array5", "array7"])
    }

    @Test func aDiskThatIsFullLeavesNoChunk() throws {
        let store = try ZarrStore.create(path: folder.path("full"))
        let metadata = try ZarrArrayMetadata(version: .three, shape: [64], chunkShape: [32], dataType: .uint8)
        let array = try ZarrArrayWriter(creating: metadata, at: .root, in: store).array
        let calls = OutputCalls(
            write: { _, _, _, _ in
                errno = ENOSPC
                return -1
            },
            synchronize: { _ in 0 }
        )
        let writer = ZarrArrayWriter(array, calls: calls)
        let error = #expect(throws: DeconvolutionError.self) {
            try [UInt8](repeating: 1, count: 64).withUnsafeBytes { try writer.write($0, region: ArrayRegion([64])) }
        }
        #expect(error?.code == .diskFull)
        #expect(error?.message.hasPrefix("\(folder.path("full/c/0")): no space left in ") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("full/c")).isEmpty)
    }

    @Test func whatAFormatCannotHoldIsRefused() {
        func message(_ body: () throws -> Void) -> String? {
            do {
                try body()
                return nil
            } catch {
                return (error as? DeconvolutionError)?.message
            }
        }
        #expect(
            message {
                _ = try ZarrArrayMetadata(
                    version: .two,
                    shape: [4],
                    chunkShape: [4],
                    innerChunkShape: [2],
                    dataType: .uint8
                )
            } == "the array to write: version 2 has no shards; choose version 3"
        )
        #expect(
            message {
                _ = try ZarrArrayMetadata(
                    version: .three,
                    shape: [1 << 31],
                    chunkShape: [1 << 31],
                    dataType: .uint8,
                    compression: [.blosc(BloscCodec())]
                )
            }
                == "the array to write: blosc takes chunks of up to 2147483631 bytes, not 2147483648; choose smaller chunks or "
                + "zstd"
        )
        #expect(
            message {
                _ = try ZarrArrayMetadata(
                    version: .three,
                    shape: [9],
                    chunkShape: [5],
                    innerChunkShape: [2],
                    dataType: .uint8
                )
            }
                == "the array to write: its shards of [5] cannot be cut into chunks of [2]; choose shards that are multiples "
                + "of the chunks"
        )
        let refused: [(codec: ZarrByteCodec, problem: String)] = [
            (.zlib(level: 10), "zlib has levels 0 to 9, not 10"), (.gzip(level: -2), "gzip has levels 0 to 9, not -2"),
            (.bz2(level: 0), "bz2 has levels 1 to 9, not 0"),
            (.blosc(BloscCodec(level: 12)), "blosc has levels 0 to 9, not 12"),
        ]
        for (codec, problem) in refused {
            #expect(
                message {
                    _ = try ZarrArrayMetadata(
                        version: .three,
                        shape: [4],
                        chunkShape: [4],
                        innerChunkShape: [2],
                        dataType: .uint8,
                        compression: [codec]
                    )
                } == "the array to write: \(problem); choose one of these"
            )
        }
    }
}

extension Array {
    /// The element that comes after so many turns.
    fileprivate func turn(_ number: Int) -> Element { self[number % count] }
}
