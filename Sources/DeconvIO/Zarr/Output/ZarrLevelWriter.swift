import DeconvVolume
import Foundation
import Synchronization

/// Writes one volume of one array: gathers planes until chunks are full, and encodes these on several threads.
///
/// One owner at a time: it has no lock. Those of other volumes and arrays work at the same time.
final class ZarrLevelWriter {
    private let level: ZarrOutputPlan.Level
    private let writer: ZarrArrayWriter
    private let locks: ChunkLocks
    private let volume: VolumeNumber
    private let threadCount: Int
    private let slab: ByteBuffer
    /// Planes that a whole slab has.
    private let slabPlaneCount: Int
    /// Planes that wait in the slab, and those that are written.
    private var (waiting, written) = (0, 0)
    /// Range of the voxels, and how many did not fit.
    private(set) var storage: VoxelStorage

    /// - Throws: `outOfMemory`.
    init(
        _ level: ZarrOutputPlan.Level,
        _ writer: ZarrArrayWriter,
        _ locks: ChunkLocks,
        _ pixelType: PixelType,
        _ volume: VolumeNumber,
        threadCount: Int
    ) throws(DeconvolutionError) {
        self.level = level
        self.writer = writer
        self.locks = locks
        self.volume = volume
        self.threadCount = threadCount
        storage = VoxelStorage(pixelType)
        slabPlaneCount = level.slab(threadCount: threadCount).planeCount
        slab = try ByteBuffer(
            byteCount: slabPlaneCount * level.layout.volumeShape.planeVoxelCount * pixelType.byteCount,
            for: writer.array.name
        )
    }

    /// Whether all planes have come.
    var isComplete: Bool { written == level.layout.volumeShape.z }

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
            level: level,
            writer: writer,
            locks: locks,
            region: region,
            source: UnsafeRawPointer(slab.bytes.baseAddress!),
            strides: strides,
            width: storage.pixelType.byteCount
        )
        try work.write(threadCount: threadCount)
    }
}

/// The chunks of a slab, to be written.
private struct SlabWork: @unchecked Sendable {  // nobody changes the slab meanwhile
    let level: ZarrOutputPlan.Level
    let writer: ZarrArrayWriter
    let locks: ChunkLocks
    /// The slab's place in the array.
    let region: ArrayRegion
    /// Its first voxel, and bytes to the next one along each axis of the array.
    let source: UnsafeRawPointer
    let strides: [Int]
    /// Bytes of a voxel.
    let width: Int

    /// Writes all chunks, and gives the error of the first that failed.
    func write(threadCount: Int) throws(DeconvolutionError) {
        let parts = writer.array.chunkRegions(in: region)
        let workerCount = max(1, min(threadCount, parts.count))
        let failure = Mutex<(part: Int, error: DeconvolutionError)?>(nil)
        DispatchQueue.concurrentPerform(iterations: workerCount) { worker in
            for part in stride(from: worker, to: parts.count, by: workerCount) {
                guard failure.withLock({ $0 == nil }) else { return }
                let offset = StridedElements.offset(of: parts[part].relative(to: region.origin).origin, strides)
                do throws(DeconvolutionError) { try write((source + offset, strides), parts[part]) } catch {
                    failure.withLock { first in
                        if part < first?.part ?? .max { first = (part, error) }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure.error }
    }

    /// Writes what of a chunk is this volume's.
    private func write(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        _ part: ArrayRegion
    ) throws(DeconvolutionError) {
        guard level.isShared else { return try writer.write(source, region: part, synchronizing: false) }
        let metadata = level.metadata
        let index = zip(part.origin, metadata.chunkShape).map { $0 / $1 }
        let whole = ChunkGrid(chunkShape: metadata.chunkShape).region(index)
            .intersection(ArrayRegion(metadata.shape))!
        try locks.withLock(index) { () throws(DeconvolutionError) in
            let chunk = try ByteBuffer(byteCount: whole.shape.reduce(width, *), for: writer.array.name)
            try writer.array.read(whole, into: chunk.bytes)
            let elements = StridedElements(
                base: chunk.bytes.baseAddress!,
                strides: StridedElements.contiguous(whole.shape, width: width)
            )
            StridedElements.copy(
                source,
                to: elements.moved(to: part.relative(to: whole.origin).origin),
                shape: part.shape,
                width: width,
                swapping: false
            )
            // It holds volumes that the journal has: a loss of power must not take them.
            try writer.write(UnsafeRawBufferPointer(chunk.bytes), region: whole, synchronizing: true)
        }
    }
}

/// Locks for the chunks of an array: those that two volumes share are read and written again by one thread at a time.
final class ChunkLocks: Sendable {
    private final class Lock: Sendable {
        let mutex = Mutex(())
    }

    /// Two chunks that have the same one wait for each other, and nothing else.
    private let locks = (0..<64).map { _ in Lock() }

    /// Runs `body` while no other thread has that chunk.
    func withLock(
        _ index: [Int],
        _ body: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let number = Int(UInt(bitPattern: index.hashValue) % UInt(locks.count))
        try locks[number].mutex.withLock { (_) throws(DeconvolutionError) in try body() }
    }
}
