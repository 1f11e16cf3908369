package import DeconvVolume
import Glibc

/// The work volume and its transforms on this machine's cores.
package final class CPUWorkspace: Workspace {
    /// Columns that are transformed along z together: 128 bytes of every plane, two cache lines.
    private static let blockWidth = 16

    package let layout: WorkspaceLayout
    private let pool: WorkerPool
    private let work: HostBuffer
    /// The transfer function, scaled by 1/N, block after block of columns: [block][z][column].
    private let otf: HostBuffer
    /// One block of columns a thread.
    private let scratch: [HostBuffer]
    private let planeForward: FFTWPlan
    private let planeInverse: FFTWPlan
    private let columnsForward: FFTWPlan
    private let columnsInverse: FFTWPlan
    private var observed = VoxelData.float32([])
    /// The planes of the work volume that may differ from 0.
    private var dataPlanes: Range<Int>
    private var fieldCount = 0

    init(_ layout: WorkspaceLayout, pool: WorkerPool) throws(DeconvolutionError) {
        self.layout = layout
        self.pool = pool
        let shape = layout.workShape
        work = try HostBuffer(count: 2 * layout.spectrumCount)
        otf = try HostBuffer(count: 2 * layout.spectrumCount)
        var scratch: [HostBuffer] = []
        for _ in 0..<pool.threadCount {
            scratch.append(try HostBuffer(count: 2 * Self.blockWidth * shape.z))
        }
        self.scratch = scratch
        planeForward = try .planeForward(ny: shape.y, nx: shape.x, in: work)
        planeInverse = try .planeInverse(ny: shape.y, nx: shape.x, in: work)
        columnsForward = try .columns(nz: shape.z, width: Self.blockWidth, inverse: false, in: scratch[0])
        columnsInverse = try .columns(nz: shape.z, width: Self.blockWidth, inverse: true, in: scratch[0])
        FFTWPlanner.saveWisdom()
        // Planning by measurement leaves numbers behind; the gaps between planes must stay finite.
        work.clear()
        dataPlanes = 0..<0
    }

    package var byteCount: Int {
        let floats = work.count + otf.count + scratch.reduce(0) { $0 + $1.count }
        return 4 * (floats + fieldCount * layout.domain.shape.voxelCount) + observed.count * layout.pixelType.byteCount
    }
}

// MARK: - Moving data

extension CPUWorkspace {
    /// Real values on the domain, contiguous.
    package final class Field {
        let values: HostBuffer
        init(count: Int) throws(DeconvolutionError) { values = try HostBuffer(count: count) }
    }

    package func makeField() throws(DeconvolutionError) -> Field {
        fieldCount += 1
        return try Field(count: layout.domain.shape.voxelCount)
    }

    package func setObserved(_ data: VoxelData) throws(DeconvolutionError) {
        precondition(data.count == layout.frame.shape.voxelCount && data.pixelType == layout.pixelType, "frame")
        observed = data
    }

    package func fill(_ field: Field, with value: Float, in region: Region) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        let values = field.values
        pool.forEach(shape.z) { _, z in
            let plane = values.base + z * shape.planeVoxelCount
            memset(plane, 0, shape.planeVoxelCount * 4)
            guard region.zRange.contains(z) else { return }
            for y in region.yRange {
                (plane + y * shape.x + region.origin.x).update(repeating: value, count: region.shape.x)
            }
        }
    }

    package func upload(_ voxels: [Float], to field: Field) throws(DeconvolutionError) {
        precondition(voxels.count == layout.domain.shape.voxelCount, "a field has the domain's shape")
        voxels.withUnsafeBufferPointer { field.values.base.update(from: $0.baseAddress!, count: $0.count) }
    }

    package func download(_ field: Field, region: Region) throws(DeconvolutionError) -> [Float] {
        copy(
            region,
            from: field.values,
            rowPitch: layout.domain.shape.x,
            planePitch: layout.domain.shape.planeVoxelCount
        )
    }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
        copy(region, from: work, rowPitch: 2 * layout.halfRow, planePitch: 2 * layout.planePitch)
    }

    private func copy(_ region: Region, from buffer: HostBuffer, rowPitch: Int, planePitch: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: region.shape.voxelCount) { target, count in
            var next = target.baseAddress!
            for z in region.zRange {
                for y in region.yRange {
                    next.update(
                        from: buffer.base + z * planePitch + y * rowPitch + region.origin.x,
                        count: region.shape.x
                    )
                    next += region.shape.x
                }
            }
            count = region.shape.voxelCount
        }
    }

    package func fillWork(with value: Float, in region: Region) throws(DeconvolutionError) {
        let (work, layout) = (work, layout)
        pool.forEach(region.shape.z) { _, index in
            let plane = work.base + (region.origin.z + index) * 2 * layout.planePitch
            memset(plane, 0, layout.planePitch * 8)
            for y in region.yRange {
                (plane + y * 2 * layout.halfRow + region.origin.x).update(repeating: value, count: region.shape.x)
            }
        }
        dataPlanes = region.zRange
    }

    package func synchronize() throws(DeconvolutionError) {}
}

