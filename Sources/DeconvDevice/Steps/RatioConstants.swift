/// The constants of the ratio f·(max(g, 0) − offset + s²) / max(f·p + b + s², floor).
package struct RatioConstants: Hashable, Sendable {
    /// The least divisor that guards a division, relative to the mean of the observed image.
    package static let leastDivisor = 1e-6

    /// Taken off the observed image before it is compared, in its units.
    package var offset: Float
    /// b: camera offset and haze, in the units of the image.
    package var background: Float
    /// s²: variance of the read noise, in the units of the image squared.
    package var readNoiseVariance: Float
    /// Least divisor, above 0.
    package var floor: Float

    /// Constants of a ratio.
    package init(offset: Float = 0, background: Float, readNoiseVariance: Float, floor: Float) {
        self.offset = offset
        self.background = background
        self.readNoiseVariance = readNoiseVariance
        self.floor = floor
    }
}
