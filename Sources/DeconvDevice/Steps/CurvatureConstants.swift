/// The constants of 1 / max(1 − λ · Δx, least), or with roots of 1 / max(1 − λ · Δv / v, least), v = √max(x, floor).
///
/// Δ = −Σ_a r_a² D_a' D_a, with D_a the difference to the next voxel along an axis, 0 at the far end.
package struct CurvatureConstants: Hashable, Sendable {
    /// λ, at least 0.
    package var strength: Float
    /// What x counts for at least where its root is taken, above 0, in counts a voxel; nil for no roots.
    package var floor: Float?
    /// r of the axes z, y, x, in this order: the smallest voxel size over that of the axis.
    package var rates: SIMD3<Float>

    /// What the divisor does not fall below, so that no voxel grows by more than its fivefold.
    static let least: Float = 0.2

    /// Constants of a weight.
    package init(strength: Float, floor: Float? = nil, rates: SIMD3<Float> = SIMD3(1, 1, 1)) {
        precondition(strength >= 0 && floor ?? 1 > 0)
        self.strength = strength
        self.floor = floor
        self.rates = rates
    }

    /// Squares of the rates along z, y and x.
    var squares: (z: Float, y: Float, x: Float) {
        (rates[0] * rates[0], rates[1] * rates[1], rates[2] * rates[2])
    }
}
