import DeconvVolume

/// What happens to the rows of a volume around an operation on their voxels.
package enum RowAccess {
    /// They are only read.
    case read
    /// They are 0 at first, and hold what the operation leaves.
    case write
    /// They are read, and hold what the operation leaves.
    case update
}

/// An elementwise step, which changes or reads a volume row by row, whoever holds the rows.
package struct RowOperation: Sendable {
    /// Gets a row's place in the work volume and its first voxel, and gives what the row adds to a sum, 0 where nothing is
    /// summed. May be called on several threads at once, for different rows.
    let run: @Sendable (_ z: Int, _ y: Int, _ row: UnsafeMutablePointer<Float>) -> Double
}

extension RowOperation {
    /// Leaves rows as they are.
    static let nothing = RowOperation { _, _, _ in 0 }

    /// The operation on some voxels of rows that are multiplied by a factor first.
    func scaled(by factor: Float, _ range: Range<Int>) -> RowOperation {
        RowOperation { z, y, row in
            for x in range { row[x] *= factor }
            return run(z, y, row)
        }
    }

    /// A field's row into this one.
    static func load(from field: HostField) -> RowOperation {
        let (source, count) = (field.planes, field.shape.x)
        return RowOperation { z, y, row in
            row.update(from: source.row(z, y), count: count)
            return 0
        }
    }
}

extension HostPlanes {
    /// Runs an operation on the rows of a region.
    /// - Returns: the sum of what the rows add.
    @discardableResult
    func apply(_ operation: RowOperation, to region: Region, _ pool: WorkerPool) -> Double {
        let sums = OrderedSums(count: region.shape.z)
        pool.forEach(region.shape.z) { _, index in
            let z = region.origin.z + index
            for y in region.yRange { sums.values[index] += operation.run(z, y, row(z, y)) }
        }
        return sums.total
    }
}
