package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row into a field's, as the square of the change that it would make; see `Workspace.storeSquaredChange`.
    static func storeSquaredChange(in target: HostField, normalization: HostField?) -> RowOperation {
        let (values, weights, count) = (target.planes, normalization?.planes, target.shape.x)
        return RowOperation { z, y, row in
            let squares = values.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count {
                    let change = max(row[x] * weight[x], 0) - 1
                    squares[x] = weight[x] <= 0 ? 0 : change * change
                }
            } else {
                for x in 0..<count {
                    let change = max(row[x], 0) - 1
                    squares[x] = change * change
                }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func storeSquaredChange(
        in target: HostField,
        normalization: HostField?
    ) throws(DeconvolutionError) {
        willChange(target)
        applyToWork(.storeSquaredChange(in: target, normalization: normalization), layout.domain, .read)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← (max(work · normalization, 0) − 1)², 0 where the normalization is 0.
    package func storeSquaredChange(
        in target: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["store_squared_change"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(target), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.buffer(normalization)]
        )
    }
}

extension OpenCLWorkspace {
    package func storeSquaredChange(in target: Field, normalization: Field?) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        try kernels.storeSquaredChange(in: target.buffer, work, layout, normalization: normalization?.buffer)
    }
}
