package import DeconvVolume

/// The work volume and its transforms on this machine's cores.
package final class CPUWorkspace: Workspace {
    package typealias Field = HostField

    /// Columns that are transformed along z together: 128 bytes of every plane, two cache lines.
    private static let blockWidth = 16

    package let layout: WorkspaceLayout
    private let pool: WorkerPool
    private let work: HostMemory
    /// The work volume as planes of reals.
    private let planes: HostPlanes
    /// The transfer function, scaled by 1/N, block after block of columns: [block][z][column].
    private let otf: HostMemory
    /// One block of columns a thread.
    private let scratch: [HostMemory]
    private let planeForward: FFTWPlan
    private let planeInverse: FFTWPlan
    private let columnsForward: FFTWPlan
    private let columnsInverse: FFTWPlan
    private var observed: HostObserved?
    private var sensitivity: HostField?
    /// The planes of the work volume that may differ from 0.
    private var dataPlanes: Range<Int>
    private var fieldCount = 0

    init(_ layout: WorkspaceLayout, pool: WorkerPool) throws(DeconvolutionError) {
        self.layout = layout
        self.pool = pool
        let shape = layout.workShape
        work = try HostMemory(byteCount: 8 * layout.spectrumCount)
        otf = try HostMemory(byteCount: 8 * layout.spectrumCount)
        var scratch: [HostMemory] = []
        for _ in 0..<pool.threadCount {
            scratch.append(try HostMemory(byteCount: 8 * Self.blockWidth * shape.z))
        }
        self.scratch = scratch
        planes = HostPlanes(work, rowPitch: 2 * layout.halfRow, planePitch: 2 * layout.planePitch, rowCount: shape.y)
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
        work.byteCount + otf.byteCount + scratch.reduce(0) { $0 + $1.byteCount }
            + 4 * fieldCount * layout.domain.shape.voxelCount + (observed?.byteCount ?? 0)
            + (sensitivity?.memory.byteCount ?? 0)
    }
}

// MARK: - Moving data

extension CPUWorkspace {
    package func makeField() throws(DeconvolutionError) -> HostField {
        let field = try HostField(layout.domain.shape)
        fieldCount += 1
        return field
    }

    package func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let target: HostObserved
        if let observed { target = observed } else { target = try HostObserved(layout) }
        observed = target
        target.store(try read(Region(layout.frame.shape)))
    }

    package func fill(_ field: HostField, with value: Float) throws(DeconvolutionError) {
        field.planes.fill(value, planes: layout.domain.zRange, pool)
    }

    package func upload(_ voxels: [Float], to field: HostField) throws(DeconvolutionError) {
        field.replace(by: voxels)
    }

    package func download(_ field: HostField, region: Region) throws(DeconvolutionError) -> [Float] {
        field.planes.copy(region)
    }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] { planes.copy(region) }

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        guard let read else {
            sensitivity = nil
            return
        }
        let target: HostField
        if let sensitivity {
            target = sensitivity
        } else {
            target = try HostField(layout.frame.shape)
        }
        sensitivity = target
        target.replace(by: try read(Region(layout.frame.shape)))
    }

    package func fillWorkWithSensitivity() throws(DeconvolutionError) {
        planes.fill(sensitivity: sensitivity, frame: layout.frame, pool)
        dataPlanes = layout.frame.zRange
    }

    package func complementWork() throws(DeconvolutionError) { planes.complement(layout.domain.shape, pool) }

    package func synchronize() throws(DeconvolutionError) {}
}

// MARK: - Convolution

