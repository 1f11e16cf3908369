import DeconvVolume
import Foundation
import Synchronization

/// Writes one volume of one array: gathers planes until chunks are full, and encodes these on several threads.
///
/// One owner at a time: it has no lock. Those of other volumes and arrays work at the same time.
final class ZarrLevelWriter {
    private let level: ZarrOutputPlan.Level
    private let writer: ZarrArrayWriter
    private let volume: VolumePosition
    private let threadCount: Int
    private let slab: ByteBuffer
    /// Planes that a whole slab has.
    private let slabPlaneCount: Int
    /// Planes that wait in the slab, and those that are written.
    private var (waiting, written) = (0, 0)
    /// Range of the voxels, and how many did not fit.
    private(set) var storage: VoxelStorage
    /// The volume's part of the array.
    private let region: ArrayRegion
    /// What its files are like, by the order of their chunks.
    private var sums: [FileSum?]

    /// - Throws: `outOfMemory`.
    init(
        _ level: ZarrOutputPlan.Level,
        _ writer: ZarrArrayWriter,
        _ pixelType: PixelType,
        _ volume: VolumePosition,
        threadCount: Int
    ) throws(DeconvolutionError) {
        self.level = level
        self.writer = writer
        self.volume = volume
        self.threadCount = threadCount
        storage = VoxelStorage(pixelType)
        region = level.region(of: volume)
        sums = Array(repeating: nil, count: ChunkGrid(chunkShape: level.metadata.chunkShape).count(in: region))
        slabPlaneCount = level.slab(threadCount: threadCount).planeCount
        slab = try ByteBuffer(
            byteCount: slabPlaneCount * level.layout.volumeShape.planeVoxelCount * pixelType.byteCount,
            for: writer.array.name
        )
    }

    /// Whether all planes have come.
    var isComplete: Bool { written == level.layout.volumeShape.z }

    /// What the files of the volume are like, in the order of their chunks, once it is complete.
    var files: [FileSum] {
        precondition(isComplete, "planes are missing")
        return sums.compactMap(\.self)
    }

    /// Takes the next plane.
    /// - Throws: `inputOutput` where the disk is full or fails, `outOfMemory`; names the chunk's file.
    func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
        precondition(!isComplete, "all planes have come")
        let byteCount = level.layout.volumeShape.planeVoxelCount * storage.pixelType.byteCount
        let start = waiting * byteCount
        storage.convert(plane, into: UnsafeMutableRawBufferPointer(rebasing: slab.bytes[start..<start + byteCount]))
        waiting += 1
        guard waiting == slabPlaneCount || written + waiting == level.layout.volumeShape.z else { return }
        try writeSlab()
        written += waiting
        waiting = 0
    }

    private func writeSlab() throws(DeconvolutionError) {
        let shape = level.layout.volumeShape
        let box = Region(
            origin: VolumeIndex(z: written, y: 0, x: 0),
            shape: VolumeShape(z: waiting, y: shape.y, x: shape.x)
        )
        let region = level.layout.region(box, channel: volume.channel, timepoint: volume.timepoint)
        let strides = level.layout.steps(in: box.shape).map { $0 * storage.pixelType.byteCount }
        let work = SlabWork(
            writer: writer,
            region: region,
            source: UnsafeRawPointer(slab.bytes.baseAddress!),
            strides: strides
        )
        let grid = ChunkGrid(chunkShape: level.metadata.chunkShape)
        for file in try work.write(threadCount: threadCount) {
            sums[grid.number(of: file.index, in: self.region)] = file.sum
        }
    }
}

/// The chunks of a slab, to be written.
private struct SlabWork: @unchecked Sendable {  // nobody changes the slab meanwhile
    let writer: ZarrArrayWriter
    /// The slab's place in the array.
    let region: ArrayRegion
    /// Its first voxel, and bytes to the next one along each axis of the array.
    let source: UnsafeRawPointer
    let strides: [Int]

    /// Writes all chunks, and tells what their files are like.
    /// - Throws: the error of the first that failed.
    func write(threadCount: Int) throws(DeconvolutionError) -> [(index: [Int], sum: FileSum)] {
        let parts = writer.array.chunkRegions(in: region)
        let workerCount = max(1, min(threadCount, parts.count))
        let failure = Mutex<(part: Int, error: DeconvolutionError)?>(nil)
        let files = Mutex<[(index: [Int], sum: FileSum)]>([])
        DispatchQueue.concurrentPerform(iterations: workerCount) { worker in
            for part in stride(from: worker, to: parts.count, by: workerCount) {
                guard failure.withLock({ $0 == nil }) else { return }
                let offset = StridedElements.offset(of: parts[part].relative(to: region.origin).origin, strides)
                do throws(DeconvolutionError) {
                    try writer.write((source + offset, strides), region: parts[part], synchronizing: false) {
                        (index, sum) in files.withLock { $0.append((index, sum)) }
                    }
                } catch {
                    failure.withLock { first in
                        if part < first?.part ?? .max { first = (part, error) }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
        return files.withLock { $0 }
    }
}
