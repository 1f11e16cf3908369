import DeconvVolume
import Synchronization

/// Chunks that reading found missing, where no survey could see them.
final class MissingChunks: Sendable {
    private let isKnown = Atomic(false)
    private let chunks = Mutex<[VolumePosition: Set<[Int]>]>([:])

    /// Their numbers, by the volumes that they were wanted for.
    var found: [VolumePosition: Set<[Int]>] { chunks.withLock { $0 } }

    /// Notes nothing from now on: a survey has said what is missing.
    func stopNoting() { isKnown.store(true, ordering: .relaxed) }

    func note(_ indices: [[Int]], in volume: VolumePosition) {
        if !indices.isEmpty, !isKnown.load(ordering: .relaxed) {
            chunks.withLock { $0[volume, default: []].formUnion(indices) }
        }
    }
}
