import DeconvVolume
import Glibc

/// A PSF averaged over its rotations about the optical axis, in the OTF: over the ring of each lateral frequency.
///
/// With the center of each plane p at radius 0, the mean of its complex spectrum over the ring of frequency k is the Hankel
/// sum Σ p(r) J₀(2πkr), and its transform back is 2π ∫ OTF(k) J₀(2πkr) k dk (Bracewell, The Fourier Transform and Its
/// Applications, chapter 12). Both are taken as they stand and not on a grid of frequencies, so that rings have no width and
/// nothing wraps around. The mean over a ring commutes with the transform along z, and what is averaged is complex: the
/// phases that planes have to each other stay as they are. Frequencies up to Nyquist's of the coarser lateral axis count.
struct RadialAverage {
    /// The averaged PSF, in a frame that holds the circle through its farthest light.
    let average: PSFField

    /// Averages a field whose center is voxel n/2.
    /// - Parameters:
    ///   - rowSize: distance between rows, in any unit.
    ///   - columnSize: distance between the voxels of a row, in the same unit.
    ///   - reach: distance from the axis up to which voxels count; the others are taken as 0.
    init(_ field: PSFField, rowSize: Double, columnSize: Double, reach: Double = .infinity) {
        let field = field.withoutLight(beyond: reach, rowSize, columnSize)
        let farthest = Self.farthestLight(field, rowSize, columnSize)
        let framed = field.centered(
            rows: Int((farthest / rowSize).rounded(.up)),
            columns: Int((farthest / columnSize).rounded(.up))
        )
        let shape = framed.shape
        let rings = Rings(rows: shape.y / 2, columns: shape.x / 2, rowSize: rowSize, columnSize: columnSize)
        let ringCount = rings.radii.count

        // Light by plane and radius, before and after.
        var light = [Double](repeating: 0, count: shape.z * ringCount)
        var averaged = light
        rings.forEachVoxel(of: shape) { voxel, plane, ring in
            light[plane * ringCount + ring] += framed.values[voxel]
        }
        let limit = 0.5 / max(rowSize, columnSize)
        // As many nodes as the product of two Bessel functions has half waves, and a reserve.
        let phase = 4 * Double.pi * limit * (rings.radii.last ?? 0)
        let rule = GaussLegendre(count: Int((0.6 * phase).rounded(.up)) + 32, from: 0, to: limit)
        for (frequency, weight) in zip(rule.nodes, rule.weights) {
            let waves = rings.radii.map { j0(2 * Double.pi * frequency * $0) }
            let area = 2 * Double.pi * frequency * weight * rowSize * columnSize
            for start in stride(from: 0, to: light.count, by: ringCount) {
                var transfer = 0.0
                for ring in 0..<ringCount { transfer += light[start + ring] * waves[ring] }
                transfer *= area
                for ring in 0..<ringCount { averaged[start + ring] += transfer * waves[ring] }
            }
        }
        var result = framed
        rings.forEachVoxel(of: shape) { voxel, plane, ring in
            result.values[voxel] = averaged[plane * ringCount + ring]
        }
        average = result
    }

    /// Distance from the axis to the farthest voxel that is not 0.
    private static func farthestLight(_ field: PSFField, _ rowSize: Double, _ columnSize: Double) -> Double {
        let center = field.shape.centerVoxel
        var farthest = 0.0
        for offset in field.values.indices where field.values[offset] != 0 {
            let place = field.index(of: offset)
            let distance = hypot(Double(place.y - center.y) * rowSize, Double(place.x - center.x) * columnSize)
            farthest = max(farthest, distance)
        }
        return farthest
    }
}

extension PSFField {
    /// The field with zeros farther from its axis than a distance.
    fileprivate func withoutLight(beyond reach: Double, _ rowSize: Double, _ columnSize: Double) -> PSFField {
        guard reach < .infinity else { return self }
        var result = self
        let center = shape.centerVoxel
        for offset in values.indices {
            let place = index(of: offset)
            let distance = hypot(Double(place.y - center.y) * rowSize, Double(place.x - center.x) * columnSize)
            if distance > reach { result.values[offset] = 0 }
        }
        return result
    }
}

/// The distances from the axis that voxels of a plane have.
private struct Rings {
    /// Distances, rising.
    let radii: [Double]
    private let columns: Int
    /// The ring of a voxel by its distances in rows and columns.
    private let ring: [Int]

    init(rows: Int, columns: Int, rowSize: Double, columnSize: Double) {
        self.columns = columns
        let distances = (0...rows).flatMap { y in
            (0...columns).map { x in hypot(Double(y) * rowSize, Double(x) * columnSize) }
        }
        // The same distance by another sum of squares differs in its last digits.
        let tolerance = 1e-9 * min(rowSize, columnSize)
        var radii: [Double] = []
        var ring = [Int](repeating: 0, count: distances.count)
        for i in distances.indices.sorted(by: { distances[$0] < distances[$1] }) {
            if radii.last.map({ distances[i] - $0 > tolerance }) ?? true { radii.append(distances[i]) }
            ring[i] = radii.count - 1
        }
        self.radii = radii
        self.ring = ring
    }

    /// Calls with every voxel of a volume with odd planes: its offset, its plane and its ring.
    func forEachVoxel(of shape: VolumeShape, _ body: (Int, Int, Int) -> Void) {
        var offset = 0
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    body(offset, z, ring[abs(y - shape.y / 2) * (columns + 1) + abs(x - shape.x / 2)])
                    offset += 1
                }
            }
        }
    }
}
