import DeconvVolume

/// Encoded bytes in pieces, in the order in which they go to the file.
struct EncodedChunk {
    /// The pieces, each with what keeps its memory; nil for the caller's own.
    private(set) var pieces: [(bytes: UnsafeRawBufferPointer, owner: ByteBuffer?)] = []
    /// Bytes of all of them.
    private(set) var byteCount = 0

    mutating func append(_ bytes: UnsafeRawBufferPointer, _ owner: ByteBuffer?) {
        pieces.append((bytes, owner))
        byteCount += bytes.count
    }

    mutating func append(_ other: EncodedChunk) {
        pieces += other.pieces
        byteCount += other.byteCount
    }

    /// All pieces in one.
    func joined(_ place: ChunkPlace) throws(DeconvolutionError) -> (bytes: UnsafeRawBufferPointer, owner: ByteBuffer?) {
        if pieces.count == 1 { return pieces[0] }
        let buffer = try ByteBuffer(byteCount: byteCount, for: place.path)
        var position = 0
        for piece in pieces {
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[position...]).copyMemory(from: piece.bytes)
            position += piece.bytes.count
        }
        return (UnsafeRawBufferPointer(buffer.bytes), buffer)
    }
}

extension ZarrCodecPipeline {
    /// Encodes a chunk.
    /// - Parameters:
    ///   - source: the first element, in this machine's byte order, and bytes to the next one per axis. Stays for as
    ///     long as the result is used.
    ///   - extent: how many elements there are per axis, at least 1; up to `shape` the rest gets the fill value.
    ///   - shape: of the whole chunk.
    func encode(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        extent: [Int],
        shape: [Int],
        _ element: ZarrElement,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> EncodedChunk {
        let source = (base: source.base, strides: transposed(source.strides))
        let (extent, shape) = (transposed(extent), transposed(shape))
        var encoded = EncodedChunk()
        switch layout {
        case .elements(let isBigEndian):
            let swaps = element.swaps(isBigEndian: isBigEndian)
            let (bytes, owner) = try elements(source, extent, shape, element, swapping: swaps, place)
            let result = try ZarrByteCodec.encode(byteCodecs, bytes, elementSize: element.size, place)
            // Without codecs the result is what was laid out.
            encoded.append(result.bytes, result.owner ?? owner)
            withExtendedLifetime(owner) {}
        case .shard(let shard):
            encoded = try shard.encode(source, extent: extent, shape: shape, element, place)
            guard !byteCodecs.isEmpty else { break }
            let (bytes, owner) = try encoded.joined(place)
            let result = try ZarrByteCodec.encode(byteCodecs, bytes, elementSize: 1, place)
            encoded = EncodedChunk()
            encoded.append(result.bytes, result.owner)
            withExtendedLifetime(owner) {}
        }
        return encoded
    }

    /// The elements of a whole chunk as they are stored: the caller's own memory where that is what it holds.
    private func elements(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        _ extent: [Int],
        _ shape: [Int],
        _ element: ZarrElement,
        swapping: Bool,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> (UnsafeRawBufferPointer, ByteBuffer?) {
        let byteCount = shape.reduce(element.size, *)
        let elements = StridedElements(base: UnsafeMutableRawPointer(mutating: source.base), strides: source.strides)
        if extent == shape, !swapping, elements.isContiguous(shape, width: element.size) {
            return (UnsafeRawBufferPointer(start: source.base, count: byteCount), nil)
        }
        let buffer = try ByteBuffer(byteCount: byteCount, for: place.path)
        let target = StridedElements(
            base: buffer.bytes.baseAddress!,
            strides: StridedElements.contiguous(shape, width: element.size)
        )
        if extent != shape {
            let fill = swapping ? element.fill.reversed() : element.fill
            StridedElements.fill(target, shape: shape, with: fill)
        }
        StridedElements.copy(source, to: target, shape: extent, width: element.size, swapping: swapping)
        return (UnsafeRawBufferPointer(buffer.bytes), buffer)
    }
}

extension ZarrCodecPipeline.Shard {
    /// Encodes a shard; inner chunks beyond `extent` are left out.
    fileprivate func encode(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        extent: [Int],
        shape: [Int],
        _ element: ZarrElement,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> EncodedChunk {
        let chunkCounts = chunkCounts(shape)
        let chunkCount = chunkCounts.reduce(1, *)
        let indexBytes = index.byteCount(chunkCount: chunkCount)
        let table = try ByteBuffer(byteCount: indexBytes, for: place.path)
        table.bytes.initializeMemory(as: UInt8.self, repeating: 0xFF)
        func set(_ number: Int, _ offset: Int, _ count: Int) {
            for (word, position) in [(UInt64(offset), 16 * number), (UInt64(count), 16 * number + 8)] {
                let stored = index.isBigEndian ? word.bigEndian : word.littleEndian
                table.bytes.storeBytes(of: stored, toByteOffset: position, as: UInt64.self)
            }
        }

        var chunks = EncodedChunk()
        let grid = ChunkGrid(chunkShape: innerChunkShape)
        try grid.forEach(in: ArrayRegion(extent)) { (position, part) throws(DeconvolutionError) in
            let chunk = try pipeline.encode(
                (source.base + StridedElements.offset(of: part.origin, source.strides), source.strides),
                extent: part.shape,
                shape: innerChunkShape,
                element,
                place.inner(position)
            )
            set(
                Self.number(of: position, chunkCounts),
                chunks.byteCount + (index.isAtStart ? indexBytes : 0),
                chunk.byteCount
            )
            chunks.append(chunk)
        }
        for checksum in 0..<index.checksumCount {
            let end = 16 * chunkCount + 4 * checksum
            let value = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: table.bytes[..<end]))
            table.bytes.storeBytes(of: value.littleEndian, toByteOffset: end, as: UInt32.self)
        }

        var encoded = EncodedChunk()
        if index.isAtStart { encoded.append(UnsafeRawBufferPointer(table.bytes), table) }
        encoded.append(chunks)
        if !index.isAtStart { encoded.append(UnsafeRawBufferPointer(table.bytes), table) }
        return encoded
    }
}
