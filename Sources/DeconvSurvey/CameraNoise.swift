/// How noise grows with light: variance = gain · (mean − level) + read noise².
///
/// From the means and the noise of tiles, of which structure only raises the noise: the line from the darkest tiles to each
/// of the brighter ones, and of these lines the middle one (photon transfer: Janesick 2007, Photon Transfer, chapter 5).
package struct CameraNoise: Hashable, Sendable {
    /// Counts a photon.
    package let gain: Double
    /// Standard deviation of the noise without light, counts.
    package let readNoise: Double

    /// Less than this is noise that something has averaged away, as where voxels were filtered or interpolated.
    private static let leastGain = 0.1
    private static let binCount = 16
    private static let fewestInBin = 20
    private static let fewestBins = 3

    /// The noise of some tiles; nil where they do not say.
    /// - Parameter level: what they hold without light, counts.
    package init?(_ tiles: [TileFigures], level: Double) {
        let varied = tiles.filter { !$0.isConstant }
        guard varied.count >= Self.fewestInBin * Self.fewestBins else { return nil }
        let darkest = varied.darkest
        let dark = (
            mean: darkest.reduce(0) { $0 + Double($1.mean) } / Double(darkest.count),
            variance: TrimmedMean.ofVariances(darkest.map { Double($0.noiseVariance) })
        )
        let means = varied.map { Double($0.mean) }.sorted()
        // The few brightest are beads and dirt.
        let width = (means[Int(0.995 * Double(means.count - 1))] - dark.mean) / Double(Self.binCount)
        guard width > 0 else { return nil }
        var bins = [[TileFigures]](repeating: [], count: Self.binCount)
        for tile in varied where Double(tile.mean) >= dark.mean {
            let bin = Int(min((Double(tile.mean) - dark.mean) / width, 1e6))
            if (1..<Self.binCount).contains(bin) { bins[bin].append(tile) }
        }
        let slopes = bins.filter { $0.count >= Self.fewestInBin }.map { bin in
            let mean = bin.reduce(0) { $0 + Double($1.mean) } / Double(bin.count)
            let variance = TrimmedMean.ofVariances(bin.map { Double($0.noiseVariance) })
            return (variance - dark.variance) / (mean - dark.mean)
        }
        .sorted()
        guard slopes.count >= Self.fewestBins, slopes[slopes.count / 2] >= Self.leastGain else { return nil }
        gain = slopes[slopes.count / 2]
        readNoise = max(dark.variance - gain * (dark.mean - level), 0).squareRoot()
    }
}
