/// How far noise strays.
enum RobustSpread {
    /// The standard deviation of noise around 0, from values some of which are light.
    ///
    /// The larger of 1.4826 times the median magnitude, and the mean of the lowest nine tenths of the magnitudes
    /// over 0.6574 (what that mean is for a Gaussian of unit width): the first resists light, the second works for
    /// counts of 0, 1, 2.
    static func of(_ deviations: [Double]) -> Double {
        guard !deviations.isEmpty else { return 0 }
        let magnitudes = deviations.map { abs($0) }.sorted()
        let kept = magnitudes[..<max(1, magnitudes.count * 9 / 10)]
        return max(1.4826 * magnitudes[magnitudes.count / 2], kept.reduce(0, +) / Double(kept.count) / 0.6574)
    }
}