// MARK: - Convolution

extension CPUWorkspace {
    package func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a PSF of \(shape)")
        work.clear()
        let size = layout.workShape
        for z in 0..<shape.z {
            let plane = wrapped(z - shape.z / 2, size.z) * 2 * layout.planePitch
            for y in 0..<shape.y {
                let row = plane + wrapped(y - shape.y / 2, size.y) * 2 * layout.halfRow
                for x in 0..<shape.x {
                    work.base[row + wrapped(x - shape.x / 2, size.x)] += voxels[(z * shape.y + y) * shape.x + x]
                }
            }
        }
        transformPlanes(0..<size.z)
        let scale = layout.transformScale
        let (otf, work, scratch, forward, planePitch) = (otf, work, scratch, columnsForward, 2 * layout.planePitch)
        let blockCount = blockCount
        pool.forEach(blockCount) { worker, block in
            let columns = scratch[worker].base
            let floats = 2 * Self.blockWidth
            for z in 0..<size.z {
                (columns + z * floats).update(from: work.base + z * planePitch + block * floats, count: floats)
            }
            if size.z > 1 { forward.columns(columns) }
            let target = otf.base + block * size.z * floats
            for index in 0..<size.z * floats { target[index] = columns[index] * scale }
        }
        dataPlanes = 0..<0
    }

    package func forwardProject(_ estimate: Field) throws(DeconvolutionError) {
        let (work, values, domain, layout) = (work, estimate.values, layout.domain, layout)
        let plan = planeForward
        pool.forEach(domain.shape.z) { _, z in
            let plane = work.base + z * 2 * layout.planePitch
            let source = values.base + z * domain.shape.planeVoxelCount
            let rowPitch = 2 * layout.halfRow
            for y in 0..<domain.shape.y {
                let row = plane + y * rowPitch
                row.update(from: source + y * domain.shape.x, count: domain.shape.x)
                (row + domain.shape.x).update(repeating: 0, count: rowPitch - domain.shape.x)
            }
            let empty = layout.workShape.y - domain.shape.y
            (plane + domain.shape.y * rowPitch).update(repeating: 0, count: empty * rowPitch)
            plan.forward(plane)
        }
        convolveColumns(from: domain.zRange, to: layout.frame.zRange, adjoint: false)
        inverseTransformPlanes(layout.frame.zRange)
        dataPlanes = layout.frame.zRange
    }

    package func backProject() throws(DeconvolutionError) {
        transformPlanes(dataPlanes)
        convolveColumns(from: dataPlanes, to: layout.domain.zRange, adjoint: true)
        inverseTransformPlanes(layout.domain.zRange)
        dataPlanes = layout.domain.zRange
    }

    private var blockCount: Int {
        (layout.workShape.y * layout.halfRow + Self.blockWidth - 1) / Self.blockWidth
    }

    private func transformPlanes(_ planes: Range<Int>) {
        let (work, plan, pitch) = (work, planeForward, 2 * layout.planePitch)
        pool.forEach(planes.count) { _, index in plan.forward(work.base + (planes.lowerBound + index) * pitch) }
    }

    private func inverseTransformPlanes(_ planes: Range<Int>) {
        let (work, plan, pitch) = (work, planeInverse, 2 * layout.planePitch)
        pool.forEach(planes.count) { _, index in plan.inverse(work.base + (planes.lowerBound + index) * pitch) }
    }

    /// Forward along z, times the transfer function or its conjugate, and back, a block of columns at a time in cache.
    ///
    /// Planes outside `input` count as zero whatever they hold; planes outside `output` are not written.
    private func convolveColumns(from input: Range<Int>, to output: Range<Int>, adjoint: Bool) {
        let (work, otf, scratch, layout) = (work, otf, scratch, layout)
        let (forward, inverse) = (columnsForward, columnsInverse)
        let planePitch = 2 * layout.planePitch
        let nz = layout.workShape.z
        pool.forEach(blockCount) { worker, block in
            let columns = scratch[worker].base
            let floats = 2 * Self.blockWidth
            let first = work.base + block * floats
            columns.update(repeating: 0, count: input.lowerBound * floats)
            for z in input {
                (columns + z * floats).update(from: first + z * planePitch, count: floats)
            }
            (columns + input.upperBound * floats).update(repeating: 0, count: (nz - input.upperBound) * floats)
            if nz > 1 { forward.columns(columns) }
            multiplySpectrum(columns, by: otf.base + block * nz * floats, floatCount: nz * floats, conjugate: adjoint)
            if nz > 1 { inverse.columns(columns) }
            for z in output {
                (first + z * planePitch).update(from: columns + z * floats, count: floats)
            }
        }
    }
}

