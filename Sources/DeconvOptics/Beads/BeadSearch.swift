import DeconvVolume
import Glibc

/// The bright spots of a stack.
///
/// The stack is smoothed by half the width of a bead, which finds dim beads and widens a bead by an eighth. A spot is a voxel
/// that is brighter than its 26 neighbors and than any noise. What belongs to a brighter spot, such as a ring or the noise on
/// its slope, is none.
struct BeadSearch {
    /// Standard deviations of the noise from which on a spot is seen, and from which on it is bright enough: from there on its
    /// place is known to a fifth of a voxel, and its width to a tenth.
    private static let (leastToBeSeen, leastToBeUsed) = (8.0, 12.0)
    /// What is this much brighter than a spot that is hardly seen is bright enough.
    private static let surplus = 1.1
    /// Maxima from which on their heights tell where noise ends.
    private static let leastMaxima = 50
    /// A spot of less than this share of a brighter one's height, within `crowdDistance` of it, is taken for its side lobe.
    private static let lobeShare = 0.25
    /// The same for what may be noise on a faint skirt, and how far that reaches, in widths.
    private static let (skirtShare, skirtReach) = (0.05, 6.0)
    /// Distance in widths within which a spot may be on the slope of another one.
    private static let slopeReach = 4.0
    /// Share of its height by which the way to a brighter spot dips before a spot counts as one.
    private static let leastDip = 0.15
    /// A voxel alone, less what smoothing adds, is narrower than this; no bead is, where voxels are as small as they should be.
    private static let widthOfHotPixel = 1.2
    /// Voxels from which level and noise are taken at most.
    private static let sampleLimit = 200_000
    /// Standard deviations of a Gaussian in its full width at half maximum: 2√(2 ln 2).
    static let deviationsPerWidth = 2.354820045

    /// The smoothed stack.
    let smoothed: SmoothedStack
    /// Median of the smoothed stack, counts.
    let level: Double
    /// Standard deviation of what is no bead in the smoothed stack, counts.
    let noise: Double
    private let shape: VolumeShape
    private let width: [Double]
    /// What may be spots, the brightest first.
    private let maxima: [VolumeIndex]
    /// Height above the level from which on a spot is bright enough, counts.
    private let leastHeight: Double

    /// Smooths a stack for beads of a width in voxels (z, y, x).
    init(_ voxels: [Float], shape: VolumeShape, width: [Double]) {
        self.shape = shape
        self.width = width
        let smoothed = SmoothedStack(voxels, shape: shape, deviations: Self.deviations(width))
        let dark = Self.background(smoothed.values)
        let all = Self.maxima(of: smoothed)
        let heights = all.map { smoothed[$0] - dark.level }
        var noise = dark.noise
        var seen = Self.leastToBeSeen * noise
        if heights.count >= Self.leastMaxima {
            // The more maxima noise has, the higher its highest; the upper half of them tells how fast they become rare. Counts
            // of few photons are skewed: in 2.6 million voxels of half a count the highest has 12 deviations, and not 6.
            let median = MeasuredBackground.quantile(heights, 0.5)
            let decay = (MeasuredBackground.quantile(heights, 0.9) - median) / log(5.0)
            noise = max(noise, 1.2 * decay)
            seen = max(Self.leastToBeSeen * noise, median + decay * (log(Double(heights.count)) + 0.5))
        }
        // Without noise, what is a millionth of the brightest is rounding.
        seen = max(seen, 1e-6 * (heights.max() ?? 0))
        maxima = zip(all, heights).filter { $0.1 > seen }.sorted { $0.1 > $1.1 }.map(\.0)
        leastHeight = max(Self.leastToBeUsed * noise, Self.surplus * seen)
        self.smoothed = smoothed
        self.noise = noise
        level = dark.level
    }

    /// Standard deviations of the smoothing for beads of a width, voxels.
    static func deviations(_ width: [Double]) -> [Double] { width.map { 0.5 * $0 / deviationsPerWidth } }

    /// Median and spread of what is dark.
    ///
    /// Deskewing pads with zeros. Where many voxels are 0 and the others stand on a pedestal, these tell the background.
    private static func background(_ values: [Float]) -> (level: Double, noise: Double) {
        let step = max(1, values.count / sampleLimit) | 1
        let sample = stride(from: 0, to: values.count, by: step).map { Double(values[$0]) }.filter(\.isFinite)
        guard !sample.isEmpty else { return (0, 0) }
        func measured(_ values: [Double]) -> (level: Double, noise: Double) {
            let median = MeasuredBackground.quantile(values, 0.5)
            return (median, RobustSpread.of(values.map { $0 - median }))
        }
        let filled = sample.filter { $0 != 0 }
        if !filled.isEmpty, filled.count < sample.count * 4 / 5 {
            let pedestal = measured(filled)
            if pedestal.level > 0, pedestal.noise < 0.5 * pedestal.level { return pedestal }
        }
        return measured(sample)
    }

