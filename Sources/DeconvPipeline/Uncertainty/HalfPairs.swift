import DeconvDevice
import DeconvOptions
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
        var likeness: [VolumePosition: HalfLikeness] = [:]
    }

    private let map: any VolumeCollection
    private let job: JobDescription
    private let image: ImageDescription
    private let scratchFolder: String?
    private let state = Mutex(State())

    /// Pairs for a map.
    /// - Parameters:
    ///   - map: takes a volume for each of the image; is not finished here.
    ///   - image: that of the map, with the spacing of its voxels.
    ///   - job: that of the halves.
    ///   - scratchFolder: where halves wait for each other, or nil for memory.
    init(into map: any VolumeCollection, _ image: ImageDescription, _ job: JobDescription, scratchFolder: String?) {
        self.map = map
        self.image = image
        self.job = job
        self.scratchFolder = scratchFolder
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
            try job.cancellation.check()
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
        let likeness = try likeness(half.floats, partner.floats, own)
        let volume = VolumePosition(channel: channel, timepoint: timepoint / 2)
        state.withLock { $0.likeness[volume] = likeness }
        var error = [Float](repeating: 0, count: planeCount)
        try map.write(channel: channel, timepoint: timepoint / 2) { (take) throws(DeconvolutionError) in
            for z in 0..<shape.z {
                let (one, two) = (half.floats + z * planeCount, partner.floats + z * planeCount)
                for index in 0..<planeCount { error[index] = abs(one[index] - two[index]) / 2 }
                try error.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try take(plane) }
            }
        } figures: {
            var kept = known
            kept.shells = likeness.numbers
            return kept
        }
    }

    /// Nothing: the map is finished with the result that it is of.
    func finish() throws(DeconvolutionError) {}

    /// Compares both halves of a volume.
    /// - Parameter position: of one of them.
    private func likeness(
        _ one: UnsafePointer<Float>,
        _ two: UnsafePointer<Float>,
        _ position: VolumePosition
    ) throws(DeconvolutionError) -> HalfLikeness {
        var likeness = HalfLikeness(of: image)
        let (channel, first) = (position.channel, position.timepoint / 2 * 2)
        let source = job.recorded
        let maps = SensitivityMaps(
            job.sensitivity,
            job.findings,
            masksBadPixels: job.options.masksBadPixels,
            image: source,
            cancellation: job.cancellation
        )
        let sensitivity = try maps?.volume(channel: channel, timepoint: first)
        for block in ShellSums.blocks(of: one, image.shape) {
            try job.cancellation.check()
            try likeness.results.add(
                image.shape.part(block, of: one),
                image.shape.part(block, of: two),
                block.shape
            )
            var halves: [[Float]] = []
            for timepoint in [first, first + 1] {
                let data = try source.read(block, channel: channel, timepoint: timepoint)
                let weights = try sensitivity?.values(in: block, observed: data).values
                // What does not count is the same in both.
                halves.append(data.floats.filled(where: weights))
            }
            try likeness.images.add(halves[0], halves[1], block.shape)
        }
        return likeness
    }

    /// What all volumes of a channel say together, those of earlier runs too.
    func likeness(channel: Int) -> HalfLikeness {
        var all = HalfLikeness(of: image)
        let now = state.withLock(\.likeness)
        for volume in image.volumes where volume.channel == channel {
            let kept = map.figures(channel: channel, timepoint: volume.timepoint)?.shells
            guard let likeness = now[volume] ?? kept.flatMap({ HalfLikeness($0, of: image) }) else { continue }
            all.add(likeness)
        }
        return all
    }
}

extension VolumeShape {
    /// The voxels of a box.
    fileprivate func part(_ box: Region, of voxels: UnsafePointer<Float>) -> [Float] {
        var part: [Float] = []
        part.reserveCapacity(box.shape.voxelCount)
        for z in box.zRange {
            for row in box.origin.y..<box.origin.y + box.shape.y {
                let start = voxels + (z * y + row) * x + box.origin.x
                part.append(contentsOf: UnsafeBufferPointer(start: start, count: box.shape.x))
            }
        }
        return part
    }
}

extension [Float] {
    /// The good voxel before it in the place of each of weight 0: the same hole in two images would be something that they have in common.
    fileprivate func filled(where weights: [Float]?) -> [Float] {
        guard let weights, let first = indices.first(where: { weights[$0] > 0 }) else { return self }
        var filled = self
        var last = self[first]
        for index in indices {
            if weights[index] > 0 { last = self[index] } else { filled[index] = last }
        }
        return filled
    }
}