/// spectrum ← spectrum · factor or spectrum · conj(factor), both interleaved; `floatCount` is a multiple of 16.
private func multiplySpectrum(
    _ spectrum: UnsafeMutablePointer<Float>,
    by factor: UnsafePointer<Float>,
    floatCount: Int,
    conjugate: Bool
) {
    let sign: Float = conjugate ? -1 : 1
    let a = UnsafeMutableRawPointer(spectrum).assumingMemoryBound(to: SIMD16<Float>.self)
    let b = UnsafeRawPointer(factor).assumingMemoryBound(to: SIMD16<Float>.self)
    for index in 0..<floatCount / 16 {
        let (p, q) = (a[index], b[index])
        let imaginary = q.oddHalf * sign
        var product = SIMD16<Float>()
        product.evenHalf = p.evenHalf * q.evenHalf - p.oddHalf * imaginary
        product.oddHalf = p.evenHalf * imaginary + p.oddHalf * q.evenHalf
        a[index] = product
    }
}

private func wrapped(_ index: Int, _ length: Int) -> Int {
    let rest = index % length
    return rest < 0 ? rest + length : rest
}

// MARK: - Elementwise

extension CPUWorkspace {
    package func takeRatio(
        _ constants: RatioConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        switch observed {
        case .uint8(let voxels): takeRatio(voxels, constants, measured)
        case .uint16(let voxels): takeRatio(voxels, constants, measured)
        case .float32(let voxels): takeRatio(voxels, constants, measured)
        }
    }

    @inline(__always)
    private func takeRatio<Voxel: StoredVoxel>(
        _ observed: [Voxel],
        _ constants: RatioConstants,
        _ measured: Region?
    ) -> Double? {
        let (work, layout, frame) = (work, layout, layout.frame)
        let rowPitch = 2 * layout.halfRow
        let (observedOffset, projectedOffset) = (constants.offset, constants.background + constants.readNoiseVariance)
        let variance = constants.readNoiseVariance
        let floor = constants.floor
        let sums = PlaneSums(count: frame.shape.z)
        pool.forEach(frame.shape.z) { _, index in
            let z = frame.origin.z + index
            let plane = work.base + z * 2 * layout.planePitch
            (plane).update(repeating: 0, count: frame.origin.y * rowPitch)
            observed.withUnsafeBufferPointer { voxels in
                for y in 0..<frame.shape.y {
                    let row = plane + (frame.origin.y + y) * rowPitch
                    let projection = row + frame.origin.x
                    let recorded = voxels.baseAddress! + (index * frame.shape.y + y) * frame.shape.x
                    if let measured, measured.zRange.contains(z), measured.yRange.contains(frame.origin.y + y) {
                        let start = measured.origin.x - frame.origin.x
                        sums.values[index] += poissonDivergence(
                            recorded + start,
                            projection + start,
                            measured.shape.x,
                            constants
                        )
                    }
                    for x in 0..<frame.shape.x {
                        let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                        projection[x] = observedValue / max(projection[x] + projectedOffset, floor)
                    }
                    row.update(repeating: 0, count: frame.origin.x)
                    let end = frame.origin.x + frame.shape.x
                    (row + end).update(repeating: 0, count: rowPitch - end)
                }
            }
            let end = frame.origin.y + frame.shape.y
            (plane + end * rowPitch).update(repeating: 0, count: (layout.workShape.y - end) * rowPitch)
        }
        return measured == nil ? nil : sums.total
    }

