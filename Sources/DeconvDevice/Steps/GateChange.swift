import DeconvPlan
package import DeconvVolume

/// What a mean square is not taken to be less than, so that nothing is divided by 0.
private let leastSquare: Float = 1e-20

// MARK: - On the host

extension RowOperation {
    /// A row to the factor of a gated update; see `Workspace.multiply(_:gatedBy:…)`.
    static func gateChange(noise: HostField, squares: HostField, normalization: HostField?) -> RowOperation {
        let (noises, changes, weights, count) = (noise.planes, squares.planes, normalization?.planes, noise.shape.x)
        return RowOperation { z, y, row in
            let (noise, square, weight) = (noises.row(z, y), changes.row(z, y), weights?.row(z, y))
            if let weight {
                for x in 0..<count { row[x] *= weight[x] }
            }
            for x in 0..<count {
                let gate = min(max(1 - noise[x] / max(square[x], leastSquare), 0), 1)
                row[x] = max(1 + gate * (max(row[x], 0) - 1), 0)
            }
            if let weight {
                for x in 0..<count where weight[x] <= 0 { row[x] = 0 }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func multiply(
        _ estimate: HostField,
        gatedBy noise: HostField,
        squares: HostField,
        normalization: HostField?,
        extrapolatingFrom former: HostField,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let gate = RowOperation.gateChange(noise: noise, squares: squares, normalization: normalization)
        let product = RowOperation.multiply(
            into: estimate,
            normalization: nil,
            least: 0,
            extrapolatingFrom: former,
            momentum: momentum
        )
        let update = RowOperation { z, y, row in
            _ = gate.run(z, y, row)
            return product.run(z, y, row)
        }
        willChange(former)
        applyToWork(update, layout.domain, projectingNext ? .update : .read)
        didUpdate(estimate, projectingNext: projectingNext)
        ended(.rowsAndUpdate)
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← 1 + w (max(work · normalization, 0) − 1), w = 1 − noise / squares from 0 to 1; 0 where the normalization is 0.
    package func gateChange(
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        noise: DeviceBuffer,
        squares: DeviceBuffer,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["gate_change"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(work)] + pitches(layout) + [
                .buffer(noise), .buffer(squares), .uint(shape.y), .uint(shape.x), .buffer(normalization),
                .float(leastSquare),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func multiply(
        _ estimate: Field,
        gatedBy noise: Field,
        squares: Field,
        normalization: Field?,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        leavesUpdatesUnseen()
        try kernels.gateChange(
            work,
            layout,
            noise: noise.buffer,
            squares: squares.buffer,
            normalization: normalization?.buffer
        )
        try multiply(
            estimate,
            byWorkAnd: nil,
            least: 0,
            extrapolatingFrom: former,
            momentum: momentum,
            projectingNext: projectingNext
        )
    }
}
