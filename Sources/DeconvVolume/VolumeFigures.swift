/// What is known of a volume that was deconvolved: kept with its result, so that a run that goes on with the work of an earlier
/// one reports on all of it.
package struct VolumeFigures: Hashable, Sendable {
    /// The Poisson divergence at one iteration.
    package struct Divergence: Hashable, Sendable {
        /// Iteration before whose update it was measured, from 1.
        package var iteration: Int
        /// Σ g·ln(g/y) − g + y over the recorded voxels.
        package var value: Double

        package init(iteration: Int, value: Double) {
            self.iteration = iteration
            self.value = value
        }
    }

    /// Σ of its good voxels above the background, in counts.
    package var light = 0.0
    /// The same of its second view; nil where there is one view.
    package var secondLight: Double?
    /// Σ of the result's voxels, in counts.
    package var sum = 0.0
    /// Voxels that did not count because mask or flat field are 0 there.
    package var maskedVoxelCount = 0
    /// Voxels that did not count because they are saturated.
    package var saturatedVoxelCount = 0
    /// In the order of iterations; nil where there was no light, so that none ran.
    package var divergence: [Divergence]?
    /// Where it is a map of how uncertain a result is: what was summed of the spectra of the halves it was made from.
    package var shells: [Double]?
    /// What a person should know of it, at most one of a kind, in the order in which they are told.
    package var warnings: [Diagnostic] = []

    /// Those of a volume of which nothing is known yet.
    package init() {}
}
