package import DeconvVolume
import Foundation
import Synchronization

/// Volumes into a Zarr array, or into an image of OME-Zarr with its smaller copies, over any number of runs.
///
/// Until all volumes are there the result is `NAME.partial` beside its place: a store, array or group that everybody can read,
/// with a journal. A run that was killed at any instant is gone on with by the next one of the same job, and what comes out is
/// the same to the byte as if it had not been: whatever the order of volumes, and the number of threads and runs. How that is
/// done, and what it withstands: Documentation/Decisions/resume.md.
package final class ZarrSink: VolumeCollection {
    /// How it is stored.
    package let plan: ZarrOutputPlan
    private let folder: ResumableFolder
    private let threadCount: Int
    /// Path of the finished node inside of a store that was there before; nil where the store itself is made.
    private let place: (store: ZarrStore, path: ZarrPath)?
    private let state: Mutex<State>
    /// The store that grows; nil where all of it was finished by an earlier run.
    private let growing: Growing?

    private struct State {
        var volumes: [VolumeNumber: VolumeJournal.Entry]
    }

    private struct Growing: Sendable {
        let store: ZarrStore
        let writers: [ZarrArrayWriter]
    }

    /// Begins a result, or goes on with it.
    /// - Parameters:
    ///   - plan: how it is stored. Where its store is not there, all of it is made; else only the array or group in it, and
    ///     the groups above.
    ///   - job: input, PSF and options, as far as they change a voxel.
    ///   - inputs: files and folders that are read, which `--overwrite` must not remove.
    ///   - threadCount: how many threads encode one volume.
    /// - Throws: `cannotCreateOutput` where something else has the name, another process is at it, or it was begun by another
    ///   job; `inputOutput` where the disk is full, or will be: where nothing is compressed that is known now.
    package init(
        _ plan: ZarrOutputPlan,
        job: JobFingerprint,
        inputs: [String] = [],
        threadCount: Int = ProcessInfo.processInfo.activeProcessorCount,
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) {
        self.plan = plan
        self.threadCount = max(1, threadCount)
        let job = plan.fingerprint(job)
        let place = try Self.place(plan, job)
        let folder = try ResumableFolder(
            path: place.map { $0.store.location($0.path.text) } ?? plan.path,
            job: job,
            overwrite: plan.options.overwrite,
            inputs: inputs,
            calls: calls
        )
        self.place = place
        self.folder = folder
        state = Mutex(State(volumes: folder.volumes))
        guard !folder.isPlaced else {
            growing = nil
            try Self.finish(folder, place)
            return
        }
        // What is shown to the user is as they wrote it.
        let store = try ZarrStore(path: folder.partialPath)
        let prefix = place?.path ?? .root
        if folder.isNew {
            try Self.create(plan, in: store, below: prefix)
            try store.synchronize()
            try folder.begin()
        }
        var writers: [ZarrArrayWriter] = []
        for level in plan.levels {
            let path = try ZarrPath(level.path.relative(to: prefix) ?? "")
            let array = ZarrArray(store: store, path: path, metadata: level.metadata)
            try Self.require(array)
            writers.append(ZarrArrayWriter(array, calls: calls))
        }
        growing = Growing(store: store, writers: writers)
        if plan.levels[0].metadata.isUncompressed {
            try DiskSpace.require(byteCount: missingByteCount, for: folder.path)
        }
    }

    /// The job that the unfinished result of a plan was begun by, as far as the caller of that run said; nil where there is none.
    package static func begunJob(_ plan: ZarrOutputPlan) -> JobFingerprint? {
        var status = stat()
        let isInStore = plan.array != .root && stat(plan.path, &status) == 0
        let path =
            isInStore ? "\(plan.path.withoutTrailingSlashes)/\(plan.array.text)" : plan.path.withoutTrailingSlashes
        return ResumableFolder.begunJob(path)
    }

    /// The result's name; what is unfinished lies beside it under `path` + `.partial`.
    package var path: String { folder.path }

    /// Where the plans of the transforms are kept with what is unfinished, for the run that goes on with it; nil where nothing is left to
    /// compute.
    package var plansPath: String? { growing == nil ? nil : folder.plansPath }

    /// Bytes of the volumes that are still to come, all levels, before compression: more than enough room on the disk.
    package var missingByteCount: Int {
        let count = plan.layout.channelCount * plan.layout.timepointCount
        return plan.uncompressedByteCount / count * (count - state.withLock { $0.volumes.count })
    }

    /// Voxels that did not fit the integer type and were set to its nearest end, in all volumes that are there.
    package var saturatedVoxelCount: Int {
        state.withLock { $0.volumes.values.reduce(0) { $0 + Int($1.numbers[Self.saturated] ?? 0) } }
    }

    package func holds(channel: Int, timepoint: Int) -> Bool { entry(channel, timepoint) != nil }

    package func figures(channel: Int, timepoint: Int) -> VolumeFigures? { entry(channel, timepoint)?.figures }

    private func entry(_ channel: Int, _ timepoint: Int) -> VolumeJournal.Entry? {
        state.withLock { $0.volumes[VolumeNumber(channel: channel, timepoint: timepoint)] }
    }

    package func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let volume = VolumeNumber(channel: channel, timepoint: timepoint)
        precondition(
            0..<plan.layout.channelCount ~= channel && 0..<plan.layout.timepointCount ~= timepoint,
            "there is no channel \(channel), time point \(timepoint)"
        )
        guard let growing, !holds(channel: channel, timepoint: timepoint) else {
            preconditionFailure("channel \(channel), time point \(timepoint) is there already")
        }
        let writer = try ZarrVolumeWriter(plan, growing.writers, volume, threadCount: threadCount)
        var failure: DeconvolutionError?
        try planes { (plane) throws(DeconvolutionError) in
            do throws(DeconvolutionError) { try writer.append(plane) } catch {
                failure = error
                throw error
            }
        }
        // Whatever the caller made of it.
        if let failure { throw failure }
        let storage = try writer.finish()
        try growing.store.synchronize()
        var kept = VolumeJournal.Entry(figures: figures())
        kept.numbers[Self.saturated] = Double(storage.saturatedVoxelCount)
        if storage.smallest <= storage.largest {
            kept.numbers[Self.smallest] = Double(storage.smallest)
            kept.numbers[Self.largest] = Double(storage.largest)
        }
        try folder.add(volume, kept)
        state.withLock { $0.volumes[volume] = kept }
    }

    /// Makes the result look finished, once every volume is held; does nothing where that was done.
    /// - Throws: `inputOutput`, `cannotCreateOutput` where the name was taken meanwhile. What is there stays, and may be
    ///   finished by another run.
    package func finish() throws(DeconvolutionError) {
        let count = plan.layout.channelCount * plan.layout.timepointCount
        let held = state.withLock { $0.volumes.count }
        precondition(held == count, "\(held) of \(count) volumes are there")
        guard let growing, !folder.isPlaced else { return try Self.finish(folder, place) }
        if var multiscale = plan.multiscale {
            multiscale.showChannels(
                plan.channelLabels,
                ranges: (0..<plan.layout.channelCount).map { range(channel: $0) }
            )
            let group = try ZarrPath(plan.array.relative(to: place?.path ?? .root) ?? "")
            try growing.store.setAttributes(multiscale.attributes, at: group)
        }
        try growing.store.synchronize()
        try Self.finish(folder, place)
    }

    /// Lets another process go on. Without a single volume, nothing is left behind. No `write` may be running.
    package func close() { folder.close() }

    // MARK: - What is kept of a volume

    private static let saturated = "outputSaturatedVoxels"
    private static let smallest = "outputSmallestVoxel"
    private static let largest = "outputLargestVoxel"

    /// The darkest and the brightest voxel of a channel.
    private func range(channel: Int) -> ClosedRange<Double> {
        let volumes = state.withLock { $0.volumes.filter { $0.key.channel == channel }.values }
        let low = volumes.compactMap { $0.numbers[Self.smallest] }.min() ?? 0
        let high = volumes.compactMap { $0.numbers[Self.largest] }.max() ?? 0
        // Viewers want something between the ends.
        return low < high ? low...high : low...low + 1
    }

    // MARK: - Making it

    /// Where the result goes in a store that is there; nil where it is a store of its own.
    private static func place(
        _ plan: ZarrOutputPlan,
        _ job: JobFingerprint
    ) throws(DeconvolutionError) -> (store: ZarrStore, path: ZarrPath)? {
        guard let parent = plan.array.ancestors.last else { return nil }
        var status = stat()
        guard stat(plan.path, &status) == 0 else { return nil }
        // The store that this job has made, but for the last steps.
        guard !ResumableFolder.isPlaced(plan.path, by: job) else { return nil }
        let store = try ZarrStore(path: plan.path)
        try store.createGroup(at: parent, version: plan.version)
        return (store, plan.array)
    }

    /// Makes groups and arrays without chunks.
    private static func create(
        _ plan: ZarrOutputPlan,
        in store: ZarrStore,
        below prefix: ZarrPath
    ) throws(DeconvolutionError) {
        if let multiscale = plan.multiscale {
            let group = try ZarrPath(plan.array.relative(to: prefix) ?? "")
            try store.createGroup(at: group, version: plan.version, attributes: multiscale.attributes)
        }
        for level in plan.levels {
            let path = try ZarrPath(level.path.relative(to: prefix) ?? "")
            try store.create(level.metadata, at: path, synchronizing: false)
        }
    }

    /// Refuses an unfinished array that is not the one that was begun.
    private static func require(_ array: ZarrArray) throws(DeconvolutionError) {
        let isTwo = array.metadata.version == .two
        let name = isTwo ? ZarrMetadataFile.array : ZarrMetadataFile.version3
        let wanted = isTwo ? array.metadata.version2 : array.metadata.version3
        guard try array.store.contents(array.path.key(name)) == Array(wanted.text.utf8) else {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(array.name.inMessage): is not as it was begun; remove \(array.store.path.inMessage) to begin anew"
            )
        }
    }

    private static func finish(
        _ folder: ResumableFolder,
        _ place: (store: ZarrStore, path: ZarrPath)?
    ) throws(DeconvolutionError) {
        try folder.finish { () throws(DeconvolutionError) in
            if let place { try place.store.enter(place.path) }
        }
    }
}

