import DeconvVolume

/// A step from bytes to bytes: a compressor, a filter, or a checksum.
package enum ZarrByteCodec: Hashable, Sendable {
    /// zlib's stream, level 0 to 9.
    case zlib(level: Int)
    /// gzip's file, level 0 to 9.
    case gzip(level: Int)
    /// A Zstandard frame, level 1 to 22 or negative; 0 is 3.
    case zstd(level: Int, hasChecksum: Bool = false)
    /// numcodecs' LZ4: a block behind its size.
    case lz4(acceleration: Int = 1)
    /// bzip2's file, level 1 to 9.
    case bz2(level: Int)
    /// Blosc 1.
    case blosc(BloscCodec)
    /// The bytes, and behind them 4 bytes of their CRC-32C, little-endian.
    case crc32c
    /// LZMA's streams.
    case lzma(LZMACodec)
    /// First bytes of elements of so many bytes first, at least 1; a filter that a compressor follows.
    case shuffle(elementSize: Int)
    /// Differences of neighbors; a filter that a compressor follows.
    case delta(DeltaCodec)
}

extension ZarrByteCodec {
    /// What messages call it.
    package var name: String {
        switch self {
        case .zlib: "zlib"
        case .gzip: "gzip"
        case .zstd: "zstd"
        case .lz4: "lz4"
        case .bz2: "bz2"
        case .blosc: "blosc"
        case .crc32c: "crc32c"
        case .lzma: "lzma"
        case .shuffle: "shuffle"
        case .delta: "delta"
        }
    }

    /// Why it cannot encode with its settings, and what to do; nil where it can.
    var encodingProblem: String? {
        func outside(_ levels: ClosedRange<Int>, _ level: Int) -> String? {
            if levels ~= level { return nil }
            return "\(name) has levels \(levels.lowerBound) to \(levels.upperBound), not \(level); choose one of these"
        }
        switch self {
        // -1 is zlib's own choice.
        case .zlib(let level), .gzip(let level): return level == -1 ? nil : outside(0...9, level)
        case .zstd(let level, _): return outside(ZstandardCodec.levels, level)
        case .bz2(let level): return outside(1...9, level)
        case .blosc(let codec): return outside(0...9, codec.level) ?? codec.compressor.availabilityProblem
        case .lzma(let codec): return codec.encodingProblem
        case .lz4, .crc32c, .shuffle, .delta: return nil
        }
    }

    /// No stream of this codec decodes to more bytes than this per byte: a chunk that claims more is damaged.
    ///
    /// LZ4: a byte adds at most 255 to a match. Deflate: at most 1032. Zstandard's run blocks make 128 KiB of 4 bytes.
    /// Blosc may hold a Zstandard frame a block. bzip2: 45899236 zero bytes make 45 (its manual), so 2^21 is beyond it. LZMA codes
    /// a match of 273 bytes in far more than 2^-13 bytes.
    private var largestExpansion: Int {
        switch self {
        case .crc32c, .shuffle: 1
        case .delta(let codec): max(1, codec.decoded.type.byteCount / codec.stored.type.byteCount)
        case .lz4: 256
        case .zlib, .gzip: 1100
        case .zstd, .blosc: 1 << 17
        case .bz2, .lzma: 1 << 21
        }
    }

    /// The most bytes that an encoding of `count` bytes takes when we write it.
    func largestEncoding(_ count: Int) -> Int {
        switch self {
        case .zlib, .gzip: DeflateCodec.largestEncoding(count)
        case .zstd: ZstandardCodec.largestEncoding(count)
        case .lz4: LZ4Codec.largestEncoding(count)
        case .bz2: BZip2Codec.largestEncoding(count)
        case .blosc: BloscCodec.largestEncoding(count)
        case .crc32c: count + 4
        case .lzma: LZMACodec.largestEncoding(count)
        case .shuffle: count
        case .delta(let codec): codec.largestEncoding(count)
        }
    }

