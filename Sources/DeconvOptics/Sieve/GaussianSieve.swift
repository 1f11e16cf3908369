import DeconvVolume
import Glibc

/// A Gaussian k that the estimate z is blurred by, so that the object k ∗ z has nothing finer (Snyder and Miller 1985, IEEE Trans.
/// Nucl. Sci. 32:3864; Snyder et al. 1987, IEEE Trans. Med. Imaging 6:228).
///
/// Its σ along each axis is a part of the PSF's full width at half maximum there; along an axis on which the PSF does not fall to
/// half it is one voxel of 1.
struct GaussianSieve {
    /// Standard deviations that it reaches to each side, where 6e-5 of it are left.
    private static let reach = 4.0

    /// Its values along z, y and x: odd numbers of them, of sum 1.
    let lines: [[Double]]

    /// - Parameter width: σ over the PSF's width, above 0.
    init(for psf: PointSpreadFunction, width: Double) {
        lines = (0..<3).map { axis in
            guard let full = psf.fullWidthAtHalfMaximum(axis: axis) else { return [1] }
            let sigma = width * full
            let reach = Int((Self.reach * sigma).rounded(.up))
            let values = (-reach...reach).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
            let sum = values.reduce(0, +)
            return values.map { $0 / sum }
        }
    }

    /// k, whose center is the middle voxel.
    var kernel: Volume {
        let shape = VolumeShape { lines[$0].count }
        var voxels: [Float] = []
        for z in lines[0] {
            for y in lines[1] {
                for x in lines[2] { voxels.append(Float(z * y * x)) }
            }
        }
        return Volume(shape: shape, voxels: voxels)
    }

    /// h ∗ k of a PSF h, as large as both.
    func blurred(_ psf: PointSpreadFunction) -> Volume {
        let shape = VolumeShape { psf.shape[$0] + lines[$0].count - 1 }
        var values = [Double](repeating: 0, count: shape.voxelCount)
        let first = VolumeIndex { lines[$0].count / 2 }
        for z in 0..<psf.shape.z {
            for y in 0..<psf.shape.y {
                let source = (z * psf.shape.y + y) * psf.shape.x
                let target = ((z + first.z) * shape.y + y + first.y) * shape.x + first.x
                for x in 0..<psf.shape.x { values[target + x] = Double(psf.voxels[source + x]) }
            }
        }
        let field = PSFField(shape: shape, values: values).convolved(lines)
        return Volume(shape: shape, voxels: field.values.map(Float.init), spacing: psf.spacing)
    }
}
