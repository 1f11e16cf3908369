import DeconvVolume

/// What a measured PSF is averaged over, so that less of its noise and of its bead's neighborhood is in it.
package enum PSFSymmetry: String, Sendable, Hashable, Encodable {
    /// Nothing.
    case none
    /// The PSF and its mirror images in y, in x and in both.
    case mirrored
    /// All of its rotations about the optical axis.
    case radial

    /// A PSF whose center is voxel n/2, averaged.
    ///
    /// The frame grows until every image of the light is inside, and is odd along y and x. Planes are never exchanged: what
    /// differs above and below the focus, as spherical aberration makes it, stays.
    /// - Parameter spacing: size of its voxels; nil for cubes.
    func applied(to field: PSFField, spacing: VoxelSpacing?) -> PSFField {
        switch self {
        case .none: return field
        case .mirrored: return Self.mirrored(field)
        case .radial:
            let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
            return RadialAverage(field, rowSize: size.y, columnSize: size.x).average
        }
    }

    private static func mirrored(_ field: PSFField) -> PSFField {
        let (rows, columns) = (field.shape.y / 2, field.shape.x / 2)
        let framed = field.centered(rows: rows, columns: columns)
        var result = framed
        let shape = framed.shape
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let row = (z * shape.y + y) * shape.x
                let mirrorRow = (z * shape.y + shape.y - 1 - y) * shape.x
                for x in 0..<shape.x {
                    let mirror = shape.x - 1 - x
                    let sum =
                        framed.values[row + x] + framed.values[row + mirror] + framed.values[mirrorRow + x]
                        + framed.values[mirrorRow + mirror]
                    result.values[row + x] = sum / 4
                }
            }
        }
        return result
    }
}

extension PSFField {
    /// The field in planes of 2·rows + 1 by 2·columns + 1 voxels around its center n/2, with zeros beyond its edges.
    func centered(rows: Int, columns: Int) -> PSFField {
        let frame = VolumeShape(z: shape.z, y: 2 * rows + 1, x: 2 * columns + 1)
        guard frame != shape else { return self }
        var result = PSFField(shape: frame, values: [Double](repeating: 0, count: frame.voxelCount))
        let (down, right) = (rows - shape.y / 2, columns - shape.x / 2)
        for z in 0..<shape.z {
            for y in 0..<shape.y where (0..<frame.y).contains(y + down) {
                for x in 0..<shape.x where (0..<frame.x).contains(x + right) {
                    let place = VolumeIndex(z: z, y: y + down, x: x + right)
                    result.values[result.offset(of: place)] = values[(z * shape.y + y) * shape.x + x]
                }
            }
        }
        return result
    }

    /// Root mean square of the difference to another field about the same center, over that of the field.
    func relativeDifference(to other: PSFField) -> Double {
        let rows = max(shape.y, other.shape.y) / 2
        let columns = max(shape.x, other.shape.x) / 2
        let (mine, theirs) = (centered(rows: rows, columns: columns), other.centered(rows: rows, columns: columns))
        var (difference, power) = (0.0, 0.0)
        for (a, b) in zip(mine.values, theirs.values) {
            difference += (a - b) * (a - b)
            power += a * a
        }
        return power > 0 ? (difference / power).squareRoot() : 0
    }
}
