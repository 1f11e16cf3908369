package import DeconvVolume
import Dispatch
import Foundation
import Synchronization

extension ZarrSource {
    /// Looks which chunk files there are, once; see `ImageFileSource.surveyChunks`.
    ///
    /// Few are asked for one by one. For many their folders are listed, which takes time by what there is and not by what the
    /// metadata claim.
    package func surveyChunks(
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) -> ChunkSurvey? {
        let search = try ChunkSearch(self, channels: channels, timepoints: timepoints, withStamps: withStamps)
        let tally = try search.tally()
        if tally.foundCount == 0 { try search.requireNoOtherNames() }
        var survey = ChunkSurvey(wantedCount: search.wantedCount, foundCount: tally.foundCount)
        if tally.foundCount < search.wantedCount {
            let (metadata, kind) = (array.metadata, array.metadata.isSharded ? "shards" : "chunks")
            let fill = metadata.fillValue.isZero ? "0" : metadata.fillValue.json(metadata.dataType, .three).line
            survey.diagnostics = [
                Diagnostic(
                    .chunksMissing,
                    "\(subject: array.name.inMessage): \(kind) that are not there count as \(fill); copy the store again if its source "
                        + "has them",
                    figures: "\(search.wantedCount - tally.foundCount) of \(search.wantedCount)"
                )
            ]
        }
        guard withStamps else { return survey }
        survey.stamp = tally.stamps.values.reduce(0, &+)
        for (timeNumber, timepoint) in (timepoints ?? Array(0..<image.timepointCount)).enumerated() {
            for (channelNumber, channel) in (channels ?? Array(0..<image.channelCount)).enumerated() {
                let volume = VolumePosition(channel: channelNumber, timepoint: timeNumber)
                survey.stamps[volume] = tally.stamps[search.group(channel: channel, timepoint: timepoint)] ?? 0
            }
        }
        return survey
    }
}

extension ZarrFillValue {
    /// Whether all of its bits are 0.
    fileprivate var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
}

/// What was found.
private struct ChunkTally: Sendable {
    var foundCount = 0
    /// Sums over the files of all volumes that share chunks, by the numbers of these along the axes that are none of a volume.
    var stamps: [[Int]: UInt64] = [:]

    mutating func add(_ other: ChunkTally) {
        foundCount += other.foundCount
        stamps.merge(other.stamps, uniquingKeysWith: &+)
    }
}

/// Looks for chunk files.
private struct ChunkSearch: Sendable {
    /// Chunks along an axis that are looked for.
    private struct Wanted: Sendable {
        var all: Range<Int>
        /// Those among them, in order; nil for all.
        var some: [Int]?
        private let set: Set<Int>

        init(_ count: Int, _ chunk: Int, _ indices: [Int]?) {
            all = 0..<(count - 1) / chunk + 1
            set = Set((indices ?? []).map { $0 / chunk })
            some = indices == nil ? nil : set.sorted()
        }

        var count: Int { some?.count ?? all.count }

        subscript(position: Int) -> Int { some?[position] ?? position }

        func contains(_ index: Int) -> Bool { some == nil ? all.contains(index) : set.contains(index) }
    }

    private let array: ZarrArray
    private let layout: ArrayLayout
    private let threadCount: Int
    private let withStamps: Bool
    private let wanted: [Wanted]
    /// The numbers of the axes that are none of a volume.
    private let outerAxes: [Int]
    /// The array's folder without links in its path; nil where there is none.
    private let folder: String?
    let wantedCount: Int

    /// So many files are asked for one by one.
    private static let fewFiles = 1 << 14

    init(
        _ source: ZarrSource,
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) {
        array = source.array
        layout = source.layout
        threadCount = source.threadCount
        self.withStamps = withStamps
        let metadata = source.array.metadata
        let timeAxes = source.layout.timeAxes
        outerAxes = layout.axes.indices.filter { ![.z, .y, .x].contains(source.layout.axes[$0]) }
        wanted = metadata.shape.indices.map { axis in
            // Where several axes count as time, all of each are read.
            let indices =
                source.layout.axes[axis] == .channel ? channels : timeAxes == [axis] ? timepoints : nil
            return Wanted(metadata.shape[axis], metadata.chunkShape[axis], indices)
        }
        wantedCount = Int.product(wanted.map(\.count)) ?? .max
        folder = try source.array.store.resolved(source.array.path.text)
    }

