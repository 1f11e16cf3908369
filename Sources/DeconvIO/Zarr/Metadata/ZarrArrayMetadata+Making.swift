package import DeconvVolume

extension ZarrArrayMetadata {
    /// The metadata of a new array.
    /// - Parameters:
    ///   - chunkShape: what goes into one file.
    ///   - innerChunkShape: what is compressed at once where one file holds more than that: then the file is a shard, a multiple
    ///     of the inner chunk along each axis. Version 3 only. Nil for a file a chunk.
    ///   - fillValue: what is there where nothing was written; nil for zero.
    ///   - compression: what the bytes go through; an empty list leaves them as they are, nil is Blosc with LZ4 on shuffled
    ///     bytes, or Zstandard for chunks that are too large for Blosc.
    ///   - separator: between the numbers in the names of chunks; nil for what zarr-python takes, `.` in version 2 and `/` in
    ///     version 3.
    ///   - isBigEndian: byte order of the elements.
    ///   - isFortranOrder: whether the first axis is fastest in a chunk.
    ///   - dimensionNames: a name per axis.
    /// - Throws: `invalidArgument` where it cannot be written like that.
    package init(
        version: ZarrVersion,
        shape: [Int],
        chunkShape: [Int],
        innerChunkShape: [Int]? = nil,
        dataType: ZarrDataType,
        fillValue: ZarrFillValue? = nil,
        compression: [ZarrByteCodec]? = nil,
        separator: ZarrChunkKeys.Separator? = nil,
        isBigEndian: Bool = false,
        isFortranOrder: Bool = false,
        attributes: JSONObject = [:],
        dimensionNames: [String?]? = nil
    ) throws(DeconvolutionError) {
        let decodedShape = innerChunkShape ?? chunkShape
        let decodedByteCount = Int.product(decodedShape + [dataType.byteCount]) ?? .max
        var codecs = ZarrCodecPipeline(
            layout: .elements(isBigEndian: isBigEndian),
            byteCodecs: compression ?? [ZarrByteCodec.standard(chunkByteCount: decodedByteCount)]
        )
        if isFortranOrder, shape.count > 1 { codecs.transposes = [Array(shape.indices.reversed())] }
        if let innerChunkShape {
            codecs = ZarrCodecPipeline(
                layout: .shard(ZarrCodecPipeline.Shard(innerChunkShape: innerChunkShape, pipeline: codecs))
            )
        }
        let keys: ZarrChunkKeys =
            version == .two
            ? .version2(separator: separator ?? .dot) : .standard(separator: separator ?? .slash)
        try self.init(
            checking: version,
            shape: shape,
            chunkShape: chunkShape,
            dataType: dataType,
            fillValue: fillValue ?? .zero(dataType),
            chunkKeys: keys,
            codecs: codecs,
            attributes: attributes,
            dimensionNames: dimensionNames
        )
    }

    /// Metadata of another array that is stored as this one is: version, codecs and names of chunks stay, and so does what is
    /// not given.
    /// - Parameters:
    ///   - chunkShape: what is in one file, and must still be a multiple of the inner chunks of shards.
    ///   - fillValue: nil for zero.
    /// - Throws: `invalidArgument` where it cannot be written like that.
    package func replacing(
        shape: [Int]? = nil,
        chunkShape: [Int]? = nil,
        dataType: ZarrDataType? = nil,
        fillValue: ZarrFillValue? = nil,
        attributes: JSONObject? = nil,
        dimensionNames: [String?]?? = .none
    ) throws(DeconvolutionError) -> ZarrArrayMetadata {
        let dataType = dataType ?? self.dataType
        return try ZarrArrayMetadata(
            checking: version,
            shape: shape ?? self.shape,
            chunkShape: chunkShape ?? self.chunkShape,
            dataType: dataType,
            fillValue: fillValue ?? .zero(dataType),
            chunkKeys: chunkKeys,
            codecs: dataType == self.dataType ? codecs : codecs.forElements(of: dataType, insteadOf: self.dataType),
            attributes: attributes ?? self.attributes,
            dimensionNames: dimensionNames ?? self.dimensionNames
        )
    }

