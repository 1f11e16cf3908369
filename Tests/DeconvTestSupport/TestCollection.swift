package import DeconvVolume
import Glibc
import Synchronization

/// Volumes in memory that come in any order, slow and faulty as asked for.
package final class TestCollection: VolumeCollection {
    private let state: Mutex<State>
    private let failure: [Int]?
    private let delay: Double
    private let arrival: @Sendable ([Int]) -> Void

    private struct State {
        var volumes: [[Int]: [Float]]
        var figures: [[Int]: VolumeFigures]
        var order: [[Int]] = []
        var isFinished = false
        var shortage: [Int]?
    }

    /// A collection.
    /// - Parameters:
    ///   - held: volumes that are there, by channel and time point.
    ///   - figures: what was kept of them.
    ///   - delay: seconds that a plane takes at least.
    ///   - failure: channel and time point of the volume that cannot be written.
    ///   - shortage: channel and time point of the volume at whose end memory runs out, once.
    ///   - arrival: called with channel and time point of every volume when its first plane comes.
    package init(
        holding held: [[Int]: [Float]] = [:],
        figures: [[Int]: VolumeFigures] = [:],
        delay: Double = 0,
        failingAt failure: [Int]? = nil,
        shortOfMemoryAt shortage: [Int]? = nil,
        arrival: @escaping @Sendable ([Int]) -> Void = { _ in }
    ) {
        state = Mutex(State(volumes: held, figures: figures, shortage: shortage))
        self.failure = failure
        self.delay = delay
        self.arrival = arrival
    }

    /// What is there, by channel and time point.
    package var volumes: [[Int]: [Float]] { state.withLock { $0.volumes } }

    /// What was kept of it.
    package var figures: [[Int]: VolumeFigures] { state.withLock { $0.figures } }

    /// Channel and time point of what came, in the order in which it did.
    package var order: [[Int]] { state.withLock { $0.order } }

    /// Whether all came.
    package var isFinished: Bool { state.withLock { $0.isFinished } }

    package func holds(channel: Int, timepoint: Int) -> Bool {
        state.withLock { $0.volumes[[channel, timepoint]] != nil }
    }

    package func figures(channel: Int, timepoint: Int) -> VolumeFigures? {
        state.withLock { $0.figures[[channel, timepoint]] }
    }

    package func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let volume = [channel, timepoint]
        var voxels: [Float] = []
        try planes { (plane) throws(DeconvolutionError) in
            if voxels.isEmpty { arrival(volume) }
            usleep(useconds_t(delay * 1e6))
            voxels.append(contentsOf: plane)
        }
        if volume == failure { throw DeconvolutionError(.inputOutput, "no space left") }
        let isShort = state.withLock { state in
            defer { if state.shortage == volume { state.shortage = nil } }
            return state.shortage == volume
        }
        if isShort { throw DeconvolutionError(.outOfMemory, "no memory left") }
        let kept = figures()
        state.withLock { [voxels] state in
            precondition(state.volumes[volume] == nil, "a volume comes once")
            state.volumes[volume] = voxels
            state.figures[volume] = kept
            state.order.append(volume)
        }
    }

    package func finish() throws(DeconvolutionError) { state.withLock { $0.isFinished = true } }
}
