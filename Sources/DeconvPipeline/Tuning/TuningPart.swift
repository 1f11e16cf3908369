import DeconvPlan
import DeconvVolume

/// The part of a volume that a method is tuned on: its middle, in memory.
struct TuningPart: Sendable {
    /// Where it lies in the image.
    let region: Region
    /// Its counts, 0 on voxels that do not count.
    let voxels: [Float]
    /// f of its voxels; nil for 1.
    let weights: [Float]?
    /// What the mean of its voxels would be if they were all as sensitive.
    let mean: Double

    /// Voxels along z, y and x at most: enough for a number that holds for the rest, and quick.
    private static let mostVoxels = VolumeShape(z: 64, y: 256, x: 256)

    /// Reads it.
    /// - Throws: as `VolumeSource.read`, and `invalidData` for a voxel that is no number.
    init(
        of source: any VolumeSource,
        _ position: VolumePosition,
        _ maps: SensitivityMaps?,
        background: Double
    ) throws(DeconvolutionError) {
        let whole = source.image.shape
        let shape = VolumeShape { min(whole[$0], Self.mostVoxels[$0]) }
        region = Region(origin: VolumeIndex { (whole[$0] - shape[$0]) / 2 }, shape: shape)
        var data = try source.read(region, channel: position.channel, timepoint: position.timepoint)
        var sensitivity = try maps?.volume(channel: position.channel, timepoint: position.timepoint)
        sensitivity?.leaveOutEmptyPlanes(data, of: region)
        var statistics = ImageStatistics()
        let name = source.name(channel: position.channel, timepoint: position.timepoint)
        if let sensitivity {
            let values = try sensitivity.values(in: region, observed: data).values
            try statistics.add(data, sensitivity: values, of: region, name: name)
            data.clear(where: values)
            weights = values
        } else {
            try statistics.add(data, of: region, name: name)
            weights = nil
        }
        voxels = data.floats
        mean = statistics.mean(background: background)
    }

    /// The number of a voxel of the part among those of the whole image.
    func number(in whole: VolumeShape) -> (Int) -> UInt64 {
        { [region] index in
            let place = region.index(index)
            return UInt64((place.z * whole.y + place.y) * whole.x + place.x)
        }
    }
}
