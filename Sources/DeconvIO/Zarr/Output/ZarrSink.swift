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
    /// What of an earlier run's work does not count any more.
    package let diagnostics: [Diagnostic]
    private let folder: ResumableFolder
    private let threadCount: Int
    /// What the part of the input of each volume is like now.
    private let inputStamps: [VolumePosition: UInt64]
    /// Path of the finished node inside of a store that was there before; nil where the store itself is made.
    private let place: Place?
    private let state: Mutex<State>
    /// The store that grows; nil where all of it was finished by an earlier run.
    private let growing: Growing?

    private typealias Place = (store: ZarrStore, path: ZarrPath)

    private struct State {
        var volumes: [VolumePosition: VolumeJournal.Entry]
    }

    private struct Growing: Sendable {
        let store: ZarrStore
        let writers: [ZarrArrayWriter]
    }

    /// Begins a result, or goes on with it.
    ///
    /// Of volumes that an earlier run has written all files are read and held against their checksums. Those that do not hold are
    /// to be written again, and so are those whose part of the input has changed since; `diagnostics` says which.
    /// - Parameters:
    ///   - plan: how it is stored. Where its store is not there, all of it is made; else only the array or group in it, and
    ///     the groups above.
    ///   - job: input, PSF and options, as far as they change a voxel.
    ///   - inputs: files and folders that are read, which `--overwrite` must not remove.
    ///   - inputStamps: a number for each volume that changes with the files of its part of the input, where `job` does not say
    ///     that. They are of before the first volume is read.
    ///   - threadCount: how many threads encode one volume.
    ///   - checking: called now and then, on any thread, while files are read; what it throws is thrown.
    /// - Throws: `cannotCreateOutput` where something else has the name, another process is at it, or it was begun by another
    ///   job; `inputOutput` where the disk is full, or will be: where nothing is compressed that is known now.
    package init(
        _ plan: ZarrOutputPlan,
        job: JobFingerprint,
        inputs: [String] = [],
        inputStamps: [VolumePosition: UInt64] = [:],
        threadCount: Int = ProcessInfo.processInfo.activeProcessorCount,
        calls: OutputCalls = .system,
        checking: @Sendable () throws(DeconvolutionError) -> Void = {}
    ) throws(DeconvolutionError) {
        self.plan = plan
        self.inputStamps = inputStamps
        self.threadCount = max(1, threadCount)
        let job = plan.fingerprint(job)
        var (place, folder) = try Self.open(plan, job, inputs, calls)
        var known = KnownVolumes(folder, plan)
        if folder.isPlaced,
            let problem = try known.problem(Self.arrays(plan, folder, place).arrays, threadCount, checking)
        {
            guard plan.options.overwrite else {
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(folder.path.inMessage): was finished by a run of this job that did not come to its end, but \(problem); "
                        + "give \(on: .overwrite) to compute it anew, or choose another name"
                )
            }
            folder.forgetPlaced()
            (place, folder) = try Self.open(plan, job, inputs, calls)
            known = KnownVolumes(folder, plan)
        }
        self.place = place
        self.folder = folder
        guard !folder.isPlaced else {
            growing = nil
            diagnostics = known.diagnostics
            state = Mutex(State(volumes: known.entries))
            try Self.finish(folder, place)
            return
        }
        let (store, arrays) = try Self.arrays(plan, folder, place)
        if folder.isNew {
            try Self.create(plan, in: store, below: place?.path ?? .root)
            try store.synchronize()
            try folder.begin()
        }
        for array in arrays { try Self.require(array) }
        let removed =
            try known.removeChanged(inputStamps) + known.removeDamaged(arrays, threadCount, checking)
            + folder.contestedVolumes
        if !removed.isEmpty { try folder.remove(removed) }
        diagnostics = known.diagnostics
        state = Mutex(State(volumes: known.entries))
        growing = Growing(store: store, writers: arrays.map { ZarrArrayWriter($0, calls: calls) })
        if plan.levels[0].metadata.isUncompressed {
            try DiskSpace.require(byteCount: missingByteCount, for: folder.path)
        }
    }

    private static func open(
        _ plan: ZarrOutputPlan,
        _ job: JobFingerprint,
        _ inputs: [String],
        _ calls: OutputCalls
    ) throws(DeconvolutionError) -> (Place?, ResumableFolder) {
        let place = try Self.place(plan, job)
        let folder = try ResumableFolder(
            path: place.map { $0.store.location($0.path.text) } ?? plan.path,
            job: job,
            overwrite: plan.options.overwrite,
            inputs: inputs,
            calls: calls
        )
        return (place, folder)
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
        state.withLock { $0.volumes.values.reduce(0) { $0 + $1.saturatedVoxelCount } }
    }

    package func holds(channel: Int, timepoint: Int) -> Bool { entry(channel, timepoint) != nil }

    package func figures(channel: Int, timepoint: Int) -> VolumeFigures? { entry(channel, timepoint)?.figures }

    private func entry(_ channel: Int, _ timepoint: Int) -> VolumeJournal.Entry? {
        state.withLock { $0.volumes[VolumePosition(channel: channel, timepoint: timepoint)] }
    }

    package func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let volume = VolumePosition(channel: channel, timepoint: timepoint)
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
        let (storage, window, files) = try writer.finish()
        var kept = VolumeJournal.Entry(files: files, input: inputStamps[volume], figures: figures())
        kept.numbers[Self.saturated] = Double(storage.saturatedVoxelCount)
        if storage.smallest <= storage.largest {
            kept.numbers[Self.smallest] = Double(storage.smallest)
            kept.numbers[Self.largest] = Double(storage.largest)
        }
        if let window {
            kept.numbers[Self.black] = Double(window.black)
            kept.numbers[Self.white] = Double(window.white)
        }
        try folder.complete(volume, kept) { () throws(DeconvolutionError) in try growing.store.synchronize() }
        // These are for the next run.
        kept.files = nil
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
                (0..<plan.layout.channelCount).map { channel in
                    OMEZarrMetadata.ShownChannel(
                        label: plan.channelLabels[channel],
                        color: plan.channelColors[channel],
                        emission: plan.channelEmissions[channel],
                        range: range(channel, Self.smallest, Self.largest),
                        window: range(channel, Self.black, Self.white)
                    )
                }
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

    fileprivate static let saturated = "outputSaturatedVoxels"
    private static let smallest = "outputSmallestVoxel"
    private static let largest = "outputLargestVoxel"
    private static let black = "outputBlack"
    private static let white = "outputWhite"

    /// From the least of one number to the most of another, of all volumes of a channel.
    private func range(_ channel: Int, _ least: String, _ most: String) -> ClosedRange<Double> {
        let volumes = state.withLock { $0.volumes.filter { $0.key.channel == channel }.values }
        let low = volumes.compactMap { $0.numbers[least] }.min() ?? 0
        let high = volumes.compactMap { $0.numbers[most] }.max() ?? 0
        // Viewers want something between the ends.
        return low < high ? low...high : low...low + 1
    }

    // MARK: - Making it

    /// Where the result goes in a store that is there; nil where it is a store of its own.
    private static func place(
        _ plan: ZarrOutputPlan,
        _ job: JobFingerprint
    ) throws(DeconvolutionError) -> Place? {
        guard let parent = plan.array.ancestors.last else { return nil }
        var status = stat()
        guard stat(plan.path, &status) == 0 else { return nil }
        // The store that this job has made, but for the last steps.
        guard !ResumableFolder.isPlaced(plan.path, by: job) else { return nil }
        let store = try ZarrStore(path: plan.path)
        try store.createGroup(at: parent, version: plan.version)
        return (store, plan.array)
    }

    /// The store of a result, and the arrays of its levels.
    private static func arrays(
        _ plan: ZarrOutputPlan,
        _ folder: ResumableFolder,
        _ place: Place?
    ) throws(DeconvolutionError) -> (store: ZarrStore, arrays: [ZarrArray]) {
        // What is shown to the user is as they wrote it.
        let store = try ZarrStore(path: folder.isPlaced ? folder.path : folder.partialPath)
        var arrays: [ZarrArray] = []
        for level in plan.levels {
            let path = try ZarrPath(level.path.relative(to: place?.path ?? .root) ?? "")
            arrays.append(ZarrArray(store: store, path: path, metadata: level.metadata))
        }
        return (store, arrays)
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
        _ place: Place?
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
    private let pixelType: PixelType
    /// For an image of OME-Zarr.
    private var search: DisplayWindowSearch?

    init(
        _ plan: ZarrOutputPlan,
        _ writers: [ZarrArrayWriter],
        _ volume: VolumePosition,
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
        pixelType = plan.options.pixelType
        search = plan.multiscale.map { _ in
            DisplayWindowSearch(planeVoxelCount: plan.layout.volumeShape.planeVoxelCount)
        }
    }

    func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
        search?.add(plane)
        try append(plane, to: 0)
    }

    private func append(_ plane: UnsafeBufferPointer<Float>, to level: Int) throws(DeconvolutionError) {
        try levels[level].append(plane)
        guard level < averages.count else { return }
        try averages[level].append(plane) { (smaller) throws(DeconvolutionError) in try append(smaller, to: level + 1) }
    }

    /// Writes what is left, and tells the largest level's range of voxels, what of them is shown black and white, and what the files of
    /// all levels are like.
    func finish() throws(DeconvolutionError) -> (VoxelStorage, DisplayWindow?, [FileSum]) {
        for (level, average) in averages.enumerated() {
            try average.finish { (smaller) throws(DeconvolutionError) in try append(smaller, to: level + 1) }
        }
        precondition(levels.allSatisfy(\.isComplete), "planes are missing")
        return (levels[0].storage, search?.takeWindow()?.rounded(to: pixelType), levels.flatMap(\.files))
    }
}

