package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row to the geometric mean of itself and a factor; see `Workspace.takeMean`.
    static func takeMean(of factor: HostField, normalization: HostField?) -> RowOperation {
        let (factors, weights, count) = (factor.planes, normalization?.planes, factor.shape.x)
        return RowOperation { z, y, row in
            let first = factors.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count {
                    let second = max(row[x] * weight[x], 0)
                    let known = first[x] < 0 ? second : (first[x] * second).squareRoot()
                    row[x] = weight[x] > 0 ? known : max(first[x], 0)
                }
            } else {
                for x in 0..<count {
                    let second = max(row[x], 0)
                    row[x] = first[x] < 0 ? second : (first[x] * second).squareRoot()
                }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func takeMean(of factor: HostField, normalization: HostField?) throws(DeconvolutionError) {
        applyToWork(.takeMean(of: factor, normalization: normalization), layout.domain, .update)
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← √(factor · max(work · normalization, 0)), one of them where the other is not known, 0 where none is.
    package func takeMean(
        of factor: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["take_mean"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(work)] + pitches(layout)
                + [.buffer(factor), .uint(shape.y), .uint(shape.x), .buffer(normalization)]
        )
    }
}

extension OpenCLWorkspace {
    package func takeMean(of factor: Field, normalization: Field?) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        leavesUpdatesUnseen()
        try kernels.takeMean(of: factor.buffer, work, layout, normalization: normalization?.buffer)
    }
}
