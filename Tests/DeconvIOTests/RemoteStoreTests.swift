@testable import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Stores behind a URL, on servers of this machine that behave well or badly.
@Suite struct RemoteStoreTests {
    private let folder = try! TemporaryFolder()

    /// Short, so that a test of failures takes no time.
    private static let patience = RemoteClient.Patience(attempts: 3, firstDelay: 0.01, stallSeconds: 1)

    private static func server(_ folder: TemporaryFolder) throws -> TestServer {
        try TestServer(Fixtures.url("Server/serve_files.py"), [folder.url.path])
    }

    /// `data.zarr`: `raw` of (channel, time, z, y, x) with a chunk a volume, `bare` with a chunk that is not compressed, and `shards`
    /// of more bytes than are read at once.
    private func makeStore() throws -> ZarrStore {
        let store = try ZarrStore.create(path: folder.path("data.zarr"))
        func add(_ name: String, _ metadata: ZarrArrayMetadata) throws {
            let writer = try ZarrArrayWriter(creating: metadata, at: ZarrPath(name), in: store)
            var random = SeededGenerator(seed: 3)
            let count = metadata.shape.reduce(metadata.dataType.byteCount, *)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            try bytes.withUnsafeBytes { try writer.write($0, region: ArrayRegion(metadata.shape)) }
        }
        let (shape, chunk) = ([2, 3, 4, 6, 10], [1, 1, 4, 6, 10])
        try add("raw", ZarrArrayMetadata(version: .three, shape: shape, chunkShape: chunk, dataType: .uint16))
        try add(
            "bare",
            ZarrArrayMetadata(version: .three, shape: shape, chunkShape: chunk, dataType: .uint16, compression: [])
        )
        let large = [1, 1, 8, 80, 100]
        try add(
            "shards",
            ZarrArrayMetadata(
                version: .three,
                shape: large,
                chunkShape: large,
                innerChunkShape: [1, 1, 2, 40, 100],
                dataType: .uint16
            )
        )
        return store
    }

    private func open(
        _ url: String,
        account: RemoteAccount? = nil,
        patience: RemoteClient.Patience = patience
    ) throws -> ZarrSource {
        let place = try RemoteURL(url)
        let client = try RemoteClient(for: place, account: account ?? RemoteAccount([:]), patience: patience)
        let (storage, path) = try RemoteStorage.locate(place, client)
        let array = try ZarrStore(storage).array(at: path)
        return try ZarrSource(array, layout: ArrayLayout(axes: "ctzyx", shape: array.metadata.shape, of: array.name))
    }

