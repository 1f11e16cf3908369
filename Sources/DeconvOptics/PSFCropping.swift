import DeconvVolume

/// Takes away what is empty around a PSF.
enum PSFCropping {
    /// Share of the energy that may go where the PSF is free of noise: real tails stay.
    static let toleranceWithoutNoise = 1e-6
    /// Share of the energy that may go where the PSF was measured in noise. The energy itself is not known better
    /// than to about 1 % then, and the last thousandth would cost work space on every side of every image.
    static let toleranceWithNoise = 1e-3

    /// The smallest box, symmetric about the centre, that leaves out at most `tolerance` of the energy.
    ///
    /// A third of the tolerance goes to each axis. A cropped axis is odd; an axis that cannot be cropped stays as
    /// it is.
    static func box(around field: PSFField, tolerance: Double) -> Region {
        let center = field.shape.centerVoxel
        let radii = (0..<3).map { EnergyProfile(field, axis: $0).radius(leavingOut: tolerance / 3) }
        func isCropped(_ axis: Int) -> Bool { 2 * radii[axis] + 1 < field.shape[axis] }
        return Region(
            origin: VolumeIndex { isCropped($0) ? center[$0] - radii[$0] : 0 },
            shape: VolumeShape { isCropped($0) ? 2 * radii[$0] + 1 : field.shape[$0] }
        )
    }
}

/// How the energy of a PSF is spread along one axis: sums over the other two.
struct EnergyProfile {
    let sums: [Double]

    init(_ field: PSFField, axis: Int) {
        var sums = [Double](repeating: 0, count: field.shape[axis])
        let step = field.stride(axis)
        // Runs of voxels that share their coordinate along the axis.
        for run in 0..<field.values.count / step {
            var sum = 0.0
            for i in run * step..<(run + 1) * step { sum += field.values[i] }
            sums[run % field.shape[axis]] += sum
        }
        self.sums = sums
    }

    /// The smallest r for which voxels with |offset from n/2| > r hold at most a share of the energy.
    func radius(leavingOut share: Double) -> Int {
        let center = sums.count / 2
        let largest = max(center, sums.count - 1 - center)
        let allowed = share * sums.reduce(0, +)
        var outside = 0.0
        var radius = largest
        // From outside inwards, so that the smallest contributions are summed first.
        while radius > 0 {
            if center - radius >= 0 { outside += sums[center - radius] }
            if center + radius < sums.count { outside += sums[center + radius] }
            if outside > allowed { break }
            radius -= 1
        }
        return radius
    }
}
