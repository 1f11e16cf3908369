import DeconvVolume
import Glibc

/// One bead: its background subtracted, and moved so that its center lies on voxel n/2 of its box.
struct BeadImage {
    /// Voxels around the box that the band-limited shift takes into account, where the stack has them.
    private static let margin = 8

    /// Where its center is in the stack, sub-voxel (z, y, x).
    let center: [Double]
    /// The voxels of the box, counts.
    let voxels: PSFField
    /// Whether a voxel of the box is nearer to this bead than to any other.
    let isOwn: [Bool]
    /// Its height, from all voxels of its core, counts.
    let height: Double
    /// Standard deviation of the noise around it, counts.
    let noise: Double

    /// Cuts a bead out of its stack.
    /// - Parameters:
    ///   - others: where the other spots of the stack are.
    /// - Returns: nil where nothing is left above the background, or where the box around the center leaves the stack.
    /// - Throws: what reading throws.
    init?(
        _ spot: BeadSpot,
        in field: BeadField,
        others: [VolumeIndex],
        selection: BeadSelection
    ) throws(DeconvolutionError) {
        let (box, width) = (selection.box, selection.width)
        let shape = field.shape
        let origin = VolumeIndex { max(0, spot.position[$0] - box[$0] / 2 - Self.margin) }
        let end = VolumeIndex {
            min(shape[$0], spot.position[$0] - box[$0] / 2 + box[$0] + Self.margin)
        }
        let region = Region(origin: origin, shape: VolumeShape { end[$0] - origin[$0] })
        var cut = PSFField(shape: region.shape, values: try field.read(region).map { Double($0) })

        func owns(_ place: [Double], from center: [Double]) -> Bool {
            func square(_ other: (Int) -> Double) -> Double {
                (0..<3).reduce(0) { sum, axis in
                    let apart = (place[axis] - other(axis)) / width[axis]
                    return sum + apart * apart
                }
            }
            let own = square { center[$0] }
            return others.allSatisfy { other in square { Double(other[$0]) } >= own }
        }
        func place(_ offset: Int) -> [Double] {
            let index = cut.index(of: offset)
            return (0..<3).map { Double(index[$0] + origin[$0]) }
        }
        let peak = (0..<3).map { Double(spot.position[$0]) }
        let own = cut.values.indices.map { owns(place($0), from: peak) }

        let shell = cut.values.indices.filter { offset in
            let index = cut.index(of: offset)
            let distances = (0..<3).map { index[$0] + origin[$0] - spot.position[$0] + box[$0] / 2 }
            return own[offset] && Self.isShell(distances, of: box)
        }
        guard !shell.isEmpty else { return nil }
        let level = MeasuredBackground.clippedMean(shell.map { cut.values[$0] })
        noise = RobustSpread.of(shell.map { cut.values[$0] - level })
        for i in cut.values.indices { cut.values[i] -= level }

        // Smoothing is symmetric, so it moves no center, and noise then pulls it less.
        let smooth = SmoothedStack(
            cut.values.indices.map { own[$0] ? Float(cut.values[$0]) : 0 },
            shape: cut.shape,
            deviations: BeadSearch.deviations(width)
        )
        let inCut = PSFCentering.center(of: PSFField(shape: cut.shape, values: smooth.values.map { Double($0) }))
        let center = (0..<3).map { inCut[$0] + Double(origin[$0]) }
        guard selection.holds(VolumeIndex { Int(center[$0].rounded()) }, shape) else { return nil }
        let moved = PSFResampling(
            axes: (0..<3).map { axis in
                PSFResampling.Axis(
                    inputCount: cut.shape[axis],
                    outputCount: box[axis],
                    center: inCut[axis],
                    ratio: 1
                )
            }
        )
        .apply(to: cut)
        let isOwn = moved.values.indices.map { offset in
            let index = moved.index(of: offset)
            return owns((0..<3).map { center[$0] + Double(index[$0] - box[$0] / 2) }, from: center)
        }
        let height = Self.height(of: moved, isOwn: isOwn, width: width)
        guard height > 0 else { return nil }
        self.center = center
        self.isOwn = isOwn
        self.height = height
        voxels = moved
    }

    /// Whether a voxel is one of the outermost of a box.
    static func isShell(_ place: [Int], of box: VolumeShape) -> Bool {
        let isInside = (0..<3).allSatisfy { place[$0] >= 0 && place[$0] < box[$0] }
        return isInside && (0..<3).contains { box[$0] > 2 && (place[$0] == 0 || place[$0] == box[$0] - 1) }
    }

    /// The height of the Gaussian of a bead's width that fits best, in the least squares.
    private static func height(of field: PSFField, isOwn: [Bool], width: [Double]) -> Double {
        let center = field.shape.centerVoxel
        let profiles = (0..<3).map { axis in
            (0..<field.shape[axis]).map { i in
                let distance = Double(i - center[axis]) / width[axis] * BeadSearch.deviationsPerWidth
                return exp(-0.5 * distance * distance)
            }
        }
        var (product, square) = (0.0, 0.0)
        for offset in field.values.indices where isOwn[offset] {
            let index = field.index(of: offset)
            let model = profiles[0][index.z] * profiles[1][index.y] * profiles[2][index.x]
            product += model * field.values[offset]
            square += model * model
        }
        return square > 0 ? product / square : 0
    }
}
