/// A volume in memory: voxels in the order z, y, x with x fastest, and where it is known the size of a voxel.
public struct Volume: Sendable {
    /// Voxels per axis; a 2D image has one plane.
    public let shape: VolumeShape
    /// `shape.voxelCount` values.
    public var voxels: [Float]
    /// Size of a voxel, or nil where nobody said.
    public var spacing: VoxelSpacing?

    /// A volume from its voxels, of which there are `shape.voxelCount`.
    public init(shape: VolumeShape, voxels: [Float], spacing: VoxelSpacing? = nil) {
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a volume of \(shape)")
        self.shape = shape
        self.voxels = voxels
        self.spacing = spacing
    }

    /// The voxel at a position inside the volume.
    public subscript(z: Int, y: Int, x: Int) -> Float {
        get { voxels[(z * shape.y + y) * shape.x + x] }
        set { voxels[(z * shape.y + y) * shape.x + x] = newValue }
    }
}

extension Volume {
    /// The box of a shape around the center voxel n/2, which stays the center voxel.
    package func centralPart(_ part: VolumeShape) -> Volume {
        if part == shape { return self }
        let region = Region(origin: VolumeIndex { shape[$0] / 2 - part[$0] / 2 }, shape: part)
        return Volume(shape: part, voxels: voxels.cropped(from: shape, to: region), spacing: spacing)
    }
}