    private init(
        checking version: ZarrVersion,
        shape: [Int],
        chunkShape: [Int],
        dataType: ZarrDataType,
        fillValue: ZarrFillValue,
        chunkKeys: ZarrChunkKeys,
        codecs: ZarrCodecPipeline,
        attributes: JSONObject,
        dimensionNames: [String?]?
    ) throws(DeconvolutionError) {
        precondition(fillValue.bytes.count == dataType.byteCount, "the fill value is of another type")
        var attributes = attributes
        do throws(ZarrProblem) {
            if version == .two {
                try codecs.requireVersion2()
                attributes[Self.dimensionsAttribute] = nil
            }
            try self.init(
                version: version,
                shape: shape,
                chunkShape: chunkShape,
                dataType: dataType,
                fillValue: fillValue,
                chunkKeys: chunkKeys,
                codecs: codecs,
                attributes: attributes,
                dimensionNames: dimensionNames
            )
            try codecs.requireEncodable(chunkShape: self.chunkShape, elementSize: dataType.byteCount)
        } catch {
            throw DeconvolutionError(.invalidArgument, "the array to write: \(error.messageForWriting)")
        }
    }
}

extension ZarrByteCodec {
    /// What a new array is compressed with where nobody says; Documentation/Decisions/zarr.md has the measurement.
    package static func standard(chunkByteCount: Int) -> ZarrByteCodec {
        chunkByteCount <= BloscCodec.largestByteCount ? .blosc(BloscCodec()) : .zstd(level: 0)
    }

    /// The most bytes that it encodes at once, or nil where there is no limit.
    fileprivate var largestByteCount: Int? {
        switch self {
        case .blosc: BloscCodec.largestByteCount
        case .lz4: LZ4Codec.largestByteCount
        default: nil
        }
    }
}

extension ZarrCodecPipeline {
    /// Refuses what version 2 has no words for.
    fileprivate func requireVersion2() throws(ZarrProblem) {
        guard case .elements = layout else { throw ZarrProblem("version 2 has no shards; choose version 3") }
    }

    /// Refuses settings that a codec does not have, and chunks that are too large for it: before anything is written.
    fileprivate func requireEncodable(chunkShape: [Int], elementSize: Int) throws(ZarrProblem) {
        for codec in byteCodecs { if let problem = codec.encodingProblem { throw ZarrProblem(problem) } }
        if case .shard(let shard) = layout {
            return try shard.pipeline.requireEncodable(chunkShape: shard.innerChunkShape, elementSize: elementSize)
        }
        let byteCount = chunkShape.reduce(elementSize, *)
        for codec in byteCodecs {
            guard let largest = codec.largestByteCount, byteCount > largest else { continue }
            throw ZarrProblem(
                "\(codec.name) takes chunks of up to \(largest) bytes, not \(byteCount); choose smaller chunks or zstd"
            )
        }
    }

    /// The same for elements of another type: Blosc is not told their size, shuffle is told the new one, and differences are left
    /// out, which are of one type.
    fileprivate func forElements(of type: ZarrDataType, insteadOf old: ZarrDataType) -> ZarrCodecPipeline {
        var pipeline = self
        pipeline.byteCodecs = byteCodecs.compactMap { $0.forElements(of: type, insteadOf: old) }
        if case .shard(var shard) = layout {
            shard.pipeline = shard.pipeline.forElements(of: type, insteadOf: old)
            pipeline.layout = .shard(shard)
        }
        return pipeline
    }
}

extension ZarrByteCodec {
    /// The same for elements of another type; nil where it makes no sense for them.
    func forElements(of type: ZarrDataType, insteadOf old: ZarrDataType) -> ZarrByteCodec? {
        switch self {
        case .blosc(var blosc) where type.byteCount != old.byteCount:
            blosc.typeSize = nil
            return .blosc(blosc)
        case .shuffle(old.byteCount): return .shuffle(elementSize: type.byteCount)
        case .delta: return nil
        default: return self
        }
    }
}
