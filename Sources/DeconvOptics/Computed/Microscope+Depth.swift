package import DeconvVolume

extension Microscope {
    /// Whether a point has another PSF where it lies deeper: where sample and immersion differ in their refractive index.
    package var dependsOnDepth: Bool { indexOfSample != immersionIndex }

    /// How far the objective travels while its focus moves by 1 µm in the sample.
    ///
    /// Behind a boundary between indices these differ (Hell, Reiner, Cremer and Stelzer 1993, J. Microsc. 169:391). All paths
    /// in the sample grow with the depth, so that both are in one proportion: that of the brightest places of the axis at `depth` and deeper.
    /// - Parameter distance: between these, µm, above 0.
    /// - Throws: `invalidArgument` for figures that no microscope can have.
    package func travelPerDepth(over distance: Double) throws(DeconvolutionError) -> Double {
        try validate()
        guard dependsOnDepth else { return 1 }
        // So far that it counts for little which of several maxima along the axis is the brightest.
        let distance = max(distance, 20 * depthOfFocus)
        var deeper = self
        deeper.depth = depth + distance
        return try (deeper.focus() - focus()) / distance
    }
}