extension CPUWorkspace {
    package func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a PSF of \(shape)")
        work.clear()
        let size = layout.workShape
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let row = planes.row(wrapped(z - shape.z / 2, size.z), wrapped(y - shape.y / 2, size.y))
                for x in 0..<shape.x {
                    row[wrapped(x - shape.x / 2, size.x)] += voxels[(z * shape.y + y) * shape.x + x]
                }
            }
        }
        transformPlanes(0..<size.z)
        let scale = layout.transformScale
        let (otf, work, scratch, forward, planePitch) = (otf, work, scratch, columnsForward, 2 * layout.planePitch)
        pool.forEach(blockCount) { worker, block in
            let columns = scratch[worker].floats
            let floats = 2 * Self.blockWidth
            for z in 0..<size.z {
                (columns + z * floats).update(from: work.floats + z * planePitch + block * floats, count: floats)
            }
            if size.z > 1 { forward.columns(columns) }
            let target = otf.floats + block * size.z * floats
            for index in 0..<size.z * floats { target[index] = columns[index] * scale }
        }
        dataPlanes = 0..<0
    }

    package func forwardProject(_ field: HostField) throws(DeconvolutionError) {
        embed(field)
        convolveColumns(from: layout.domain.zRange, to: layout.frame.zRange, adjoint: false)
        inverseTransformPlanes(layout.frame.zRange)
    }

    package func backProject(_ field: HostField) throws(DeconvolutionError) {
        embed(field)
        convolveColumns(from: layout.domain.zRange, to: layout.mirroredFrame.zRange, adjoint: true)
        inverseTransformPlanes(layout.mirroredFrame.zRange)
    }

    package func backProject() throws(DeconvolutionError) {
        transformPlanes(dataPlanes)
        convolveColumns(from: dataPlanes, to: layout.domain.zRange, adjoint: true)
        inverseTransformPlanes(layout.domain.zRange)
    }

    private var blockCount: Int {
        (layout.workShape.y * layout.halfRow + Self.blockWidth - 1) / Self.blockWidth
    }

    /// Copies a field into the work volume, padded with zeros, and transforms its planes while they are in cache.
    private func embed(_ field: HostField) {
        let (planes, source, domain, plan) = (planes, field.planes, layout.domain.shape, planeForward)
        let (rowPitch, emptyRows) = (2 * layout.halfRow, layout.workShape.y - layout.domain.shape.y)
        pool.forEach(domain.z) { _, z in
            for y in 0..<domain.y {
                let row = planes.row(z, y)
                row.update(from: source.row(z, y), count: domain.x)
                (row + domain.x).update(repeating: 0, count: rowPitch - domain.x)
            }
            planes.row(z, domain.y).update(repeating: 0, count: emptyRows * rowPitch)
            plan.forward(planes.plane(z))
        }
    }

    private func transformPlanes(_ range: Range<Int>) {
        let (planes, plan) = (planes, planeForward)
        pool.forEach(range.count) { _, index in plan.forward(planes.plane(range.lowerBound + index)) }
    }

    private func inverseTransformPlanes(_ range: Range<Int>) {
        let (planes, plan) = (planes, planeInverse)
        pool.forEach(range.count) { _, index in plan.inverse(planes.plane(range.lowerBound + index)) }
        dataPlanes = range
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
            let columns = scratch[worker].floats
            let floats = 2 * Self.blockWidth
            let first = work.floats + block * floats
            columns.update(repeating: 0, count: input.lowerBound * floats)
            for z in input {
                (columns + z * floats).update(from: first + z * planePitch, count: floats)
            }
            (columns + input.upperBound * floats).update(repeating: 0, count: (nz - input.upperBound) * floats)
            if nz > 1 { forward.columns(columns) }
            multiplySpectrum(columns, by: otf.floats + block * nz * floats, count: nz * floats, conjugate: adjoint)
            if nz > 1 { inverse.columns(columns) }
            for z in output {
                (first + z * planePitch).update(from: columns + z * floats, count: floats)
            }
        }
    }
}

/// spectrum ← spectrum · factor or spectrum · conj(factor), both interleaved; `count` floats, a multiple of 16.
private func multiplySpectrum(
    _ spectrum: UnsafeMutablePointer<Float>,
    by factor: UnsafePointer<Float>,
    count: Int,
    conjugate: Bool
) {
    let sign: Float = conjugate ? -1 : 1
    let a = UnsafeMutableRawPointer(spectrum).assumingMemoryBound(to: SIMD16<Float>.self)
    let b = UnsafeRawPointer(factor).assumingMemoryBound(to: SIMD16<Float>.self)
    for index in 0..<count / 16 {
        let (p, q) = (a[index], b[index])
        let imaginary = q.oddHalf * sign
        var product = SIMD16<Float>()
        product.evenHalf = p.evenHalf * q.evenHalf - p.oddHalf * imaginary
        product.oddHalf = p.evenHalf * imaginary + p.oddHalf * q.evenHalf
        a[index] = product
    }
}

/// An index into a periodic axis.
func wrapped(_ index: Int, _ length: Int) -> Int {
    let rest = index % length
    return rest < 0 ? rest + length : rest
}

// MARK: - Elementwise

extension CPUWorkspace {
    package func takeRatio(
        _ constants: RatioConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeRatio") }
        return planes.takeRatio(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            constants,
            measuring: measured,
            pool
        )
    }

    package func fillFromObserved(
        _ field: HostField,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before fillFromObserved") }
        field.planes.fill(
            from: observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            planes: layout.domain.zRange,
            offset: offset,
            least: least,
            outside: outside,
            pool
        )
    }

    package func storeNormalization(in field: HostField, threshold: Float) throws(DeconvolutionError) {
        planes.storeNormalization(in: field, threshold: threshold, pool)
    }

    package func multiply(
        _ estimate: HostField,
        byWorkAnd normalization: HostField?,
        least: Float
    ) throws(DeconvolutionError) {
        planes.multiply(into: estimate, normalization: normalization, least: least, pool)
    }
}
