import DeconvVolume

/// Planes of rows of floats in host memory, without gaps.
///
/// Unchecked: every row is handled by one thread at a time.
struct HostPlanes: @unchecked Sendable {
    private let memory: HostMemory
    private let shape: VolumeShape

    init(_ memory: HostMemory, shape: VolumeShape) {
        self.memory = memory
        self.shape = shape
    }

    func row(_ z: Int, _ y: Int) -> UnsafeMutablePointer<Float> { memory.floats + (z * shape.y + y) * shape.x }

    /// The values of a box.
    func copy(_ region: Region) -> [Float] {
        [Float](unsafeUninitializedCapacity: region.shape.voxelCount) { target, count in
            var next = target.baseAddress!
            for z in region.zRange {
                for y in region.yRange {
                    next.update(from: row(z, y) + region.origin.x, count: region.shape.x)
                    next += region.shape.x
                }
            }
            count = region.shape.voxelCount
        }
    }

    /// Puts values into a box.
    func store(_ voxels: [Float], in region: Region) {
        voxels.withUnsafeBufferPointer { source in
            var next = source.baseAddress!
            for z in region.zRange {
                for y in region.yRange {
                    (row(z, y) + region.origin.x).update(from: next, count: region.shape.x)
                    next += region.shape.x
                }
            }
        }
    }

    /// Sets all voxels to `value`.
    func fill(_ value: Float, _ pool: WorkerPool) {
        pool.forEach(shape.z) { _, z in row(z, 0).update(repeating: value, count: shape.planeVoxelCount) }
    }

    /// 0 where a value is at most `threshold` times the largest, else 1 / value, so that a NaN stays one.
    func invert(threshold: Float, _ pool: WorkerPool) {
        let maxima = OrderedSums(count: shape.z)
        pool.forEach(shape.z) { _, z in
            var largest: Float = 0
            let values = row(z, 0)
            for index in 0..<shape.planeVoxelCount { largest = max(largest, values[index]) }
            maxima.values[z] = Double(largest)
        }
        let least = threshold * Float(maxima.largest)
        pool.forEach(shape.z) { _, z in
            let values = row(z, 0)
            for index in 0..<shape.planeVoxelCount { values[index] = values[index] <= least ? 0 : 1 / values[index] }
        }
    }
}

/// One number for each part of a loop, added up in the order of the parts, so that the total does not depend on the threads.
///
/// Unchecked: every part is written by one thread, and read after all have finished.
final class OrderedSums: @unchecked Sendable {
    let values: UnsafeMutableBufferPointer<Double>

    init(count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    var total: Double { values.reduce(0, +) }
    var largest: Double { values.reduce(0, max) }
}
