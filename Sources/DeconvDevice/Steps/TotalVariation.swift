import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row of the target to the weight of a field's; see `Workspace.storeTotalVariationWeight`.
    static func totalVariationWeight(
        of field: HostField,
        normalization: HostField?,
        _ constants: TotalVariationConstants
    ) -> RowOperation {
        let (source, weights, shape) = (field.planes, normalization?.planes, field.shape)
        let (squares, flat) = (constants.squares, constants.flat)
        let (strength, least) = (constants.strength, TotalVariationConstants.least)
        return RowOperation { z, y, target in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * shape.x) { scratch in
                let here = scratch.baseAddress!, above = here + shape.x, before = above + shape.x
                /// 1 / |∇x| of a row; no difference leads beyond the far end of an axis.
                func inverseLengths(_ z: Int, _ y: Int, _ lengths: UnsafeMutablePointer<Float>) {
                    let row = source.row(z, y)
                    let nextZ = source.row(min(z + 1, shape.z - 1), y), nextY = source.row(z, min(y + 1, shape.y - 1))
                    let nextX = row + 1
                    for x in 0..<shape.x - 1 {
                        let alongZ = nextZ[x] - row[x], alongY = nextY[x] - row[x], alongX = nextX[x] - row[x]
                        let sum =
                            squares.z * alongZ * alongZ + squares.y * alongY * alongY + squares.x * alongX * alongX
                        lengths[x] = 1 / (sum + flat).squareRoot()
                    }
                    let x = shape.x - 1
                    let alongZ = nextZ[x] - row[x], alongY = nextY[x] - row[x]
                    lengths[x] = 1 / (squares.z * alongZ * alongZ + squares.y * alongY * alongY + flat).squareRoot()
                }
                let row = source.row(z, y)
                let nextZ = source.row(min(z + 1, shape.z - 1), y), nextY = source.row(z, min(y + 1, shape.y - 1))
                // The same row where there is none before, whose differences are then 0.
                let formerZ = source.row(max(z - 1, 0), y), formerY = source.row(z, max(y - 1, 0))
                inverseLengths(z, y, here)
                inverseLengths(max(z - 1, 0), y, above)
                inverseLengths(z, max(y - 1, 0), before)
                for x in 0..<shape.x {
                    let alongZ = (nextZ[x] - row[x]) * here[x] - (row[x] - formerZ[x]) * above[x]
                    let alongY = (nextY[x] - row[x]) * here[x] - (row[x] - formerY[x]) * before[x]
                    target[x] = squares.z * alongZ + squares.y * alongY
                }
                // Along x what leaves a voxel comes to the next one.
                let nextX = row + 1, toNext = target + 1
                for x in 0..<shape.x - 1 { before[x] = squares.x * (nextX[x] - row[x]) * here[x] }
                for x in 0..<shape.x - 1 { target[x] += before[x] }
                for x in 0..<shape.x - 1 { toNext[x] -= before[x] }
                if let weight = weights?.row(z, y) {
                    for x in 0..<shape.x { target[x] = weight[x] / max(1 - strength * target[x], least) }
                } else {
                    for x in 0..<shape.x { target[x] = 1 / max(1 - strength * target[x], least) }
                }
                return 0
            }
        }
    }
}

extension HostWorkspace {
    package func storeTotalVariationWeight(
        in target: HostField,
        of field: HostField,
        normalization: HostField?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        willChange(target)
        let weight = RowOperation.totalVariationWeight(of: field, normalization: normalization, constants)
        target.planes.apply(weight, to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← normalization / max(1 − λ · div(∇x / |∇x|), least) for the field x; no normalization stands for 1.
    package func storeTotalVariationWeight(
        in target: DeviceBuffer,
        of field: DeviceBuffer,
        _ shape: VolumeShape,
        normalization: DeviceBuffer?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        let squares = constants.squares
        try self["total_variation_weight"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [
                .buffer(target), .buffer(field), .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(normalization),
                .float(squares.z), .float(squares.y), .float(squares.x), .float(constants.flat),
                .float(constants.strength), .float(TotalVariationConstants.least),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func storeTotalVariationWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        try kernels.storeTotalVariationWeight(
            in: target.buffer,
            of: field.buffer,
            layout.domain.shape,
            normalization: normalization?.buffer,
            constants
        )
    }
}
