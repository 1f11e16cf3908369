import DeconvVolume

/// A peak that is cut off at the brightest value that a camera or a file can have.
enum PeakPlateau {
    /// The number of voxels that share the brightest value, where that is too many for the peak of a point.
    ///
    /// A peak that is not cut has more voxels just below its top than on it. A Gaussian that is cut at nine tenths has half
    /// as many at the top as in the tenth below, one cut at half four times as many. Up to eight voxels of a computed PSF share
    /// the top where its center lies between voxels.
    /// - Parameters:
    ///   - field: as measured.
    ///   - background: counts.
    ///   - isNoisy: whether there is noise, in which hardly two voxels are alike.
    static func voxelCount(in field: PSFField, background: Double, isNoisy: Bool) -> Int? {
        guard let top = field.values.max(), top > background else { return nil }
        let near = background + 0.9 * (top - background)
        var (atTop, nearTop, lit) = (0, 0, 0)
        for value in field.values where value > background {
            lit += 1
            if value == top { atTop += 1 } else if value > near { nearTop += 1 }
        }
        // A box of ones is a kernel, and no bead.
        guard atTop >= (isNoisy ? 4 : 9), atTop < lit, Double(atTop) >= 0.3 * Double(nearTop) else { return nil }
        return field[field.peak()] == top ? atTop : nil
    }
}
