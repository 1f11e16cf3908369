public import DeconvVolume
import Foundation

/// A Gaussian blob with its analytic values: peak 1, any centre and width.
public enum GaussianPSF {
    /// The blob on a grid.
    /// - Parameters:
    ///   - center: in voxels (z, y, x), by default voxel n/2 (integer division) of each axis.
    ///   - sigma: standard deviations in voxels (z, y, x).
    ///   - peak: its value at the centre.
    public static func voxels(
        shape: VolumeShape,
        center: [Double]? = nil,
        sigma: [Double],
        peak: Double = 1
    ) -> [Double] {
        let center = center ?? shape.axes.map { Double($0 / 2) }
        let profiles = (0..<3).map { axis in
            (0..<shape[axis]).map { i in
                exp(-0.5 * pow((Double(i) - center[axis]) / sigma[axis], 2))
            }
        }
        var voxels: [Double] = []
        voxels.reserveCapacity(shape.voxelCount)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x { voxels.append(peak * profiles[0][z] * profiles[1][y] * profiles[2][x]) }
            }
        }
        return voxels
    }

    /// The blob scaled to sum 1, as a volume.
    public static func normalized(
        shape: VolumeShape,
        center: [Double]? = nil,
        sigma: [Double],
        spacing: VoxelSpacing? = nil
    ) -> Volume {
        let voxels = voxels(shape: shape, center: center, sigma: sigma)
        let sum = voxels.reduce(0, +)
        return Volume(shape: shape, voxels: voxels.map { Float($0 / sum) }, spacing: spacing)
    }
}
