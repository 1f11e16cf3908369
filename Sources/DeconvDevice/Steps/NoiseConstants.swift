/// The constants of the noise that the image leaves in H'(ratio), see `Workspace.storeNoise`.
package struct NoiseConstants: Sendable {
    /// V: how the noise of the image grows with its counts.
    package var noise: PhotonNoise
    /// b: camera offset and haze, in the units of the image.
    package var background: Float
    /// s²: what the ratio adds to both sides, in the units of the image squared.
    package var readNoiseVariance: Float
    /// Least divisor of the ratio, above 0.
    package var floor: Float
    /// c: Σh² of the PSF h, where the spread is made with h² over its sum.
    package var scale: Float
    /// Whether the spread is held as 1 less its values.
    package var isComplemented: Bool

    /// Constants of the noise of an image.
    package init(
        noise: PhotonNoise,
        background: Float,
        readNoiseVariance: Float,
        floor: Float,
        scale: Float,
        isComplemented: Bool
    ) {
        self.noise = noise
        self.background = background
        self.readNoiseVariance = readNoiseVariance
        self.floor = floor
        self.scale = scale
        self.isComplemented = isComplemented
    }
}
