package import DeconvVolume

extension Microscope {
    /// Whether a point has another PSF where it lies deeper: where sample and immersion differ in their refractive index.
    package var dependsOnDepth: Bool { indexOfSample != immersionIndex }

    /// How deep points lie that are sharpest in other planes than those at `depth`, µm under the cover glass.
    ///
    /// Planes are positions of the objective, and behind a boundary between indices the focus moves by another distance than
    /// the objective travels (Hell, Reiner, Cremer and Stelzer 1993, J. Microsc. 169:391). All paths in the sample grow
    /// with the depth, so that both are taken to be in one proportion over all of a stack, which is that of the light as it is computed.
    /// - Parameter travels: how much farther the objective has gone than to what lies at `depth`, µm; less than 0 for
    ///   what lies nearer to the glass.
    /// - Returns: depths to a nanometer; less than 0 where a plane shows nothing of the sample.
    /// - Throws: `invalidArgument` for figures that no microscope can have.
    package func depths(atTravels travels: [Double]) throws(DeconvolutionError) -> [Double] {
        try validate()
        let farthest = travels.map(abs).max() ?? 0
        guard dependsOnDepth, farthest > 0 else { return travels.map { depth + $0 } }
        // So far that it counts for little which of several maxima along the axis is the brightest.
        let reach = max(farthest, 20 * depthOfFocus)
        var deeper = self
        deeper.depth = depth + reach
        let travelPerDepth = try (deeper.focus() - focus()) / reach
        return travels.map { ((depth + $0 / travelPerDepth) * 1000).rounded() / 1000 }
    }
}
