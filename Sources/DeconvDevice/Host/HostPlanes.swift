import DeconvVolume
import Glibc

/// Planes of rows of floats in host memory, with gaps between rows and planes, and the elementwise steps on them.
///
/// Unchecked: every plane is handled by one thread at a time.
struct HostPlanes: @unchecked Sendable {
    private let memory: HostMemory
    /// Floats from row to row.
    private let rowPitch: Int
    /// Floats from plane to plane.
    private let planePitch: Int
    /// Rows of a plane.
    private let rowCount: Int

    init(_ memory: HostMemory, rowPitch: Int, planePitch: Int, rowCount: Int) {
        self.memory = memory
        self.rowPitch = rowPitch
        self.planePitch = planePitch
        self.rowCount = rowCount
    }

    func plane(_ z: Int) -> UnsafeMutablePointer<Float> { memory.floats + z * planePitch }

    func row(_ z: Int, _ y: Int) -> UnsafeMutablePointer<Float> { plane(z) + y * rowPitch }

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

    /// Sets all voxels of some planes to `value`.
    func fill(_ value: Float, planes: Range<Int>, _ pool: WorkerPool) {
        pool.forEach(planes.count) { _, index in
            plane(planes.lowerBound + index).update(repeating: value, count: rowCount * rowPitch)
        }
    }

    /// Sets the frame to the sensitivity, nil for 1, and the rest of its planes to 0.
    func fill(sensitivity: HostField?, frame: Region, _ pool: WorkerPool) {
        let weights = sensitivity?.planes
        pool.forEach(frame.shape.z) { _, index in
            let z = frame.origin.z + index
            plane(z).update(repeating: 0, count: rowCount * rowPitch)
            for y in 0..<frame.shape.y {
                let target = row(z, frame.origin.y + y) + frame.origin.x
                if let weights {
                    target.update(from: weights.row(index, y), count: frame.shape.x)
                } else {
                    target.update(repeating: 1, count: frame.shape.x)
                }
            }
        }
    }

    /// Sets a box at the first voxel to 1 − its values.
    func complement(_ shape: VolumeShape, _ pool: WorkerPool) {
        pool.forEach(shape.z) { _, z in
            for y in 0..<shape.y {
                let values = row(z, y)
                for x in 0..<shape.x { values[x] = 1 - values[x] }
            }
        }
    }

    /// Sets the frame to max((g − offset) / f, least) and the rest of its planes, and the planes `planes`, to `outside`; see
    /// `Workspace.fillFromObserved`.
    func fill(
        from observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        planes: Range<Int>,
        offset: Float,
        least: Float,
        outside: Float,
        _ pool: WorkerPool
    ) {
        switch observed.voxels {
        case .uint8(let voxels): fill(from: voxels, sensitivity, frame, planes, offset, least, outside, pool)
        case .uint16(let voxels): fill(from: voxels, sensitivity, frame, planes, offset, least, outside, pool)
        case .float32(let voxels): fill(from: voxels, sensitivity, frame, planes, offset, least, outside, pool)
        }
    }

    @inline(__always)
    private func fill<Voxel: StoredVoxel>(
        from observed: SharedPointer<Voxel>,
        _ sensitivity: HostField?,
        _ frame: Region,
        _ planes: Range<Int>,
        _ offset: Float,
        _ least: Float,
        _ outside: Float,
        _ pool: WorkerPool
    ) {
        let weights = sensitivity?.planes
        pool.forEach(planes.count) { _, index in
            let z = planes.lowerBound + index
            plane(z).update(repeating: outside, count: rowCount * rowPitch)
            guard frame.zRange.contains(z) else { return }
            for y in 0..<frame.shape.y {
                let recorded = observed.base + ((z - frame.origin.z) * frame.shape.y + y) * frame.shape.x
                let target = row(z, frame.origin.y + y) + frame.origin.x
                if let weight = weights?.row(z - frame.origin.z, y) {
                    for x in 0..<frame.shape.x where weight[x] > 0 {
                        target[x] = max((recorded[x].asFloat - offset) / weight[x], least)
                    }
                } else {
                    for x in 0..<frame.shape.x { target[x] = max(recorded[x].asFloat - offset, least) }
                }
            }
        }
    }

    /// Replaces the projection on the frame by the ratio, and the rest of its planes by 0; see `Workspace.takeRatio`.
    func takeRatio(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        _ constants: RatioConstants,
        measuring measured: Region?,
        _ pool: WorkerPool
    ) -> Double? {
        switch observed.voxels {
        case .uint8(let voxels): takeRatio(voxels, sensitivity, frame, constants, measured, pool)
        case .uint16(let voxels): takeRatio(voxels, sensitivity, frame, constants, measured, pool)
        case .float32(let voxels): takeRatio(voxels, sensitivity, frame, constants, measured, pool)
        }
    }

