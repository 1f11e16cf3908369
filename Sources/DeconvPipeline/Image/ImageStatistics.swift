import DeconvVolume

/// What has to be known of a volume before it is deconvolved, gathered in one pass over its good voxels.
struct ImageStatistics {
    /// Σ max(g, 0), in double.
    private(set) var sum = 0.0
    /// Σ f, in double.
    private(set) var sensitivitySum = 0.0
    /// Voxels that count.
    private(set) var voxelCount = 0
    private(set) var negativeCount = 0
    private(set) var smallest = Float.infinity

    /// Of either sign: the sums of transforms must be numbers in single precision, of 10^14 voxels at most.
    private static let mostCounts: Float = 1e24

    /// What the mean would be if f were 1: b + Σ(g − b) / Σf, negative voxels taken as 0.
    func mean(background: Double) -> Double {
        if voxelCount == 0 { return 0 }
        if sensitivitySum == Double(voxelCount) { return sum / Double(voxelCount) }
        return background + (sum - background * Double(voxelCount)) / sensitivitySum
    }

    /// Σ(g − b), negative voxels taken as 0.
    func light(background: Double) -> Double { sum - background * Double(voxelCount) }

    /// One loop without a trap in it, which the compiler makes into vector instructions.
    @inline(__always)
    private mutating func add<T: FixedWidthInteger & UnsignedInteger>(integers voxels: [T]) {
        var (total, least) = (0, T.max)
        for voxel in voxels {
            total &+= Int(truncatingIfNeeded: voxel)
            least = min(least, voxel)
        }
        sum += Double(total)
        smallest = min(smallest, Float(least))
    }

    /// Takes in the voxels of a box, whose first one has the given position.
    /// - Throws: `invalidData` that says where a voxel is NaN, infinite or too large.
    mutating func add(_ data: VoxelData, of region: Region, name: String) throws(DeconvolutionError) {
        voxelCount += data.count
        sensitivitySum += Double(data.count)
        switch data {
        case .uint8(let voxels):
            add(integers: voxels)
        case .uint16(let voxels):
            add(integers: voxels)
        case .float32(let voxels):
            var total = 0.0
            var negatives = 0
            var (least, most) = (smallest, Float(0))
            for voxel in voxels {
                total += Double(max(voxel, 0))
                if voxel < 0 { negatives += 1 }
                least = min(least, voxel)
                most = max(most, voxel.magnitude)
            }
            // Every sum with a NaN in it is one.
            guard total.isFinite, most <= Self.mostCounts else {
                let index = voxels.firstIndex { !($0.magnitude <= Self.mostCounts) } ?? 0
                throw Self.unusable(voxels[index], at: region.index(index), name)
            }
            sum += total
            negativeCount += negatives
            smallest = least
        }
    }

    /// Takes in the voxels of a box whose sensitivity is above 0.
    /// - Throws: `invalidData` that says where one of these voxels is NaN, infinite or too large.
    mutating func add(
        _ data: VoxelData,
        sensitivity: [Float],
        of region: Region,
        name: String
    ) throws(DeconvolutionError) {
        switch data {
        case .uint8(let voxels): try add(sensitivity, region, name) { Float(voxels[$0]) }
        case .uint16(let voxels): try add(sensitivity, region, name) { Float(voxels[$0]) }
        case .float32(let voxels): try add(sensitivity, region, name) { voxels[$0] }
        }
    }

    @inline(__always)
    private mutating func add(
        _ sensitivity: [Float],
        _ region: Region,
        _ name: String,
        voxel: (Int) -> Float
    ) throws(DeconvolutionError) {
        for (index, weight) in sensitivity.enumerated() where weight > 0 {
            let value = voxel(index)
            guard value.magnitude <= Self.mostCounts else { throw Self.unusable(value, at: region.index(index), name) }
            sum += Double(max(value, 0))
            sensitivitySum += Double(weight)
            voxelCount += 1
            if value < 0 { negativeCount += 1 }
            smallest = min(smallest, value)
        }
    }

    private static func unusable(_ value: Float, at position: VolumeIndex, _ name: String) -> DeconvolutionError {
        let remedy =
            value.isFinite
            ? "divide the image by a factor, for counts above \(mostCounts) leave single precision"
            : "replace it by a number and try again"
        return DeconvolutionError(.invalidData, "\(name): the voxel at \(position) is \(value); \(remedy)")
    }
}
