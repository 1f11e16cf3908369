import DeconvVolume

/// What all computed PSFs have in common: the grid, its checks, and the sum of 1.
enum ComputedGrid {
    static func check(shape: VolumeShape, spacing: VoxelSpacing) throws(DeconvolutionError) {
        // Axis by axis first, so that the product cannot overflow.
        guard shape.axes.allSatisfy({ (1...8192).contains($0) }), shape.voxelCount <= 1 << 28 else {
            throw DeconvolutionError(
                .invalidArgument,
                "a PSF of \(shape) cannot be computed; give 1 to 8192 voxels an axis and at most \(1 << 28) in all"
            )
        }
        guard spacing.isValid else {
            throw DeconvolutionError(
                .invalidArgument,
                "the spacing \(spacing) is not positive; give \(.spacing, "z,y,x") in micrometers"
            )
        }
    }

    static func normalized(_ field: PSFField, spacing: VoxelSpacing) throws(DeconvolutionError) -> PointSpreadFunction {
        let sum = field.sum
        guard sum > 0, sum.isFinite else {
            throw DeconvolutionError(.internalError, "a computed PSF of \(field.shape) sums to \(sum)")
        }
        return PointSpreadFunction(
            shape: field.shape,
            voxels: PSFNormalization.normalized(field, sum: sum),
            spacing: spacing
        )
    }
}
