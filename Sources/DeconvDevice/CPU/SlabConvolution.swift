import DeconvVolume
import Glibc

/// Convolves along y and z: for one frequency along x after the other, a slab (z, y) that fits in cache.
///
/// A slab is transformed along y line by line, then along z a block of lines at a time: forward, times the transfer function,
/// inverse; and back along y. Lines that hold nothing are not transformed going in, lines that nobody reads are not transformed
/// coming out.
final class SlabConvolution: Sendable {
    /// Lines along z that are transformed together: their values in one plane fill two cache lines.
    private static let blockSize = 16

    private let shape: VolumeShape
    private let domain: VolumeShape
    private let halfRow: Int
    private let spectra: RowSpectra
    /// Complex values from line to line of a slab, a whole number of blocks.
    private let linePitch: Int
    /// Complex values from line to line of a block, even.
    private let columnPitch: Int
    private let lineForward: FFTWPlan
    private let lineInverse: FFTWPlan
    private let columnForward: FFTWPlan
    private let columnInverse: FFTWPlan
    private let scratch: [Scratch]
    private let pool: WorkerPool

    init(_ layout: WorkspaceLayout, _ spectra: RowSpectra, _ pool: WorkerPool) throws(DeconvolutionError) {
        self.spectra = spectra
        self.pool = pool
        shape = layout.workShape
        domain = layout.domain.shape
        halfRow = layout.halfRow
        linePitch = Self.linePitch(shape)
        columnPitch = Self.columnPitch(shape)
        lineForward = try .line(shape.y, inverse: false)
        lineInverse = try .line(shape.y, inverse: true)
        columnForward = try .line(shape.z, inverse: false)
        columnInverse = try .line(shape.z, inverse: true)
        var scratch: [Scratch] = []
        for _ in 0..<pool.threadCount {
            scratch.append(
                Scratch(
                    slab: try HostMemory(byteCount: 8 * domain.z * linePitch),
                    line: try HostMemory(byteCount: 8 * linePitch),
                    columns: try HostMemory(byteCount: 8 * Self.blockSize * columnPitch),
                    column: try HostMemory(byteCount: 8 * columnPitch)
                )
            )
        }
        self.scratch = scratch
    }

    /// What a thread works in.
    private struct Scratch: Sendable {
        let slab: HostMemory
        let line: HostMemory
        let columns: HostMemory
        let column: HostMemory
    }

    /// Bytes of the transfer function of a transform.
    static func otfBytes(_ shape: VolumeShape) -> Int {
        8 * (shape.x / 2 + 1) * linePitch(shape) * columnPitch(shape)
    }

    /// Bytes that one thread works in.
    static func scratchBytes(_ shape: VolumeShape, domain: VolumeShape) -> Int {
        8 * ((domain.z + 1) * linePitch(shape) + (blockSize + 1) * columnPitch(shape))
    }

    private static func linePitch(_ shape: VolumeShape) -> Int { (shape.y + blockSize - 1) / blockSize * blockSize }

    private static func columnPitch(_ shape: VolumeShape) -> Int { (shape.z + 1) / 2 * 2 }

    var byteCount: Int {
        scratch.reduce(0) {
            $0 + $1.slab.byteCount + $1.line.byteCount + $1.columns.byteCount + $1.column.byteCount
        }
    }

    /// Memory for a transfer function over the number of voxels: [kx][block of ky][ky][kz].
    func makeOTF() throws(DeconvolutionError) -> HostMemory { try HostMemory(byteCount: Self.otfBytes(shape)) }

    /// Convolves the spectra of the rows of one region, 0 elsewhere, into those of another.
    func convolve(from input: Region, to output: Region, by otf: HostMemory, adjoint: Bool) {
        pool.forEach(halfRow) { [self] worker, k in
            let slab = scratch[worker].slab.floats
            let line = scratch[worker].line.floats
            for z in input.zRange {
                if z + 1 < input.zRange.upperBound { spectra.prefetch(z + 1, k, rows: input.yRange) }
                line.update(repeating: 0, count: 2 * input.origin.y)
                let end = input.yRange.upperBound
                (line + 2 * input.origin.y).update(
                    from: spectra.line(z, k) + 2 * input.origin.y,
                    count: 2 * input.shape.y
                )
                (line + 2 * end).update(repeating: 0, count: 2 * (shape.y - end))
                lineForward.transform(line, to: slab + 2 * z * linePitch)
            }
            let columns = scratch[worker].columns.floats
            let column = scratch[worker].column.floats
            for block in 0..<linePitch / Self.blockSize {
                gather(block, of: slab, input.zRange, into: columns)
                let factors = otfBlock(k, block, of: otf)
                for index in 0..<min(Self.blockSize, shape.y - block * Self.blockSize) {
                    let offset = 2 * index * columnPitch
                    columnForward.transform(columns + offset, to: column)
                    multiplySpectrum(column, by: factors + offset, count: columnPitch, conjugate: adjoint)
                    columnInverse.transform(column, to: columns + offset)
                }
                scatter(columns, to: block, of: slab, output.zRange)
            }
            for z in output.zRange {
                spectra.prefetch(z, k, rows: output.yRange)
                lineInverse.transform(slab + 2 * z * linePitch, to: line)
                (spectra.line(z, k) + 2 * output.origin.y).update(
                    from: line + 2 * output.origin.y,
                    count: 2 * output.shape.y
                )
            }
        }
    }

