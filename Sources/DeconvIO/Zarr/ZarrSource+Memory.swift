package import DeconvVolume

extension ZarrSource {
    /// What reading parts of a shape takes beside their voxels.
    ///
    /// Each thread has a chunk as its file has it, the decoded one where that does not go right into place, and of types that
    /// are converted its part as stored. Parts of chunks come from those that are kept.
    package func readingMemory(of part: VolumeShape) -> ReadingMemory {
        let metadata = array.metadata
        let box = layout.region(Region(part), channel: 0, timepoint: 0)
        let type = metadata.dataType
        let isPartial = box.shape.indices.contains { decodedShape[$0] > 1 && box.shape[$0] < metadata.shape[$0] }
        let isKept = isPartial && keepsChunks
        // As many as a part of that shape may touch, wherever it lies.
        let touched = Self.product(
            box.shape.indices.map { axis in
                let (chunk, wanted) = (decodedShape[axis], box.shape[axis])
                let count = (metadata.shape[axis] + chunk - 1) / chunk
                return wanted == metadata.shape[axis] ? count : min(count, (wanted + chunk - 2) / chunk + 1)
            }
        )
        let atOnce = min(threadCount, touched)
        let chunkBytes = min(decodedChunkByteCount, Self.largestByteCount)
        let least = isKept && part != image.shape ? chunkBytes : 0
        var perThread = metadata.codecs.stepCount * chunkBytes + metadata.codecs.indexByteCount(metadata.chunkShape)
        let isConverted = type.pixelType.inMemory == .float32 && type != .float32
        let isDecodedIntoPlace = !isPartial && !isConverted && hasContiguousChunks(in: part)
        // A single one is decoded to where it is kept.
        if !isDecodedIntoPlace, atOnce > 1 || least == 0 { perThread += chunkBytes }
        var buffers = atOnce * perThread
        if isConverted {
            let largest = parts(of: box).map { Self.product($0.shape + [type.byteCount]) }.max() ?? 0
            buffers += min(atOnce * largest, Self.product(box.shape + [type.byteCount]))
        }
        return ReadingMemory(
            bufferBytes: buffers,
            leastKeptBytes: least,
            mostKeptBytes: isKept ? max(least, Self.product([touched, chunkBytes])) : 0
        )
    }

    /// Whether every chunk is whole, and lies in a part that is read as it does in its file.
    private func hasContiguousChunks(in part: VolumeShape) -> Bool {
        guard !array.metadata.codecs.hasTransposes, zip(array.metadata.shape, decodedShape).allSatisfy({ $0 % $1 == 0 })
        else { return false }
        var next = 1
        for (extent, step) in zip(decodedShape, layout.steps(in: part)).reversed() where extent > 1 {
            guard step == next else { return false }
            next *= extent
        }
        return true
    }

    /// See `ImageFileSource.limitKeptBytes`.
    package func limitKeptBytes(_ limit: (_ now: Int) -> Int) { cache.changeLimit(limit) }

    /// More than any machine has, and little enough to be added up.
    private static let largestByteCount = 1 << 50

    private static func product(_ factors: [Int]) -> Int { min(Int.product(factors) ?? .max, largestByteCount) }
}

extension ZarrCodecPipeline {
    /// How many encodings of a chunk are in memory while it is decoded: what its file has, and what one codec gives the next.
    fileprivate var stepCount: Int {
        switch layout {
        case .elements: min(byteCodecs.count, 2)
        case .shard(let shard): max(min(byteCodecs.count, 2), shard.pipeline.stepCount)
        }
    }

    /// Whether its axes, or those of inner chunks, come in another order.
    fileprivate var hasTransposes: Bool {
        guard transposes.isEmpty else { return true }
        guard case .shard(let shard) = layout else { return false }
        return shard.pipeline.hasTransposes
    }

    /// Bytes of the index of a shard, and of those in it.
    fileprivate func indexByteCount(_ shape: [Int]) -> Int {
        guard case .shard(let shard) = layout else { return 0 }
        let count = Int.product(shard.chunkCounts(transposed(shape))) ?? 0
        return shard.index.byteCount(chunkCount: count) + shard.pipeline.indexByteCount(shard.innerChunkShape)
    }
}
