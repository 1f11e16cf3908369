package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of a field to the mean of another's voxels around it; see `Workspace.average`.
    static func average(of field: HostField, axis: Int, radius: Int) -> RowOperation {
        let (source, shape) = (field.planes, field.shape)
        let part = 1 / Float(2 * radius + 1)
        return RowOperation { z, y, target in
            withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: 2 * radius + 1) { lines in
                let row = UnsafePointer(source.row(z, y))
                guard axis == 2 else {
                    let place = axis == 0 ? z : y
                    let others = max(place - radius, 0)...min(place + radius, shape[axis] - 1)
                    for (number, other) in others.enumerated() {
                        lines[number] = UnsafePointer(axis == 0 ? source.row(other, y) : source.row(z, other))
                    }
                    sum(lines.prefix(others.count), 0..<shape.x, times: part, into: target)
                    return
                }
                for step in -radius...radius { lines[step + radius] = row + step }
                // Near the ends some of the voxels are beyond them.
                let first = min(radius, shape.x)
                let end = max(shape.x - radius, first)
                sum(lines[...], first..<end, times: part, into: target)
                for x in 0..<shape.x where x < first || x >= end {
                    var sum: Float = 0
                    for other in max(x - radius, 0)...min(x + radius, shape.x - 1) { sum += row[other] }
                    target[x] = sum * part
                }
            }
            return 0
        }
    }

    /// Places of some lines, added up; eight at a time, so that each is written once.
    @inline(__always)
    private static func sum(
        _ lines: Slice<UnsafeMutableBufferPointer<UnsafePointer<Float>>>,
        _ places: Range<Int>,
        times part: Float,
        into target: UnsafeMutablePointer<Float>
    ) {
        let lines = UnsafeBufferPointer(rebasing: lines)
        var x = places.lowerBound
        while x + 8 <= places.upperBound {
            var sum = SIMD8<Float>.zero
            for line in lines { sum += Float.loadEight(line + x) }
            UnsafeMutableRawPointer(target + x).storeBytes(of: sum * part, as: SIMD8<Float>.self)
            x += 8
        }
        while x < places.upperBound {
            var sum: Float = 0
            for line in lines { sum += line[x] }
            target[x] = sum * part
            x += 1
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
