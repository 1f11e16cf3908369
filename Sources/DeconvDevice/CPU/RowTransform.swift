import CPrefetch
import DeconvVolume

/// The half spectra of rows along x, for every voxel (z, y) of a domain: [z][kx][y] with y fastest.
///
/// With y innermost, the passes along y and z read what they need in long runs. Unchecked: threads write to different places.
struct RowSpectra: @unchecked Sendable {
    /// Lines along y begin every so many complex values: a whole number of groups.
    let linePitch: Int
    /// Lines of a plane, even; a last one without a meaning fills it up.
    let lineCount: Int
    private let memory: HostMemory

    /// Spectra of `halfRow` values for a domain.
    init(_ domain: VolumeShape, halfRow: Int) throws(DeconvolutionError) {
        linePitch = Self.linePitch(domain.y)
        lineCount = Self.lineCount(halfRow)
        memory = try HostMemory(byteCount: Self.byteCount(domain, halfRow: halfRow))
    }

    /// Bytes of spectra of `halfRow` values for a domain.
    static func byteCount(_ domain: VolumeShape, halfRow: Int) -> Int {
        8 * domain.z * lineCount(halfRow) * linePitch(domain.y)
    }

    /// Rows that are transformed together: their values of one frequency fill two cache lines.
    static let groupSize = 16

    static func lineCount(_ halfRow: Int) -> Int { (halfRow + 1) / 2 * 2 }

    /// An odd number of groups, for lines at a distance of a power of two would share few sets of the cache.
    static func linePitch(_ rows: Int) -> Int {
        let groups = (rows + groupSize - 1) / groupSize
        return (groups % 2 == 0 && groups > 8 ? groups + 1 : groups) * groupSize
    }

    var byteCount: Int { memory.byteCount }

    /// The line along y of frequency `k` in plane `z`, interleaved complex.
    func line(_ z: Int, _ k: Int) -> UnsafeMutablePointer<Float> {
        memory.floats + 2 * (z * lineCount + k) * linePitch
    }

    /// Lets rows of a line come into the cache while something else is computed.
    ///
    /// The next line that is wanted often lies many memory pages further on, where the processor does not look by itself.
    func prefetch(_ z: Int, _ k: Int, rows: Range<Int>) {
        gpudeconv_prefetch(line(z, k) + 2 * rows.lowerBound, 8 * rows.count)
    }

    /// The same with a part of a group of rows: as many parts as the group has rows make all of it.
    func prefetchGroup(_ z: Int, _ firstRow: Int, part: Int) {
        let count = (lineCount + Self.groupSize - 1) / Self.groupSize
        for k in stride(from: part * count, to: min((part + 1) * count, lineCount), by: 1) {
            prefetch(z, k, rows: firstRow..<firstRow + Self.groupSize)
        }
    }
}

/// Transforms rows along x, in groups that stay in cache while something is done to their voxels.
final class RowTransform: Sendable {
    private let spectra: RowSpectra
    private let width: Int
    private let forward: FFTWPlan
    private let inverse: FFTWPlan
    /// For each thread the spectra of a group, and one row.
    private let scratch: [(spectra: HostMemory, row: HostMemory)]
    private let pool: WorkerPool

    init(_ spectra: RowSpectra, width: Int, _ pool: WorkerPool) throws(DeconvolutionError) {
        self.spectra = spectra
        self.width = width
        self.pool = pool
        forward = try .realForward(width)
        inverse = try .realInverse(width)
        var scratch: [(HostMemory, HostMemory)] = []
        for _ in 0..<pool.threadCount {
            scratch.append(
                (
                    try HostMemory(byteCount: Self.groupBytes(width: width)),
                    try HostMemory(byteCount: Self.rowBytes(width: width))
                )
            )
        }
        self.scratch = scratch
    }

    var byteCount: Int { scratch.reduce(0) { $0 + $1.spectra.byteCount + $1.row.byteCount } }

    /// Bytes that one thread works in.
    static func scratchBytes(width: Int) -> Int { groupBytes(width: width) + rowBytes(width: width) }

    private static func groupBytes(width: Int) -> Int {
        8 * RowSpectra.groupSize * RowSpectra.lineCount(width / 2 + 1)
    }

    private static func rowBytes(width: Int) -> Int { 4 * (width + 16) }

    /// Runs an operation on the rows of a region.
    ///
    /// After `write` and `update` the spectra are those of the region's voxels, with 0 outside along x.
    /// - Returns: the sum of what the rows add.
    @discardableResult
    func apply(_ operation: RowOperation, to region: Region, _ access: RowAccess) -> Double {
        let groupSize = RowSpectra.groupSize
        let firstGroup = region.yRange.lowerBound / groupSize
        let groupCount = (region.yRange.upperBound + groupSize - 1) / groupSize - firstGroup
        let sums = OrderedSums(count: region.shape.z * groupCount)
        @Sendable func place(_ index: Int) -> (z: Int, firstRow: Int) {
            (region.origin.z + index / groupCount, (firstGroup + index % groupCount) * groupSize)
        }
        pool.forEach(sums.values.count) { [self] worker, index in
            let (z, firstRow) = place(index)
            let next = index + 1 < sums.values.count ? place(index + 1) : nil
            let rows = max(firstRow, region.yRange.lowerBound)..<min(firstRow + groupSize, region.yRange.upperBound)
            let (group, row) = (scratch[worker].spectra.floats, scratch[worker].row.floats)
            let pitch = 2 * spectra.lineCount
            if access != .write { spectra.gather(z, firstRow, into: group) }
            var sum = 0.0
            for y in rows {
                let spectrum = group + (y - firstRow) * pitch
                if let next { spectra.prefetchGroup(next.z, next.firstRow, part: y - firstRow) }
                if access != .write { inverse.inverse(spectrum, to: row) }
                sum += operation.run(z, y, row)
                guard access != .read else { continue }
                row.update(repeating: 0, count: region.origin.x)
                let end = region.origin.x + region.shape.x
                (row + end).update(repeating: 0, count: width - end)
                forward.forward(row, to: spectrum)
            }
            sums.values[index] = sum
            guard access != .read else { return }
            for y in firstRow..<firstRow + groupSize where !rows.contains(y) {
                (group + (y - firstRow) * pitch).update(repeating: 0, count: pitch)
            }
            spectra.scatter(group, to: z, firstRow)
        }
        return sums.total
    }

