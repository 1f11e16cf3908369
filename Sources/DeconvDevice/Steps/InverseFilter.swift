/// The constants of the filter (1 + K) conj(ĥ) / (|ĥ|² + K + λ l²) of a transfer function ĥ.
///
/// −l is the transfer function of Δ = −Σ_a r_a² D_a' D_a on a periodic volume, D_a the difference to the next voxel along an axis:
/// l = Σ_a r_a² 4 sin²(π k_a / n_a). It is 0 at frequency 0, where the filter is then 1.
package struct InverseFilter: Hashable, Sendable {
    /// K, at least 0.
    package var noise: Float
    /// λ, at least 0; not both are 0.
    package var smoothness: Float
    /// r of the axes z, y, x, in this order: the smallest voxel size over that of the axis.
    package var rates: SIMD3<Float>

    /// Keeps the divisor above 0 where there is no frequency.
    static let leastDivisor: Float = 1e-30

    /// Constants of a filter.
    package init(noise: Float = 0, smoothness: Float = 0, rates: SIMD3<Float> = SIMD3(1, 1, 1)) {
        precondition(noise >= 0 && smoothness >= 0 && noise + smoothness > 0)
        self.noise = noise
        self.smoothness = smoothness
        self.rates = rates
    }

    /// Squares of the rates along z, y and x.
    var squares: (z: Float, y: Float, x: Float) {
        (rates[0] * rates[0], rates[1] * rates[1], rates[2] * rates[2])
    }
}
