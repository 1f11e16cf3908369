import DeconvVolume

extension ZarrCodecPipeline {
    /// Decodes part of a chunk.
    /// - Parameters:
    ///   - encoded: the whole chunk.
    ///   - shape: of the whole chunk.
    ///   - region: the part that is wanted.
    ///   - target: where the first element of the part goes, in this machine's byte order.
    /// - Throws: `invalidData` naming the place where the chunk is damaged.
    func read(
        _ encoded: ChunkBytes,
        shape: [Int],
        region: ArrayRegion,
        into target: StridedElements,
        _ element: ZarrElement,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) {
        let shape = transposed(shape)
        let region = ArrayRegion(origin: transposed(region.origin), shape: transposed(region.shape))
        let target = StridedElements(base: target.base, strides: transposed(target.strides))
        switch layout {
        case .elements(let isBigEndian):
            let swaps = element.swaps(isBigEndian: isBigEndian)
            try readElements(encoded, shape, region, into: target, element.size, swapping: swaps, place)
        case .shard(let shard):
            var encoded = encoded
            if !byteCodecs.isEmpty {
                let limit = shard.largestSensibleByteCount(shape, element.size)
                encoded = try ZarrByteCodec.decodeShard(byteCodecs, encoded, limit: limit, place)
            }
            try shard.read(encoded, shape: shape, region: region, into: target, element, place)
        }
    }

    private func readElements(
        _ encoded: ChunkBytes,
        _ shape: [Int],
        _ region: ArrayRegion,
        into target: StridedElements,
        _ size: Int,
        swapping: Bool,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) {
        let byteCount = shape.reduce(size, *)
        if region.shape == shape, target.isContiguous(shape, width: size) {
            let bytes = UnsafeMutableRawBufferPointer(start: target.base, count: byteCount)
            try ZarrByteCodec.decode(byteCodecs, encoded, into: bytes, place)
            if swapping { VoxelConversion.swapBytes(bytes, width: size) }
            return
        }
        let strides = StridedElements.contiguous(shape, width: size)
        let first = StridedElements.offset(of: region.origin, strides)
        let scratch: ByteBuffer
        let start: UnsafeMutableRawPointer
        if byteCodecs.isEmpty {
            guard encoded.count == UInt64(byteCount) else {
                throw place.damaged("it holds \(encoded.count) bytes instead of \(byteCount)")
            }
            // From the first byte that is wanted to the last.
            let count = zip(region.shape, strides).reduce(size) { $0 + ($1.0 - 1) * $1.1 }
            scratch = try ByteBuffer(byteCount: count, for: place.path)
            try encoded.read(into: scratch.bytes, at: UInt64(first))
            start = scratch.bytes.baseAddress!
        } else {
            scratch = try ByteBuffer(byteCount: byteCount, for: place.path)
            try ZarrByteCodec.decode(byteCodecs, encoded, into: scratch.bytes, place)
            start = scratch.bytes.baseAddress! + first
        }
        withExtendedLifetime(scratch) {
            StridedElements.copy(
                (UnsafeRawPointer(start), strides),
                to: target,
                shape: region.shape,
                width: size,
                swapping: swapping
            )
        }
    }
}

extension ZarrCodecPipeline.Shard {
    /// The most bytes that a shard can sensibly take, whoever wrote it.
    fileprivate func largestSensibleByteCount(_ shape: [Int], _ elementSize: Int) -> Int {
        let chunkCount = chunkCounts(shape).reduce(1, *)
        let limit = ZarrCodecPipeline.largestChunkByteCount
        // An inner chunk that is a shard itself may claim more elements than an Int holds.
        let perChunk = 65_536 + 2 * min(limit, Int.product(innerChunkShape + [elementSize]) ?? limit)
        guard let chunks = Int.product([chunkCount, perChunk]), chunks < limit else { return limit }
        return min(limit, chunks + index.byteCount(chunkCount: chunkCount))
    }

    /// Decodes part of a shard: only the inner chunks that have part in it are read.
    func read(
        _ encoded: ChunkBytes,
        shape: [Int],
        region: ArrayRegion,
        into target: StridedElements,
        _ element: ZarrElement,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) {
        let entries = try ShardIndex(index, chunkCounts(shape), of: encoded, place)
        let grid = ChunkGrid(chunkShape: innerChunkShape)
        try grid.forEach(in: region) { (position, part) throws(DeconvolutionError) in
            let inner = place.inner(position)
            let part = (inChunk: part.relative(to: grid.region(position).origin), whole: part)
            let target = target.moved(to: part.whole.relative(to: region.origin).origin)
            guard let bytes = try entries.bytes(of: position, in: encoded, inner) else {
                StridedElements.fill(target, shape: part.whole.shape, with: element.fill)
                return
            }
            try pipeline.read(
                bytes,
                shape: innerChunkShape,
                region: part.inChunk,
                into: target,
                element,
                inner
            )
        }
    }
}

/// Where the inner chunks of a shard lie, as it says itself.
private struct ShardIndex {
    private let buffer: ByteBuffer
    private let chunkCounts: [Int]
    private let isBigEndian: Bool

    init(
        _ index: ZarrCodecPipeline.Index,
        _ chunkCounts: [Int],
        of encoded: ChunkBytes,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) {
        let count = index.byteCount(chunkCount: chunkCounts.reduce(1, *))
        guard encoded.count >= UInt64(count) else {
            throw place.damaged("its \(encoded.count) bytes are too few for the index of a shard, which takes \(count)")
        }
        buffer = try ByteBuffer(byteCount: count, for: place.path)
        try encoded.read(into: buffer.bytes, at: index.isAtStart ? 0 : encoded.count - UInt64(count))
        var bytes = UnsafeRawBufferPointer(buffer.bytes)
        for _ in 0..<index.checksumCount {
            let end = bytes.count - 4
            let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self))
            bytes = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            guard CRC32C.checksum(bytes) == stored else {
                throw place.damaged("the checksum of its shard index is wrong")
            }
        }
        self.chunkCounts = chunkCounts
        isBigEndian = index.isBigEndian
    }

    /// The bytes of an inner chunk, or nil where it was never written.
    func bytes(
        of position: [Int],
        in encoded: ChunkBytes,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> ChunkBytes? {
        let number = ZarrCodecPipeline.Shard.number(of: position, chunkCounts)
        func word(_ offset: Int) -> UInt64 {
            let word = buffer.bytes.load(fromByteOffset: 16 * number + offset, as: UInt64.self)
            return isBigEndian ? UInt64(bigEndian: word) : UInt64(littleEndian: word)
        }
        let (offset, count) = (word(0), word(8))
        if offset == .max, count == .max { return nil }
        guard let bytes = encoded.part(at: offset, count: count) else {
            throw place.damaged("it should be \(count) bytes at byte \(offset) of a shard of \(encoded.count)")
        }
        return bytes
    }
}

extension ZarrCodecPipeline.Index {
    /// Bytes that the index of so many inner chunks takes.
    func byteCount(chunkCount: Int) -> Int { 16 * chunkCount + 4 * checksumCount }
}