    @inline(__always)
    private func takeRatio<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostField?,
        _ frame: Region,
        _ constants: RatioConstants,
        _ measured: Region?,
        _ pool: WorkerPool
    ) -> Double? {
        let (observedOffset, projectedOffset) = (constants.offset, constants.background + constants.readNoiseVariance)
        let variance = constants.readNoiseVariance
        let floor = constants.floor
        let weights = sensitivity?.planes
        let sums = PlaneSums(count: frame.shape.z)
        pool.forEach(frame.shape.z) { _, index in
            let z = frame.origin.z + index
            plane(z).update(repeating: 0, count: frame.origin.y * rowPitch)
            for y in 0..<frame.shape.y {
                let start = row(z, frame.origin.y + y)
                let projection = start + frame.origin.x
                let recorded = observed.base + (index * frame.shape.y + y) * frame.shape.x
                if let measured, measured.zRange.contains(z), measured.yRange.contains(frame.origin.y + y) {
                    let first = measured.origin.x - frame.origin.x
                    sums.values[index] += poissonDivergence(
                        recorded + first,
                        projection + first,
                        weights.map { $0.row(index, y) + first },
                        measured.shape.x,
                        constants
                    )
                }
                if let weight = weights?.row(index, y) {
                    for x in 0..<frame.shape.x {
                        let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                        let expected = max(weight[x] * projection[x] + projectedOffset, floor)
                        projection[x] = weight[x] * observedValue / expected
                    }
                } else {
                    for x in 0..<frame.shape.x {
                        let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                        projection[x] = observedValue / max(projection[x] + projectedOffset, floor)
                    }
                }
                start.update(repeating: 0, count: frame.origin.x)
                let end = frame.origin.x + frame.shape.x
                (start + end).update(repeating: 0, count: rowPitch - end)
            }
            let end = frame.origin.y + frame.shape.y
            row(z, end).update(repeating: 0, count: (rowCount - end) * rowPitch)
        }
        return measured == nil ? nil : sums.total
    }

    /// Makes the normalization of the first voxels of these planes; see `Workspace.storeNormalization`.
    func storeNormalization(in field: HostField, threshold: Float, _ pool: WorkerPool) {
        let domain = field.shape
        let target = field.planes
        let maxima = PlaneSums(count: domain.z)
        pool.forEach(domain.z) { _, z in
            var largest: Float = 0
            for y in 0..<domain.y {
                let source = row(z, y)
                for x in 0..<domain.x { largest = max(largest, source[x]) }
            }
            maxima.values[z] = Double(largest)
        }
        let least = threshold * Float(maxima.largest)
        pool.forEach(domain.z) { _, z in
            for y in 0..<domain.y {
                let (source, weights) = (row(z, y), target.row(z, y))
                for x in 0..<domain.x { weights[x] = source[x] > least ? 1 / source[x] : 0 }
            }
        }
    }

    /// field ← field · max(these planes · normalization, least); see `Workspace.multiply`.
    func multiply(into field: HostField, normalization: HostField?, least: Float, _ pool: WorkerPool) {
        let domain = field.shape
        let (target, weights) = (field.planes, normalization?.planes)
        pool.forEach(domain.z) { _, z in
            for y in 0..<domain.y {
                let (factor, values) = (row(z, y), target.row(z, y))
                if let weights {
                    let weight = weights.row(z, y)
                    for x in 0..<domain.x { values[x] *= weight[x] > 0 ? max(factor[x] * weight[x], least) : 0 }
                } else {
                    for x in 0..<domain.x { values[x] *= max(factor[x], least) }
                }
            }
        }
    }
}

/// One sum a plane, added up in the order of the planes, so that the total does not depend on the threads.
///
/// Unchecked: every plane is written by one thread, and read after all have finished.
private final class PlaneSums: @unchecked Sendable {
    let values: UnsafeMutableBufferPointer<Double>

    init(count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: 0)
    }

    deinit { values.deallocate() }

    var total: Double { values.reduce(0, +) }
    var largest: Double { values.reduce(0, max) }
}

/// Σ g·ln(g/y) − g + y over the voxels of a row with f > 0, with y = max(f·projection + offset + b, floor).
@inline(__always)
private func poissonDivergence<Voxel: StoredVoxel>(
    _ recorded: UnsafePointer<Voxel>,
    _ projection: UnsafePointer<Float>,
    _ sensitivity: UnsafePointer<Float>?,
    _ count: Int,
    _ constants: RatioConstants
) -> Double {
    let background = constants.offset + constants.background
    var sum = 0.0
    for x in 0..<count {
        let weight = sensitivity?[x] ?? 1
        guard weight > 0 else { continue }
        let observed = Double(max(recorded[x].asFloat, 0))
        let expected = Double(max(weight * projection[x] + background, constants.floor))
        sum += observed > 0 ? observed * log(observed / expected) - observed + expected : expected
    }
    return sum
}
