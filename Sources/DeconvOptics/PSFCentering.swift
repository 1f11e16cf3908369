import DeconvVolume
import Glibc

/// Where the centre of a PSF is: decided here and nowhere else.
enum PSFCentering {
    /// Shifts below this many voxels are not worth an interpolation; measured centres of real PSFs are worse.
    static let negligibleShift = 1e-4

    /// The centre of the bright core, sub-voxel, in the order z, y, x.
    ///
    /// The fixed point of the centroid under a Gaussian window around it, one and a half times as wide as the core
    /// at half maximum. Far light, a second bead or a slope of the background do not pull it as they pull a plain
    /// centroid, and because the window has no hard edge the result for a symmetric PSF is exact at any sub-voxel
    /// position. (The same idea as the windowed positions of SExtractor.)
    static func center(of field: PSFField) -> [Double] {
        let peak = field.peak()
        let sides = (0..<3).map { field.halfMaximum(through: peak, axis: $0) }
        // Where the core reaches the edge, the edge is where it ends: a box of ones has its centre in the middle.
        let before = (0..<3).map { sides[$0].before ?? Double(peak[$0]) + 0.5 }
        let after = (0..<3).map { sides[$0].after ?? Double(field.shape[$0] - peak[$0]) - 0.5 }
        var center = (0..<3).map { Double(peak[$0]) + (after[$0] - before[$0]) / 2 }
        for _ in 0..<100 {
            let windows = (0..<3).map { axis in
                // Only what has its mirror image in the box: tails cut off on one side must not push to the other.
                let reach = min(center[axis] + 0.5, Double(field.shape[axis]) - 0.5 - center[axis])
                let width = max(1, min(1.5 * (before[axis] + after[axis]) / 2.3548, reach / 3))
                return (0..<field.shape[axis]).map { i in
                    let distance = abs(Double(i) - center[axis])
                    return distance > min(reach, 6 * width) ? 0 : exp(-0.5 * (distance / width) * (distance / width))
                }
            }
            let ranges = windows.map { window in
                (window.firstIndex { $0 > 0 } ?? 0)..<((window.lastIndex { $0 > 0 } ?? -1) + 1)
            }
            var total = 0.0
            var moments = [0.0, 0.0, 0.0]
            for z in ranges[0] {
                for y in ranges[1] {
                    let row = (z * field.shape.y + y) * field.shape.x
                    var rowSum = 0.0
                    var rowMoment = 0.0
                    for x in ranges[2] {
                        let weighted = field.values[row + x] * windows[2][x]
                        rowSum += weighted
                        rowMoment += weighted * (Double(x) - center[2])
                    }
                    let weight = windows[0][z] * windows[1][y]
                    total += weight * rowSum
                    moments[0] += weight * rowSum * (Double(z) - center[0])
                    moments[1] += weight * rowSum * (Double(y) - center[1])
                    moments[2] += weight * rowMoment
                }
            }
            guard total > 0 else { break }
            var largest = 0.0
            for axis in 0..<3 {
                let step = moments[axis] / total
                center[axis] = min(max(0, center[axis] + step), Double(field.shape[axis] - 1))
                largest = max(largest, abs(step))
            }
            if largest < 1e-9 { break }
        }
        return center
    }
}
