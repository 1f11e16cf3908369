package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row into a field's, as the factor of an update; see `Workspace.storeFactor`.
    static func storeFactor(in target: HostField, normalization: HostField?) -> RowOperation {
        let (values, weights, count) = (target.planes, normalization?.planes, target.shape.x)
        return RowOperation { z, y, row in
            let factors = values.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count { factors[x] = weight[x] <= 0 ? -1 : max(row[x] * weight[x], 0) }
            } else {
                for x in 0..<count { factors[x] = max(row[x], 0) }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func storeFactor(in target: HostField, normalization: HostField?) throws(DeconvolutionError) {
        willChange(target)
        applyToWork(.storeFactor(in: target, normalization: normalization), layout.domain, .read)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← max(work · normalization, 0), −1 where the normalization is 0.
    package func storeFactor(
        in target: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["store_factor"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(target), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.buffer(normalization)]
        )
    }
}

extension OpenCLWorkspace {
    package func storeFactor(in target: Field, normalization: Field?) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        leavesUpdatesUnseen()
        try kernels.storeFactor(in: target.buffer, work, layout, normalization: normalization?.buffer)
    }
}
