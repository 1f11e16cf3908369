/// The constants of 1 / max(1 − λ · div(∇x / |∇x|), least), |∇x| = √(Σ_a (r_a D_a x)² + e²).
///
/// D_a are differences to the next voxel along an axis, 0 at the far end; div is minus their adjoint with the same r_a.
package struct TotalVariationConstants: Hashable, Sendable {
    /// λ, at least 0.
    package var strength: Float
    /// e: gradients far below it count as none; above 0, in counts a voxel.
    package var smoothing: Float
    /// r of the axes z, y, x, in this order: the smallest voxel size over that of the axis.
    package var rates: SIMD3<Float>

    /// What the divisor does not fall below, so that no voxel grows by more than its fivefold.
    static let least: Float = 0.2

    /// Constants of a weight.
    package init(strength: Float, smoothing: Float, rates: SIMD3<Float> = SIMD3(1, 1, 1)) {
        precondition(strength >= 0 && smoothing > 0)
        self.strength = strength
        self.smoothing = smoothing
        self.rates = rates
    }

    /// Squares of the rates along z, y and x.
    var squares: (z: Float, y: Float, x: Float) {
        (rates[0] * rates[0], rates[1] * rates[1], rates[2] * rates[2])
    }

    /// e², which must not vanish where all light is faint.
    var flat: Float { max(smoothing * smoothing, .leastNormalMagnitude) }
}
