/// Where a camera stops: many voxels at the largest value, and hardly any just below it.
package struct SaturationPlateau: Hashable, Sendable {
    /// The largest value.
    package let value: Float
    /// Share of the voxels that have it.
    package let share: Double

    /// What is known of the brightest voxels of one plane.
    package struct Top: Sendable {
        /// The largest value.
        let largest: Float
        /// Voxels that have it.
        let count: Int
        /// Voxels within a fiftieth below it, and those of the next value at least.
        let nearCount: Int
        /// All voxels.
        let voxelCount: Int

        /// The top of a plane; nil where all voxels are the same.
        package init?(_ voxels: [Float]) {
            var (least, most) = (Float.infinity, -Float.infinity)
            for voxel in voxels {
                least = min(least, voxel)
                most = max(most, voxel)
            }
            guard most > least, most > 0 else { return nil }
            var second = -Float.infinity
            for voxel in voxels where voxel < most { second = max(second, voxel) }
            // Small counts, and an image from 0 to 1, have their next value further below.
            let bound = min(most - most / 50, second)
            var (count, near) = (0, 0)
            for voxel in voxels where voxel >= bound { if voxel == most { count += 1 } else { near += 1 } }
            (largest, self.count, nearCount, voxelCount) = (most, count, near, voxels.count)
        }
    }

    /// A few voxels may be alike by chance.
    private static let leastCount = 10
    private static let leastShare = 1e-5
    /// On a slope as many voxels lie just below as there are at the top.
    private static let leastRatio = 3

    /// The plateau of some planes; nil where there is none.
    package init?(_ tops: [Top]) {
        guard let largest = tops.map(\.largest).max() else { return nil }
        let highest = tops.filter { $0.largest == largest }
        let count = highest.reduce(0) { $0 + $1.count }
        let near = highest.reduce(0) { $0 + $1.nearCount }
        let all = tops.reduce(0) { $0 + $1.voxelCount }
        guard count >= Self.leastCount, count > Self.leastRatio * near, Double(count) >= Self.leastShare * Double(all)
        else { return nil }
        value = largest
        share = Double(count) / Double(all)
    }
}