/// The volumes that the journal of a result has, as far as they are to be believed.
private struct KnownVolumes {
    private(set) var entries: [VolumePosition: VolumeJournal.Entry]
    private(set) var diagnostics: [Diagnostic] = []
    private let plan: ZarrOutputPlan
    private let name: String
    private let folder: String

    /// Those that the result can have.
    init(_ folder: ResumableFolder, _ plan: ZarrOutputPlan) {
        self.plan = plan
        name = (folder.isPlaced ? folder.path : folder.partialPath).inMessage
        self.folder = folder.currentPath
        let layout = plan.layout
        entries = folder.volumes.filter {
            0..<layout.channelCount ~= $0.key.channel && 0..<layout.timepointCount ~= $0.key.timepoint
        }
        var problems = folder.journalProblems
        for volume in folder.volumes.keys.sorted(by: Self.precede) where entries[volume] == nil {
            problems.append(
                "it has \(volume.inMessage) of \(layout.channelCount) channels, \(layout.timepointCount) time points"
            )
        }
        if let first = problems.first {
            warn(
                .journalIgnored,
                "lines of its journal make no sense and do not count",
                figures: "\(problems.count); the first: \(first)"
            )
        }
    }

    private static func precede(_ one: VolumePosition, _ other: VolumePosition) -> Bool {
        (one.timepoint, one.channel) < (other.timepoint, other.channel)
    }