    /// The voxels that are brighter than their neighbors.
    private static func maxima(of stack: SmoothedStack) -> [VolumeIndex] {
        let shape = stack.shape
        var found: [VolumeIndex] = []
        stack.values.withUnsafeBufferPointer { values in
            for z in 0..<shape.z {
                for y in 0..<shape.y {
                    let row = (z * shape.y + y) * shape.x
                    for x in 0..<shape.x {
                        // Most voxels are ruled out by those beside them.
                        let here = values[row + x]
                        if x > 0 && values[row + x - 1] >= here || x + 1 < shape.x && values[row + x + 1] > here {
                            continue
                        }
                        let place = VolumeIndex(z: z, y: y, x: x)
                        if isMaximum(place, values, shape) { found.append(place) }
                    }
                }
            }
        }
        return found
    }

    /// Whether no neighbor is brighter, and of those that are as bright none comes before.
    private static func isMaximum(
        _ place: VolumeIndex,
        _ values: UnsafeBufferPointer<Float>,
        _ shape: VolumeShape
    ) -> Bool {
        let here = (place.z * shape.y + place.y) * shape.x + place.x
        for z in max(0, place.z - 1)...min(shape.z - 1, place.z + 1) {
            for y in max(0, place.y - 1)...min(shape.y - 1, place.y + 1) {
                let row = (z * shape.y + y) * shape.x
                for x in max(0, place.x - 1)...min(shape.x - 1, place.x + 1) where row + x != here {
                    if values[row + x] > values[here] || values[row + x] == values[here] && row + x < here {
                        return false
                    }
                }
            }
        }
        return true
    }

    /// The spots of a stack.
    /// - Parameters:
    ///   - field: its number.
    ///   - voxels: as recorded.
    ///   - largest: the largest value of the data's type, where that is an integer.
    func spots(field: Int, voxels: [Float], largest: Float?) -> [BeadSpot] {
        var spots: [BeadSpot] = []
        let limit = CameraLimit(voxels, shape: shape, largest: largest)
        for place in maxima {
            let height = smoothed[place] - level
            if spots.contains(where: { belongs(place, height, to: $0) }) { continue }
            spots.append(
                BeadSpot(
                    field: field,
                    position: place,
                    height: height,
                    signalToNoise: height / max(noise, 1e-6 * height),
                    widths: widths(through: place),
                    isBright: height >= leastHeight,
                    isSaturated: limit.isReached(around: place, width: width)
                )
            )
        }
        return spots
    }

    private func widths(through place: VolumeIndex) -> [Double?] {
        (0..<3).map { axis in
            guard let measured = smoothed.width(through: place, axis: axis, above: level) else { return nil }
            let added = 0.5 * width[axis]
            return max(measured * measured - added * added, 0.25).squareRoot()
        }
    }

    /// Whether a maximum is a side lobe of a brighter spot, or noise on its slope.
    private func belongs(_ place: VolumeIndex, _ height: Double, to spot: BeadSpot) -> Bool {
        let distance = spot.distance(to: place, width: width)
        if height < Self.skirtShare * spot.height, distance < Self.skirtReach { return true }
        if height < Self.lobeShare * spot.height, distance < BeadSelection.crowdDistance { return true }
        guard distance < Self.slopeReach else { return false }
        let steps = 2 * (0..<3).reduce(1) { max($0, abs(place[$1] - spot.position[$1])) }
        let lowest = (0...steps).reduce(Double.infinity) { least, step in
            let share = Double(step) / Double(steps)
            let there = VolumeIndex {
                Int((Double(place[$0]) + share * Double(spot.position[$0] - place[$0])).rounded())
            }
            return min(least, smoothed[there] - level)
        }
        return height - lowest < max(Self.leastDip * height, 4 * noise)
    }

    /// Widths of the spots that stand alone, the brightest fifty, in voxels (z, y, x) without what smoothing adds.
    ///
    /// What is a voxel wide along all axes is a hot pixel, and what has less than a tenth of the brightest's height may be anything.
    func widthsOfTheBrightest() -> [[Double?]] {
        var taken: [VolumeIndex] = []
        for place in maxima where taken.count < 50 {
            let isAlone = taken.allSatisfy { other in
                (0..<3).reduce(0) { sum, axis in
                    let apart = Double(place[axis] - other[axis]) / (3 * width[axis])
                    return sum + apart * apart
                } >= 1
            }
            if isAlone { taken.append(place) }
        }
        let spots = taken.map { (height: smoothed[$0] - level, widths: widths(through: $0)) }
            .filter { $0.widths.contains { ($0 ?? 0) > Self.widthOfHotPixel } }
        let least = 0.1 * (spots.map(\.height).max() ?? 0)
        return spots.filter { $0.height >= least }.map(\.widths)
    }
}
