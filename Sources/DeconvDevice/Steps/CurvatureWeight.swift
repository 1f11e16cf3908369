import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of the target to the weight of a field's; see `Workspace.storeCurvatureWeight`.
    static func curvatureWeight(
        of field: HostField,
        normalization: HostField?,
        _ constants: CurvatureConstants
    ) -> RowOperation {
        let rows = CurvedRows(of: field, squares: constants.squares, floor: constants.floor)
        let (weights, count) = (normalization?.planes, field.shape.x)
        let (strength, least, hasRoots) = (constants.strength, CurvatureConstants.least, constants.floor != nil)
        return RowOperation { z, y, target in
            rows.curvature(z, y, into: target) { row in
                guard hasRoots else { return }
                for x in 0..<count { target[x] /= row[x] }
            }
            if let weight = weights?.row(z, y) {
                for x in 0..<count { target[x] = weight[x] / max(1 - strength * target[x], least) }
            } else {
                for x in 0..<count { target[x] = 1 / max(1 - strength * target[x], least) }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func storeCurvatureWeight(
        in target: HostField,
        of field: HostField,
        normalization: HostField?,
        _ constants: CurvatureConstants
    ) throws(DeconvolutionError) {
        willChange(target)
        let weight = RowOperation.curvatureWeight(of: field, normalization: normalization, constants)
        target.planes.apply(weight, to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← normalization / max(1 − λ · Δx, least) for the field x, or with roots normalization / max(1 − λ · Δv / v, least);
    /// no normalization stands for 1.
    package func storeCurvatureWeight(
        in target: DeviceBuffer,
        of field: DeviceBuffer,
        _ shape: VolumeShape,
        normalization: DeviceBuffer?,
        _ constants: CurvatureConstants
    ) throws(DeconvolutionError) {
        let squares = constants.squares
        try self["curvature_weight"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [
                .buffer(target), .buffer(field), .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(normalization),
                .float(squares.z), .float(squares.y), .float(squares.x), .float(constants.floor ?? 0),
                .float(constants.strength), .float(CurvatureConstants.least),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func storeCurvatureWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: CurvatureConstants
    ) throws(DeconvolutionError) {
        try kernels.storeCurvatureWeight(
            in: target.buffer,
            of: field.buffer,
            layout.domain.shape,
            normalization: normalization?.buffer,
            constants
        )
    }
}