    /// Which entry of a tally's stamps a volume's is.
    func group(channel: Int, timepoint: Int) -> [Int] {
        let region = layout.region(Region(layout.volumeShape), channel: channel, timepoint: timepoint)
        return outerAxes.map { region.origin[$0] / array.metadata.chunkShape[$0] }
    }

    func tally() throws(DeconvolutionError) -> ChunkTally {
        if wantedCount <= Self.fewFiles { return askOneByOne() }
        return array.metadata.chunkKeys.separator == .slash ? try walkFolders() : try listFolder()
    }

    // MARK: - Looking

    private func askOneByOne() -> ChunkTally {
        var tally = ChunkTally()
        for number in 0..<wantedCount {
            var rest = number
            var index = wanted.map { _ in 0 }
            for axis in wanted.indices.reversed() {
                index[axis] = wanted[axis][rest % wanted[axis].count]
                rest /= wanted[axis].count
            }
            look(index, into: &tally)
        }
        return tally
    }

    /// Counts a file, if it is there.
    private func look(_ index: [Int], into tally: inout ChunkTally) {
        guard let folder else { return }
        let path = "\(folder)/\(array.metadata.chunkKeys.key(index))"
        var status = stat()
        guard stat(path, &status) == 0 else {
            // What cannot be reached is there, and reading it will tell.
            let isMissing = errno == ENOENT && lstat(path, &status) != 0
            if !isMissing { count(index, nil, into: &tally) }
            return
        }
        count(index, status, into: &tally)
    }

    private func count(_ index: [Int], _ status: stat?, into tally: inout ChunkTally) {
        tally.foundCount += 1
        guard withStamps else { return }
        var hash: UInt64 = 0x243F_6A88_85A3_08D3
        func mix(_ value: Int) {
            hash = (hash ^ UInt64(bitPattern: Int64(value))) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        for number in index { mix(number) }
        if let status {
            mix(Int(status.st_size))
            mix(status.st_mtim.tv_sec)
            mix(status.st_mtim.tv_nsec)
        }
        // In whatever order they come.
        tally.stamps[outerAxes.map { index[$0] }, default: 0] &+= hash
    }

    /// Names such as `0.1.2`, all in one folder.
    private func listFolder() throws(DeconvolutionError) -> ChunkTally {
        var tally = ChunkTally()
        var found: [[Int]] = []
        func flush() throws(DeconvolutionError) {
            tally.add(
                try share(stride(from: 0, to: found.count, by: 256).map { found[$0..<min($0 + 256, found.count)] }) {
                    (part, tally) in
                    for index in part { look(index, into: &tally) }
                }
            )
            found = []
        }
        try array.store.forEachName(in: array.path.text) { (name) throws(DeconvolutionError) in
            guard let index = index(name), zip(wanted, index).allSatisfy({ $0.contains($1) }) else { return }
            guard withStamps else { return tally.foundCount += 1 }
            found.append(index)
            if found.count == 1 << 16 { try flush() }
        }
        try flush()
        return tally
    }

    /// The number of a chunk along each axis by a name with dots; nil for what is none.
    private func index(_ name: String) -> [Int]? {
        var parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if case .standard = array.metadata.chunkKeys {
            guard parts.first.map({ $0.elementsEqual("c".utf8) }) == true else { return nil }
            parts.removeFirst()
        }
        guard parts.count == wanted.count else { return nil }
        let index = parts.compactMap { Self.number(Substring($0)) }
        return index.count == wanted.count ? index : nil
    }

    /// A number as names have it: nothing else means the same.
    private static func number(_ text: some StringProtocol) -> Int? {
        Int(text).flatMap { $0 >= 0 && String($0) == text ? $0 : nil }
    }

    /// Names such as `0/1/2`, in folders of folders, a level of folders after the other.
    private func walkFolders() throws(DeconvolutionError) -> ChunkTally {
        let first = if case .standard = array.metadata.chunkKeys { array.path.key("c") } else { array.path.text }
        var folders: [(key: String, index: [Int])] = [(first, [])]
        for axis in 0..<wanted.count - 1 {
            let deeper = Mutex<[(key: String, index: [Int])]>([])
            _ = try share(folders) { (folder, _) throws(DeconvolutionError) in
                var found: [(key: String, index: [Int])] = []
                try array.store.forEachName(in: folder.key) { (name) throws(DeconvolutionError) in
                    guard let number = Self.number(name), wanted[axis].contains(number) else { return }
                    found.append(("\(folder.key)\(folder.key.isEmpty ? "" : "/")\(name)", folder.index + [number]))
                }
                deeper.withLock { [found] in $0 += found }
            }
            folders = deeper.withLock { $0 }
        }
        let last = wanted.count - 1
        return try share(folders) { (folder, tally) throws(DeconvolutionError) in
            try array.store.forEachName(in: folder.key) { (name) throws(DeconvolutionError) in
                guard let number = Self.number(name), wanted[last].contains(number) else { return }
                if withStamps { look(folder.index + [number], into: &tally) } else { tally.foundCount += 1 }
            }
        }
    }

    /// Calls `body` for each item on several threads, and adds up what was found.
    private func share<Item: Sendable>(
        _ items: [Item],
        _ body: @Sendable (Item, inout ChunkTally) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> ChunkTally {
        let next = Atomic(0)
        let total = Mutex(ChunkTally())
        let failure = Mutex<DeconvolutionError?>(nil)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threadCount, items.count))) { _ in
            var tally = ChunkTally()
            while failure.withLock({ $0 == nil }) {
                let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if number >= items.count { break }
                do throws(DeconvolutionError) { try body(items[number], &tally) } catch {
                    failure.withLock { $0 = $0 ?? error }
                }
            }
            total.withLock { [tally] in $0.add(tally) }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return total.withLock { $0 }
    }

