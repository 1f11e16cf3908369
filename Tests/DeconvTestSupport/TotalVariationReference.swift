package import DeconvVolume

/// The weight 1 / max(1 − λ · div(∇x / |∇x|), 0.2) in double precision, straight from its definition.
package enum TotalVariationReference {
    /// - Parameter rates: what differences along z, y and x are multiplied by.
    package static func weight(
        of field: [Double],
        _ shape: VolumeShape,
        strength: Double,
        smoothing: Double,
        rates: [Double]
    ) -> [Double] {
        let strides = [shape.y * shape.x, shape.x, 1]
        func place(_ voxel: Int, _ axis: Int) -> Int { voxel / strides[axis] % shape[axis] }
        let gradient = (0..<3).map { axis in
            field.indices.map { voxel in
                place(voxel, axis) + 1 < shape[axis] ? rates[axis] * (field[voxel + strides[axis]] - field[voxel]) : 0
            }
        }
        let length = field.indices.map { voxel in
            (gradient.reduce(0) { $0 + $1[voxel] * $1[voxel] } + smoothing * smoothing).squareRoot()
        }
        return field.indices.map { voxel in
            var divergence = 0.0
            for axis in 0..<3 {
                let here = gradient[axis][voxel] / length[voxel]
                let before = place(voxel, axis) > 0 ? voxel - strides[axis] : nil
                divergence += rates[axis] * (here - (before.map { gradient[axis][$0] / length[$0] } ?? 0))
            }
            return 1 / max(1 - strength * divergence, 0.2)
        }
    }
}
