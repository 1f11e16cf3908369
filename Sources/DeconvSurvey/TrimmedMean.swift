/// Means without the largest values, which structure makes and noise does not.
enum TrimmedMean {
    /// The mean of squares of normal deviates, from all but the largest twentieth of them.
    ///
    /// Over normal deviates the squares below 1.96² have a mean of 0.7588.
    static func ofSquares(_ values: [Double]) -> Double { mean(values.map { $0 * $0 }, keeping: 0.95) / 0.7588 }

    /// The mean of variances, each of 36 correlated squares, from all but the largest tenth of them, whose absence takes 7 %.
    static func ofVariances(_ values: [Double]) -> Double { mean(values, keeping: 0.9) / 0.93 }

    private static func mean(_ values: [Double], keeping share: Double) -> Double {
        let kept = values.sorted().prefix(max(1, Int(share * Double(values.count))))
        return kept.reduce(0, +) / Double(max(kept.count, 1))
    }
}
