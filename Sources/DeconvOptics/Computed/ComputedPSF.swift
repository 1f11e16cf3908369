package import DeconvVolume

/// A PSF that was computed, and what is to be known of it.
package struct ComputedPSF: Sendable {
    /// The PSF: sum 1, its brightest plane is plane n/2, the axis goes through voxel n/2 of y and x.
    ///
    /// Planes are positions of the objective: the higher a plane, the deeper it looks into the sample.
    package let psf: PointSpreadFunction
    /// Share of the light that lies outside, 0 ... 1, to about 0.002.
    ///
    /// For a widefield microscope, each of whose planes has the same light, that of the light of the PSF's planes.
    package let shareCutOff: Double
    /// The brightest voxel of the first and of the last plane over that of all; what lies beyond is less bright.
    package let endBrightness: [Double]
    /// How much farther than `depth` the objective travels from the cover glass to where the point is sharpest, µm.
    ///
    /// 0 where sample and immersion have one index. An image has its structures that much too deep.
    package let focalShift: Double
    /// The largest voxel from which the PSF can be told without loss, µm.
    package let nyquistSpacing: VoxelSpacing
    /// Whether a box that holds 99 % of the light would be larger than what was allowed.
    package let isLimited: Bool

    /// Distance between the half-maximum points through the center, µm (z, y, x); nil where it does not fall to half.
    package var fullWidthAtHalfMaximum: [Double?] {
        (0..<3).map { axis in psf.fullWidthAtHalfMaximum(axis: axis).map { $0 * (psf.spacing?[axis] ?? 1) } }
    }
}