    /// Holds everything of two sources against each other: whole volumes, and parts of them.
    private func expectSame(_ remote: ZarrSource, _ name: String) throws {
        let local = try ZarrSource(path: folder.path("data.zarr/\(name)"), axes: "ctzyx")
        #expect(remote.image == local.image)
        let shape = local.image.shape
        let part = Region(
            origin: VolumeIndex(z: 1, y: 2, x: 3),
            shape: VolumeShape(z: shape.z - 2, y: shape.y - 3, x: shape.x - 5)
        )
        for volume in local.image.volumes {
            for region in [Region(shape), part] {
                let (channel, timepoint) = (volume.channel, volume.timepoint)
                #expect(
                    try remote.read(region, channel: channel, timepoint: timepoint)
                        == local.read(region, channel: channel, timepoint: timepoint)
                )
            }
        }
    }

    /// A server as it should be, one that is busy and one that cuts what it sends, each at first, and one without ranges.
    @Test(arguments: ["good", "busy", "cuts", "plain"], ["raw", "bare", "shards"])
    func whatAServerHasReadsAsTheFilesDo(fault: String, name: String) throws {
        _ = try makeStore()
        let server = try Self.server(folder)
        try expectSame(open("\(server.url)/\(fault)/data.zarr/\(name)"), name)
    }

    /// Of a shard only what is wanted comes, and metadata come once.
    @Test func fewRequestsAreMade() throws {
        _ = try makeStore()
        let server = try Self.server(folder)
        func count() throws -> Int {
            let place = try RemoteURL("\(server.url)/count")
            let client = try RemoteClient(for: place, account: RemoteAccount([:]), patience: Self.patience)
            let body = try #require(try client.ask(place, for: .whole(atMost: 100))?.body)
            let text = try String(decoding: body.bytes(at: 0, count: body.byteCount), as: UTF8.self)
            return try #require(Int(text))
        }
        let source = try open("\(server.url)/good/data.zarr/shards")
        let opened = try count()
        let plane = Region(origin: VolumeIndex(z: 3, y: 0, x: 0), shape: VolumeShape(z: 1, y: 40, x: 100))
        _ = try source.read(plane, channel: 0, timepoint: 0)
        // The end of the shard, in which the index is, and one of its chunks; a request that counts.
        #expect(try count() - opened == 3)
        _ = try source.read(plane, channel: 0, timepoint: 0)
        #expect(try count() - opened == 4)
    }

    @Test(arguments: [
        ("broken", "the server answered 503, 3 times; try again later"),
        ("cut", "what the server sent was cut off after "),
        (
            "stall",
            "the server was silent for 1 s, 3 times; check the network, or set GPUDECONV_NETWORK_TIMEOUT to more seconds"
        ),
    ])
    func aServerThatFailsAgainAndAgainIsAnErrorThatSaysHow(fault: String, problem: String) throws {
        _ = try makeStore()
        let server = try Self.server(folder)
        let url = "\(server.url)/\(fault)/data.zarr"
        let error = try #require(failure { _ = try open(url + "/raw") })
        #expect(error.code == .inputOutput)
        #expect(error.message.hasPrefix("\(url)/raw/zarr.json: \(problem)"), "\(error.message)")
    }

    @Test func whatIsNotThereOrMayNotBeReadIsSaid() throws {
        let store = try makeStore()
        let server = try Self.server(folder)
        let missing = try #require(failure { _ = try open("\(server.url)/good/data.zarr/none") })
        #expect(
            missing.code == .inputNotFound && missing.message.contains("data.zarr/none: has no Zarr array or group")
        )
        let denied = try #require(failure { _ = try open("\(server.url)/denied/other.zarr") })
        #expect(denied.code == .inputNotFound && denied.message.contains("the server answered 403; check the URL"))
        // A port that nobody listens at, and what is no URL.
        let closed = try #require(failure { _ = try open("http://127.0.0.1:1/a.zarr") })
        #expect(
            closed.code == .inputOutput
                && closed.message.contains("the server cannot be reached, 3 times; check the URL")
        )
        #expect(failure { _ = try RemoteURL("s3://") }?.code == .invalidArgument)
        #expect(failure { _ = try RemoteURL("http://a/../b") }?.code == .invalidArgument)
        // Neither a password nor a signature is shown.
        let secret = try RemoteURL("https://me:word@host:8080/a.zarr?signature=1")
        #expect(secret.shown == "https://host:8080/a.zarr")
        #expect(
            try RemoteAccount([:]).url(of: secret.file("c/0 1"))
                == "https://me:word@host:8080/a.zarr/c/0%201?signature=1"
        )
        // A chunk that is gone is 0 and said; where the server says 403 of it, nobody can tell.
        try FileManager.default.removeItem(atPath: folder.path("data.zarr/raw/c/1/2/0/0/0"))
        for fault in ["good", "denied"] {
            let source = try open("\(server.url)/\(fault)/data.zarr/raw")
            guard fault == "good" else {
                let error = failure { _ = try source.readVolume(channel: 1, timepoint: 2) }
                #expect(
                    error?.code == .inputNotFound
                        && error?.message.contains("/c/1/2/0/0/0: the server answered 403") == true
                )
                continue
            }
            #expect(source.readingDiagnostics.isEmpty)
            #expect(try source.readVolume(channel: 1, timepoint: 2).floats.allSatisfy { $0 == 0 })
            #expect(
                source.readingDiagnostics.map(\.description) == [
                    "\(source.name): chunks that are not there count as 0; copy the store again if its source has them "
                        + "(1 of those read; channel 1, time point 2: 1)"
                ]
            )
            #expect(try source.surveyChunks()?.diagnostics.first?.figures == "1 of 6; channel 1, time point 2: 1 of 1")
        }
        // Chunks with other names than the metadata say.
        let metadata = try #require(try store.json("raw/zarr.json"))
        let text = metadata.text.replacingOccurrences(of: "\"default\"", with: "\"v2\"")
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("data.zarr/raw/zarr.json")))
        let renamed = try open("\(server.url)/good/data.zarr/raw")
        #expect(failure { _ = try renamed.surveyChunks() }?.message.contains("but others such as c/0/0/0/0/0") == true)
    }

    /// The variables that tools for S3 heed.
    @Test func bucketsAreFoundWhereVariablesSay() throws {
        let file = try RemoteURL("s3://images/a b.zarr").file("c/0")
        func url(_ environment: [String: String], _ url: RemoteURL) throws -> String {
            try RemoteAccount(environment).url(of: url)
        }
        #expect(try url([:], file) == "https://images.s3.amazonaws.com/a%20b.zarr/c/0")
        #expect(
            try url(["AWS_REGION": "eu-west-2"], file) == "https://images.s3.eu-west-2.amazonaws.com/a%20b.zarr/c/0"
        )
        #expect(try url(["AWS_ENDPOINT_URL": "http://h:1/"], file) == "http://h:1/images/a%20b.zarr/c/0")
        #expect(
            try url(["AWS_DEFAULT_REGION": "x"], RemoteURL("s3://a.b/c")) == "https://s3.x.amazonaws.com/a.b/c"
        )
        #expect(failure { _ = try RemoteAccount(["AWS_ACCESS_KEY_ID": "x"]) }?.code == .invalidArgument)
    }

    /// Everybody's files without credentials, and others by a signature that the server checks.
    @Test func aBucketReadsAsTheFilesDo() throws {
        _ = try makeStore()
        for mode in ["open", "signed"] {
            let server = try TestServer(Fixtures.url("Server/serve_s3.py"), [folder.path("data.zarr"), mode])
            var variables = ["AWS_ENDPOINT_URL_S3": server.url]
            if mode == "signed" {
                variables["AWS_ACCESS_KEY_ID"] = server.words[1]
                variables["AWS_SECRET_ACCESS_KEY"] = server.words[2]
            }
            for name in mode == "open" ? ["raw"] : ["raw", "shards"] {
                try expectSame(open("s3://images/data.zarr/\(name)", account: RemoteAccount(variables)), name)
            }
            guard mode == "signed" else { continue }
            variables["AWS_SECRET_ACCESS_KEY"] = "another"
            let error = failure { _ = try open("s3://images/data.zarr/raw", account: RemoteAccount(variables)) }
            #expect(error?.code == .inputNotFound)
            #expect(
                error?.message.contains("the server answered 403 (SignatureDoesNotMatch)") == true,
                "\(error?.message ?? "")"
            )
        }
    }
}
