package import DeconvVolume
import Foundation

/// An array of a store, for reading. Any number of threads may read at once, and each call blocks until it is done.
package final class ZarrArray: Sendable {
    /// The store that it is in.
    package let store: ZarrStore
    /// Where in the store.
    package let path: ZarrPath
    /// Shape, type, chunks, attributes.
    package let metadata: ZarrArrayMetadata

    init(store: ZarrStore, path: ZarrPath, metadata: ZarrArrayMetadata) {
        self.store = store
        self.path = path
        self.metadata = metadata
    }

    /// What messages call it.
    package var name: String { store.location(path.text) }

    /// The parts of a region that lie in one file each, in the order of the files: what threads may share out.
    package func chunkRegions(in region: ArrayRegion) -> [ArrayRegion] {
        precondition(region.lies(within: metadata.shape), "\(region) lies outside \(metadata.shape)")
        var parts: [ArrayRegion] = []
        ChunkGrid(chunkShape: metadata.chunkShape).forEach(in: region) { _, part in parts.append(part) }
        return parts
    }

    /// Reads a region as it is stored, in this machine's byte order, the last axis fastest.
    ///
    /// Only the files that have part in it are opened, and of shards only the inner chunks that do. A chunk that is wanted
    /// whole and lies in memory as in the file is decoded right into `target`; for any other there is a buffer of its size.
    /// - Parameters:
    ///   - region: inside of the array.
    ///   - target: of exactly its size, and aligned to the element.
    /// - Throws: `invalidData` naming the chunk's file where it is damaged, `inputOutput` where the disk fails,
    ///   `outOfMemory`.
    package func read(
        _ region: ArrayRegion,
        into target: UnsafeMutableRawBufferPointer
    ) throws(DeconvolutionError) {
        let element = metadata.element
        precondition(
            target.count == Int.product(region.shape + [element.size]),
            "\(target.count) bytes are not those of \(region)"
        )
        guard let base = target.baseAddress, !region.isEmpty else { return }
        precondition(Int(bitPattern: base) % element.size == 0, "the target is not aligned")
        let strides = StridedElements.contiguous(region.shape, width: element.size)
        try read(region, into: StridedElements(base: base, strides: strides))
    }

    /// Reads a region as it is stored, in this machine's byte order, to where its elements lie in memory.
    /// - Parameters:
    ///   - region: inside of the array.
    ///   - elements: the place of its first element, aligned to it, and the bytes to the next one along each axis.
    /// - Throws: as `read(_:into:)` into a buffer.
    /// - Returns: the numbers of the chunks or shards that are not there, which is what the fill value was taken for.
    @discardableResult
    func read(_ region: ArrayRegion, into elements: StridedElements) throws(DeconvolutionError) -> [[Int]] {
        precondition(region.lies(within: metadata.shape), "\(region) lies outside \(metadata.shape)")
        var missing: [[Int]] = []
        let element = metadata.element
        let grid = ChunkGrid(chunkShape: metadata.chunkShape)
        try grid.forEach(in: region) { (index, part) throws(DeconvolutionError) in
            let target = elements.moved(to: part.relative(to: region.origin).origin)
            let key = path.key(metadata.chunkKeys.key(index))
            let whole = grid.region(index)
            let isWhole = part.origin == whole.origin && part.shape == whole.shape
            guard let file = try store.storage.file(key, metadata.codecs.use(isWhole: isWhole)) else {
                missing.append(index)
                StridedElements.fill(target, shape: part.shape, with: element.fill)
                return
            }
            try metadata.codecs.read(
                ChunkBytes(file),
                shape: metadata.chunkShape,
                region: part.relative(to: whole.origin),
                into: target,
                element,
                ChunkPlace(path: file.path)
            )
        }
        return missing
    }

    /// Whether a chunk's or shard's file is there.
    /// - Parameter index: its number along each axis.
    /// - Throws: as `read`.
    package func hasChunk(_ index: [Int]) throws(DeconvolutionError) -> Bool {
        try store.exists(path.key(metadata.chunkKeys.key(index)))
    }
}

extension ZarrCodecPipeline {
    /// How a chunk's file is read for all or for a part of its elements.
    fileprivate func use(isWhole: Bool) -> StoredUse {
        guard byteCodecs.isEmpty else { return .whole }
        if case .shard = layout { return .parts }
        return isWhole ? .whole : .parts
    }
}

extension ZarrArray {
    /// A region as it is stored, in this machine's byte order.
    /// - Throws: as `read(_:into:)`; `outOfMemory` where it is more than the machine has.
    package func readBytes(_ region: ArrayRegion) throws(DeconvolutionError) -> [UInt8] {
        let count = try requireMemory(for: region, bytesPerElement: metadata.dataType.byteCount)
        // Arrays of bytes start at a multiple of 16.
        return try filled(count) { (bytes: UnsafeMutableRawBufferPointer) throws(DeconvolutionError) in
            try read(region, into: bytes)
        }
    }

    /// Refuses a region that the machine's memory cannot hold: its shape is only what a file claims.
    @discardableResult
    func requireMemory(
        for region: ArrayRegion,
        bytesPerElement: Int
    ) throws(DeconvolutionError) -> Int {
        let memory = max(1, sysconf(Int32(_SC_PHYS_PAGES))) * sysconf(Int32(_SC_PAGESIZE))
        guard let count = Int.product(region.shape + [bytesPerElement]), count <= memory else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(name.inMessage): a region of \(region.shape) is more than the \(memory) bytes of memory; read smaller "
                    + "parts"
            )
        }
        return count
    }

    /// An array of numbers that `body` writes.
    func filled<Element: BitwiseCopyable>(
        _ count: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [Element] {
        guard count > 0 else { return [] }
        var failure: DeconvolutionError?
        let array = [Element](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            do throws(DeconvolutionError) {
                try body(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
                initializedCount = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return array
    }

    /// Converts numbers of a type to the nearest `Float`.
    static func convert(
        _ source: UnsafeRawBufferPointer,
        _ type: ZarrDataType,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        switch type {
        case .float16:
            let stored = source.assumingMemoryBound(to: UInt16.self)
            for index in 0..<target.count { target[index] = HalfPrecision.float(stored[index]) }
        case .int64:
            let stored = source.assumingMemoryBound(to: Int64.self)
            for index in 0..<target.count { target[index] = Float(stored[index]) }
        case .uint64:
            let stored = source.assumingMemoryBound(to: UInt64.self)
            for index in 0..<target.count { target[index] = Float(stored[index]) }
        default: VoxelConversion.convert(source, type.pixelType, into: target)
        }
    }
}
