/// A volume in memory as a source.
public struct ArraySource: VolumeSource {
    /// What a message calls it.
    public let name: String
    /// Shape, type in memory and spacing of the one volume.
    public let image: ImageDescription
    private let data: VoxelData

    /// A source over `data`, of which there are `shape.voxelCount` voxels.
    public init(
        _ data: VoxelData,
        shape: VolumeShape,
        spacing: VoxelSpacing? = nil,
        name: String = "the image"
    ) {
        precondition(data.count == shape.voxelCount, "\(data.count) voxels do not make a volume of \(shape)")
        self.data = data
        self.name = name
        image = ImageDescription(shape: shape, pixelType: data.pixelType, spacing: spacing)
    }

    /// A source over a volume.
    public init(_ volume: Volume, name: String = "the image") {
        self.init(.float32(volume.voxels), shape: volume.shape, spacing: volume.spacing, name: name)
    }

    /// The voxels of a box; see `VolumeSource.read`.
    public func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        if region.shape == image.shape { return data }
        return switch data {
        case .uint8(let voxels): .uint8(voxels.cropped(from: image.shape, to: region))
        case .uint16(let voxels): .uint16(voxels.cropped(from: image.shape, to: region))
        case .float32(let voxels): .float32(voxels.cropped(from: image.shape, to: region))
        }
    }
}
