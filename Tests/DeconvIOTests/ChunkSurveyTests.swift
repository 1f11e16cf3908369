import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct ChunkSurveyTests {
    private let folder = try! TemporaryFolder()

    /// Both versions' ways to name chunks, with a chunk's name by its number along each axis.
    private static let namings:
        [(name: String, version: ZarrVersion, members: String, key: @Sendable ([Int]) -> String)] =
            [
                ("dots", .two, #""dimension_separator": ".", "#, { $0.map(String.init).joined(separator: ".") }),
                ("nothing said", .two, "", { $0.map(String.init).joined(separator: ".") }),
                ("slashes", .two, #""dimension_separator": "/", "#, { $0.map(String.init).joined(separator: "/") }),
                (
                    "c and slashes", .three, #""chunk_key_encoding": {"name": "default"}, "#,
                    { (["c"] + $0.map(String.init)).joined(separator: "/") }
                ),
                (
                    "c and dots", .three,
                    #""chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}}, "#,
                    { (["c"] + $0.map(String.init)).joined(separator: ".") }
                ),
                (
                    "version 2's dots", .three, #""chunk_key_encoding": {"name": "v2"}, "#,
                    { $0.map(String.init).joined(separator: ".") }
                ),
            ]

    /// An array of uint8 without chunks, as its metadata say it.
    private func make(_ name: String, _ naming: Int, shape: [Int], chunks: [Int], fill: Int = 0) throws -> URL {
        let url = folder.url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let (version, members) = (Self.namings[naming].version, Self.namings[naming].members)
        let text =
            version == .two
            ? """
            {"zarr_format": 2, \(members)"shape": \(shape), "chunks": \(chunks), "dtype": "|u1", "compressor": null,
            "fill_value": \(fill), "order": "C", "filters": null}
            """
            : """
            {"zarr_format": 3, "node_type": "array", \(members)"shape": \(shape), "data_type": "uint8", "fill_value": \(fill),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": \(chunks)}}, "codecs": [{"name": "bytes"}]}
            """
        try Data(text.utf8).write(to: url.appendingPathComponent(version == .two ? ".zarray" : "zarr.json"))
        return url
    }

    /// Makes files of one byte.
    private func fill(_ url: URL, _ keys: some Sequence<String>) throws {
        for key in keys {
            let file = url.appendingPathComponent(key)
            if !FileManager.default.createFile(atPath: file.path, contents: Data([7])) {
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try #require(FileManager.default.createFile(atPath: file.path, contents: Data([7])))
            }
        }
    }

    private func indices(_ counts: [Int]) -> [[Int]] {
        counts.reduce([[]]) { all, count in all.flatMap { start in (0..<count).map { start + [$0] } } }
    }

    private func survey(
        _ url: URL,
        channels: [Int]? = nil,
        timepoints: [Int]? = nil,
        withStamps: Bool = true
    ) throws -> ChunkSurvey {
        let source = try ZarrSource(path: url.path, axes: "ctzyx", threadCount: 3)
        return try #require(
            try source.surveyChunks(channels: channels, timepoints: timepoints, withStamps: withStamps)
        )
    }

    /// Few, which are asked for one by one, and many, whose folders are listed.
    @Test(arguments: 0..<6, [4, 41])
    func missingChunksAreCountedOverWhatIsRead(naming: Int, side: Int) throws {
        // Chunks of 2 channels and 3 time points, the last ones cut off: 2 x 3 x 2 x side x side.
        let url = try make("a.zarr", naming, shape: [3, 7, 2, side, side], chunks: [2, 3, 1, 1, 1])
        let all = indices([2, 3, 2, side, side])
        let key = Self.namings[naming].key
        try fill(url, all.map(key))
        let whole = try survey(url)
        #expect(whole.wantedCount == all.count && whole.foundCount == all.count)
        #expect(whole.diagnostics.isEmpty)
        #expect(whole.stamps.count == 21)

        let files = FileManager.default
        for index in [[0, 0, 0, 0, 0], [1, 0, 1, 3, 2], [1, 2, 0, 1, 1], [1, 2, 1, 3, 3]] {
            try files.removeItem(at: url.appendingPathComponent(key(index)))
        }
        // What is none of its chunks.
        try fill(url, ["07", ".0.0.0.0.0", "notes.txt", key([0, 0, 0, 0, 99]), key([7, 0, 0, 0, 0])])
        let lost = try survey(url)
        #expect(lost.foundCount == all.count - 4)
        #expect(
            lost.diagnostics.map(\.description) == [
                "\(url.path): chunks that are not there count as 0; copy the store again if its source has them (4 of "
                    + "\(all.count); channel 0, time point 0: 1 of \(2 * side * side); channel 1, time point 0: 1 of "
                    + "\(2 * side * side); channel 2, time point 0: 1 of \(2 * side * side); 7 more volumes)"
            ]
        )
        // A chunk is one of all volumes that it holds part of, and of no other.
        let changed = whole.stamps.filter { lost.stamps[$0.key] != $0.value }.map(\.key)
        #expect(
            Set(changed)
                == Set(
                    [(0, 0..<3), (1, 0..<3), (2, 0..<3), (2, 6..<7)].flatMap { channel, times in
                        times.map { VolumePosition(channel: channel, timepoint: $0) }
                    }
                )
        )
        // Of a selection: channel 2 lies in the second chunk, time points 6 and 0 in the third and the first.
        let part = try survey(url, channels: [2], timepoints: [6, 0])
        #expect(part.wantedCount == 2 * 2 * side * side && part.foundCount == part.wantedCount - 3)
        #expect(
            part.stamps[VolumePosition(channel: 0, timepoint: 0)]
                == lost.stamps[VolumePosition(channel: 2, timepoint: 6)]
        )
        #expect(
            part.stamps[VolumePosition(channel: 0, timepoint: 1)]
                == lost.stamps[VolumePosition(channel: 2, timepoint: 0)]
        )
        #expect(try survey(url, channels: [2], timepoints: [6, 0], withStamps: false).foundCount == part.foundCount)
        #expect(try survey(url, channels: [0], timepoints: [3, 4, 5]).diagnostics.isEmpty)

        // Another time, another length.
        let file = url.appendingPathComponent(key([0, 1, 0, 2, 2])).path
        for change in 0..<2 {
            let before = try survey(url)
            if change == 0 {
                try Data([7, 7]).write(to: URL(fileURLWithPath: file))
            } else {
                try files.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: file)
            }
            let now = try survey(url)
            #expect(now.foundCount == before.foundCount && now.stamp != before.stamp)
            let changed = now.stamps.filter { before.stamps[$0.key] != $0.value }.map(\.key)
            #expect(Set(changed.map(\.timepoint)) == [3, 4, 5] && Set(changed.map(\.channel)) == [0, 1])
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func countingTakesTimeByWhatIsThereAndNotByWhatIsClaimed() throws {
        for naming in [0, 2, 3] {
            let url = try make(
                "\(naming).zarr",
                naming,
                shape: [1, 1, 1 << 40, 64, 64],
                chunks: [1, 1, 1, 1, 1],
                fill: 3
            )
            try fill(url, [[0, 0, 5, 0, 0], [0, 0, 1 << 39, 63, 0]].map(Self.namings[naming].key))
            let found = try survey(url)
            #expect(found.foundCount == 2 && found.wantedCount == 1 << 52)
            #expect(
                found.diagnostics.first?.message.contains("count as 3;") == true
                    && found.diagnostics.first?.figures == "\((1 << 52) - 2) of \(1 << 52)"
            )
        }
    }

    @Test func shardsAreCountedAndNotWhatIsInThem() throws {
        let metadata = try ZarrArrayMetadata(
            version: .three,
            shape: [1, 1, 4, 4, 4],
            chunkShape: [1, 1, 2, 4, 4],
            innerChunkShape: [1, 1, 1, 2, 2],
            dataType: .uint16
        )
        let store = try ZarrStore.create(path: folder.path("a.zarr"))
        let writer = try ZarrArrayWriter(creating: metadata, at: .root, in: store)
        let half = ArrayRegion(origin: [0, 0, 2, 0, 0], shape: [1, 1, 2, 4, 4])
        try [UInt8](repeating: 1, count: 64).withUnsafeBytes { try writer.write($0, region: half) }
        let found = try survey(folder.url.appendingPathComponent("a.zarr"))
        #expect(found.wantedCount == 2 && found.foundCount == 1)
        #expect(
            found.diagnostics.first?.message.contains("shards that are not there count as 0;") == true
                && found.diagnostics.first?.figures == "1 of 2"
        )
    }

    /// Files of another naming beside no chunk at all are those of other metadata.
    @Test func chunksWithOtherNamesAreAnErrorThatNamesBoth() throws {
        for naming in Self.namings.indices {
            for other in Self.namings.indices {
                let url = try make(
                    "\(naming)-\(other).zarr",
                    naming,
                    shape: [1, 1, 2, 12, 4],
                    chunks: [1, 1, 1, 1, 4]
                )
                try fill(url, indices([1, 1, 2, 12, 1]).dropFirst(3).map(Self.namings[other].key))
                let isSame = Self.namings[naming].key([1, 2]) == Self.namings[other].key([1, 2])
                let error = failure { try #require(survey(url).foundCount == 21) }
                guard !isSame else {
                    #expect(error == nil)
                    continue
                }
                #expect(error?.code == .invalidData)
                let file = Self.namings[naming].version == .two ? ".zarray" : "zarr.json"
                let (wanted, there) = (
                    Self.namings[naming].key([0, 0, 0, 0, 0]), Self.namings[other].key([0, 0, 0, 3, 0])
                )
                #expect(
                    error?.message
                        == "\(url.path): has no chunk with a name such as \(wanted), as its metadata say, but others such as "
                        + "\(there); correct how \(file) names chunks, or copy the store again from its source"
                )
            }
        }
    }

    @Test func anArrayWithoutAnyChunkIsSaidToBeEmpty() throws {
        for naming in Self.namings.indices {
            let url = try make("\(naming).zarr", naming, shape: [1, 1, 2, 2, 4], chunks: [1, 1, 1, 1, 4])
            try fill(url, ["notes.txt", ".DS_Store", "0.0", "c.txt"])
            let found = try survey(url)
            #expect(found.diagnostics.map(\.kind) == [.chunksMissing] && found.diagnostics.first?.figures == "4 of 4")
            // Chunks of volumes that are not read are no other naming.
            let later = try make("later\(naming).zarr", naming, shape: [1, 3, 1, 2, 4], chunks: [1, 1, 1, 2, 4])
            try fill(later, [Self.namings[naming].key([0, 2, 0, 0, 0])])
            #expect(try survey(later, timepoints: [0, 1]).foundCount == 0)
        }
    }
}