    /// The most bytes that there can sensibly be after each of a sequence of codecs, whoever wrote it, and in front of the first
    /// as many as are given.
    private static func limits(_ codecs: [ZarrByteCodec], from count: Int) -> [Int] {
        // Twice as much, and a header, but never far more than the largest chunk, whatever metadata claim.
        let largest = ZarrCodecPipeline.largestChunkByteCount
        return codecs.reduce(into: [count]) { limits, codec in
            // Differences may be stored as a larger type.
            let factor = if case .delta = codec { 8 } else { 2 }
            limits.append(factor * min(limits[limits.count - 1], largest) + 65_536)
        }
    }

    /// Decodes into the start of `target`, and gives the number of bytes.
    /// - Throws: `invalidData` naming the place where the bytes are damaged or hold more than `target` takes.
    func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard !encoded.isEmpty else { throw place.damaged("it is empty") }
        switch self {
        case .zlib: return try DeflateCodec.decode(encoded, .zlib, into: target, place)
        case .gzip: return try DeflateCodec.decode(encoded, .gzip, into: target, place)
        case .zstd: return try ZstandardCodec.decode(encoded, into: target, place)
        case .lz4: return try LZ4Codec.decode(encoded, into: target, place)
        case .bz2: return try BZip2Codec.decode(encoded, into: target, place)
        case .blosc: return try BloscCodec.decode(encoded, into: target, place)
        case .crc32c:
            let bytes = try Self.checked(encoded, place)
            guard bytes.count <= target.count else {
                throw place.damaged("it holds \(bytes.count) bytes where \(target.count) fit")
            }
            target.copyMemory(from: bytes)
            return bytes.count
        case .lzma(let codec): return try codec.decode(encoded, into: target, place)
        case .shuffle(let size): return try ShuffleCodec.decode(encoded, elementSize: size, into: target, place)
        case .delta(let codec): return try codec.decode(encoded, into: target, place)
        }
    }

    /// The bytes in front of their checksum, which is right.
    static func checked(
        _ encoded: UnsafeRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> UnsafeRawBufferPointer {
        guard encoded.count >= 4 else { throw place.damaged("\(encoded.count) bytes have no checksum") }
        let bytes = UnsafeRawBufferPointer(rebasing: encoded.dropLast(4))
        let stored = UInt32(littleEndian: encoded.loadUnaligned(fromByteOffset: bytes.count, as: UInt32.self))
        guard CRC32C.checksum(bytes) == stored else { throw place.damaged("its CRC-32C checksum is wrong") }
        return bytes
    }

    /// Encodes into the start of `target`, which has room for `largestEncoding`, and gives the number of bytes.
    func encode(
        _ bytes: UnsafeRawBufferPointer,
        elementSize: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        if let encodingProblem { throw place.refused(encodingProblem) }
        switch self {
        case .zlib(let level): return try DeflateCodec.encode(bytes, .zlib, level: level, into: target, place)
        case .gzip(let level): return try DeflateCodec.encode(bytes, .gzip, level: level, into: target, place)
        case .zstd(let level, let hasChecksum):
            return try ZstandardCodec.encode(bytes, level: level, hasChecksum: hasChecksum, into: target, place)
        case .lz4(let acceleration):
            return try LZ4Codec.encode(bytes, acceleration: acceleration, into: target, place)
        case .bz2(let level): return try BZip2Codec.encode(bytes, level: level, into: target, place)
        case .blosc(let codec): return try codec.encode(bytes, elementSize: elementSize, into: target, place)
        case .crc32c:
            target.copyMemory(from: bytes)
            target.storeBytes(of: CRC32C.checksum(bytes).littleEndian, toByteOffset: bytes.count, as: UInt32.self)
            return bytes.count + 4
        case .lzma(let codec): return try codec.encode(bytes, into: target, place)
        case .shuffle(let size): return try ShuffleCodec.encode(bytes, elementSize: size, into: target, place)
        case .delta(let codec): return try codec.encode(bytes, into: target, place)
        }
    }

    /// Decodes a sequence of codecs, listed in the order of encoding, into `target`, which it must fill.
    static func decode(
        _ codecs: [ZarrByteCodec],
        _ encoded: ChunkBytes,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) {
        // The sizes between two codecs are known only roughly: each buffer has room for the most that makes sense, of
        // which the system gives what is touched.
        let limits = limits(codecs, from: target.count)
        guard encoded.count <= UInt64(limits[codecs.count]) else {
            throw place.damaged("\(encoded.count) bytes are more than \(target.count) take encoded")
        }
        guard !codecs.isEmpty else {
            guard encoded.count == UInt64(target.count) else { throw wrongCount(Int(encoded.count), target, place) }
            return try encoded.read(into: target, at: 0)
        }
        let expansion = codecs.reduce(1.0) { $0 * Double($1.largestExpansion) }
        guard Double(encoded.count) * expansion >= Double(target.count) else {
            throw place.damaged("\(encoded.count) bytes of \(name(codecs)) are too few for \(target.count)")
        }
        var (buffer, range) = try encoded.inMemory(place)
        for step in codecs.indices.reversed() {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[range])
            if codecs[step] == .crc32c, step > 0 {
                _ = try checked(bytes, place)
                range = range.dropLast(4)
                continue
            }
            if step == 0 {
                let count = try codecs[step].decode(bytes, into: target, place)
                guard count == target.count else { throw wrongCount(count, target, place) }
            } else {
                let next = try ByteBuffer(byteCount: limits[step], for: place.path)
                range = 0..<(try codecs[step].decode(bytes, into: next.bytes, place))
                buffer = next
            }
        }
    }

    /// Decodes a sequence of codecs around a shard, of whose size only a limit is known: that of the largest chunk, or less.
    static func decodeShard(
        _ codecs: [ZarrByteCodec],
        _ encoded: ChunkBytes,
        limit: Int,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> ChunkBytes {
        let limits = limits(codecs, from: limit)
        // Before anything is read: a file takes no room on the disk for what was never written.
        guard encoded.count <= UInt64(limits[codecs.count]) else {
            throw place.damaged("\(encoded.count) bytes are more than its shard takes encoded")
        }
        var (buffer, range) = try encoded.inMemory(place)
        for (codec, limit) in zip(codecs, limits).reversed() {
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[range])
            if codec == .crc32c {
                _ = try checked(bytes, place)
                range = range.dropLast(4)
                continue
            }
            // Of this the system gives what is touched.
            let room = min(limit, bytes.count * codec.largestExpansion)
            let next = try ByteBuffer(byteCount: room, for: place.path)
            range = 0..<(try codec.decode(bytes, into: next.bytes, place))
            buffer = next
        }
        return .memory(buffer, range)
    }

    private static func wrongCount(
        _ count: Int,
        _ target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) -> DeconvolutionError {
        place.damaged("it holds \(count) bytes instead of \(target.count)")
    }

    private static func name(_ codecs: [ZarrByteCodec]) -> String { codecs.map(\.name).joined(separator: " + ") }

    /// Encodes with a sequence of codecs, and gives the bytes with the buffer that they lie in.
    /// - Parameter bytes: stays as it is, and is what comes back where there are no codecs.
    static func encode(
        _ codecs: [ZarrByteCodec],
        _ bytes: UnsafeRawBufferPointer,
        elementSize: Int,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> (bytes: UnsafeRawBufferPointer, owner: ByteBuffer?) {
        var (bytes, owner): (UnsafeRawBufferPointer, ByteBuffer?) = (bytes, nil)
        for (step, codec) in codecs.enumerated() {
            let buffer = try ByteBuffer(byteCount: codec.largestEncoding(bytes.count), for: place.path)
            // After a compressor, nothing is left of the elements.
            let size = codecs[..<step].allSatisfy { $0 == .crc32c } ? elementSize : 1
            let count = try codec.encode(bytes, elementSize: size, into: buffer.bytes, place)
            bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
            withExtendedLifetime(owner) { owner = buffer }
        }
        return (bytes, owner)
    }
}
