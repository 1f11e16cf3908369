import DeconvVolume

/// Voxels that are exactly 0 beside others on an offset, as deskewing, rotating and padding leave them.
enum UnrecordedVoxels {
    /// From this share of the border on they matter.
    private static let leastShare = 0.005

    /// The share of a border that was not recorded.
    ///
    /// Zeros of a camera without offset lie among counts of 1 and 2; those that were never recorded lie among themselves, and
    /// the rest stands on an offset of more than three standard deviations of its noise.
    /// - Returns: nil where every voxel of the border may have been recorded.
    static func share(of border: [Int], in field: PSFField) -> Double? {
        let zeros = border.filter { field.values[$0] == 0 }
        let others = border.filter { field.values[$0] != 0 }
        let share = Double(zeros.count) / Double(max(1, border.count))
        guard share >= leastShare, others.count >= 32, standsOnOffset(others.map { field.values[$0] }) else {
            return nil
        }
        // A 0 beside a 1 is what rounding makes of the tails of a PSF.
        guard median(others.map { field.values[$0] }) >= 3 * step(of: field) else { return nil }
        guard zeroShare(around: zeros, in: field) > 0.5, zeroShare(around: others, in: field) < 0.25 else { return nil }
        return share
    }

    /// Whether values are three standard deviations above 0.
    static func standsOnOffset(_ values: [Double]) -> Bool {
        let median = median(values)
        return median > 3 * RobustSpread.of(values.map { $0 - median })
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// The smallest difference between two of its values: 1 for counts.
    private static func step(of field: PSFField) -> Double {
        let levels = Set(field.values).sorted()
        return zip(levels, levels.dropFirst()).map { $1 - $0 }.min() ?? 0
    }

    /// Of the neighbors of voxels those that are 0, the voxels themselves left out.
    private static func zeroShare(around offsets: [Int], in field: PSFField) -> Double {
        var zeros = 0
        var count = 0
        let shape = field.shape
        for offset in offsets {
            let place = field.index(of: offset)
            for axis in 0..<3 {
                for step in [-1, 1] where (0..<shape[axis]).contains(place[axis] + step) {
                    count += 1
                    if field.values[offset + step * field.stride(axis)] == 0 { zeros += 1 }
                }
            }
        }
        return Double(zeros) / Double(max(1, count))
    }
}
