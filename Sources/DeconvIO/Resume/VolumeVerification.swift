import DeconvVolume
import Dispatch
import Synchronization

/// The files of volumes that earlier runs have written, held against what the journal says of them.
struct VolumeVerification: Sendable {
    /// What is wrong with a volume, in words that name its file.
    struct Problem: Sendable {
        var volume: VolumePosition
        var text: String
    }

    /// Where the files are now, as an absolute path.
    let folder: String
    /// The levels of the result, and their arrays below that folder.
    let levels: [(level: ZarrOutputPlan.Level, array: ZarrArray)]

    /// Looks at the lengths of all files of each volume, and then at their bytes, and gives the volumes that do not hold.
    /// - Parameters:
    ///   - volumes: in the order in which problems are told.
    ///   - threadCount: how many threads read, each the files of a volume.
    ///   - checking: called between files, on these threads; what it throws ends the reading.
    /// - Throws: `inputOutput` where files may not be opened; and what `checking` throws.
    func problems(
        of volumes: [(number: VolumePosition, entry: VolumeJournal.Entry)],
        threadCount: Int,
        checking: @Sendable () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [Problem] {
        let next = Atomic(0)
        let found = Mutex<[Int: Problem]>([:])
        let failure = Mutex<DeconvolutionError?>(nil)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threadCount, volumes.count))) { _ in
            do throws(DeconvolutionError) {
                let reader = try FileSumReader()
                while failure.withLock({ $0 == nil }) {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    if index >= volumes.count { return }
                    let (number, entry) = volumes[index]
                    guard let text = try problem(number, entry, reader, checking) else { continue }
                    found.withLock { $0[index] = Problem(volume: number, text: text) }
                }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return found.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value)
    }

    private func problem(
        _ volume: VolumePosition,
        _ entry: VolumeJournal.Entry,
        _ reader: FileSumReader,
        _ checking: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> String? {
        guard let sums = entry.files else { return "the journal has no checksums of its files" }
        let keys = keys(of: volume)
        let count = keys.reduce(0) { $0 + $1.count }
        guard sums.count == count else { return "the journal has checksums of \(sums.count) files, not \(count)" }
        // Lengths cost next to nothing, and tell most of what happens to files.
        for isByLength in [true, false] {
            var number = 0
            for (level, keys) in zip(levels, keys) {
                for key in keys {
                    let (path, name) = ("\(folder)/\(key)", level.array.store.location(key))
                    let sum = sums[number]
                    number += 1
                    if !isByLength { try checking() }
                    let problem =
                        isByLength ? try reader.lengthProblem(path, name, sum) : try reader.problem(path, name, sum)
                    if let problem { return "\(name.inMessage) \(problem)" }
                }
            }
        }
        return nil
    }

    /// The keys of a volume's files, by level, in the order in which the journal has them.
    private func keys(of volume: VolumePosition) -> [[String]] {
        levels.map { level, array in
            var keys: [String] = []
            ChunkGrid(chunkShape: level.metadata.chunkShape).forEach(in: level.region(of: volume)) { index, _ in
                keys.append(array.path.key(array.metadata.chunkKeys.key(index)))
            }
            return keys
        }
    }
}
