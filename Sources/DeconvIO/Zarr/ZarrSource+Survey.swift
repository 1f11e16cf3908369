package import DeconvVolume
import Dispatch
import Foundation
import Synchronization

extension ZarrSource {
    /// Looks which chunk files there are, once; see `ImageFileSource.surveyChunks`.
    ///
    /// Few are asked for one by one. For many their folders are listed, which takes time by what there is and not by what the
    /// metadata claim. A server cannot list them: of many, reading has to tell.
    package func surveyChunks(
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) -> ChunkSurvey? {
        let search = ChunkSearch(self, channels: channels, timepoints: timepoints, withStamps: withStamps)
        guard array.store.storage.isListed || search.wantedCount <= ChunkSearch.fewRequests else {
            try search.requireNoOtherNames()
            return nil
        }
        let tally = try search.tally()
        missing.stopNoting()
        if tally.foundCount == 0 { try search.requireNoOtherNames() }
        var survey = ChunkSurvey(wantedCount: search.wantedCount, foundCount: tally.foundCount)
        let (timepoints, channels) = (
            timepoints ?? Array(0..<image.timepointCount), channels ?? Array(0..<image.channelCount)
        )
        if tally.foundCount < search.wantedCount {
            var counts = MissingCounts()
            if tally.foundCount > 0 {
                for timepoint in timepoints {
                    for channel in channels {
                        let found = tally.counts[search.group(channel: channel, timepoint: timepoint)] ?? 0
                        counts.add(search.countPerVolume - found, channel: channel, timepoint: timepoint)
                    }
                }
            }
            let figures = "\(search.wantedCount - tally.foundCount) of \(search.wantedCount)"
            survey.diagnostics = [chunksMissing(figures + counts.text(in: image, of: search.countPerVolume))]
        }
        guard withStamps else { return survey }
        survey.stamp = tally.stamps.values.reduce(0, &+)
        for (timeNumber, timepoint) in timepoints.enumerated() {
            for (channelNumber, channel) in channels.enumerated() {
                let volume = VolumePosition(channel: channelNumber, timepoint: timeNumber)
                survey.stamps[volume] = tally.stamps[search.group(channel: channel, timepoint: timepoint)] ?? 0
            }
        }
        return survey
    }

    /// What is said of chunks that are not there.
    private func chunksMissing(_ figures: String) -> Diagnostic {
        let (metadata, kind) = (array.metadata, array.metadata.isSharded ? "shards" : "chunks")
        let fill = metadata.fillValue.isZero ? "0" : metadata.fillValue.json(metadata.dataType, .three).line
        return Diagnostic(
            .chunksMissing,
            "\(subject: array.name.inMessage): \(kind) that are not there count as \(fill); copy the store again if its source "
                + "has them",
            figures: "\(figures)"
        )
    }

    /// What reading found missing that no survey could see.
    package var readingDiagnostics: [Diagnostic] {
        let missing = missing.found
        guard !missing.isEmpty else { return [] }
        var counts = MissingCounts()
        for (volume, chunks) in missing.sorted(by: {
            ($0.key.timepoint, $0.key.channel) < ($1.key.timepoint, $1.key.channel)
        }) {
            counts.add(chunks.count, channel: volume.channel, timepoint: volume.timepoint)
        }
        let all = missing.values.reduce(into: Set<[Int]>()) { $0.formUnion($1) }
        return [chunksMissing("\(all.count) of those read" + counts.text(in: image, of: nil))]
    }
}

/// How many chunks volumes lack, for a message.
private struct MissingCounts {
    private var first: [(channel: Int, timepoint: Int, count: Int)] = []
    private var volumeCount = 0

    /// So many volumes are named.
    private static let mostNamed = 3

    mutating func add(_ count: Int, channel: Int, timepoint: Int) {
        guard count > 0 else { return }
        volumeCount += 1
        if first.count < Self.mostNamed { first.append((channel, timepoint, count)) }
    }

    /// Such as `; channel 0, time point 3: 2 of 12`; empty for an image of one volume.
    func text(in image: ImageDescription, of wanted: Int?) -> String {
        guard image.channelCount > 1 || image.timepointCount > 1 else { return "" }
        var parts = first.map { volume in
            let channel = image.channelCount > 1 ? ["channel \(volume.channel)"] : []
            let time = image.timepointCount > 1 ? ["time point \(volume.timepoint)"] : []
            return "\((channel + time).joined(separator: ", ")): \(volume.count)" + (wanted.map { " of \($0)" } ?? "")
        }
        if volumeCount > first.count { parts.append("\(volumeCount - first.count) more volumes") }
        return parts.map { "; \($0)" }.joined()
    }
}

extension ZarrFillValue {
    /// Whether all of its bits are 0.
    fileprivate var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
}

/// What was found.
private struct ChunkTally: Sendable {
    var foundCount = 0
    /// How many of them, by the numbers of their chunks along the axes that are none of a volume.
    var counts: [[Int]: Int] = [:]
    /// Sums over the files of all volumes that share chunks, by the numbers of these along the axes that are none of a volume.
    var stamps: [[Int]: UInt64] = [:]

