import DeconvVolume

/// An image with a number of counts added to each channel.
struct ShiftedSource: VolumeSource {
    private let source: any VolumeSource
    /// One a channel, counts.
    private let shifts: [Double]

    /// The image itself where nothing is added.
    static func source(_ source: any VolumeSource, _ shifts: [Double]) -> any VolumeSource {
        // Only floating point has values below 0.
        guard source.image.pixelType.inMemory == .float32, shifts.contains(where: { $0 != 0 }) else { return source }
        return ShiftedSource(source: source, shifts: shifts)
    }

    var name: String { source.name }
    var image: ImageDescription { source.image }
    var isInMemory: Bool { source.isInMemory }

    func volumeName(channel: Int, timepoint: Int) -> String? {
        source.volumeName(channel: channel, timepoint: timepoint)
    }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        let data = try source.read(region, channel: channel, timepoint: timepoint)
        let shift = Float(shifts[channel])
        guard shift != 0, case .float32(let voxels) = data else { return data }
        return .float32(voxels.map { $0 + shift })
    }
}