/// One volume on its way into all levels of a result.
private final class ZarrVolumeWriter {
    private let levels: [ZarrLevelWriter]
    private let averages: [PlaneAveraging]

    init(
        _ plan: ZarrOutputPlan,
        _ writers: [ZarrArrayWriter],
        _ volume: VolumeNumber,
        threadCount: Int
    ) throws(DeconvolutionError) {
        var levels: [ZarrLevelWriter] = []
        var averages: [PlaneAveraging] = []
        for (number, level) in plan.levels.enumerated() {
            levels.append(
                try ZarrLevelWriter(
                    level,
                    writers[number],
                    plan.options.pixelType,
                    volume,
                    threadCount: threadCount
                )
            )
            guard number > 0 else { continue }
            let larger = plan.levels[number - 1].layout.volumeShape
            averages.append(try PlaneAveraging(larger, step: level.step, for: writers[number].array.name))
        }
        self.levels = levels
        self.averages = averages
    }

    func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) { try append(plane, to: 0) }

    private func append(_ plane: UnsafeBufferPointer<Float>, to level: Int) throws(DeconvolutionError) {
        try levels[level].append(plane)
        guard level < averages.count else { return }
        try averages[level].append(plane) { (smaller) throws(DeconvolutionError) in try append(smaller, to: level + 1) }
    }

    /// Writes what is left, and tells the largest level's range of voxels.
    func finish() throws(DeconvolutionError) -> VoxelStorage {
        for (level, average) in averages.enumerated() {
            try average.finish { (smaller) throws(DeconvolutionError) in try append(smaller, to: level + 1) }
        }
        precondition(levels.allSatisfy(\.isComplete), "planes are missing")
        return levels[0].storage
    }
}

extension ZarrArrayMetadata {
    /// Whether its chunks take the bytes that they hold.
    fileprivate var isUncompressed: Bool {
        var pipeline = codecs
        while case .shard(let shard) = pipeline.layout {
            guard pipeline.byteCodecs.isEmpty else { return false }
            pipeline = shard.pipeline
        }
        return pipeline.byteCodecs.isEmpty
    }
}
