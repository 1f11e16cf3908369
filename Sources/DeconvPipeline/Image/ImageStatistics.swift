import DeconvSurvey
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
    /// Of each plane that came, in their order; nil where none of its voxels counts.
    private(set) var planes: [EmptyPlanes.Plane?] = []

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
    private mutating func add<T: FixedWidthInteger & UnsignedInteger>(integers voxels: [T], planeBy count: Int) {
        voxels.withUnsafeBufferPointer { voxels in
            for start in stride(from: 0, to: voxels.count, by: count) {
                var (total, least, most) = (0, T.max, T.min)
                for voxel in UnsafeBufferPointer(rebasing: voxels[start..<start + count]) {
                    total &+= Int(truncatingIfNeeded: voxel)
                    least = min(least, voxel)
                    most = max(most, voxel)
                }
                endPlane(Double(total), Float(least), Float(most), count)
                sum += Double(total)
            }
        }
    }

    /// Notes what a plane of which some voxels count is like.
    private mutating func endPlane(_ total: Double, _ least: Float, _ most: Float, _ count: Int) {
        smallest = min(smallest, least)
        planes.append(EmptyPlanes.Plane(smallest: least, largest: most, mean: total / Double(count)))
    }

    /// Takes in the voxels of whole planes.
    /// - Throws: `invalidData` that says where a voxel is NaN, infinite or too large.
    mutating func add(_ data: VoxelData, of region: Region, name: String) throws(DeconvolutionError) {
        voxelCount += data.count
        sensitivitySum += Double(data.count)
        switch data {
        case .uint8(let voxels):
            add(integers: voxels, planeBy: region.shape.planeVoxelCount)
        case .uint16(let voxels):
            add(integers: voxels, planeBy: region.shape.planeVoxelCount)
        case .float32(let voxels):
            let count = region.shape.planeVoxelCount
            for start in stride(from: 0, to: voxels.count, by: count) {
                let (total, negatives, least, most) = voxels.withUnsafeBufferPointer {
                    Self.figures(of: UnsafeBufferPointer(rebasing: $0[start..<start + count]))
                }
                // Every sum with a NaN in it is one.
                guard total.isFinite, most <= Self.mostCounts, least >= -Self.mostCounts else {
                    let index = voxels.firstIndex { !($0.magnitude <= Self.mostCounts) } ?? 0
                    throw Self.unusable(voxels[index], at: region.index(index), name)
                }
                endPlane(total, least, most, count)
                sum += total
                negativeCount += negatives
            }
        }
    }

    /// The light of a plane, its negative voxels, the darkest and the brightest.
    private static func figures(
        of plane: UnsafeBufferPointer<Float>
    ) -> (total: Double, negatives: Int, least: Float, most: Float) {
        var (total, negatives) = (0.0, 0)
        var (least, most) = (Float.infinity, -Float.infinity)
        for voxel in plane {
            total += Double(max(voxel, 0))
            if voxel < 0 { negatives += 1 }
            least = min(least, voxel)
            most = max(most, voxel)
        }
        return (total, negatives, least, most)
    }

    /// Takes in the voxels of whole planes whose sensitivity is above 0.
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
        let planeCount = region.shape.planeVoxelCount
        for start in stride(from: 0, to: sensitivity.count, by: planeCount) {
            var (total, count) = (0.0, 0)
            var (least, most) = (Float.infinity, -Float.infinity)
            for index in start..<start + planeCount where sensitivity[index] > 0 {
                let value = voxel(index)
                guard value.magnitude <= Self.mostCounts else {
                    throw Self.unusable(value, at: region.index(index), name)
                }
                total += Double(max(value, 0))
                sensitivitySum += Double(sensitivity[index])
                count += 1
                if value < 0 { negativeCount += 1 }
                least = min(least, value)
                most = max(most, value)
            }
            if count > 0 { endPlane(total, least, most, count) } else { planes.append(nil) }
            sum += total
            voxelCount += count
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