    /// Transforms rows that are made up on the way, a group after the other.
    /// - Parameters:
    ///   - rowCount: gives the rows of a group, at most `RowSpectra.groupSize`.
    ///   - fill: gets the number of a group, that of a row in it, and the row, which is 0.
    ///   - take: gets the number of a group and the half spectra of its rows, one every `pitch` floats.
    func forEachGroup(
        _ count: Int,
        rowCount: @Sendable (_ group: Int) -> Int,
        fill: @Sendable (_ group: Int, _ index: Int, _ row: UnsafeMutablePointer<Float>) -> Void,
        take: @Sendable (_ group: Int, _ spectra: UnsafePointer<Float>, _ pitch: Int) -> Void
    ) {
        pool.forEach(count) { [self] worker, number in
            let (group, row) = (scratch[worker].spectra.floats, scratch[worker].row.floats)
            let pitch = 2 * spectra.lineCount
            for index in 0..<rowCount(number) {
                row.update(repeating: 0, count: width)
                fill(number, index, row)
                forward.forward(row, to: group + index * pitch)
            }
            take(number, group, pitch)
        }
    }
}

extension RowSpectra {
    /// A group of rows, [y][kx], from where their values lie.
    @inline(__always)
    fileprivate func gather(_ z: Int, _ firstRow: Int, into group: UnsafeMutablePointer<Float>) {
        for k in stride(from: 0, to: lineCount, by: 2) {
            let (a, b) = (line(z, k) + 2 * firstRow, line(z, k + 1) + 2 * firstRow)
            transposePairs(a, b, Self.groupSize / 2, into: group + 2 * k, pitch: 2 * lineCount)
        }
    }

    /// A group of rows to where their values lie.
    @inline(__always)
    fileprivate func scatter(_ group: UnsafeMutablePointer<Float>, to z: Int, _ firstRow: Int) {
        for k in stride(from: 0, to: lineCount, by: 2) {
            let (a, b) = (line(z, k) + 2 * firstRow, line(z, k + 1) + 2 * firstRow)
            gatherPairs(group + 2 * k, pitch: 2 * lineCount, Self.groupSize / 2, into: a, b)
        }
    }
}

/// Two complex values next to each other.
typealias ComplexPair = SIMD4<Float>

/// Two lines of `2 * count` complex values to `2 * count` rows of two: row[i] = (a[i], b[i]).
@inline(__always)
func transposePairs(
    _ a: UnsafePointer<Float>,
    _ b: UnsafePointer<Float>,
    _ count: Int,
    into rows: UnsafeMutablePointer<Float>,
    pitch: Int
) {
    let (rawA, rawB, target) = (UnsafeRawPointer(a), UnsafeRawPointer(b), UnsafeMutableRawPointer(rows))
    for index in 0..<count {
        let p = rawA.loadUnaligned(fromByteOffset: 16 * index, as: ComplexPair.self)
        let q = rawB.loadUnaligned(fromByteOffset: 16 * index, as: ComplexPair.self)
        let low = ComplexPair(lowHalf: p.lowHalf, highHalf: q.lowHalf)
        let high = ComplexPair(lowHalf: p.highHalf, highHalf: q.highHalf)
        target.storeBytes(of: low, toByteOffset: 8 * index * pitch, as: ComplexPair.self)
        target.storeBytes(of: high, toByteOffset: 8 * index * pitch + 4 * pitch, as: ComplexPair.self)
    }
}

/// `2 * count` rows of two complex values to two lines: (a[i], b[i]) = row[i].
@inline(__always)
func gatherPairs(
    _ rows: UnsafePointer<Float>,
    pitch: Int,
    _ count: Int,
    into a: UnsafeMutablePointer<Float>,
    _ b: UnsafeMutablePointer<Float>
) {
    let (source, rawA, rawB) = (UnsafeRawPointer(rows), UnsafeMutableRawPointer(a), UnsafeMutableRawPointer(b))
    for index in 0..<count {
        let p = source.loadUnaligned(fromByteOffset: 8 * index * pitch, as: ComplexPair.self)
        let q = source.loadUnaligned(fromByteOffset: 8 * index * pitch + 4 * pitch, as: ComplexPair.self)
        let first = ComplexPair(lowHalf: p.lowHalf, highHalf: q.lowHalf)
        let second = ComplexPair(lowHalf: p.highHalf, highHalf: q.highHalf)
        rawA.storeBytes(of: first, toByteOffset: 16 * index, as: ComplexPair.self)
        rawB.storeBytes(of: second, toByteOffset: 16 * index, as: ComplexPair.self)
    }
}