    package func fillFromObserved(
        _ field: Field,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        switch observed {
        case .uint8(let voxels): fill(field, from: voxels, offset, least, outside)
        case .uint16(let voxels): fill(field, from: voxels, offset, least, outside)
        case .float32(let voxels): fill(field, from: voxels, offset, least, outside)
        }
    }

    @inline(__always)
    private func fill<Voxel: StoredVoxel>(
        _ field: Field,
        from observed: [Voxel],
        _ offset: Float,
        _ least: Float,
        _ outside: Float
    ) {
        let (values, frame, domain) = (field.values, layout.frame, layout.domain.shape)
        pool.forEach(domain.z) { _, z in
            let plane = values.base + z * domain.planeVoxelCount
            plane.update(repeating: outside, count: domain.planeVoxelCount)
            guard frame.zRange.contains(z) else { return }
            observed.withUnsafeBufferPointer { voxels in
                for y in 0..<frame.shape.y {
                    let recorded = voxels.baseAddress! + ((z - frame.origin.z) * frame.shape.y + y) * frame.shape.x
                    let row = plane + (frame.origin.y + y) * domain.x + frame.origin.x
                    for x in 0..<frame.shape.x { row[x] = max(recorded[x].asFloat - offset, least) }
                }
            }
        }
    }

    package func storeNormalization(
        in field: Field,
        threshold: Float,
        support: Region
    ) throws(DeconvolutionError) {
        let (work, values, layout, domain) = (work, field.values, layout, layout.domain.shape)
        let rowPitch = 2 * layout.halfRow
        let maxima = PlaneSums(count: domain.z)
        pool.forEach(domain.z) { _, z in
            var largest: Float = 0
            for y in 0..<domain.y {
                let row = work.base + z * 2 * layout.planePitch + y * rowPitch
                for x in 0..<domain.x { largest = max(largest, row[x]) }
            }
            maxima.values[z] = Double(largest)
        }
        let least = threshold * Float(maxima.largest)
        pool.forEach(domain.z) { _, z in
            for y in 0..<domain.y {
                let row = work.base + z * 2 * layout.planePitch + y * rowPitch
                let target = values.base + (z * domain.y + y) * domain.x
                let isInside = support.zRange.contains(z) && support.yRange.contains(y)
                for x in 0..<domain.x {
                    target[x] = isInside && support.xRange.contains(x) && row[x] > least ? 1 / row[x] : 0
                }
            }
        }
    }

    package func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float
    ) throws(DeconvolutionError) {
        let (work, values, weights, layout) = (work, estimate.values, normalization?.values, layout)
        let domain = layout.domain.shape
        pool.forEach(domain.z) { _, z in
            for y in 0..<domain.y {
                let row = work.base + z * 2 * layout.planePitch + y * 2 * layout.halfRow
                let start = (z * domain.y + y) * domain.x
                let target = values.base + start
                if let weights {
                    let weight = weights.base + start
                    for x in 0..<domain.x { target[x] *= max(row[x] * weight[x], least) }
                } else {
                    for x in 0..<domain.x { target[x] *= max(row[x], least) }
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

/// Σ g·ln(g/y) − g + y over a row, with y = max(projection + offset + b, floor).
@inline(__always)
private func poissonDivergence<Voxel: StoredVoxel>(
    _ recorded: UnsafePointer<Voxel>,
    _ projection: UnsafePointer<Float>,
    _ count: Int,
    _ constants: RatioConstants
) -> Double {
    let background = constants.offset + constants.background
    var sum = 0.0
    for x in 0..<count {
        let observed = Double(max(recorded[x].asFloat, 0))
        let expected = Double(max(projection[x] + background, constants.floor))
        sum += observed > 0 ? observed * log(observed / expected) - observed + expected : expected
    }
    return sum
}
