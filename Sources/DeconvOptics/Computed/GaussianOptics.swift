package import DeconvVolume
import Glibc

/// A Gaussian in place of a PSF: for a microscope of which only the resolution is known.
package struct GaussianOptics: Sendable, Hashable {
    /// Standard deviation per axis, µm.
    package var standardDeviation: VoxelSpacing

    /// A Gaussian from its standard deviation per axis, µm.
    package init(standardDeviation: VoxelSpacing) { self.standardDeviation = standardDeviation }

    /// A Gaussian from its full width at half maximum per axis, µm: 2 √(2 ln 2) standard deviations.
    package init(fullWidthAtHalfMaximum width: VoxelSpacing) {
        let factor = 2 * (2 * log(2.0)).squareRoot()
        standardDeviation = VoxelSpacing(z: width.z / factor, y: width.y / factor, x: width.x / factor)
    }

    /// The PSF on a grid, centred on voxel n/2 of each axis and sampled at voxel centres.
    /// - Parameters:
    ///   - shape: at least one voxel an axis.
    ///   - spacing: positive, µm.
    /// - Throws: `invalidArgument` for a width or spacing that is not positive.
    package func pointSpreadFunction(
        shape: VolumeShape,
        spacing: VoxelSpacing
    ) throws(DeconvolutionError) -> PointSpreadFunction {
        try ComputedGrid.check(shape: shape, spacing: spacing)
        guard standardDeviation.isValid else {
            throw DeconvolutionError(
                .invalidArgument,
                "a Gaussian of width \(standardDeviation) is not positive; give three widths in micrometers"
            )
        }
        let center = shape.centerVoxel
        let profiles = (0..<3).map { axis in
            (0..<shape[axis]).map { i in
                let distance = Double(i - center[axis]) * spacing[axis] / standardDeviation[axis]
                return exp(-0.5 * distance * distance)
            }
        }
        var field = PSFField(shape: shape, values: [])
        field.values.reserveCapacity(shape.voxelCount)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x { field.values.append(profiles[0][z] * profiles[1][y] * profiles[2][x]) }
            }
        }
        return try ComputedGrid.normalized(field, spacing: spacing)
    }
}
