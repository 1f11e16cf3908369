import DeconvVolume

/// A peak that is cut off at the brightest value that a camera or a file can have.
enum PeakPlateau {
    /// The number of voxels that share the brightest value, where that is too many for the peak of a point.
    ///
    /// A peak that is not cut has more voxels just below its top than on it. A Gaussian that is cut at nine tenths has half
    /// as many at the top as in the tenth below, one cut at half four times as many. Without noise up to eight voxels share the
    /// top where the center lies between them, a box of two along an axis at most; with noise hardly two voxels are alike.
    /// - Parameters:
    ///   - field: as measured.
    ///   - background: counts.
    ///   - isNoisy: whether there is noise.
    static func voxelCount(in field: PSFField, background: Double, isNoisy: Bool) -> Int? {
        guard let top = field.values.max(), top > background else { return nil }
        let near = background + 0.9 * (top - background)
        var (atTop, nearTop, lit) = (0, 0, 0)
        for value in field.values where value > background {
            lit += 1
            if value == top { atTop += 1 } else if value > near { nearTop += 1 }
        }
        // A box of ones is a kernel, and no bead.
        guard atTop < lit, Double(atTop) >= 0.3 * Double(nearTop), field[field.peak()] == top else { return nil }
        return (isNoisy ? atTop >= 4 : isFlat(top, in: field)) ? atTop : nil
    }

    /// Whether the voxels of the largest value are more than the middle of a smooth peak.
    private static func isFlat(_ top: Double, in field: PSFField) -> Bool {
        let places = field.values.indices.filter { field.values[$0] == top }.map { field.index(of: $0) }
        let ends = (0..<3).map { axis in (places.map { $0[axis] }.min() ?? 0)...(places.map { $0[axis] }.max() ?? 0) }
        if ends.allSatisfy({ $0.count <= 2 }) { return places.count < ends.reduce(1) { $0 * $1.count } }
        // The ring of a hollow focus has its like voxels around a darker one.
        let middle = VolumeIndex { (ends[$0].lowerBound + ends[$0].upperBound) / 2 }
        return field[middle] == top
    }
}
