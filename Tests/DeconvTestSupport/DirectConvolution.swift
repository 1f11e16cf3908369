package import DeconvPlan
public import DeconvVolume

/// The blur H and its adjoint H' as plain sums in double precision, straight from their definitions, without a transform.
///
/// For a tap k from −(P/2) to P − 1 − P/2 of a PSF of P voxels,
///
///     (H x)[i] = Σ h[k + P/2] x[i − k],   (H' r)[i] = Σ h[k + P/2] r[i + k].
///
/// The domain is where x lives, the frame where H x is wanted. With `extend` the domain reaches P − 1 − P/2 voxels before
/// the frame and P/2 after it; with `zero` it is the frame and nothing lies outside; with the others it is the frame,
/// enlarged by then where the boundary says so, and repeats in every direction.
public struct DirectConvolution {
    /// Voxels of x.
    public let domain: VolumeShape
    /// Voxels of H x.
    public let frame: VolumeShape
    private let psf: Volume
    /// Per axis, [frame voxel][tap] → domain voxel, or −1 where there is none.
    private let sources: [[[Int]]]

    /// A blur.
    /// - Parameter frame: voxels of the image, or of the enlarged one with `edge` and `reflect`.
    package init(_ psf: Volume, frame: VolumeShape, boundary: BoundaryMode) {
        self.psf = psf
        self.frame = frame
        let shape = psf.shape
        let before = VolumeShape { boundary == .extend ? shape[$0] - 1 - shape[$0] / 2 : 0 }
        let domain = VolumeShape { boundary == .extend ? frame[$0] + shape[$0] - 1 : frame[$0] }
        self.domain = domain
        let isPeriodic = boundary != .extend && boundary != .zero
        sources = (0..<3).map { axis in
            (0..<frame[axis]).map { voxel in
                (0..<shape[axis]).map { tap in
                    let source = voxel + before[axis] - (tap - shape[axis] / 2)
                    let length = domain[axis]
                    if isPeriodic { return ((source % length) + length) % length }
                    return (0..<length).contains(source) ? source : -1
                }
            }
        }
    }

    /// H x on the frame.
    public func forward(_ estimate: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: frame.voxelCount)
        forEachTap { target, source, weight in result[target] += weight * estimate[source] }
        return result
    }

    /// H' r on the domain.
    public func backward(_ ratio: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: domain.voxelCount)
        forEachTap { target, source, weight in result[source] += weight * ratio[target] }
        return result
    }

    private func forEachTap(_ body: (_ frame: Int, _ domain: Int, _ weight: Double) -> Void) {
        let (taps, weights) = (psf.shape, psf.voxels)
        for z in 0..<frame.z {
            for y in 0..<frame.y {
                for x in 0..<frame.x {
                    let target = (z * frame.y + y) * frame.x + x
                    for pz in 0..<taps.z where sources[0][z][pz] >= 0 {
                        for py in 0..<taps.y where sources[1][y][py] >= 0 {
                            let row = (sources[0][z][pz] * domain.y + sources[1][y][py]) * domain.x
                            let first = (pz * taps.y + py) * taps.x
                            for px in 0..<taps.x where sources[2][x][px] >= 0 {
                                body(target, row + sources[2][x][px], Double(weights[first + px]))
                            }
                        }
                    }
                }
            }
        }
    }
}
