import DeconvVolume

/// An elementwise step, which changes or reads a volume row by row, whoever holds the rows.
struct RowOperation: Sendable {
    /// Gets a row's place in the work volume and its first voxel, and gives what the row adds to a sum, 0 where nothing is
    /// summed. May be called on several threads at once, for different rows.
    let run: @Sendable (_ z: Int, _ y: Int, _ row: UnsafeMutablePointer<Float>) -> Double
}

extension RowOperation {
    /// Leaves rows as they are.
    static let nothing = RowOperation { _, _, _ in 0 }

    /// The projection on the frame to the ratio; see `Workspace.takeRatio`. Sums the divergence.
    static func takeRatio(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        _ constants: RatioConstants,
        measuring measured: Region?
    ) -> RowOperation {
        switch observed.voxels {
        case .uint8(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        case .uint16(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        case .float32(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        }
    }

    @inline(__always)
    private static func takeRatio<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostPlanes?,
        _ frame: Region,
        _ constants: RatioConstants,
        _ measured: Region?
    ) -> RowOperation {
        let (observedOffset, projectedOffset) = (constants.offset, constants.background + constants.readNoiseVariance)
        let (variance, floor) = (constants.readNoiseVariance, constants.floor)
        let (origin, shape) = (frame.origin, frame.shape)
        return RowOperation { z, y, row in
            let projection = row + origin.x
            let recorded = observed.base + ((z - origin.z) * shape.y + (y - origin.y)) * shape.x
            let weight = sensitivity?.row(z - origin.z, y - origin.y)
            var divergence = 0.0
            if let measured, measured.zRange.contains(z), measured.yRange.contains(y) {
                let first = measured.origin.x - origin.x
                divergence = poissonDivergence(
                    recorded + first,
                    projection + first,
                    weight.map { $0 + first },
                    measured.shape.x,
                    constants
                )
            }
            if let weight {
                for x in 0..<shape.x {
                    let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                    let expected = max(weight[x] * projection[x] + projectedOffset, floor)
                    projection[x] = weight[x] * observedValue / expected
                }
            } else {
                for x in 0..<shape.x {
                    let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                    projection[x] = observedValue / max(projection[x] + projectedOffset, floor)
                }
            }
            return divergence
        }
    }

    /// A field's row to the observed one; see `Workspace.fillFromObserved`.
    static func fillFromObserved(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        offset: Float,
        least: Float,
        outside: Float,
        width: Int
    ) -> RowOperation {
        switch observed.voxels {
        case .uint8(let voxels): fill(voxels, sensitivity?.planes, frame, offset, least, outside, width)
        case .uint16(let voxels): fill(voxels, sensitivity?.planes, frame, offset, least, outside, width)
        case .float32(let voxels): fill(voxels, sensitivity?.planes, frame, offset, least, outside, width)
        }
    }

    @inline(__always)
    private static func fill<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostPlanes?,
        _ frame: Region,
        _ offset: Float,
        _ least: Float,
        _ outside: Float,
        _ width: Int
    ) -> RowOperation {
        let (origin, shape) = (frame.origin, frame.shape)
        return RowOperation { z, y, row in
            row.update(repeating: outside, count: width)
            guard frame.zRange.contains(z), frame.yRange.contains(y) else { return 0 }
            let recorded = observed.base + ((z - origin.z) * shape.y + (y - origin.y)) * shape.x
            let target = row + origin.x
            if let weight = sensitivity?.row(z - origin.z, y - origin.y) {
                for x in 0..<shape.x where weight[x] > 0 {
                    target[x] = max((recorded[x].asFloat - offset) / weight[x], least)
                }
            } else {
                for x in 0..<shape.x { target[x] = max(recorded[x].asFloat - offset, least) }
            }
            return 0
        }
    }

    /// The frame of a row to the sensitivity f, nil for 1, or to 1 − f.
    static func fill(sensitivity: HostField?, frame: Region, complemented: Bool) -> RowOperation {
        let (weights, origin, count) = (sensitivity?.planes, frame.origin, frame.shape.x)
        return RowOperation { z, y, row in
            let target = row + origin.x
            if let weights {
                target.update(from: weights.row(z - origin.z, y - origin.y), count: count)
            } else {
                target.update(repeating: 1, count: count)
            }
            if complemented {
                for x in 0..<count { target[x] = 1 - target[x] }
            }
            return 0
        }
    }

    /// A row, or 1 − its values, into a field's.
    static func store(in field: HostField, complemented: Bool) -> RowOperation {
        let (target, count) = (field.planes, field.shape.x)
        return RowOperation { z, y, row in
            let values = target.row(z, y)
            values.update(from: row, count: count)
            if complemented {
                for x in 0..<count { values[x] = 1 - values[x] }
            }
            return 0
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

    /// estimate ← estimate · max(row · normalization, least); see `Workspace.multiply`. The row becomes the estimate's.
    static func multiply(into estimate: HostField, normalization: HostField?, least: Float) -> RowOperation {
        let (target, weights, count) = (estimate.planes, normalization?.planes, estimate.shape.x)
        return RowOperation { z, y, factor in
            let values = target.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count { values[x] *= weight[x] <= 0 ? 0 : max(factor[x] * weight[x], least) }
            } else {
                for x in 0..<count { values[x] *= max(factor[x], least) }
            }
            factor.update(from: values, count: count)
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
