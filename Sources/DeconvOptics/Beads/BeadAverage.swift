import DeconvVolume

/// The mean of aligned beads, and which of them are unlike the others.
struct BeadAverage {
    /// Beads from which on one of them can be told to be unlike the others.
    private static let fewestToCompare = 4
    /// Standard deviations of the correlations, and their difference, from which on a bead is unlike.
    private static let mostDeviations = 4.0
    private static let leastDifference = 0.03

    private let beads: [BeadImage]
    private let shape: VolumeShape
    /// Standard deviations of a smoothing that beads are compared under, voxels.
    private let deviations: [Double]
    /// Whether a bead is part of the mean.
    private(set) var isUsed: [Bool]

    /// Averages beads of one box, at least one, and leaves out, again and again, those that are unlike the rest.
    init(_ beads: [BeadImage], width: [Double]) {
        self.beads = beads
        shape = beads[0].voxels.shape
        deviations = BeadSearch.deviations(width)
        isUsed = [Bool](repeating: true, count: beads.count)
        for _ in 0..<5 where !leaveOutUnlike() { break }
    }

    /// The sum of the beads over the sum of their heights, so that the peak is about 1.
    ///
    /// All photons count alike whichever bead they are of, which for shot noise is the best that a mean can do. A voxel that is
    /// nearer to another bead is left out of both sums.
    var mean: PSFField { mean(leavingOut: nil) }

    private func mean(leavingOut left: Int?) -> PSFField {
        var sums = [Double](repeating: 0, count: shape.voxelCount)
        var heights = sums
        for (number, bead) in beads.enumerated() where isUsed[number] && number != left {
            for i in sums.indices where bead.isOwn[i] {
                sums[i] += bead.voxels.values[i]
                heights[i] += bead.height
            }
        }
        return PSFField(shape: shape, values: sums.indices.map { heights[$0] > 0 ? sums[$0] / heights[$0] : 0 })
    }

    /// Compares each bead with the mean of the others.
    /// - Returns: whether one was left out.
    private mutating func leaveOutUnlike() -> Bool {
        let used = isUsed.indices.filter { isUsed[$0] }
        guard used.count >= Self.fewestToCompare else { return false }
        let correlations = used.map { correlation(of: $0) }
        let median = MeasuredBackground.quantile(correlations, 0.5)
        let spread = RobustSpread.of(correlations.map { $0 - median })
        let least = median - max(Self.mostDeviations * spread, Self.leastDifference)
        let unlike = zip(used, correlations).filter { $0.1 < least }.map(\.0)
        for number in unlike { isUsed[number] = false }
        return !unlike.isEmpty
    }

    /// Pearson's correlation of a bead with the mean of the others, both smoothed, as it would be without the noise of the bead.
    private func correlation(of number: Int) -> Double {
        let bead = beads[number]
        let own = smoothed(bead.voxels)
        let others = smoothed(mean(leavingOut: number))
        let voxels = own.indices.filter { bead.isOwn[$0] }
        let count = Double(voxels.count)
        let means = voxels.reduce((0.0, 0.0)) { ($0.0 + own[$1] / count, $0.1 + others[$1] / count) }
        var (ownSquare, otherSquare, product) = (0.0, 0.0, 0.0)
        for i in voxels {
            let (a, b) = (own[i] - means.0, others[i] - means.1)
            ownSquare += a * a
            otherSquare += b * b
            product += a * b
        }
        guard ownSquare > 0, otherSquare > 0 else { return 0 }
        let noise = bead.noise * SmoothedStack.noiseGain(deviations, shape: shape)
        let light = bead.height * bead.height * otherSquare / count
        return product / (ownSquare * otherSquare).squareRoot() * (1 + noise * noise / light).squareRoot()
    }

    private func smoothed(_ field: PSFField) -> [Double] {
        SmoothedStack(field.values.map { Float($0) }, shape: field.shape, deviations: deviations).values.map {
            Double($0)
        }
    }
}