    private var inOrder: [(number: VolumePosition, entry: VolumeJournal.Entry)] {
        entries.sorted { Self.precede($0.key, $1.key) }.map { ($0.key, $0.value) }
    }

    private mutating func warn(_ kind: Diagnostic.Kind, _ text: Message, figures: Message) {
        diagnostics.append(Diagnostic(kind, "\(name): \(text)", figures: figures))
    }

    private mutating func remove(_ volumes: [VolumePosition]) -> [VolumePosition] {
        for volume in volumes { entries[volume] = nil }
        return volumes
    }

    /// Takes out the volumes of which other files were read than there are now.
    mutating func removeChanged(_ stamps: [VolumePosition: UInt64]) -> [VolumePosition] {
        let changed = inOrder.filter { $0.entry.files != nil && $0.entry.input != stamps[$0.number] }.map(\.number)
        guard let first = changed.first else { return [] }
        warn(
            .inputChanged,
            "finished volumes whose input has changed since are computed again",
            figures: "\(changed.count) of \(entries.count); the first: \(first.inMessage)"
        )
        return remove(changed)
    }

    /// Takes out the volumes whose files are not as they were written, and forgets what the files were like.
    mutating func removeDamaged(
        _ arrays: [ZarrArray],
        _ threadCount: Int,
        _ checking: @Sendable () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [VolumePosition] {
        let problems = try problems(arrays, threadCount, checking)
        if let first = problems.first {
            warn(
                .resultDamaged,
                "finished volumes whose files do not hold are computed again",
                figures: "\(problems.count) of \(entries.count); the first: \(first.text)"
            )
        }
        for volume in Array(entries.keys) { entries[volume]?.files = nil }
        return remove(problems.map(\.volume))
    }

    /// Why they are not all of a finished result; nil where they are.
    func problem(
        _ arrays: [ZarrArray],
        _ threadCount: Int,
        _ checking: @Sendable () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> String? {
        let count = plan.layout.channelCount * plan.layout.timepointCount
        guard entries.count == count else { return "its journal has \(entries.count) of \(count) volumes" }
        return try problems(arrays, threadCount, checking).first?.text
    }

    private func problems(
        _ arrays: [ZarrArray],
        _ threadCount: Int,
        _ checking: @Sendable () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [VolumeVerification.Problem] {
        try VolumeVerification(folder: folder, levels: Array(zip(plan.levels, arrays)))
            .problems(of: inOrder, threadCount: threadCount, checking: checking)
    }
}

extension VolumeJournal.Entry {
    /// Voxels that did not fit the integer type.
    fileprivate var saturatedVoxelCount: Int {
        Int(exactly: numbers[ZarrSink.saturated] ?? 0).flatMap { VolumeFigures.possibleCounts ~= $0 ? $0 : nil } ?? 0
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
