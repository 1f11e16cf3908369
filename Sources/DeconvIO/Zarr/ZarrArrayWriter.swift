package import DeconvVolume
import Foundation

/// An array of a store, for writing whole chunks. Any number of threads may write at once, each its own chunks.
package final class ZarrArrayWriter: Sendable {
    /// The array, which can be read as well.
    package let array: ZarrArray
    private let calls: OutputCalls

    /// Goes on with an array that is there.
    package init(_ array: ZarrArray, calls: OutputCalls = .system) {
        self.array = array
        self.calls = calls
    }

    /// Makes an array, with the groups above it, none of its chunks written.
    ///
    /// Consolidated metadata of the groups above learn of it. What a killed process has left of the same is no hindrance; what
    /// is to be replaced, `ResumableFolder` replaces.
    /// - Parameters:
    ///   - synchronizing: whether to wait for the disk; see `write`.
    /// - Throws: `cannotCreateOutput` where there is an array, a group or a folder of other things already, a group above is of another
    ///   version or an array, or the folder may not be written; `inputOutput` where the disk is full.
    package convenience init(
        creating metadata: ZarrArrayMetadata,
        at path: ZarrPath,
        in store: ZarrStore,
        synchronizing: Bool = true,
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) {
        try store.create(metadata, at: path, synchronizing: synchronizing)
        self.init(ZarrArray(store: store, path: path, metadata: metadata), calls: calls)
    }

    /// Writes a region that is made of whole chunks, or of whole shards where there are shards; at the end of an axis they
    /// may reach beyond the array, and are filled up there.
    ///
    /// Each file appears whole or not at all.
    /// - Parameters:
    ///   - bytes: the elements in this machine's byte order, the last axis fastest.
    ///   - region: inside of the array, from the start of a chunk to the end of one or of the array, along each axis.
    ///   - synchronizing: whether to wait for the disk after each file. Without it, call `store.synchronize()` before
    ///     anything says that the chunks are there: a loss of power may damage them until then.
    /// - Throws: `inputOutput` where the disk is full or fails, `outOfMemory`, `invalidArgument` where a codec cannot do
    ///   what its settings ask for; each names the chunk's file, of which nothing remains.
    package func write(
        _ bytes: UnsafeRawBufferPointer,
        region: ArrayRegion,
        synchronizing: Bool = true
    ) throws(DeconvolutionError) {
        let width = array.metadata.element.size
        precondition(
            bytes.count == Int.product(region.shape + [width]),
            "\(bytes.count) bytes are not those of \(region)"
        )
        guard let base = bytes.baseAddress, !region.isEmpty else { return }
        let strides = StridedElements.contiguous(region.shape, width: width)
        try write((base, strides), region: region, synchronizing: synchronizing)
    }

    /// The same with elements that lie anywhere in memory.
    /// - Parameters:
    ///   - source: the region's first element, and bytes to the next one along each axis.
    ///   - written: called for each file that is there now, with the number of its chunk along each axis.
    func write(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        region: ArrayRegion,
        synchronizing: Bool,
        written: (_ index: [Int], _ sum: FileSum) -> Void = { _, _ in }
    ) throws(DeconvolutionError) {
        let metadata = array.metadata
        precondition(covers(region), "\(region) is not made of whole chunks of \(metadata.chunkShape)")
        let grid = ChunkGrid(chunkShape: metadata.chunkShape)
        try grid.forEach(in: region) { (index, part) throws(DeconvolutionError) in
            let key = array.path.key(metadata.chunkKeys.key(index))
            let offset = StridedElements.offset(of: part.relative(to: region.origin).origin, source.strides)
            let encoded = try metadata.codecs.encode(
                (source.base + offset, source.strides),
                extent: part.shape,
                shape: metadata.chunkShape,
                metadata.element,
                ChunkPlace(path: array.store.location(key))
            )
            let output = try array.store.folder().output(
                key,
                expectedByteCount: encoded.byteCount,
                synchronizing: synchronizing,
                calls: calls
            )
            var checksum = CRC32C()
            for piece in encoded.pieces {
                // Right before they go to the disk, so that nothing is read again for it.
                checksum.add(piece.bytes)
                try output.append(piece.bytes)
            }
            try output.finish(synchronizing: synchronizing)
            written(index, FileSum(byteCount: encoded.byteCount, checksum: checksum.value))
        }
    }

    /// Whether a region starts and ends where chunks do.
    private func covers(_ region: ArrayRegion) -> Bool {
        let (shape, chunk) = (array.metadata.shape, array.metadata.chunkShape)
        return region.lies(within: shape)
            && shape.indices.allSatisfy {
                let end = region.origin[$0] + region.shape[$0]
                return region.origin[$0] % chunk[$0] == 0 && (end % chunk[$0] == 0 || end == shape[$0])
            }
    }
}
