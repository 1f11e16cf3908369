import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// estimate ← max(estimate + factor · row, 0); see `Workspace.add`. The row becomes the estimate's.
    static func add(to estimate: HostField, factor: Float) -> RowOperation {
        let (target, count) = (estimate.planes, estimate.shape.x)
        return RowOperation { z, y, row in
            let values = target.row(z, y)
            for x in 0..<count {
                let sum = values[x] + factor * row[x]
                // A NaN stays one.
                values[x] = sum < 0 ? 0 : sum
            }
            row.update(from: values, count: count)
            return 0
        }
    }
}

extension HostWorkspace {
    package func add(
        to estimate: HostField,
        factor: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        willChange(estimate)
        applyToWork(.add(to: estimate, factor: factor), layout.domain, projectingNext ? .update : .read)
        didUpdate(estimate, projectingNext: projectingNext)
        ended(.rowsAndUpdate)
    }
}

// MARK: - On a device

extension KernelTable {
    /// estimate ← max(estimate + factor · work, 0).
    package func addToEstimate(
        _ estimate: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        factor: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["add_to_estimate"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(estimate), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout) + [.float(factor)]
        )
    }
}

extension OpenCLWorkspace {
    package func add(to estimate: Field, factor: Float, projectingNext: Bool) throws(DeconvolutionError) {
        try checkUpdate(of: estimate, normalization: nil, usesPlans: true) { former, projection, _ in
            max(former + Double(factor) * projection, 0)
        } update: { () throws(DeconvolutionError) in
            try finishRows()
            try kernels.addToEstimate(estimate.buffer, work, layout, factor: factor)
            try queue.ended(.update)
        }
    }
}
