import DeconvVolume
import Glibc

/// A volume that shapes in physical units are drawn into, anti-aliased: what a voxel gets is the shape's density integrated
/// over the voxel's box, so a shape thinner than a voxel keeps its light and its position.
struct PhantomCanvas {
    /// Voxels per axis.
    let shape: VolumeShape
    /// Size of a voxel, µm, in the order z, y, x.
    let spacing: SIMD3<Double>
    /// What has been drawn so far, x fastest.
    private(set) var voxels: [Float]

    /// An empty canvas.
    init(shape: VolumeShape, spacing: SIMD3<Double>) {
        self.shape = shape
        self.spacing = spacing
        voxels = [Float](repeating: 0, count: shape.voxelCount)
    }

    /// Whether the image has more than one voxel along an axis; shapes reach through an axis of one voxel.
    func isActive(_ axis: Int) -> Bool { shape[axis] > 1 }

    /// Adds a Gaussian blob that holds `light` in all; what falls outside the image is lost.
    /// - Parameters:
    ///   - center: µm; voxel i reaches from i to i + 1 times the spacing.
    ///   - sigma: standard deviation along each axis, µm.
    mutating func addBlob(center: SIMD3<Double>, sigma: SIMD3<Double>, light: Double) {
        let z = fractions(axis: 0, center: center[0], sigma: sigma[0])
        let y = fractions(axis: 1, center: center[1], sigma: sigma[1])
        let x = fractions(axis: 2, center: center[2], sigma: sigma[2])
        for (k, zFraction) in z.values.enumerated() {
            for (j, yFraction) in y.values.enumerated() {
                let row = ((z.first + k) * shape.y + y.first + j) * shape.x + x.first
                let rowLight = light * zFraction * yFraction
                for i in x.values.indices { voxels[row + i] += Float(rowLight * x.values[i]) }
            }
        }
    }

    /// Adds `density` wherever the signed distance lies in a range, in µm.
    /// - Parameters:
    ///   - samples: how many samples along each axis measure the part of a voxel that lies in the range.
    ///   - reach: an ellipsoid inside which all of it lies; nothing is looked at further out than that.
    ///   - distance: signed distance to a surface, µm; it may be approximate away from the range.
    mutating func addSolid(
        density: Double,
        samples: Int = 4,
        within reach: Ellipsoid,
        where range: ClosedRange<Double>,
        of distance: (SIMD3<Double>) -> Double
    ) {
        var halfVoxel = spacing / 2
        for axis in 0..<3 where !isActive(axis) { halfVoxel[axis] = 0 }
        // Twice the half diagonal: the distance to an ellipsoid is only nearly one.
        let margin = 2 * (halfVoxel * halfVoxel).sum().squareRoot()
        let subdivisions = VolumeShape(perAxis: { isActive($0) ? samples : 1 })
        let inPlane = max(reach.semiAxes[1], reach.semiAxes[2])
        let columns = voxels(axis: 2, center: reach.center[2], reach: inPlane)
        let rows = voxels(axis: 1, center: reach.center[1], reach: inPlane)
        for z in voxels(axis: 0, center: reach.center[0], reach: reach.semiAxes[0]) {
            for y in rows {
                let row = (z * shape.y + y) * shape.x
                for x in columns {
                    let center = (SIMD3(Double(z), Double(y), Double(x)) + 0.5) * spacing
                    let there = distance(center)
                    if there < range.lowerBound - margin || there > range.upperBound + margin { continue }
                    var coverage = 1.0
                    if there < range.lowerBound + margin || there > range.upperBound - margin {
                        coverage = covered(center, subdivisions, where: range, of: distance)
                    }
                    voxels[row + x] += Float(density * coverage)
                }
            }
        }
    }

    /// The fraction of a voxel's box for which the distance lies in the range, from a grid of samples.
    private func covered(
        _ center: SIMD3<Double>,
        _ subdivisions: VolumeShape,
        where range: ClosedRange<Double>,
        of distance: (SIMD3<Double>) -> Double
    ) -> Double {
        var count = 0
        for k in 0..<subdivisions.z {
            for j in 0..<subdivisions.y {
                for i in 0..<subdivisions.x {
                    let position = SIMD3(
                        (Double(k) + 0.5) / Double(subdivisions.z),
                        (Double(j) + 0.5) / Double(subdivisions.y),
                        (Double(i) + 0.5) / Double(subdivisions.x)
                    )
                    if range.contains(distance(center + (position - 0.5) * spacing)) { count += 1 }
                }
            }
        }
        return Double(count) / Double(subdivisions.voxelCount)
    }

    /// The voxels of an axis that come within `reach` micrometers of a place.
    private func voxels(axis: Int, center: Double, reach: Double) -> Range<Int> {
        guard isActive(axis) else { return 0..<1 }
        let count = Double(shape[axis])
        let first = min(max(((center - reach) / spacing[axis]).rounded(.down), 0), count)
        let end = min(max(((center + reach) / spacing[axis]).rounded(.up), first), count)
        return Int(first)..<Int(end)
    }

    /// The part of a 1D Gaussian's integral that each voxel of an axis holds, for the voxels within four sigma.
    private func fractions(axis: Int, center: Double, sigma: Double) -> (first: Int, values: [Double]) {
        guard isActive(axis) else { return (0, [1]) }
        let size = spacing[axis]
        let first = max(0, Int(((center - 4 * sigma) / size).rounded(.down)))
        let last = min(shape[axis] - 1, Int(((center + 4 * sigma) / size).rounded(.down)))
        guard first <= last else { return (0, []) }
        let scale = 1 / (sigma * 2.0.squareRoot())
        var below = erf((Double(first) * size - center) * scale)
        return (
            first,
            (first...last).map { voxel in
                let above = erf((Double(voxel + 1) * size - center) * scale)
                defer { below = above }
                return (above - below) / 2
            }
        )
    }
}
