import DeconvDevice
import DeconvVolume
import Synchronization

/// Volumes in any order on their way to a sink that takes planes in one order: those whose turn has not come wait.
///
/// Unchecked: a volume's slot belongs to the thread that writes it until it is marked as complete under the lock.
final class OrderedVolumes: VolumeCollection, @unchecked Sendable {
    fileprivate struct State {
        var complete: Set<Int> = []
        /// The first time point of which the sink does not have everything.
        var nextTimepoint = 0
        /// Planes of that time point that the sink has: what comes again after an error must not go twice.
        var appendedPlanes = 0
    }

    private let sink: any VolumeSink
    private let image: ImageDescription
    private let slotCount: Int
    private let slots: HostMemory?
    private let check: @Sendable () throws(DeconvolutionError) -> Void
    private let state = Mutex(State())

    /// Volumes for a sink.
    /// - Parameters:
    ///   - slotCount: volumes that may wait, which then are at most so many beyond the first of the first time point that
    ///     is not complete; 0 where they come in order, from one thread, and have one channel.
    ///   - scratchFolder: where they wait, or nil for memory.
    ///   - check: called for every plane: what it throws ends the writing, for a sink that does not get everything keeps
    ///     nothing.
    /// - Throws: as `HostMemory.init`.
    init(
        into sink: any VolumeSink,
        _ image: ImageDescription,
        slotCount: Int,
        scratchFolder: String?,
        check: @escaping @Sendable () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        precondition(slotCount > 0 || image.channelCount == 1, "channels wait for each other")
        self.sink = sink
        self.image = image
        self.slotCount = slotCount
        self.check = check
        slots =
            slotCount == 0
            ? nil : try HostMemory(byteCount: slotCount * image.shape.voxelCount * 4, scratchFolder: scratchFolder)
    }

    /// What came in this run; a sink remembers nothing beyond it.
    func holds(channel: Int, timepoint: Int) -> Bool {
        state.withLock {
            timepoint < $0.nextTimepoint || $0.complete.contains(timepoint * image.channelCount + channel)
        }
    }

    /// Nothing: a sink remembers nothing.
    func figures(channel: Int, timepoint: Int) -> VolumeFigures? { nil }

    func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let number = timepoint * image.channelCount + channel
        var z = 0
        guard let slots else {
            try planes { (plane) throws(DeconvolutionError) in
                try check()
                try append(plane, z)
                z += 1
            }
            state.withLock { $0.startNext() }
            return
        }
        let slot = number % slotCount
        try planes { (plane) throws(DeconvolutionError) in
            try check()
            start(slots, slot, z).update(from: plane.baseAddress!, count: plane.count)
            z += 1
        }
        state.withLock { _ = $0.complete.insert(number) }
        try flush(slots)
    }

    func finish() throws(DeconvolutionError) { try sink.finish() }

    /// Gives away the time points that are complete, by one thread at a time.
    private func flush(_ slots: HostMemory) throws(DeconvolutionError) {
        try flushing.withLock { (_) throws(DeconvolutionError) in
            while let first = state.withLock({ $0.completeTimepoint(image.channelCount) }) {
                for z in 0..<image.shape.z {
                    try check()
                    for channel in 0..<image.channelCount {
                        let plane = UnsafeBufferPointer(
                            start: UnsafePointer(start(slots, (first + channel) % slotCount, z)),
                            count: image.shape.planeVoxelCount
                        )
                        try append(plane, z * image.channelCount + channel)
                    }
                }
                state.withLock { state in
                    for channel in 0..<image.channelCount { state.complete.remove(first + channel) }
                    state.startNext()
                }
            }
        }
    }

    private let flushing = Mutex(())

    /// Gives a plane of the time point away, unless the sink has it.
    private func append(_ plane: UnsafeBufferPointer<Float>, _ index: Int) throws(DeconvolutionError) {
        guard state.withLock({ index >= $0.appendedPlanes }) else { return }
        try sink.append(plane)
        state.withLock { $0.appendedPlanes = index + 1 }
    }

    private func start(_ slots: HostMemory, _ slot: Int, _ z: Int) -> UnsafeMutablePointer<Float> {
        slots.floats + (slot * image.shape.z + z) * image.shape.planeVoxelCount
    }
}

extension OrderedVolumes.State {
    /// The number of the first volume of the next time point, if all its channels are complete.
    fileprivate func completeTimepoint(_ channelCount: Int) -> Int? {
        let first = nextTimepoint * channelCount
        return (first..<first + channelCount).allSatisfy(complete.contains) ? first : nil
    }

    fileprivate mutating func startNext() {
        nextTimepoint += 1
        appendedPlanes = 0
    }
}