    private func otfBlock(_ k: Int, _ block: Int, of otf: HostMemory) -> UnsafeMutablePointer<Float> {
        otf.floats + 2 * (k * linePitch + block * Self.blockSize) * columnPitch
    }

    /// A block of columns, each a line along z, from some planes of a slab; 0 in the others.
    @inline(__always)
    private func gather(
        _ block: Int,
        of slab: UnsafeMutablePointer<Float>,
        _ planes: Range<Int>,
        into columns: UnsafeMutablePointer<Float>
    ) {
        let (source, pitch) = (slab + 2 * block * Self.blockSize, 2 * columnPitch)
        for column in 0..<Self.blockSize {
            let line = columns + column * pitch
            line.update(repeating: 0, count: 2 * planes.lowerBound)
            (line + 2 * planes.upperBound).update(repeating: 0, count: pitch - 2 * planes.upperBound)
        }
        var z = planes.lowerBound
        while z + 1 < planes.upperBound {
            let a = source + 2 * z * linePitch
            transposePairs(a, a + 2 * linePitch, Self.blockSize / 2, into: columns + 2 * z, pitch: pitch)
            z += 2
        }
        if z < planes.upperBound {
            let a = source + 2 * z * linePitch
            for column in 0..<Self.blockSize {
                (columns + column * pitch + 2 * z).update(from: a + 2 * column, count: 2)
            }
        }
    }

    /// A block of columns to some planes of a slab.
    @inline(__always)
    private func scatter(
        _ columns: UnsafeMutablePointer<Float>,
        to block: Int,
        of slab: UnsafeMutablePointer<Float>,
        _ planes: Range<Int>
    ) {
        let (target, pitch) = (slab + 2 * block * Self.blockSize, 2 * columnPitch)
        var z = planes.lowerBound
        while z + 1 < planes.upperBound {
            let a = target + 2 * z * linePitch
            gatherPairs(columns + 2 * z, pitch: pitch, Self.blockSize / 2, into: a, a + 2 * linePitch)
            z += 2
        }
        if z < planes.upperBound {
            let a = target + 2 * z * linePitch
            for column in 0..<Self.blockSize {
                (a + 2 * column).update(from: columns + column * pitch + 2 * z, count: 2)
            }
        }
    }
}

// MARK: - The transfer function

extension SlabConvolution {
    /// Makes the transfer function of a PSF; see `Projector.setPSFs`.
    ///
    /// It is made where it stays: the spectra of the PSF's rows go to their places among those of the whole volume, and what
    /// the transforms along y and z work on is in the thread's scratch memory. So it takes no memory but the PSF's own.
    /// - Parameters:
    ///   - otf: becomes the transfer function.
    ///   - rows: transforms along x.
    ///   - scale: is multiplied to it.
    func transform(_ volume: Volume, into otf: HostMemory, scale: Float, rows: RowTransform) {
        let (voxels, psf) = (volume.voxels, volume.shape)
        // The PSF wrapped into the periodic volume, for the planes and rows that it reaches.
        let extent = VolumeShape { min(psf[$0], shape[$0]) }
        embedRows(voxels, psf, extent, into: otf, rows)
        // Planes that the PSF does not reach: those after its second half and before its first.
        let empty = extent.z - psf.z / 2..<shape.z - psf.z / 2
        pool.forEach(halfRow) { [self] worker, k in
            let (line, transformed) = (scratch[worker].line.floats, scratch[worker].slab.floats)
            let (columns, column) = (otfBlock(k, 0, of: otf), scratch[worker].column.floats)
            for z in 0..<extent.z {
                line.update(repeating: 0, count: 2 * linePitch)
                let plane = columns + 2 * wrapped(z - psf.z / 2, shape.z)
                for y in 0..<extent.y {
                    let ky = 2 * wrapped(y - psf.y / 2, shape.y)
                    (line + ky).update(from: plane + ky * columnPitch, count: 2)
                }
                lineForward.transform(line, to: transformed)
                for y in 0..<shape.y {
                    plane[2 * y * columnPitch] = transformed[2 * y] * scale
                    plane[2 * y * columnPitch + 1] = transformed[2 * y + 1] * scale
                }
            }
            for y in 0..<shape.y {
                let values = columns + 2 * y * columnPitch
                if extent.z < shape.z { (values + 2 * empty.lowerBound).update(repeating: 0, count: 2 * empty.count) }
                columnForward.transform(values, to: column)
                values.update(from: column, count: 2 * shape.z)
                // Products are made in pairs.
                (values + 2 * shape.z).update(repeating: 0, count: 2 * (columnPitch - shape.z))
            }
        }
    }

