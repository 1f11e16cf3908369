package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of a field to the mean of another's voxels around it; see `Workspace.average`.
    static func average(of field: HostField, axis: Int, radius: Int) -> RowOperation {
        let (source, shape) = (field.planes, field.shape)
        let part = 1 / Float(2 * radius + 1)
        return RowOperation { z, y, target in
            let count = shape.x
            target.update(repeating: 0, count: count)
            if axis == 2 {
                let row = source.row(z, y)
                for step in -min(radius, count - 1)...min(radius, count - 1) {
                    for x in max(-step, 0)..<min(count - step, count) { target[x] += row[x + step] }
                }
            } else {
                let place = axis == 0 ? z : y
                for other in max(place - radius, 0)...min(place + radius, shape[axis] - 1) {
                    let row = axis == 0 ? source.row(other, y) : source.row(z, other)
                    for x in 0..<count { target[x] += row[x] }
                }
            }
            for x in 0..<count { target[x] *= part }
            return 0
        }
    }
}

extension HostWorkspace {
    package func average(
        _ field: HostField,
        into target: HostField,
        axis: Int,
        radius: Int
    ) throws(DeconvolutionError) {
        willChange(target)
        target.planes.apply(.average(of: field, axis: axis, radius: radius), to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← the mean of the field over 2 · radius + 1 voxels of an axis, 0 beyond its ends.
    package func average(
        _ field: DeviceBuffer,
        into target: DeviceBuffer,
        _ shape: VolumeShape,
        axis: Int,
        radius: Int
    ) throws(DeconvolutionError) {
        let stride = [shape.planeVoxelCount, shape.x, 1][axis]
        try self["average_lines"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [
                .buffer(target), .buffer(field), .uint(shape.y), .uint(shape.x), .uint(axis), .uint(shape[axis]),
                .ulong(stride), .uint(radius), .float(1 / Float(2 * radius + 1)),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func average(
        _ field: Field,
        into target: Field,
        axis: Int,
        radius: Int
    ) throws(DeconvolutionError) {
        try kernels.average(
            field.buffer,
            into: target.buffer,
            layout.domain.shape,
            axis: axis,
            radius: radius
        )
    }
}
