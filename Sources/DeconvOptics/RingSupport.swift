import DeconvVolume
import Glibc

/// Where a radially averaged PSF has light that can be told from noise.
///
/// A ring of n voxels has a √n-th of their noise, so what no voxel shows stands out of it: the faint skirt that `PSFSupport`
/// has to leave out, and that is a tenth of the light of a bead in a few counts of noise.
struct RingSupport {
    /// Standard deviations of a ring's noise that count as light. There are about a thousand rings in a PSF.
    private static let significance = 4.0
    /// Share of the reach beyond which a plane is taken for dark.
    private static let darkShare = 0.8

    /// The light alone.
    let light: PSFField

    /// Empties what is noise.
    ///
    /// Each plane gets its own level, the mean of its outermost rings: the background of a recording that takes a minute changes on the
    /// way.
    /// - Parameters:
    ///   - average: with its center on voxel n/2.
    ///   - noise: standard deviation of a voxel before it was averaged.
    ///   - reach: distance from the axis up to which it was averaged, in the unit of the sizes.
    init(_ average: PSFField, noise: Double, rowSize: Double, columnSize: Double, reach: Double) {
        let shape = average.shape
        let center = shape.centerVoxel
        let distances = (0..<shape.planeVoxelCount).map { offset in
            let (y, x) = offset.quotientAndRemainder(dividingBy: shape.x)
            return hypot(Double(y - center.y) * rowSize, Double(x - center.x) * columnSize)
        }
        let dark = distances.indices.filter { distances[$0] <= reach && distances[$0] > Self.darkShare * reach }
        var field = average
        var mask = [UInt8](repeating: 0, count: field.values.count)
        let size = max(rowSize, columnSize)
        for start in stride(from: 0, to: field.values.count, by: shape.planeVoxelCount) {
            let level = dark.reduce(0) { $0 + average.values[start + $1] } / Double(max(1, dark.count))
            for (offset, distance) in distances.enumerated() {
                guard distance <= reach else {
                    field.values[start + offset] = 0
                    continue
                }
                field.values[start + offset] -= level
                let ring = noise / max(1, 2 * Double.pi * distance / size).squareRoot()
                if field.values[start + offset] > Self.significance * ring { mask[start + offset] = 1 }
            }
        }
        let peak = field.offset(of: center)
        mask = PSFSupport.dilated(PSFSupport.connected(mask, to: peak, shape: shape), shape: shape)
        for offset in field.values.indices where mask[offset] == 0 { field.values[offset] = 0 }
        light = field
    }
}
