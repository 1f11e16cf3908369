/// The constants of the difference f·(g − y), y = s·f·p + b, or of f·(max(g, 0) − y) / max(y + v, floor) where it is relative.
package struct DifferenceConstants: Hashable, Sendable {
    /// b: camera offset and haze, in the units of the image.
    package var background: Float
    /// Least divisor, and least y in the Poisson divergence, above 0.
    package var floor: Float
    /// s: what a projection is taken times, above 0.
    package var scale: Float
    /// v: variance of the read noise, in the units of the image squared, where the difference is relative; nil where it is not.
    package var relativeTo: Float?

    /// Constants of a difference.
    package init(background: Float, floor: Float, scale: Float = 1, relativeTo variance: Float? = nil) {
        self.background = background
        self.floor = floor
        self.scale = scale
        relativeTo = variance
    }

    /// Those of the divergence: y = max(f·p + b, floor).
    var ofDivergence: RatioConstants {
        RatioConstants(background: background, readNoiseVariance: 0, floor: floor)
    }
}