    mutating func add(_ other: ChunkTally) {
        foundCount += other.foundCount
        counts.merge(other.counts, uniquingKeysWith: +)
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
    let wantedCount: Int
    /// How many of them a volume has part in.
    let countPerVolume: Int

    /// So many files are asked for one by one.
    private static let fewFiles = 1 << 14
    /// So many are asked of a server.
    static let fewRequests = 1 << 8

    init(
        _ source: ZarrSource,
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) {
        array = source.array
        layout = source.layout
        threadCount = source.threadCount
        self.withStamps = withStamps
        let metadata = source.array.metadata
        let timeAxes = source.layout.timeAxes
        outerAxes = layout.axes.indices.filter { ![.z, .y, .x].contains(source.layout.axes[$0]) }
        let wanted = metadata.shape.indices.map { axis in
            // Where several axes count as time, all of each are read.
            let indices =
                source.layout.axes[axis] == .channel ? channels : timeAxes == [axis] ? timepoints : nil
            return Wanted(metadata.shape[axis], metadata.chunkShape[axis], indices)
        }
        wantedCount = Int.product(wanted.map(\.count)) ?? .max
        let inner = wanted.indices.filter { [.z, .y, .x].contains(source.layout.axes[$0]) }
        self.wanted = wanted
        countPerVolume = Int.product(inner.map { wanted[$0].count }) ?? .max
    }

    /// Which entry of a tally's stamps a volume's is.
    func group(channel: Int, timepoint: Int) -> [Int] {
        let region = layout.region(Region(layout.volumeShape), channel: channel, timepoint: timepoint)
        return outerAxes.map { region.origin[$0] / array.metadata.chunkShape[$0] }
    }

    func tally() throws(DeconvolutionError) -> ChunkTally {
        if wantedCount <= Self.fewFiles { return try askOneByOne() }
        return array.metadata.chunkKeys.separator == .slash ? try walkFolders() : try listFolder()
    }

    // MARK: - Looking

    private func askOneByOne() throws(DeconvolutionError) -> ChunkTally {
        let step = 16
        return try share(Array(stride(from: 0, to: wantedCount, by: step))) {
            (first, tally) throws(DeconvolutionError) in
            for number in first..<min(first + step, wantedCount) {
                var rest = number
                var index = wanted.map { _ in 0 }
                for axis in wanted.indices.reversed() {
                    index[axis] = wanted[axis][rest % wanted[axis].count]
                    rest /= wanted[axis].count
                }
                try look(index, into: &tally)
            }
        }
    }

    /// Counts a file, if it is there.
    private func look(_ index: [Int], into tally: inout ChunkTally) throws(DeconvolutionError) {
        let key = array.path.key(array.metadata.chunkKeys.key(index))
        guard let mark = try array.store.storage.mark(of: key) else { return }
        let group = outerAxes.map { index[$0] }
        count(group, into: &tally)
        guard withStamps else { return }
        var hash: UInt64 = 0x243F_6A88_85A3_08D3
        func mix(_ value: Int) {
            hash = (hash ^ UInt64(bitPattern: Int64(value))) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
        }
        for number in index { mix(number) }
        for number in mark.numbers { mix(number) }
        // In whatever order they come.
        tally.stamps[group, default: 0] &+= hash
    }

    private func count(_ group: [Int], into tally: inout ChunkTally) {
        tally.foundCount += 1
        tally.counts[group, default: 0] += 1
    }

    /// Names such as `0.1.2`, all in one folder.
    private func listFolder() throws(DeconvolutionError) -> ChunkTally {
        var tally = ChunkTally()
        var found: [[Int]] = []
        func flush() throws(DeconvolutionError) {
            tally.add(
                try share(stride(from: 0, to: found.count, by: 256).map { found[$0..<min($0 + 256, found.count)] }) {
                    (part, tally) throws(DeconvolutionError) in
                    for index in part { try look(index, into: &tally) }
                }
            )
            found = []
        }
        try array.store.storage.forEachName(in: array.path.text) { (name) throws(DeconvolutionError) in
            guard let index = index(name), zip(wanted, index).allSatisfy({ $0.contains($1) }) else { return }
            guard withStamps else { return count(outerAxes.map { index[$0] }, into: &tally) }
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
                try array.store.storage.forEachName(in: folder.key) { (name) throws(DeconvolutionError) in
                    guard let number = Self.number(name), wanted[axis].contains(number) else { return }
                    found.append(("\(folder.key)\(folder.key.isEmpty ? "" : "/")\(name)", folder.index + [number]))
                }
                deeper.withLock { [found] in $0 += found }
            }
            folders = deeper.withLock { $0 }
        }
        let last = wanted.count - 1
        return try share(folders) { (folder, tally) throws(DeconvolutionError) in
            try array.store.storage.forEachName(in: folder.key) { (name) throws(DeconvolutionError) in
                guard let number = Self.number(name), wanted[last].contains(number) else { return }
                let index = folder.index + [number]
                if withStamps {
                    try look(index, into: &tally)
                } else {
                    count(outerAxes.map { index[$0] }, into: &tally)
                }
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
        guard array.store.storage.isListed else {
            let name = keys.key(wanted.map { $0[0] })
            return try array.store.exists(array.path.key(name)) ? name : nil
        }
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
        try array.store.storage.forEachName(in: folder.isEmpty ? array.path.text : array.path.key(folder)) {
            (name) throws(DeconvolutionError) in
            if isMeant(name), first.map({ NaturalOrder.precedes(name, $0) }) ?? true { first = name }
        }
        return first
    }
}
