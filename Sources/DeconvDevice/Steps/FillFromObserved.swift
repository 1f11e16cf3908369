package import DeconvVolume

// MARK: - On the host

extension RowOperation {
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
}

extension HostWorkspace {
    package func fillFromObserved(
        _ field: HostField,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before fillFromObserved") }
        willChange(field)
        let fill = RowOperation.fillFromObserved(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            offset: offset,
            least: least,
            outside: outside,
            width: layout.domain.shape.x
        )
        field.planes.apply(fill, to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// field ← max((observed − offset) / f, least) on the frame, `outside` where f = 0 and in the rest of the domain.
    package func fillFromObserved(
        _ field: DeviceBuffer,
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ layout: WorkspaceLayout,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["fill_from_observed"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x), .buffer(observed), .buffer(sensitivity)]
                + box(layout.frame)
                + [.float(offset), .float(least), .float(outside)]
        )
    }
}

extension OpenCLWorkspace {
    package func fillFromObserved(
        _ field: Field,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before fillFromObserved") }
        check?.projected = nil
        try kernels.fillFromObserved(
            field.buffer,
            observed.voxels,
            sensitivity: sensitivity,
            layout,
            offset: offset,
            least: least,
            outside: outside
        )
    }
}
