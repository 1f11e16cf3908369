import DeconvVolume

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
    private let blockForward: FFTWPlan
    private let blockInverse: FFTWPlan
    /// The transfer function over the number of voxels: [kx][block of ky][ky][kz].
    private let otf: HostMemory
    private let slabs: [HostMemory]
    private let blocks: [HostMemory]
    private let pool: WorkerPool

    init(_ layout: WorkspaceLayout, _ spectra: RowSpectra, _ pool: WorkerPool) throws(DeconvolutionError) {
        self.spectra = spectra
        self.pool = pool
        shape = layout.workShape
        domain = layout.domain.shape
        halfRow = layout.halfRow
        linePitch = (shape.y + Self.blockSize - 1) / Self.blockSize * Self.blockSize
        columnPitch = (shape.z + 1) / 2 * 2
        lineForward = try .lines(shape.y, count: 1, pitch: linePitch, inverse: false)
        lineInverse = try .lines(shape.y, count: 1, pitch: linePitch, inverse: true)
        blockForward = try .lines(shape.z, count: Self.blockSize, pitch: columnPitch, inverse: false)
        blockInverse = try .lines(shape.z, count: Self.blockSize, pitch: columnPitch, inverse: true)
        otf = try HostMemory(byteCount: 8 * halfRow * linePitch * columnPitch)
        var (slabs, blocks): ([HostMemory], [HostMemory]) = ([], [])
        for _ in 0..<pool.threadCount {
            slabs.append(try HostMemory(byteCount: 8 * domain.z * linePitch))
            blocks.append(try HostMemory(byteCount: 8 * Self.blockSize * columnPitch))
        }
        self.slabs = slabs
        self.blocks = blocks
    }

    var byteCount: Int { (slabs + blocks).reduce(otf.byteCount) { $0 + $1.byteCount } }

    /// Convolves the spectra of the rows of one region, 0 elsewhere, into those of another.
    func convolve(from input: Region, to output: Region, adjoint: Bool) {
        pool.forEach(halfRow) { [self] worker, k in
            let slab = slabs[worker].floats
            for z in input.zRange {
                let line = slab + 2 * z * linePitch
                line.update(repeating: 0, count: 2 * input.origin.y)
                let end = input.yRange.upperBound
                (line + 2 * input.origin.y).update(
                    from: spectra.line(z, k) + 2 * input.origin.y,
                    count: 2 * input.shape.y
                )
                (line + 2 * end).update(repeating: 0, count: 2 * (linePitch - end))
                lineForward.transform(line)
            }
            for block in 0..<linePitch / Self.blockSize {
                let columns = blocks[worker].floats
                gather(block, of: slab, input.zRange, into: columns)
                blockForward.transform(columns)
                multiplySpectrum(columns, by: otfBlock(k, block), count: Self.blockSize * columnPitch, conjugate: adjoint)
                blockInverse.transform(columns)
                scatter(columns, to: block, of: slab, output.zRange)
            }
            for z in output.zRange {
                let line = slab + 2 * z * linePitch
                lineInverse.transform(line)
                (spectra.line(z, k) + 2 * output.origin.y).update(
                    from: line + 2 * output.origin.y,
                    count: 2 * output.shape.y
                )
            }
        }
    }

    private func otfBlock(_ k: Int, _ block: Int) -> UnsafeMutablePointer<Float> {
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
    /// Makes the transfer function of a PSF; see `Projector.setPSF`.
    /// - Parameter scale: is multiplied to it.
    func setPSF(_ voxels: [Float], shape psf: VolumeShape, scale: Float) throws(DeconvolutionError) {
        // The PSF wrapped into the periodic volume, for the planes and rows that it reaches.
        let extent = VolumeShape { min(psf[$0], shape[$0]) }
        let lineCount = RowSpectra.lineCount(halfRow)
        let forward = try FFTWPlan.realForward(shape.x)
        let rows = try HostMemory(byteCount: 8 * extent.z * extent.y * lineCount)
        let row = try HostMemory(byteCount: 4 * (shape.x + 16))
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                row.clear()
                for pz in stride(from: z, to: psf.z, by: shape.z) {
                    for py in stride(from: y, to: psf.y, by: shape.y) {
                        for px in 0..<psf.x {
                            row.floats[wrapped(px - psf.x / 2, shape.x)] += voxels[(pz * psf.y + py) * psf.x + px]
                        }
                    }
                }
                forward.forward(row.floats, to: rows.floats + 2 * (z * extent.y + y) * lineCount)
            }
        }
        pool.forEach(halfRow) { [self] worker, k in
            let line = slabs[worker].floats
            let columns = otfBlock(k, 0)
            columns.update(repeating: 0, count: 2 * linePitch * columnPitch)
            for z in 0..<extent.z {
                line.update(repeating: 0, count: 2 * linePitch)
                for y in 0..<extent.y {
                    let value = rows.floats + 2 * ((z * extent.y + y) * lineCount + k)
                    (line + 2 * wrapped(y - psf.y / 2, shape.y)).update(from: value, count: 2)
                }
                lineForward.transform(line)
                let target = columns + 2 * wrapped(z - psf.z / 2, shape.z)
                for y in 0..<shape.y {
                    target[2 * y * columnPitch] = line[2 * y] * scale
                    target[2 * y * columnPitch + 1] = line[2 * y + 1] * scale
                }
            }
            for block in 0..<linePitch / Self.blockSize { blockForward.transform(otfBlock(k, block)) }
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
