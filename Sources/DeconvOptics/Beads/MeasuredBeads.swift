/// A PSF that was taken from beads, and how.
package struct MeasuredBeads: Sendable {
    /// The mean of the beads with its center on voxel n/2, sum 1. Noise leaves it slightly negative in places.
    package let psf: PointSpreadFunction
    /// What was found and used, with figures.
    package let report: BeadReport
    /// Every spot that was looked at.
    package let spots: [BeadSpot]
}
