import Foundation

/// What the dark parts of an image hold: the camera's offset, and haze that is everywhere.
///
/// Light only adds, so the means of small tiles have a sharp lower edge, which noise has smeared. Tiles without light make a
/// peak there, tiles with some a ramp. Peak and ramp are seen through noise of a known width, and the place of the edge is
/// the one under which the counts of means are most likely (Poisson counts, weights by expectation maximization: Shepp and
/// Vardi 1982, IEEE Trans. Med. Imaging 1:113).
package struct DarkLevel: Hashable, Sendable {
    /// The level, counts.
    package let level: Double
    /// Standard deviation of the noise of a voxel at that level, counts.
    package let noise: Double
    /// Part of the tiles that lie at the level, as far as their noise tells.
    package let share: Double

    /// Too few tiles say nothing.
    static let fewestTiles = 16
    /// Where the noise of the means reaches below the edge: the lowest in 200 lies 2.5 deviations below it.
    private static let edgeQuantile = 0.005
    private static let edgeDistance = 2.5
    /// Deviations above the edge that are looked at: further up, the ramp is none.
    private static let window = 2.0
    /// Deviations below the edge that noise reaches, and more.
    private static let reach = 12.0
    /// Part of the tiles that may lie anywhere.
    private static let outliers = 0.002

    /// The level of some tiles; nil where they are too few.
    package init?(_ tiles: [TileFigures]) {
        let tiles = Self.recorded(tiles)
        guard tiles.count >= Self.fewestTiles else { return nil }
        let darkest = tiles.darkest
        let means = tiles.map { Double($0.mean) }.sorted()
        noise = TrimmedMean.ofVariances(darkest.map { Double($0.noiseVariance) }).squareRoot()
        let deviation = TrimmedMean.ofSquares(darkest.map { Double($0.saddle) }).squareRoot()
        // Without noise the darkest tiles are the level.
        level = deviation > 0 ? Self.edge(means, deviation) : means[Int(Self.edgeQuantile * Double(means.count))]
        share = Double(means.count { [level] in abs($0 - level) <= 2 * deviation }) / Double(means.count)
    }

    /// Without tiles that nobody recorded, such as the corners of a volume that was sheared.
    private static func recorded(_ tiles: [TileFigures]) -> [TileFigures] {
        let varied = tiles.filter { !$0.isConstant }
        let constant = tiles.filter(\.isConstant).map(\.mean)
        guard !constant.isEmpty, varied.count >= max(32, tiles.count / 20) else { return tiles }
        let counts = constant.reduce(into: [Float: Int]()) { $0[$1, default: 0] += 1 }
        let filling = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }!.key
        // Noise that reaches below and above a value leaves no tile with nothing else.
        if varied.count(where: { $0.smallest < filling }) > varied.count / 10 {
            let shares = varied.map(\.equalShare).sorted()
            let most = shares[shares.count / 2] + mixedShare
            return varied.filter { $0.equalShare <= most }
        }
        // Where light is sparse, tiles without any are dark ones; a filling lies far below all that was recorded.
        let clean = varied.filter { $0.smallest != filling }
        guard clean.count >= 32, let lowest = clean.darkest.first else { return tiles }
        let deviation = TrimmedMean.ofVariances(clean.darkest.map { Double($0.noiseVariance) }).squareRoot()
        return Double(lowest.mean) > Double(filling) + 5 * deviation ? clean : tiles
    }

    /// By how much more of its neighbors are alike in a tile of which an eighth was filled.
    private static let mixedShare: Float = 0.1

    /// The most likely place of the edge.
    /// - Parameters:
    ///   - means: ascending.
    ///   - deviation: of the noise of a mean, above 0.
    private static func edge(_ means: [Double], _ deviation: Double) -> Double {
        let count = means.count
        let guess = means[Int(edgeQuantile * Double(count))] + edgeDistance * deviation
        // Dead pixels make tiles that lie far below, and a few tiles of many levels reach far above.
        let first = max(means[0], guess - reach * deviation)
        let end = min(max(guess + window * deviation, means[min(count - 1, 15)]), guess + 3 * reach * deviation)
        let step = deviation / 4
        let binCount = Int(((end - first) / step).rounded(.up)) + 4
        let start = first - deviation
        var counts = [Double](repeating: 0, count: binCount)
        for mean in means {
            let bin = Int(max(min((mean - start) / step, 1e6), -1).rounded(.down))
            if counts.indices.contains(bin) { counts[bin] += 1 }
        }
        var best = (likelihood: -Double.infinity, place: first)
        for number in 0..<Int((Double(binCount) * step / deviation - 1.5) * 10) {
            let place = first + Double(number) * deviation / 10
            let likelihood = self.likelihood(counts, start: start, step: step, place: place, deviation)
            if likelihood > best.likelihood { best = (likelihood, place) }
        }
        return best.place
    }

    /// The logarithm of how likely counts are under a peak and a ramp at a place, with the weights that suit them best.
    private static func likelihood(
        _ counts: [Double],
        start: Double,
        step: Double,
        place: Double,
        _ deviation: Double
    ) -> Double {
        let edges = (0...counts.count).map { (start + Double($0) * step - place) / deviation }
        let below = edges.map { 0.5 * erfc(-$0 / 2.0.squareRoot()) }
        let above = zip(edges, below).map { $0 * $1 + exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() }
        // No part may be 0.
        let least = 1e-12
        let peak = counts.indices.map { below[$0 + 1] - below[$0] + least }
        let ramp = counts.indices.map { above[$0 + 1] - above[$0] + least }
        let (peakSum, rampSum, total) = (peak.reduce(0, +), ramp.reduce(0, +), counts.reduce(0, +))
        let floor = outliers * total / Double(counts.count)
        var weights = (peak: total / 2 / peakSum, ramp: total / 2 / rampSum)
        for _ in 0..<20 {
            var (inPeak, inRamp) = (0.0, 0.0)
            for bin in counts.indices where counts[bin] > 0 {
                let ratio = counts[bin] / (weights.peak * peak[bin] + weights.ramp * ramp[bin] + floor)
                inPeak += peak[bin] * ratio
                inRamp += ramp[bin] * ratio
            }
            weights = (weights.peak * inPeak / peakSum, weights.ramp * inRamp / rampSum)
        }
        var likelihood = 0.0
        for bin in counts.indices {
            let expected = weights.peak * peak[bin] + weights.ramp * ramp[bin] + floor
            likelihood += counts[bin] * log(expected) - expected
        }
        return likelihood
    }
}
