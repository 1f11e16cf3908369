import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of the target to x + factor · Δx; see `Workspace.diffuse`.
    static func diffuse(_ field: HostField, factor: Float, rates: SIMD3<Float>) -> RowOperation {
        let squares = rates * rates
        let rows = CurvedRows(of: field, squares: (squares[0], squares[1], squares[2]))
        let count = field.shape.x
        return RowOperation { z, y, target in
            rows.curvature(z, y, into: target) { row in
                for x in 0..<count { target[x] = row[x] + factor * target[x] }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func diffuse(
        _ field: HostField,
        into target: HostField,
        factor: Float,
        rates: SIMD3<Float>
    ) throws(DeconvolutionError) {
        willChange(target)
        target.planes.apply(.diffuse(field, factor: factor, rates: rates), to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← x + factor · Δx for the field x.
    package func diffuse(
        _ field: DeviceBuffer,
        into target: DeviceBuffer,
        _ shape: VolumeShape,
        factor: Float,
        rates: SIMD3<Float>
    ) throws(DeconvolutionError) {
        let squares = rates * rates
        try self["diffuse"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [
                .buffer(target), .buffer(field), .uint(shape.z), .uint(shape.y), .uint(shape.x),
                .float(squares[0]), .float(squares[1]), .float(squares[2]), .float(factor),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func diffuse(
        _ field: Field,
        into target: Field,
        factor: Float,
        rates: SIMD3<Float>
    ) throws(DeconvolutionError) {
        try kernels.diffuse(
            field.buffer,
            into: target.buffer,
            layout.domain.shape,
            factor: factor,
            rates: rates
        )
    }
}
