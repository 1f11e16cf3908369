import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// estimate ← scale · estimate · max((plus + row) · normalization, least); see `Workspace.multiply`. The row becomes the estimate's.
    static func multiply(
        into estimate: HostField,
        normalization: HostField?,
        plus: Float = 0,
        least: Float,
        scale: Float = 1
    ) -> RowOperation {
        let (target, weights, count) = (estimate.planes, normalization?.planes, estimate.shape.x)
        return RowOperation { z, y, factor in
            let values = target.row(z, y)
            if let weight = weights?.row(z, y) {
                for x in 0..<count {
                    values[x] *= weight[x] <= 0 ? 0 : scale * max((plus + factor[x]) * weight[x], least)
                }
            } else {
                for x in 0..<count { values[x] *= scale * max(plus + factor[x], least) }
            }
            factor.update(from: values, count: count)
            return 0
        }
    }
}

extension HostWorkspace {
    package func multiply(
        _ estimate: HostField,
        byWorkAnd normalization: HostField?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let update = RowOperation.multiply(into: estimate, normalization: normalization, least: least)
        applyToWork(update, layout.domain, projectingNext ? .update : .read)
        didUpdate(estimate, projectingNext: projectingNext)
        ended(.rowsAndUpdate)
    }

    package func multiply(
        _ estimate: HostField,
        byOnePlusWorkTimes weight: HostField?,
        least: Float,
        scale: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let update = RowOperation.multiply(into: estimate, normalization: weight, plus: 1, least: least, scale: scale)
        applyToWork(update, layout.domain, projectingNext ? .update : .read)
        didUpdate(estimate, projectingNext: projectingNext)
        ended(.rowsAndUpdate)
    }
}

// MARK: - On a device

extension KernelTable {
    /// estimate ← scale · estimate · max((plus + work) · normalization, least), 0 where the normalization is 0.
    package func multiplyEstimate(
        _ estimate: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?,
        plus: Float = 0,
        least: Float,
        scale: Float = 1
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["multiply_estimate"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(estimate), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.buffer(normalization), .float(plus), .float(least), .float(scale)]
        )
    }
}

extension OpenCLWorkspace {
    package func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let takesRows = passes != nil && content == .rowSpectra(layout.domain)
        try checkUpdate(
            of: estimate,
            normalization: normalization,
            usesPlans: !takesRows || least == 0
        ) { former, projection, weight in
            former * (weight <= 0 ? 0 : max(projection * weight, Double(least)))
        } update: { () throws(DeconvolutionError) in
            if let passes, takesRows, least == 0 {
                if try passes.inverseRows(multiplying: estimate.buffer, normalization: normalization?.buffer) { return }
            }
            try finishRows()
            try kernels.multiplyEstimate(
                estimate.buffer,
                work,
                layout,
                normalization: normalization?.buffer,
                least: least
            )
            try queue.ended(.update)
        }
    }

    package func multiply(
        _ estimate: Field,
        byOnePlusWorkTimes weight: Field?,
        least: Float,
        scale: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try checkUpdate(of: estimate, normalization: weight, usesPlans: true) { former, projection, weight in
            former * (weight <= 0 ? 0 : Double(scale) * max((1 + projection) * weight, Double(least)))
        } update: { () throws(DeconvolutionError) in
            try finishRows()
            try kernels.multiplyEstimate(
                estimate.buffer,
                work,
                layout,
                normalization: weight?.buffer,
                plus: 1,
                least: least,
                scale: scale
            )
            try queue.ended(.update)
        }
    }
}
