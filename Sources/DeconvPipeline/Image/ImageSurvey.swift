import DeconvIO
import DeconvSurvey
import DeconvVolume

/// What a sample of an image's planes tells, channel by channel: before the first volume is computed, and once for all of them.
struct ImageSurvey: Sendable {
    /// One a channel.
    let channels: [ChannelSurvey]

    /// Looks at a sample of the planes of every channel.
    /// - Parameters:
    ///   - mask: 0 on voxels that do not count.
    ///   - keptBytes: the most bytes of decoded chunks that may be kept meanwhile, where chunks hold several planes.
    ///   - check: throws when the run is to stop.
    /// - Throws: `cancelled`; as `VolumeSource.read` where no plane can be read. One that cannot is passed over: the run says so when
    ///   it comes to it.
    init(
        _ source: any VolumeSource,
        mask: (any VolumeSource)?,
        keptBytes: Int,
        check: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let image = source.image
        let plane = VolumeShape(z: 1, y: image.shape.y, x: image.shape.x)
        let files = [source, mask].compactMap { $0 as? any ImageFileSource }
        let before = files.map { file in
            var now = 0
            let wanted = min(file.readingMemory(of: plane).mostKeptBytes, keptBytes)
            file.limitKeptBytes { limit in
                now = limit
                return max(limit, wanted)
            }
            return now
        }
        defer { for (file, bytes) in zip(files, before) { file.limitKeptBytes { _ in bytes } } }
        let plan = SamplePlan(image)
        let maskPlane = mask.map { MaskPlanes($0) }
        var channels: [ChannelSurvey] = []
        for channel in 0..<image.channelCount {
            var search = ChannelSearch(width: image.shape.x, height: image.shape.y)
            var planesRead = 0
            var problem: DeconvolutionError?
            for sample in plan.planes {
                try check()
                let region = Region(origin: VolumeIndex(z: sample.z, y: 0, x: 0), shape: plane)
                do throws(DeconvolutionError) {
                    var voxels = try source.read(region, channel: channel, timepoint: sample.timepoint).floats
                    if let maskPlane = try maskPlane?.values(region, channel, sample.timepoint) {
                        voxels.fillBadVoxels(with: maskPlane)
                    }
                    search.add(voxels)
                    planesRead += 1
                } catch {
                    problem = error
                }
            }
            if planesRead == 0, let problem { throw problem }
            channels.append(search.result)
        }
        self.channels = channels
    }
}

/// The planes of a mask, which may have one plane, channel or time point for all: the last one is kept.
private final class MaskPlanes {
    private let source: any VolumeSource
    private var last: (place: [Int], values: [Float])?

    init(_ source: any VolumeSource) { self.source = source }

    func values(_ region: Region, _ channel: Int, _ timepoint: Int) throws(DeconvolutionError) -> [Float] {
        let image = source.image
        var region = region
        if image.shape.z == 1 { region.origin.z = 0 }
        let place = [
            image.channelCount == 1 ? 0 : channel, image.timepointCount == 1 ? 0 : timepoint, region.origin.z,
        ]
        if let last, last.place == place { return last.values }
        let values = try source.read(region, channel: place[0], timepoint: place[1]).floats
        last = (place, values)
        return values
    }
}

extension [Float] {
    /// Puts the good voxel before it in the place of each bad one, so that its surroundings stay what they are.
    fileprivate mutating func fillBadVoxels(with mask: [Float]) {
        var last = zip(self, mask).first { $0.1 != 0 }?.0 ?? 0
        for index in indices {
            if mask[index] == 0 { self[index] = last } else { last = self[index] }
        }
    }
}
