import DeconvOptions
import DeconvPlan
import DeconvVolume

/// The first stage: volumes come from the source and are looked at.
///
/// Unchecked: it belongs to one thread at a time, but for the readers that it gives away, which look at the source only.
final class VolumeReader: @unchecked Sendable {
    private let source: any VolumeSource
    private let tiles: TilePlan
    private let boundary: BoundaryMode
    private let channels: [ImageFindings.Channel]
    private let maps: SensitivityMaps?
    private let cancellation: Cancellation
    private let record: RunRecord
    /// Reads the second view of the object; nil where there is one view.
    let secondView: VolumeReader?
    private var lastKey: VolumeSensitivity.Key?

    init(_ job: JobDescription, _ plan: JobPlan, _ record: RunRecord) {
        tiles = plan.tiles
        self.record = record
        source = job.recorded
        boundary = plan.boundary
        channels = job.findings.channels
        cancellation = job.cancellation
        secondView = job.ofSecondView.map { VolumeReader($0, plan, record) }
        maps = SensitivityMaps(
            job.sensitivity,
            job.findings,
            masksBadPixels: job.options.masksBadPixels,
            image: source,
            cancellation: job.cancellation
        )
    }

    /// What must be known of a volume beforehand in all its views, and its voxels if it is computed in one piece.
    /// - Throws: `invalidData` where only one of two views has light.
    func survey(_ position: VolumePosition) throws(DeconvolutionError) -> SurveyedVolume {
        var volume = try surveyView(position)
        guard let secondView else { return volume }
        let second = try secondView.surveyView(position)
        guard second.isDark == volume.isDark else {
            let (dark, bright) = second.isDark ? (secondView.source, source) : (source, secondView.source)
            throw DeconvolutionError(
                .invalidData,
                "\(dark.name(channel: position.channel, timepoint: position.timepoint)) has no light above its background, and "
                    + "\(bright.name) has some at the same place; lower \(second.isDark ? .viewBackground : .background), or leave out "
                    + "\(.view)"
            )
        }
        volume.secondView = [second]
        return volume
    }

    private func surveyView(_ position: VolumePosition) throws(DeconvolutionError) -> SurveyedVolume {
        let shape = source.image.shape
        let name = source.name(channel: position.channel, timepoint: position.timepoint)
        var sensitivity = try record.measure(\.read) { () throws(DeconvolutionError) in
            try maps?.volume(channel: position.channel, timepoint: position.timepoint)
        }
        // Planes are read one by one where the volume may not fit in memory, or is there already.
        let step = tiles.tile == nil && !source.isInMemory ? shape.z : 1
        var statistics = ImageStatistics()
        var (voxels, values): (VoxelData?, [Float]?)
        var saturatedCount = 0
        for z in stride(from: 0, to: shape.z, by: step) {
            try cancellation.check()
            let slab = Region(
                origin: VolumeIndex(z: z, y: 0, x: 0),
                shape: VolumeShape(z: step, y: shape.y, x: shape.x)
            )
            var data = try record.measure(\.read) { () throws(DeconvolutionError) in
                try source.read(slab, channel: position.channel, timepoint: position.timepoint)
            }
            try record.measure(\.prepare) { () throws(DeconvolutionError) in
                sensitivity?.leaveOutEmptyPlanes(data, of: slab)
                guard let sensitivity else { return try statistics.add(data, of: slab, name: name) }
                let (weights, saturated) = try sensitivity.values(in: slab, observed: data)
                saturatedCount += saturated
                try statistics.add(data, sensitivity: weights, of: slab, name: name)
                if step == shape.z {
                    data.clear(where: weights)
                    values = weights
                }
            }
            if step == shape.z { voxels = data }
        }
        try cancellation.check()
        let background = channels[position.channel].shiftedBackground
        let mean = statistics.mean(background: background)
        let number = position.number(channelCount: source.image.channelCount)
        let isAlone = saturatedCount > 0 || sensitivity?.emptyPlanes.isEmpty == false
        var volume = SurveyedVolume(
            position: position,
            statistics: statistics,
            mean: mean,
            isDark: mean <= background,
            sensitivity: sensitivity,
            sensitivityKey: sensitivity?.key(image: isAlone ? number : nil),
            saturatedCount: saturatedCount,
            voxels: voxels,
            sensitivityValues: values
        )
        if volume.isDark {
            volume.voxels = nil
            volume.sensitivityValues = nil
        } else {
            // Should they be wanted all the same, they are read again.
            if volume.sensitivityKey == lastKey { volume.sensitivityValues = nil }
            lastKey = volume.sensitivityKey
        }
        return volume
    }

    /// Brings a volume to where it waits for being computed.
    func stage(_ volume: inout SurveyedVolume, _ traffic: any VolumeTraffic) throws(DeconvolutionError) {
        let read = frame(of: volume)
        volume.voxels = nil
        try record.measure(\.upload) { () throws(DeconvolutionError) in
            try traffic.stageObserved(reading: read)
        }
    }

    /// Reads regions of a volume's frame: the image, with what the boundary mode puts around it.
    func frame(of volume: SurveyedVolume) -> (Region) throws(DeconvolutionError) -> VoxelData {
        guard let voxels = volume.voxels else {
            return frame(volume.sensitivity?.goodVoxels(of: source) ?? source, volume.position)
        }
        return frame(ArraySource(voxels, shape: source.image.shape, name: source.name))
    }

    /// Reads regions of f on a volume's frame.
    func sensitivity(of volume: SurveyedVolume) -> (Region) throws(DeconvolutionError) -> [Float] {
        let read: (Region) throws(DeconvolutionError) -> VoxelData
        if let values = volume.sensitivityValues {
            read = frame(ArraySource(.float32(values), shape: source.image.shape, name: source.name))
        } else {
            read = frame(volume.sensitivity?.source(for: source) ?? source, volume.position)
        }
        return { (region) throws(DeconvolutionError) in try read(region).floats }
    }

    private func frame(
        _ source: any VolumeSource,
        _ position: VolumePosition = VolumePosition(channel: 0, timepoint: 0)
    ) -> (Region) throws(DeconvolutionError) -> VoxelData {
        let (frame, reader) = (tiles.frameInImage, FrameReader(source, boundary: boundary))
        return { (region) throws(DeconvolutionError) in
            let part = Region(
                origin: VolumeIndex { frame.origin[$0] + region.origin[$0] },
                shape: region.shape
            )
            return try reader.read(part, channel: position.channel, timepoint: position.timepoint)
        }
    }
}
