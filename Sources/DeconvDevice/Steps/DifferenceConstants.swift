/// The constants of the difference f·(g − b − f·p).
package struct DifferenceConstants: Hashable, Sendable {
    /// b: camera offset and haze, in the units of the image.
    package var background: Float
    /// Least y in the Poisson divergence, above 0.
    package var floor: Float

    /// Constants of a difference.
    package init(background: Float, floor: Float) {
        self.background = background
        self.floor = floor
    }

    /// Those of the divergence: y = max(f·p + b, floor).
    var ofDivergence: RatioConstants {
        RatioConstants(background: background, readNoiseVariance: 0, floor: floor)
    }
}
