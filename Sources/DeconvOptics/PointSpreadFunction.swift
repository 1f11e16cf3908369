package import DeconvVolume

/// How the microscope images a point: ready to be put on a grid and transformed.
///
/// The voxels are finite and sum to 1, and the centre is voxel n/2 (integer division) of each axis. They are
/// non-negative too, unless the PSF was taken as it is (`PSFPreparation.isAsIs`) and had negative voxels.
package struct PointSpreadFunction: Sendable {
    /// Voxels per axis; a 2D PSF has one plane.
    package let shape: VolumeShape
    /// `shape.voxelCount` values in the order z, y, x with x fastest.
    package let voxels: [Float]
    /// Size of a voxel, or nil where nobody said.
    package let spacing: VoxelSpacing?

    /// A PSF from voxels that sum to 1 and whose centre is voxel n/2 of each axis.
    package init(shape: VolumeShape, voxels: [Float], spacing: VoxelSpacing? = nil) {
        precondition(shape.voxelCount > 0, "a PSF has at least one voxel")
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a PSF of \(shape)")
        self.shape = shape
        self.voxels = voxels
        self.spacing = spacing
    }

    /// The voxel that the centre lies on: n/2 (integer division) of each axis.
    package var center: VolumeIndex { shape.centerVoxel }

    /// The same PSF as a volume, for writing to a file.
    package var volume: Volume { Volume(shape: shape, voxels: voxels, spacing: spacing) }

    /// The distance between the two half-maximum points on the line through the centre along one axis, in voxels.
    ///
    /// The crossings are found by linear interpolation. Nil where the line does not fall to half inside the box, as
    /// on an axis of one voxel.
    package func fullWidthAtHalfMaximum(axis: Int) -> Double? {
        PSFField(shape: shape, values: voxels.map { Double($0) }).halfMaximum(through: center, axis: axis).width
    }
}

extension VolumeShape {
    /// The voxel on which the centre of a PSF of this shape lies: n/2 (integer division) of each axis.
    package var centerVoxel: VolumeIndex { VolumeIndex(z: z / 2, y: y / 2, x: x / 2) }
}