    // MARK: - Other names

    /// Refuses an array of which no chunk is there, while files are that other metadata would call its chunks.
    func requireNoOtherNames() throws(DeconvolutionError) {
        let keys = array.metadata.chunkKeys
        var other: (keys: ZarrChunkKeys, name: String)?
        for separator in ZarrChunkKeys.Separator.allCases {
            for candidate in [ZarrChunkKeys.standard(separator: separator), .version2(separator: separator)] {
                guard let name = try example(candidate) else { continue }
                // Other chunks of the array than those that are read.
                if candidate == keys { return }
                other = other ?? (candidate, name)
            }
        }
        guard let other else { return }
        let file = array.metadata.version == .two ? ZarrMetadataFile.array : ZarrMetadataFile.version3
        throw DeconvolutionError(
            .invalidData,
            "\(array.name.inMessage): has no chunk with a name such as \(keys.key(wanted.map { $0[0] })), as its metadata say, "
                + "but others such as \(other.name); correct how \(file) names chunks, or copy the store again from its source"
        )
    }

    /// The name of a file that is a chunk where chunks are named like that; nil where there is none.
    private func example(_ keys: ZarrChunkKeys) throws(DeconvolutionError) -> String? {
        let hasPrefix = if case .standard = keys { true } else { false }
        guard keys.separator == .slash else {
            return try firstName(in: "") { name in
                var parts = name.split(separator: ".", omittingEmptySubsequences: false)[...]
                if hasPrefix { guard parts.popFirst() == "c" else { return false } }
                return parts.count == wanted.count && parts.allSatisfy { Self.number($0) != nil }
            }
        }
        var name = hasPrefix ? "c" : ""
        for _ in wanted {
            guard let next = try firstName(in: name, { Self.number($0) != nil }) else { return nil }
            name += (name.isEmpty ? "" : "/") + next
        }
        return name
    }

    private func firstName(
        in folder: String,
        _ isMeant: (String) -> Bool
    ) throws(DeconvolutionError) -> String? {
        var first: String?
        try array.store.forEachName(in: folder.isEmpty ? array.path.text : array.path.key(folder)) {
            (name) throws(DeconvolutionError) in
            if isMeant(name), first.map({ NaturalOrder.precedes(name, $0) }) ?? true { first = name }
        }
        return first
    }
}
