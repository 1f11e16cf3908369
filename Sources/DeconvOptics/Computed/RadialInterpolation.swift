/// Cubic (Lagrange) interpolation in an even function of the radius that is known at 0, 1, 2, … steps.
struct RadialInterpolation {
    /// The first of four samples; at −1 stands that at 1.
    let first: Int
    /// What each of the four counts.
    let weights: SIMD4<Double>

    /// Interpolation at a radius in steps, at least 0.
    init(at position: Double) {
        let i = Int(position)
        let t = position - Double(i)
        first = i - 1
        weights = SIMD4(
            -t * (t - 1) * (t - 2) / 6,
            (t + 1) * (t - 1) * (t - 2) / 2,
            -(t + 1) * t * (t - 2) / 2,
            (t + 1) * t * (t - 1) / 6
        )
    }

    func callAsFunction(_ profile: UnsafeBufferPointer<Double>) -> Double {
        weights[0] * profile[abs(first)] + weights[1] * profile[first + 1] + weights[2] * profile[first + 2]
            + weights[3] * profile[first + 3]
    }
}
