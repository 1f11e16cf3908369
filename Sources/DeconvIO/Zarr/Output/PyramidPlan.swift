import DeconvVolume

/// The smaller copies of a volume that an image of OME-Zarr has beside it.
enum PyramidPlan {
    /// The volume or a smaller copy of it.
    struct Level {
        /// Voxels per axis.
        var shape: VolumeShape
        /// How many voxels of the level before become one, per axis: 1 or 2.
        var step = VolumeShape(z: 1, y: 1, x: 1)
    }

    /// Rows and columns up to which a viewer shows a volume at once.
    private static let smallPlane = 256

    /// The volume, then its copies, each smaller than the one before, until planes are small enough.
    /// - Parameter spacing: of the volume's voxels; only its ratios count.
    static func levels(of shape: VolumeShape, _ spacing: VoxelSpacing) -> [Level] {
        var levels = [Level(shape: shape)]
        var spacing = spacing
        while let step = step(from: levels[levels.count - 1].shape, spacing) {
            levels.append(Level(shape: Self.shape(of: levels[levels.count - 1].shape, step), step: step))
            spacing = VoxelSpacing(
                z: spacing.z * Double(step.z),
                y: spacing.y * Double(step.y),
                x: spacing.x * Double(step.x)
            )
        }
        return levels
    }

    /// How a volume is made smaller, or nil where its planes are small enough.
    ///
    /// Rows and columns are halved. Planes are where that brings a voxel closer to a cube: while their distance is less than
    /// √2 times that of rows and columns.
    private static func step(from shape: VolumeShape, _ spacing: VoxelSpacing) -> VolumeShape? {
        guard max(shape.y, shape.x) > smallPlane else { return nil }
        let ratio = spacing.z / (spacing.y * spacing.x).squareRoot()
        return VolumeShape(
            z: shape.z > 1 && ratio < 2.0.squareRoot() ? 2 : 1,
            y: shape.y > 1 ? 2 : 1,
            x: shape.x > 1 ? 2 : 1
        )
    }

    /// The shape of a smaller copy: what is left at the end of an extent becomes a voxel of its own.
    static func shape(of shape: VolumeShape, _ step: VolumeShape) -> VolumeShape {
        VolumeShape { (shape[$0] + step[$0] - 1) / step[$0] }
    }
}