    /// Makes a transfer function its inverse filter; see `Workspace.invertTransferFunction`.
    func invert(_ otf: HostMemory, _ filter: InverseFilter) {
        let (size, noise, squares) = (Float(shape.voxelCount), filter.noise, filter.squares)
        /// r² 4 sin²(π k / n) of the frequencies of an axis.
        func curvatures(_ count: Int, _ length: Int, _ square: Float) -> [Float] {
            (0..<count).map { index in
                let sine = sin(Float.pi * Float(index) / Float(length))
                return square * 4 * sine * sine
            }
        }
        let alongZ = curvatures(columnPitch, shape.z, squares.z)
        let alongY = curvatures(linePitch, shape.y, squares.y)
        let alongX = curvatures(halfRow, shape.x, squares.x)
        pool.forEach(halfRow) { [self] _, k in
            let values = UnsafeMutableRawPointer(otfBlock(k, 0, of: otf)).assumingMemoryBound(to: SIMD2<Float>.self)
            for y in 0..<linePitch {
                let column = values + y * columnPitch
                for z in 0..<columnPitch {
                    let whole = column[z] * size
                    let curvature = alongX[k] + alongY[y] + alongZ[z]
                    let divisor =
                        whole.x * whole.x + whole.y * whole.y + noise + filter.smoothness * curvature * curvature
                    let factor = (1 + noise) / max(divisor, InverseFilter.leastDivisor)
                    column[z] *= SIMD2(factor, -factor)
                }
            }
        }
    }

    /// Puts the spectra of a PSF's rows to where the transfer function's values for y and z will be: [kx][y][z].
    private func embedRows(
        _ voxels: [Float],
        _ psf: VolumeShape,
        _ extent: VolumeShape,
        into otf: HostMemory,
        _ rows: RowTransform
    ) {
        let groupSize = RowSpectra.groupSize
        let groupCount = (extent.z + groupSize - 1) / groupSize
        // Rows of neighboring planes together, for their values of one frequency lie side by side.
        @Sendable func planes(_ group: Int) -> Range<Int> {
            let first = group % groupCount * groupSize
            return first..<min(first + groupSize, extent.z)
        }
        rows.forEachGroup(extent.y * groupCount) { group in
            planes(group).count
        } fill: { [shape] group, index, row in
            for pz in stride(from: planes(group).lowerBound + index, to: psf.z, by: shape.z) {
                for py in stride(from: group / groupCount, to: psf.y, by: shape.y) {
                    for px in 0..<psf.x {
                        row[wrapped(px - psf.x / 2, shape.x)] += voxels[(pz * psf.y + py) * psf.x + px]
                    }
                }
            }
        } take: { [self] group, spectra, pitch in
            let y = wrapped(group / groupCount - psf.y / 2, shape.y)
            for k in 0..<halfRow {
                let values = otfBlock(k, 0, of: otf) + 2 * y * columnPitch
                for (index, z) in planes(group).enumerated() {
                    (values + 2 * wrapped(z - psf.z / 2, shape.z)).update(
                        from: spectra + index * pitch + 2 * k,
                        count: 2
                    )
                }
            }
        }
    }
}

/// spectrum ← spectrum · factor or spectrum · conj(factor), both interleaved; `count` complex values, even.
@inline(__always)
private func multiplySpectrum(
    _ spectrum: UnsafeMutablePointer<Float>,
    by factor: UnsafePointer<Float>,
    count: Int,
    conjugate: Bool
) {
    let signs: ComplexPair = conjugate ? [1, -1, 1, -1] : [-1, 1, -1, 1]
    let a = UnsafeMutableRawPointer(spectrum).assumingMemoryBound(to: ComplexPair.self)
    let b = UnsafeRawPointer(factor).assumingMemoryBound(to: ComplexPair.self)
    for index in 0..<count / 2 {
        let (p, q) = (a[index], b[index])
        let real = ComplexPair(q[0], q[0], q[2], q[2])
        let imaginary = ComplexPair(q[1], q[1], q[3], q[3]) * signs
        a[index] = p * real + ComplexPair(p[1], p[0], p[3], p[2]) * imaginary
    }
}

/// An index into a periodic axis.
func wrapped(_ index: Int, _ length: Int) -> Int {
    let rest = index % length
    return rest < 0 ? rest + length : rest
}
