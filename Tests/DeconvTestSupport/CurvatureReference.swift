package import DeconvVolume

/// Weights of penalties on differences between neighbors, in double precision, straight from their definition.
package enum CurvatureReference {
    /// Δ = −Σ_a r_a² D_a' D_a, D_a the difference to the next voxel along an axis, 0 at the far end.
    /// - Parameter rates: what differences along z, y and x are multiplied by.
    package static func laplacian(of field: [Double], _ shape: VolumeShape, rates: [Double]) -> [Double] {
        let strides = [shape.y * shape.x, shape.x, 1]
        var result = [Double](repeating: 0, count: field.count)
        for axis in 0..<3 {
            for voxel in field.indices where voxel / strides[axis] % shape[axis] + 1 < shape[axis] {
                let next = voxel + strides[axis]
                let flow = rates[axis] * rates[axis] * (field[next] - field[voxel])
                result[voxel] += flow
                result[next] -= flow
            }
        }
        return result
    }

    /// 1 / max(1 − λ Δx, 0.2), or with a floor 1 / max(1 − λ Δv / v, 0.2), v = √max(x, floor).
    package static func weight(
        of field: [Double],
        _ shape: VolumeShape,
        strength: Double,
        floor: Double? = nil,
        rates: [Double]
    ) -> [Double] {
        let values = floor.map { floor in field.map { max($0, floor).squareRoot() } } ?? field
        let curvature = laplacian(of: values, shape, rates: rates)
        return field.indices.map { 1 / max(1 - strength * curvature[$0] / (floor == nil ? 1 : values[$0]), 0.2) }
    }
}
