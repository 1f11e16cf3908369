package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of agreement to the factor of an update; see `Workspace.takeAgreed`.
    static func takeAgreed(_ whole: HostField, normalization: HostField?) -> RowOperation {
        let (wholes, weights, count) = (whole.planes, normalization?.planes, whole.shape.x)
        return RowOperation { z, y, row in
            let both = wholes.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count {
                    let factor = row[x] < 0 ? 1 : max(both[x] * weight[x], 0)
                    row[x] = weight[x] <= 0 ? 0 : factor
                }
            } else {
                for x in 0..<count { row[x] = row[x] < 0 ? 1 : max(both[x], 0) }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func takeAgreed(_ whole: HostField, normalization: HostField?) throws(DeconvolutionError) {
        applyToWork(.takeAgreed(whole, normalization: normalization), layout.domain, .update)
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← max(whole · normalization, 0) where work is not below 0, else 1; 0 where the normalization is 0.
    package func takeAgreed(
        _ whole: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["take_agreed"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(work)] + pitches(layout)
                + [.buffer(whole), .uint(shape.y), .uint(shape.x), .buffer(normalization)]
        )
    }
}

extension OpenCLWorkspace {
    package func takeAgreed(_ whole: Field, normalization: Field?) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        leavesUpdatesUnseen()
        try kernels.takeAgreed(whole.buffer, work, layout, normalization: normalization?.buffer)
    }
}
