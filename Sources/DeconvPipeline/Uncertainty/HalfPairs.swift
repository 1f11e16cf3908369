import DeconvDevice
import DeconvVolume
import Synchronization

/// The results of both halves of volumes on their way to a map of how uncertain the result of all of a volume is.
///
///     map = |2 x1 − 2 x2| / 2
///
/// Twice the result of a half has the light of all of it and twice its variance, so that the root mean square of the map is the standard error.
///
/// Unchecked: a half's memory belongs to the thread that writes it until it waits for the other under the lock.
final class HalfPairs: VolumeCollection, @unchecked Sendable {
    private struct State {
        /// Halves whose other half has not come.
        var waiting: [VolumePosition: HostMemory] = [:]
        /// Of the volumes whose halves have both come.
        var sums: [VolumePosition: ShellSums] = [:]
    }

    private let map: any VolumeCollection
    private let image: ImageDescription
    private let scratchFolder: String?
    private let check: @Sendable () throws(DeconvolutionError) -> Void
    private let state = Mutex(State())

    /// Pairs for a map.
    /// - Parameters:
    ///   - map: takes a volume for each of the image; is not finished here.
    ///   - image: that of the map, with the spacing of its voxels.
    ///   - scratchFolder: where halves wait for each other, or nil for memory.
    ///   - check: called for every plane; what it throws ends the writing.
    init(
        into map: any VolumeCollection,
        _ image: ImageDescription,
        scratchFolder: String?,
        check: @escaping @Sendable () throws(DeconvolutionError) -> Void
    ) {
        self.map = map
        self.image = image
        self.scratchFolder = scratchFolder
        self.check = check
    }

    /// Bytes of halves that wait, where volumes come in their order.
    static func waitingBytes(_ image: ImageDescription) -> Int {
        (image.channelCount + 1) * image.shape.voxelCount * MemoryLayout<Float>.size
    }

    func holds(channel: Int, timepoint: Int) -> Bool { map.holds(channel: channel, timepoint: timepoint / 2) }

    func figures(channel: Int, timepoint: Int) -> VolumeFigures? { nil }

    func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let (shape, planeCount) = (image.shape, image.shape.planeVoxelCount)
        let half = try HostMemory(
            byteCount: shape.voxelCount * MemoryLayout<Float>.size,
            scratchFolder: scratchFolder
        )
        var z = 0
        try planes { (plane) throws(DeconvolutionError) in
            try check()
            let start = half.floats + z * planeCount
            for index in 0..<planeCount { start[index] = 2 * plane[index] }
            z += 1
        }
        // Before the other half may come, and look for this one.
        let known = figures()
        let (own, other) = (
            VolumePosition(channel: channel, timepoint: timepoint),
            VolumePosition(channel: channel, timepoint: timepoint ^ 1)
        )
        let partner = state.withLock { state -> HostMemory? in
            if let partner = state.waiting.removeValue(forKey: other) { return partner }
            state.waiting[own] = half
            return nil
        }
        guard let partner else { return }
        var sums = ShellSums(of: shape, spacing: image.spacing)
        try sums.add(half.floats, partner.floats, shape)
        let volume = VolumePosition(channel: channel, timepoint: timepoint / 2)
        state.withLock { [sums] in $0.sums[volume] = sums }
        var error = [Float](repeating: 0, count: planeCount)
        try map.write(channel: channel, timepoint: timepoint / 2) { (take) throws(DeconvolutionError) in
            for z in 0..<shape.z {
                let (one, two) = (half.floats + z * planeCount, partner.floats + z * planeCount)
                for index in 0..<planeCount { error[index] = abs(one[index] - two[index]) / 2 }
                try error.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try take(plane) }
            }
        } figures: {
            var kept = known
            kept.shells = sums.numbers
            return kept
        }
    }

    /// Nothing: the map is finished with the result that it is of.
    func finish() throws(DeconvolutionError) {}

    /// What all volumes of a channel say together, those of earlier runs too.
    func sums(channel: Int) -> ShellSums {
        var all = ShellSums(of: image.shape, spacing: image.spacing)
        let now = state.withLock(\.sums)
        for volume in image.volumes where volume.channel == channel {
            let kept = map.figures(channel: channel, timepoint: volume.timepoint)?.shells
            let earlier = kept.flatMap { ShellSums($0, of: image.shape, spacing: image.spacing) }
            if let sums = now[volume] ?? earlier { all.add(sums) }
        }
        return all
    }
}
