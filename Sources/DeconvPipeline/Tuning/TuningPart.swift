import DeconvPlan
import DeconvVolume

/// The part of a volume that a method is tuned on, in memory.
struct TuningPart: Sendable {
    /// Which volume it is of.
    let position: VolumePosition
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

    /// Planes of a volume that are looked at for where its light is.
    private static let sampledPlanes = 16

    /// The middle of a volume.
    static func middle(of whole: VolumeShape) -> Region {
        let shape = VolumeShape { min(whole[$0], Self.mostVoxels[$0]) }
        return Region(origin: VolumeIndex { (whole[$0] - shape[$0]) / 2 }, shape: shape)
    }

    /// Of the parts that a volume is made of, the one with most light above a background, as far as a sample of planes tells.
    /// - Returns: nil where the volume is no larger than a part.
    /// - Throws: as `VolumeSource.read`.
    static func brightest(
        of source: any VolumeSource,
        _ position: VolumePosition,
        background: Double
    ) throws(DeconvolutionError) -> Region? {
        let whole = source.image.shape
        let shape = middle(of: whole).shape
        guard shape != whole else { return nil }
        let counts = VolumeShape { (whole[$0] + shape[$0] - 1) / shape[$0] }
        var light = [Double](repeating: 0, count: counts.voxelCount)
        for z in stride(from: 0, to: whole.z, by: max(whole.z / sampledPlanes, 1)) {
            let plane = Region(
                origin: VolumeIndex(z: z, y: 0, x: 0),
                shape: VolumeShape(z: 1, y: whole.y, x: whole.x)
            )
            let voxels = try source.read(plane, channel: position.channel, timepoint: position.timepoint).floats
            for y in 0..<whole.y {
                let row = (z / shape.z * counts.y + y / shape.y) * counts.x
                for x in 0..<whole.x {
                    let value = Double(voxels[y * whole.x + x]) - background
                    if value > 0, value.isFinite { light[row + x / shape.x] += value }
                }
            }
        }
        guard let most = light.max(), most > 0, let index = light.firstIndex(of: most) else { return nil }
        let block = Region(counts).index(index)
        // The last ones end where the volume does.
        return Region(origin: VolumeIndex { min(block[$0] * shape[$0], whole[$0] - shape[$0]) }, shape: shape)
    }

    /// Reads it.
    /// - Throws: as `VolumeSource.read`, and `invalidData` for a voxel that is no number.
    init(
        _ region: Region,
        of source: any VolumeSource,
        _ position: VolumePosition,
        _ maps: SensitivityMaps?,
        background: Double
    ) throws(DeconvolutionError) {
        (self.position, self.region) = (position, region)
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
