import DeconvVolume

/// What has to be known of a volume before it is deconvolved, gathered in one pass.
struct ImageStatistics {
    /// Σ max(g, 0), in double.
    private(set) var sum = 0.0
    private(set) var voxelCount = 0
    private(set) var negativeCount = 0
    private(set) var smallest = Float.infinity

    /// Mean of the voxels, negative ones taken as 0.
    var mean: Double { voxelCount == 0 ? 0 : sum / Double(voxelCount) }

    /// Takes in the voxels of a box, whose first one has the given position.
    /// - Throws: `invalidData` that says where a voxel is NaN or infinite.
    mutating func add(_ data: VoxelData, of region: Region, name: String) throws(DeconvolutionError) {
        voxelCount += data.count
        switch data {
        case .uint8(let voxels):
            sum += Double(voxels.reduce(0) { $0 &+ Int($1) })
            smallest = min(smallest, Float(voxels.min() ?? .max))
        case .uint16(let voxels):
            sum += Double(voxels.reduce(0) { $0 &+ Int($1) })
            smallest = min(smallest, Float(voxels.min() ?? .max))
        case .float32(let voxels):
            var total = 0.0
            var negatives = 0
            var least = smallest
            for voxel in voxels {
                total += Double(max(voxel, 0))
                if voxel < 0 { negatives += 1 }
                least = min(least, voxel)
            }
            // Every sum with a NaN or an infinity in it is one.
            guard total.isFinite, voxels.allSatisfy(\.isFinite) else {
                let index = voxels.firstIndex { !$0.isFinite } ?? 0
                let shape = region.shape
                let position = VolumeIndex(
                    z: region.origin.z + index / shape.planeVoxelCount,
                    y: region.origin.y + index / shape.x % shape.y,
                    x: region.origin.x + index % shape.x
                )
                throw DeconvolutionError(
                    .invalidData,
                    "\(name): the voxel at \(position) is \(voxels[index]); replace it by a number and try again"
                )
            }
            sum += total
            negativeCount += negatives
            smallest = least
        }
    }
}
