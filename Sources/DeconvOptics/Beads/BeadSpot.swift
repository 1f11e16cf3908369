package import DeconvVolume

/// A bright spot that may be a bead.
package struct BeadSpot: Sendable {
    /// The number of the field that it is in.
    package let field: Int
    /// Its brightest voxel, in the smoothed stack.
    package let position: VolumeIndex
    /// Its height above the background, smoothed, counts.
    package let height: Double
    /// The height over the noise of the smoothed stack.
    package let signalToNoise: Double
    /// Full widths at half maximum through it, in voxels (z, y, x), without what smoothing adds; nil where it does not fall to
    /// half inside the stack.
    package let widths: [Double?]
    /// Whether it is bright enough for a place and a width.
    let isBright: Bool
    /// Whether its top is flat.
    let isSaturated: Bool
    /// What became of it.
    package internal(set) var verdict = BeadVerdict.used

    /// How far another place is from it, in widths of a bead.
    func distance(to other: VolumeIndex, width: [Double]) -> Double {
        (0..<3).reduce(0) { sum, axis in
            let apart = Double(position[axis] - other[axis]) / width[axis]
            return sum + apart * apart
        }
        .squareRoot()
    }
}
