import DeconvVolume

/// Which spots are single beads that a PSF can be taken from.
struct BeadSelection {
    /// Distance to another bead, in widths, below which the light of both cannot be told apart. At 3, a Gaussian has fallen to
    /// 2 · 10⁻³ of its peak halfway to the other.
    static let crowdDistance = 3.0
    /// Two equal beads that are one width apart along an axis are 1.4 times as wide there as one.
    private static let mostWidth = 1.35
    /// A single voxel is half as wide in the smoothed stack as a bead.
    private static let leastWidth = 0.6

    /// The box that is cut out around each bead.
    let box: VolumeShape
    /// Width of a bead in voxels (z, y, x).
    let width: [Double]

    /// Gives every spot of a field its verdict.
    func judge(_ spots: inout [BeadSpot], shape: VolumeShape) {
        for i in spots.indices { spots[i].verdict = verdict(i, spots, shape) }
    }

    private func verdict(_ index: Int, _ spots: [BeadSpot], _ shape: VolumeShape) -> BeadVerdict {
        let spot = spots[index]
        if !spot.isBright { return .faint }
        if spot.isSaturated { return .saturated }
        if !holds(spot.position, shape) { return .clipped }
        let isCrowded = spots.indices.contains { other in
            other != index && spots[other].distance(to: spot.position, width: width) < Self.crowdDistance
        }
        if isCrowded { return .crowded }
        // As the smoothed stack has them, which noise changes less.
        let shares = (0..<3).filter { shape[$0] > 1 }.map { axis -> Double? in
            let added = 0.25 * width[axis] * width[axis]
            return spot.widths[axis].map {
                (($0 * $0 + added) / (width[axis] * width[axis] + added)).squareRoot()
            }
        }
        if shares.contains(where: { $0 == nil || $0! > Self.mostWidth }) { return .wide }
        if shares.contains(where: { $0! < Self.leastWidth }) { return .narrow }
        return .used
    }

    /// Whether the box around a voxel lies inside a stack.
    func holds(_ place: VolumeIndex, _ shape: VolumeShape) -> Bool {
        (0..<3).allSatisfy { axis in
            let before = box[axis] / 2
            return place[axis] >= before && place[axis] + box[axis] - before <= shape[axis]
        }
    }
}
