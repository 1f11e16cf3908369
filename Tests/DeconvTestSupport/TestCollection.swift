package import DeconvVolume
import Synchronization

/// Volumes in memory that come in any order.
package final class TestCollection: VolumeCollection {
    private let state: Mutex<(volumes: [[Int]: [Float]], order: [[Int]], isFinished: Bool)>
    private let failure: [Int]?

    /// A collection.
    /// - Parameters:
    ///   - held: volumes that are there, by channel and time point.
    ///   - failure: channel and time point of the volume that cannot be written.
    package init(holding held: [[Int]: [Float]] = [:], failingAt failure: [Int]? = nil) {
        state = Mutex((held, [], false))
        self.failure = failure
    }

    /// What is there, by channel and time point.
    package var volumes: [[Int]: [Float]] { state.withLock { $0.volumes } }

    /// Channel and time point of what came, in the order in which it did.
    package var order: [[Int]] { state.withLock { $0.order } }

    /// Whether all came.
    package var isFinished: Bool { state.withLock { $0.isFinished } }

    package func holds(channel: Int, timepoint: Int) -> Bool {
        state.withLock { $0.volumes[[channel, timepoint]] != nil }
    }

    package func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void
    ) throws(DeconvolutionError) {
        var voxels: [Float] = []
        try planes { (plane) throws(DeconvolutionError) in voxels.append(contentsOf: plane) }
        if [channel, timepoint] == failure { throw DeconvolutionError(.inputOutput, "no space left") }
        state.withLock { [voxels] state in
            precondition(state.volumes[[channel, timepoint]] == nil, "a volume comes once")
            state.volumes[[channel, timepoint]] = voxels
            state.order.append([channel, timepoint])
        }
    }

    package func finish() throws(DeconvolutionError) { state.withLock { $0.isFinished = true } }
}
