import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct ZarrErrorTests {
    private let folder = try! TemporaryFolder()

    /// Code and message of what the body throws, with the test's folder written as `DIR`.
    private func failure(_ body: () throws -> Void) -> (code: DeconvolutionError.Code, message: String)? {
        do {
            try body()
            return nil
        } catch let error as DeconvolutionError {
            return (error.code, error.message.replacingOccurrences(of: folder.url.path, with: "DIR"))
        } catch {
            return (.internalError, "\(error)")
        }
    }

    private func write(_ text: String, _ path: String) throws {
        let url = folder.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
    }

    private func open(_ store: String, _ path: String = "") throws -> ZarrArray {
        try ZarrStore(path: folder.path(store)).array(at: ZarrPath(path))
    }

    /// A `.zarray` of 8 x 8 uint16 in chunks of 4 x 4, with members replaced.
    private func version2(_ changes: [String: String] = [:]) -> String {
        var members = [
            "zarr_format": "2", "shape": "[8, 8]", "chunks": "[4, 4]", "dtype": "\"<u2\"", "compressor": "null",
            "fill_value": "0", "order": "\"C\"", "filters": "null",
        ]
        members.merge(changes) { $1 }
        return "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    /// A `zarr.json` of the same array.
    private func version3(_ changes: [String: String] = [:]) -> String {
        var members = [
            "zarr_format": "3", "node_type": "\"array\"", "shape": "[8, 8]", "data_type": "\"uint16\"",
            "chunk_grid": #"{"name": "regular", "configuration": {"chunk_shape": [4, 4]}}"#,
            "chunk_key_encoding": #"{"name": "default"}"#, "fill_value": "0",
            "codecs": #"[{"name": "bytes", "configuration": {"endian": "little"}}]"#,
        ]
        members.merge(changes) { $1 }
        return "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }

    private static func codecs(_ count: Int) -> String {
        [String](repeating: #"{"id": "zlib"}"#, count: count).joined(separator: ", ")
    }

    @Test(arguments: [
        (["dtype": "\"<M8[ns]\""], "its elements are <M8[ns], which are not read"),
        (["dtype": #"[["r", "<f4"]]"#], "its elements are records or have no type, which are not read"),
        (["dtype": "\"<c8\""], "its elements are <c8, which are not read"),
        (["dtype": "\"|u2\""], "its elements are |u2, which are not read"),
        (
            ["compressor": #"{"id": "pcodec"}"#],
            "its codec pcodec is not read; write the array again with one of zlib, "
        ),
        (
            ["filters": #"[{"id": "quantize"}]"#],
            "its codec quantize is not read; write the array again with one of zlib, "
        ),
        (["filters": #"[{"id": "delta"}]"#], "its codec delta does not say dtype; write the array again"),
        (["filters": #"[{"id": "delta", "dtype": "<f2"}]"#], "its codec delta has elements of <f2, which are not read"),
        (["filters": #"[{"id": "shuffle", "elementsize": 0}]"#], "its codec shuffle has elements of 0 bytes; write"),
        (
            ["compressor": #"{"id": "lzma", "format": 9}"#],
            "its codec lzma has the format 9, which is none; write the array"
        ),
        (["compressor": #"{"id": "lzma", "format": 3}"#], "its codec lzma has 0 filters; write the array again"),
        (
            ["compressor": #"{"id": "blosc", "cname": "new"}"#],
            "its codec blosc has a compressor or shuffle that is not "
        ),
        (["compressor": #"{"id": "zlib", "level": "x"}"#], "level of its codec zlib is no whole number"),
        (["order": "\"K\""], "its order is K, not C or F"),
        (["dimension_separator": "\"/../\""], "its dimension_separator is neither . nor /"),
        (["shape": "[8, -8]"], "its shape is [8, -8]"),
        (["shape": "[8]"], "its chunks have 2 axes but it has 1"),
        (["chunks": "[4, 0]"], "its chunks are [4, 0]"),
        (
            ["chunks": "[1099511627776, 1]"],
            "a chunk of [1099511627776, 1] elements of 2 bytes is more than the 68719476736"
        ),
        (
            ["chunks": "[4611686018427387904, 4611686018427387904]"],
            "a chunk of [4611686018427387904, 4611686018427387904] elements of 2 bytes is more than"
        ),
        (["chunks": "[1e40, 1]"], "its chunks is missing or no list of whole numbers"),
        (["fill_value": "70000"], "its fill value 70000 is none of uint16"),
        (["fill_value": "\"NaN\""], #"its fill value "NaN" is none of uint16"#),
        (["fill_value": "1.5"], "its fill value 1.5 is none of uint16"),
        (["zarr_format": "1"], "does not have zarr_format 2"),
        (["filters": #"{"id": "zlib"}"#], "its member filters is no list"),
        (["order": "1"], "its member order is no text"),
        (["compressor": #"{"id": "zstd", "checksum": 1}"#], "its member checksum is no truth value"),
        (["compressor": #"{"id": "blosc", "cname": 1}"#], "its member cname is no text"),
        (
            ["compressor": #"{"id": "crc32c", "location": "start"}"#],
            "its codec crc32c is not read with the checksum in front"
        ),
        (["filters": "[\(codecs(48))]"], "its chunks go through 48 codecs, and up to 8 are known to make sense"),
    ])
    func version2ThatIsNotReadSaysWhy(changes: [String: String], problem: String) throws {
        try write(version2(changes), "a/.zarray")
        let error = try #require(failure { _ = try open("a") })
        #expect(error.code == .invalidData)
        #expect(error.message.hasPrefix("DIR/a/.zarray: \(problem)"), "\(error.message)")
        #expect(error.message.contains(";"), "no remedy: \(error.message)")
    }

    private static let sharding = """
        [{"name": "sharding_indexed", "configuration": {"chunk_shape": [CHUNK], "codecs": [{"name": "bytes", "configuration": \
        {"endian": "little"}}], "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "INDEX"}]}}]
        """

    private static func sharding(chunk: String = "2, 2", index: String = "crc32c") -> String {
        sharding.replacing("CHUNK", with: chunk).replacing("INDEX", with: index)
    }

    @Test(arguments: [
        (["data_type": "\"r16\""], "its elements are r16, which are not read"),
        (
            ["data_type": #"{"name": "numpy.datetime64", "configuration": {}}"#],
            "its elements are numpy.datetime64, which are"
        ),
        (
            ["codecs": #"[{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "new"}]"#],
            "its codec new is not read"
        ),
        (["codecs": #"[{"name": "vlen-utf8"}]"#], "its codec vlen-utf8 is not read"),
        (["codecs": "[]"], "its codecs lack bytes or sharding_indexed"),
        (
            ["codecs": #"[{"name": "gzip"}, {"name": "bytes", "configuration": {"endian": "little"}}]"#],
            "its codec gzip is out of"
        ),
        (["codecs": #"[{"name": "bytes"}]"#], "its codec bytes does not say endian"),
        (
            [
                "codecs":
                    #"[{"name": "transpose", "configuration": {"order": [0, 0]}}, {"name": "bytes", "configuration": {"endian": "big"}}]"#
            ],
            "its codec transpose has the order [0, 0] for 2 axes"
        ),
        (["codecs": sharding(chunk: "3, 2")], "its shards of [4, 4] cannot be cut into chunks of [3, 2]"),
        (["codecs": sharding(chunk: "0, 2")], "its shards of [4, 4] cannot be cut into chunks of [0, 2]"),
        (["codecs": sharding(index: "gzip")], "its shard index has the codec gzip, which is not read there"),
        (
            [
                "codecs": sharding(chunk: "1, 1"),
                "chunk_grid": #"{"name": "regular", "configuration": {"chunk_shape": [4611686018427387904, 1]}}"#,
            ],
            "its shards of [4611686018427387904, 1] have too many chunks of [1, 1]"
        ),
        (
            ["chunk_grid": #"{"name": "regular", "configuration": {"chunk_shape": [1099511627776, 1]}}"#],
            "a chunk of [1099511627776, 1] elements of 2 bytes is more than the 68719476736"
        ),
        (["chunk_grid": #"{"name": "rectilinear"}"#], "its chunk grid rectilinear is not read"),
        (["chunk_key_encoding": #"{"name": "fanout"}"#], "its chunk key encoding fanout is not read"),
        (["storage_transformers": #"[{"name": "dedupe"}]"#], "its storage transformer dedupe is not read"),
        (["fill_value": "null"], "its fill_value is missing"),
        (["fill_value": "\"0x00ff\""], #"its fill value "0x00ff" is none of uint16"#),
        (["new_member": #"{"name": "x"}"#], "has new_member, which is not known and may change what it means"),
        (["dimension_names": "[\"y\"]"], "it has 1 names for 2 axes"),
        (["zarr_format": "4"], "is not the description of an array of version 3"),
        (["storage_transformers": #"{"name": "x"}"#], "its member storage_transformers is no list"),
        (["attributes": "[1]"], "its member attributes is no object"),
        (
            ["chunk_key_encoding": #"{"name": "default", "configuration": "."}"#],
            "its member configuration is no object"
        ),
        (
            [
                "shape": "[8]", "codecs": sharding(chunk: "1"),
                "chunk_grid": #"{"name": "regular", "configuration": {"chunk_shape": [134217728]}}"#,
            ],
            "its shards of [134217728] have too many chunks of [1]"
        ),
    ])
    func version3ThatIsNotReadSaysWhy(changes: [String: String], problem: String) throws {
        try write(version3(changes), "a/zarr.json")
        let error = try #require(failure { _ = try open("a") })
        #expect(error.code == .invalidData)
        #expect(error.message.hasPrefix("DIR/a/zarr.json: \(problem)"), "\(error.message)")
        #expect(error.message.contains(";"), "no remedy: \(error.message)")
    }

    @Test func whatNeedNotBeUnderstoodIsPassedOver() throws {
        try write(
            version3([
                "extra": #"{"must_understand": false, "name": "x"}"#, "storage_transformers": "[]",
                "chunk_key_encoding": "\"default\"",
                "codecs": #"[{"name": "bytes", "configuration": {"endian": "little"}}]"#,
            ]),
            "a/zarr.json"
        )
        #expect(try open("a").metadata.shape == [8, 8])
    }

    @Test(arguments: [
        ("float32", "\"0x7fc01234\"", 0x7FC0_1234 as UInt64), ("float32", "\"NaN\"", 0x7FC0_0000),
        ("float32", "\"-Infinity\"", 0xFF80_0000), ("float32", "\"Infinity\"", 0x7F80_0000),
        ("float32", "0.1", 0x3DCC_CCCD),
        ("float64", "\"0xfff8000000000001\"", 0xFFF8_0000_0000_0001), ("float64", "1e-320", 2024),
        ("float16", "\"0x7e01\"", 0x7E01), ("float16", "65504", 0x7BFF), ("bool", "true", 1), ("bool", "false", 0),
        ("uint64", "18446744073709551615", .max), ("int64", "-9223372036854775808", 1 << 63), ("int8", "-1", 0xFF),
        ("uint16", "7.0", 7),
    ])
    func fillValuesAreReadInEveryNotation(type: String, text: String, bits: UInt64) throws {
        let codecs = #"[{"name": "bytes", "configuration": {"endian": "big"}}]"#
        try write(version3(["data_type": "\"\(type)\"", "fill_value": text, "codecs": codecs]), "a/zarr.json")
        let array = try open("a")
        let bytes = try array.readBytes(ArrayRegion(origin: [7, 7], shape: [1, 1]))
        let word = withUnsafeBytes(of: bits) { Array($0.prefix(array.metadata.dataType.byteCount)) }
        #expect(bytes == word)
        // What is written for it is read as the same bits.
        let store = try ZarrStore.create(path: folder.path("b"))
        _ = try ZarrArrayWriter(
            creating: try array.metadata.replacing(fillValue: array.metadata.fillValue),
            at: .root,
            in: store
        )
        #expect(try store.array(at: .root).metadata.fillValue == array.metadata.fillValue)
    }

    @Test func aFillValueThatIsLeftOpenIsZero() throws {
        try write(version2(["fill_value": "null"]), "a/.zarray")
        #expect(try open("a").readBytes(ArrayRegion([8, 8])) == [UInt8](repeating: 0, count: 128))
        #expect(try open("a").metadata.fillValue.isUndefined)
    }

    @Test func missingMetadataSaysWhatThereIs() throws {
        #expect(
            try #require(failure { _ = try open("none") }) == (
                .inputNotFound, "DIR/none: no such folder; check the path"
            )
        )
        try write("x", "file")
        #expect(
            try #require(failure { _ = try open("file") })
                == (.inputNotFound, "DIR/file: is a file, not a Zarr store; name the store's folder")
        )
        try write(#"{"zarr_format": 2}"#, "s/.zgroup")
        try write(version2(), "s/raw/.zarray")
        try write(version2(), "s/mask/.zarray")
        try write("not a node", "s/README.md")
        try write("not a node", "s/notes/README.md")
        try FileManager.default.createSymbolicLink(atPath: folder.path("s/link"), withDestinationPath: "nowhere")
        #expect(
            try #require(failure { _ = try open("s", "row") })
                == (
                    .inputNotFound,
                    "DIR/s/row: has no Zarr array or group (no zarr.json, .zarray or .zgroup); DIR/s has mask, raw"
                )
        )
        #expect(
            try #require(failure { _ = try open("s") })
                == (.inputNotFound, "DIR/s: is a Zarr group, not an array; name what is in it: mask, raw")
        )
        try write("[1, 2", "t/.zarray")
        #expect(
            try #require(failure { _ = try open("t") })
                == (
                    .invalidData,
                    "DIR/t/.zarray: is not JSON (line 1: a comma or ] is missing); copy it again from its source"
                )
        )
    }

    // Of these some have a combining accent behind a slash, which makes them one character for Swift and two for the system.
    @Test(arguments: [
        "../x", "a/../../x", "/..", "a/./b", "zarr.json", "a/.zarray", "a\0b", "../\u{301}x", "a/\u{301}b/../../../x",
        "a/\u{301}/..",
    ])
    func aPathThatLeadsOutOfTheStoreIsRefused(path: String) throws {
        let error = try #require(failure { _ = try ZarrPath(path) })
        #expect(error.code == .invalidArgument)
    }

    @Test func linksThatLeadOutOfTheStoreOrInACircleAreRefused() throws {
        try write(version2(["dimension_separator": "\"/\""]), "s/.zarray")
        try write(String(repeating: "x", count: 32), "outside/0/0")
        let manager = FileManager.default
        func link(_ name: String, _ target: String) throws {
            try? manager.removeItem(atPath: folder.path(name))
            try manager.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
        }
        func read() throws { _ = try open("s").readBytes(ArrayRegion([1, 1])) }
        try link("s/0", "../outside/0")
        #expect(
            try #require(failure(read))
                == (
                    .invalidData,
                    "DIR/s/0/0: is or lies behind a link that leads out of the store; copy what it leads to into the store"
                )
        )
        let bytes = [UInt8](repeating: 1, count: 128)
        let writer = ZarrArrayWriter(try open("s"))
        #expect(
            failure { try bytes.withUnsafeBytes { try writer.write($0, region: ArrayRegion([8, 8])) } }?.code
                == .invalidData
        )
        #expect(try manager.contentsOfDirectory(atPath: folder.path("outside/0")) == ["0"])

        try link("s/0", "0")
        #expect(
            try #require(failure(read))
                == (.invalidData, "DIR/s/0/0: is or lies behind a link that leads back to itself; remove it")
        )
        try link("s/0", "nowhere")
        #expect(
            try #require(failure(read))
                == (.invalidData, "DIR/s/0/0: is or lies behind a link to nothing; remove or repair it")
        )
        // Within the store a link is as good as a file.
        try write(String(repeating: "x", count: 32), "s/copies/0")
        try link("s/0", "copies")
        #expect(try open("s").readBytes(ArrayRegion([1, 1])) == [0x78, 0x78])
    }

    @Test func namesThatOnlyLookTheSameAreDifferentFolders() throws {
        // An accented letter as one and as two code points.
        try write(version2(["dimension_separator": "\"/\""]), "caf\u{E9}/.zarray")
        try write(String(repeating: "x", count: 32), "cafe\u{301}/0/0")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("caf\u{E9}/0"),
            withDestinationPath: "../cafe\u{301}/0"
        )
        let error = failure { _ = try open("caf\u{E9}").readBytes(ArrayRegion([1, 1])) }
        #expect(error?.code == .invalidData)
        #expect(error?.message.contains("leads out of the store") == true)
        // A name that begins with an accent is a name like any other.
        let store = try ZarrStore.create(path: folder.path("accent"))
        let metadata = try ZarrArrayMetadata(version: .two, shape: [4], chunkShape: [4], dataType: .uint8)
        let path = try ZarrPath("a/\u{301}b")
        let writer = try ZarrArrayWriter(creating: metadata, at: path, in: store)
        try [UInt8](repeating: 7, count: 4).withUnsafeBytes { try writer.write($0, region: ArrayRegion([4])) }
        #expect(try store.array(at: path).readBytes(ArrayRegion([4])) == [7, 7, 7, 7])
        #expect(try store.group(at: ZarrPath("a")).children() == ["\u{301}b"])
    }

    /// Zstandard and Blosc say of a shortage what they say of damage, or nearly so.
    @Test func aShortageOfMemoryIsNoDamage() async throws {
        // AddressSanitizer's own allocator ends the process where others tell the caller.
        if dlsym(nil, "__asan_init") != nil { return }
        let codecs: [(String, ZarrByteCodec)] = [
            ("zstd", .zstd(level: 3)), ("bz2", .bz2(level: 9)), ("blosc", .blosc(BloscCodec())),
        ]
        for (name, codec) in codecs {
            let metadata = try ZarrArrayMetadata(
                version: .two,
                shape: [4000],
                chunkShape: [4000],
                dataType: .uint8,
                compression: [codec]
            )
            let store = try ZarrStore.create(path: folder.path(name))
            let writer = try ZarrArrayWriter(creating: metadata, at: .root, in: store)
            let bytes = (0..<4000).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
            try bytes.withUnsafeBytes { try writer.write($0, region: ArrayRegion([4000])) }
            await #expect(processExitsWith: .success, "\(name)") { [path = folder.path(name) as String] in
                let array = try ZarrStore(path: path).array(at: .root)
                let wanted = try array.readBytes(ArrayRegion([4000]))
                // What there is, in pieces larger than messages need and smaller than what decoders take.
                var pieces: [UnsafeMutableRawPointer] = []
                pieces.reserveCapacity(1 << 20)
                var old = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
                var none = rlimit(rlim_cur: 1, rlim_max: old.rlim_max)
                setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &none)
                while pieces.count < 1 << 20, let piece = malloc(1 << 16) { pieces.append(piece) }
                let result = Result { try array.readBytes(ArrayRegion([4000])) }
                setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &old)
                for piece in pieces { free(piece) }
                let error = #expect(throws: DeconvolutionError.self) { try result.get() }
                #expect(error?.code == .outOfMemory, "\(error?.message ?? "")")
                #expect(try array.readBytes(ArrayRegion([4000])) == wanted)
            }
        }
    }

    @Test func aFolderThatCannotBeListedIsNotEmpty() async throws {
        try write(#"{"zarr_format": 2}"#, "s/.zgroup")
        try write(version2(), "s/raw/.zarray")
        await #expect(processExitsWith: .success) { [path = folder.path("s") as String] in
            let group = try ZarrStore(path: path).group(at: .root)
            #expect(try group.children() == ["raw"])
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var none = rlimit(rlim_cur: 0, rlim_max: limit.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &none)
            let result = Result { try group.children() }
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let error = #expect(throws: DeconvolutionError.self) { try result.get() }
            #expect(error?.code == .inputOutput)
            #expect(error?.message.hasPrefix("\(path): cannot be listed: ") == true)
        }
    }

    @Test func consolidatedMetadataCannotLeadOutOfTheStore() throws {
        try write(version2(), "outside/.zarray")
        try write(
            #"{"metadata": {".zgroup": {"zarr_format": 2}, "../outside/.zarray": \#(version2())}}"#,
            "s/.zmetadata"
        )
        #expect(failure { _ = try open("s", "../outside") }?.code == .invalidArgument)
    }

    @Test func aStoreThatHasOnlyConsolidatedMetadataIsRead() throws {
        try write(
            """
            {"zarr_consolidated_format": 1, "metadata": {".zgroup": {"zarr_format": 2}, ".zattrs": {"x": 1},
             "g/.zgroup": {"zarr_format": 2}, "g/a/.zarray": \(version2()), "g/a/.zattrs": {"y": NaN}}}
            """,
            "s/.zmetadata"
        )
        let store = try ZarrStore(path: folder.path("s"))
        #expect(try store.group(at: .root).children() == ["g"])
        #expect(try store.group(at: .root).attributes == ["x": 1])
        #expect(try store.array(at: ZarrPath("g/a")).metadata.attributes == ["y": .number("NaN")])
        try write(
            #"{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"kind": "inline", "must_understand": false, "#
                + #""metadata": {"g/a": \#(version3())}}}"#,
            "t/zarr.json"
        )
        #expect(try open("t", "g/a").metadata.version == .three)
    }

    @Test func aChunkOfTheWrongSizeIsDamagedAndNamed() throws {
        try write(version2(), "a/.zarray")
        try write(String(repeating: "x", count: 31), "a/1.0")
        let array = try open("a")
        for region in [ArrayRegion([8, 8]), ArrayRegion(origin: [5, 1], shape: [1, 1])] {
            #expect(
                try #require(failure { _ = try array.readBytes(region) })
                    == (
                        .invalidData,
                        "DIR/a/1.0: is damaged: it holds 31 bytes instead of 32; copy it again from its source or compute it again"
                    )
            )
        }
        #expect(try array.readBytes(ArrayRegion([4, 8])).count == 64, "other chunks are read")
        try FileManager.default.createDirectory(atPath: folder.path("a/0.0"), withIntermediateDirectories: false)
        #expect(
            try #require(failure { _ = try array.readBytes(ArrayRegion([1, 1])) })
                == (
                    .invalidData,
                    "DIR/a/0.0: is a folder where a file should be; copy the store again from its source"
                )
        )
    }

    /// Every kind of codec once, as others wrote it.
    private static let damaged = [
        "z2-zlib-C-le", "z2-gzip-C-le", "z2-zstd-C-le", "z2-lz4-C-le", "z2-bz2-C-le", "z2-blosc-blosclz-byte",
        "z2-lzma-xz", "z2-lzma-raw", "z2-delta", "z2-blosc-lz4-bit", "z2-blosc-zlib-byte", "z2-blosc-zstd-none",
        "z2-large", "z3-crc32c-little",
        "z3-gzip-crc32c-little", "z3-crc32c-zstd-little", "z3-zstd-checksum-little", "z3-shard-none-end",
        "z3-shard-none-start", "z3-shard-zstd-start", "z3-shard-blosc-end", "z3-shard-in-shard", "z3-shard-in-zstd",
        "t2-blosc-snappy-C",
    ]

    /// Copies an array, and gives its chunks' files.
    private func copy(_ entry: ZarrMatrixArray, from matrix: ZarrMatrix) throws -> [String] {
        let path = folder.path(entry.name)
        try FileManager.default.copyItem(atPath: matrix.folder.path(entry.name), toPath: path)
        let names = FileManager.default.enumerator(atPath: path)!.compactMap { $0 as? String }.sorted()
        return names.filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
            return !isFolder.boolValue && !name.contains("zarr") && !name.contains("zattrs")
        }
    }

    @Test(arguments: damaged)
    func aChunkCutAnywhereIsAnErrorThatNamesIt(name: String) throws {
        let matrix = try ZarrMatrix.get()
        guard let entry = matrix.arrays.first(where: { $0.name == name }) else {
            try #require(name.contains("snappy"), "only Snappy may be missing from the writer")
            return
        }
        let chunk = try #require(try copy(entry, from: matrix).first)
        let path = folder.path("\(name)/\(chunk)")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let array = try open(name)
        for length in Set([0, 1, 2, 3, 4, 7, 8, 15, 16, 17, bytes.count / 2, bytes.count - 4, bytes.count - 1]) {
            guard 0..<bytes.count ~= length else { continue }
            try bytes.prefix(length).write(to: URL(fileURLWithPath: path))
            let error = try #require(
                failure { _ = try array.readBytes(ArrayRegion(entry.shape)) },
                "cut to \(length) of \(bytes.count) bytes"
            )
            #expect(error.code == .invalidData, "\(error.message)")
            #expect(error.message.hasPrefix("DIR/\(name)/\(chunk): "), "\(error.message)")
            #expect(!error.message.contains("\n"))
        }
    }

    @Test(arguments: damaged)
    func randomDamageNeverCrashes(name: String) throws {
        let matrix = try ZarrMatrix.get()
        guard let entry = matrix.arrays.first(where: { $0.name == name }) else {
            try #require(name.contains("snappy"), "only Snappy may be missing from the writer")
            return
        }
        let chunk = try #require(try copy(entry, from: matrix).first)
        let path = folder.path("\(name)/\(chunk)")
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let array = try open(name)
        var random = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<(name == "z2-large" ? 30 : 200) {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Headers and indexes are at either end.
                let places = [0..<min(24, bytes.count), 0..<bytes.count, max(0, bytes.count - 64)..<bytes.count]
                let place = Int.random(in: places[Int.random(in: 0..<3, using: &random)], using: &random)
                damaged[place] = UInt8.random(in: 0...255, using: &random)
            }
            try Data(damaged).write(to: URL(fileURLWithPath: path))
            if let error = failure({ _ = try array.readBytes(ArrayRegion(entry.shape)) }) {
                refused += 1
                #expect(error.code == .invalidData, "\(error.message)")
                #expect(error.message.hasPrefix("DIR/\(name)/\(chunk): "), "\(error.message)")
            }
        }
        if name.contains("crc32c") { #expect(refused > 150) }
    }

    @Test func anIndexThatPointsOutOfItsShardNamesTheInnerChunk() throws {
        try write(version3(["codecs": Self.sharding()]), "a/zarr.json")
        let array = try open("a")
        let store = array.store
        // A shard of one inner chunk at byte 0, as we write it, whose offset is then changed together with the checksum.
        func shard(offset: UInt64, count: UInt64) -> [UInt8] {
            var index = [UInt8](repeating: 0xFF, count: 64)
            withUnsafeBytes(of: offset.littleEndian) { index.replaceSubrange(0..<8, with: $0) }
            withUnsafeBytes(of: count.littleEndian) { index.replaceSubrange(8..<16, with: $0) }
            var crc: UInt32 = .max
            for byte in index {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            }
            return [1, 0, 2, 0, 3, 0, 4, 0] + index + withUnsafeBytes(of: (~crc).littleEndian, Array.init)
        }
        let path = folder.path("a/c/0/0")
        try write("", "a/c/0/0")
        func read(_ bytes: [UInt8]) throws -> [UInt8] {
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            return try store.array(at: .root).readBytes(ArrayRegion([2, 4]))
        }
        #expect(try read(shard(offset: 0, count: 8)) == [1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0])
        for (offset, count) in [(1 << 40, 8), (0, 1 << 62), (UInt64.max - 3, 8), (70, 8), (0, UInt64.max)] {
            let error = try #require(failure { _ = try read(shard(offset: offset, count: count)) })
            #expect(error.code == .invalidData)
            #expect(
                error.message
                    == "DIR/a/c/0/0: inner chunk (0, 0): is damaged: it should be \(count) bytes at byte \(offset) of "
                    + "a shard of 76; copy it again from its source or compute it again"
            )
        }
        var wrong = shard(offset: 0, count: 8)
        wrong[8] = 1
        #expect(
            failure { _ = try read(wrong) }?.message.hasPrefix(
                "DIR/a/c/0/0: is damaged: the checksum of its shard index"
            )
                == true
        )
        #expect(
            failure { _ = try read(Array(wrong.prefix(60))) }?.message.hasPrefix(
                "DIR/a/c/0/0: is damaged: its 60 bytes are too few for the index of a shard, which takes 68"
            ) == true
        )
    }

    @Test func memoryNeverGrowsByWhatAHeaderClaims() async throws {
        let gigabytes = 1 << 33
        let chunks: [(compressor: String, bytes: [UInt8])] = [
            // A Zstandard frame with 8 bytes of content size and one run block.
            (#"{"id": "zstd"}"#, [0x28, 0xB5, 0x2F, 0xFD, 0xE0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0x10, 7]),
            // Blosc: a buffer that claims 2^31 - 17 bytes.
            (
                #"{"id": "blosc"}"#,
                [2, 1, 0x81, 1, 0xEF, 0xFF, 0xFF, 0x7F, 0, 0, 8, 0, 32, 0, 0, 0] + [UInt8](repeating: 9, count: 16)
            ),
            (#"{"id": "lz4"}"#, [0xFF, 0xFF, 0xFF, 0x7F, 0x1F, 7, 1, 0, 0xFF, 0xFF]),
            (#"{"id": "gzip"}"#, [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xED, 0xC1, 1, 1, 0, 0, 0, 0x80]),
            (#"{"id": "bz2"}"#, Array("BZh91AY&SY".utf8) + [0, 0, 0, 0, 0]),
            ("null", [1, 2, 3]),
        ]
        for (number, chunk) in chunks.enumerated() {
            let array = version2([
                "shape": "[\(gigabytes)]", "chunks": "[\(gigabytes)]", "dtype": "\"|u1\"",
                "compressor": chunk.compressor,
            ])
            try write(array, "\(number)/.zarray")
            try Data(chunk.bytes).write(to: folder.url.appendingPathComponent("\(number)/0"))
        }
        // 64 MiB of zeros in chunks that claim 1 MiB: bombs.
        for (number, codec) in [ZarrByteCodec.gzip(level: 9), .zstd(level: 1), .bz2(level: 9), .zlib(level: 9)]
            .enumerated()
        {
            let store = try ZarrStore.create(path: folder.path("bomb\(number)"))
            let metadata = try ZarrArrayMetadata(
                version: .two,
                shape: [1 << 26],
                chunkShape: [1 << 26],
                dataType: .uint8,
                compression: [codec]
            )
            let writer = try ZarrArrayWriter(creating: metadata, at: .root, in: store)
            try [UInt8](repeating: 0, count: 1 << 26).withUnsafeBytes {
                try writer.write($0, region: ArrayRegion([1 << 26]))
            }
            let path = folder.path("bomb\(number)/.zarray")
            let text = try String(contentsOfFile: path, encoding: .utf8).replacing("67108864", with: "1048576")
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        await #expect(processExitsWith: .success) { [folder = folder.url.path as String, count = chunks.count as Int] in
            func peak() throws -> Int {
                let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
                let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
                return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) })
            }
            let before = try peak()
            for name in (0..<count).map(String.init) + (0..<4).map({ "bomb\($0)" }) {
                let array = try ZarrStore(path: "\(folder)/\(name)").array(at: .root)
                let error = #expect(throws: DeconvolutionError.self, "\(name)") {
                    _ = try array.readBytes(ArrayRegion(origin: [5], shape: [3]))
                }
                #expect(error?.code == .invalidData, "\(name)")
                #expect(
                    error?.message.hasPrefix("\(folder)/\(name)/0: is damaged: ") == true,
                    "\(error?.message ?? "")"
                )
            }
            #expect(try peak() - before < 40_000, "kilobytes")
        }
    }

    /// Metadata with shards whose numbers of elements no Int holds, though their chunks are small.
    private func shards(_ shard: Int, _ inner: Int, within outer: Int? = nil, compressed: Bool = false) -> String {
        func sharding(_ chunk: Int, _ codecs: String) -> String {
            #"{"name": "sharding_indexed", "configuration": {"chunk_shape": [\#(chunk)], "codecs": [\#(codecs)], "#
                + #""index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}}"#
        }
        var codecs = sharding(inner, #"{"name": "bytes", "configuration": {"endian": "little"}}"#)
        if outer != nil { codecs = sharding(shard, codecs) }
        if compressed { codecs += #", {"name": "zstd"}"# }
        return version3([
            "shape": "[\(outer ?? shard)]", "codecs": "[\(codecs)]",
            "chunk_grid":
                #"{"name": "regular", "configuration": {"chunk_shape": [\#(outer ?? shard)]}}"#,
        ])
    }

    @Test func whatShardsClaimIsComputedWithoutOverflow() throws {
        for (shard, outer) in [(1 << 56, nil), (1 << 61, nil), (1 << 61, 1 << 62)] as [(Int, Int?)] {
            try write(shards(shard, 1 << 35, within: outer, compressed: true), "a/zarr.json")
            try write("not a frame", "a/c/0")
            let error = try #require(failure { _ = try open("a").readBytes(ArrayRegion([1])) })
            #expect(error.code == .invalidData)
            #expect(error.message.hasPrefix("DIR/a/c/0: is damaged: its zstd frame: "), "\(error.message)")
        }
    }

    @Test func aFileThatIsMostlyHolesIsRefusedBeforeItIsRead() throws {
        try write(shards(8, 4, compressed: true), "a/zarr.json")
        try write("", "a/c/0")
        #expect(truncate(folder.path("a/c/0"), 100 << 30) == 0)
        #expect(
            try #require(failure { _ = try open("a").readBytes(ArrayRegion([1])) })
                == (
                    .invalidData,
                    "DIR/a/c/0: is damaged: 107374182400 bytes are more than its shard takes encoded; copy it again from its "
                        + "source or compute it again"
                )
        )
    }

    @Test func axesThatClaimMoreThanThereAreNumbersAreDamage() throws {
        try write(
            version2(["shape": "[1099511627776, 3, 1099511627776, 8, 8, 8]", "chunks": "[1, 1, 1, 8, 8, 8]"]),
            "a/.zarray"
        )
        let error = try #require(failure { _ = try ZarrSource(path: folder.path("a")) })
        #expect(error.code == .invalidData)
        #expect(error.message == "DIR/a: is damaged: it claims more elements than memory has; write it again")
    }

    @Test func aRegionThatMemoryCannotHoldIsAnError() throws {
        try write(version2(["shape": "[1099511627776, 1099511627776]"]), "a/.zarray")
        let array = try open("a")
        #expect(failure { _ = try array.readBytes(ArrayRegion([1 << 40, 1 << 40])) }?.code == .outOfMemory)
        #expect(
            try array.readBytes(ArrayRegion(origin: [(1 << 40) - 1, (1 << 40) - 2], shape: [1, 2])) == [0, 0, 0, 0]
        )
    }
}
