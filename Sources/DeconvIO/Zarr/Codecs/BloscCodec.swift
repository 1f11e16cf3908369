import CBlosc
import DeconvVolume

/// Blosc 1: blocks, shuffled and compressed by one of several compressors.
package struct BloscCodec: Hashable, Sendable {
    /// What blocks are compressed with.
    package enum Compressor: String, CaseIterable, Sendable {
        case blosclz, lz4, lz4hc, snappy, zlib, zstd
    }

    /// How the bytes or bits of elements are regrouped first.
    package enum Shuffle: Int, CaseIterable, Sendable {
        /// By bits for elements of one byte, else by bytes; Zarr version 2 only.
        case automatic = -1
        /// Not at all.
        case none = 0
        /// First bytes first, then second bytes, and so on.
        case bytes = 1
        /// The same with bits.
        case bits = 2
    }

    /// What blocks are compressed with.
    package var compressor: Compressor
    /// 0 (none) to 9.
    package var level: Int
    /// How elements are regrouped first.
    package var shuffle: Shuffle
    /// Bytes of an element; nil takes those of the array.
    package var typeSize: Int?
    /// Bytes of a block; 0 lets Blosc choose.
    package var blockSize: Int

    /// A codec; what is left out is what Blosc itself recommends.
    package init(
        _ compressor: Compressor = .lz4,
        level: Int = 5,
        shuffle: Shuffle = .bytes,
        typeSize: Int? = nil,
        blockSize: Int = 0
    ) {
        self.compressor = compressor
        self.level = level
        self.shuffle = shuffle
        self.typeSize = typeSize
        self.blockSize = blockSize
    }
}

extension BloscCodec {
    private static let headerSize = 16

    /// More than any of its compressors takes to decode.
    private static let compressorMemory = 1 << 18

    /// The most bytes that a buffer can stand for.
    static let largestByteCount = Int(Int32.max) - headerSize

    /// What this Blosc was built with.
    fileprivate static let available = Set(
        String(cString: blosc_list_compressors()).split(separator: ",").map(String.init)
    )

    /// Decodes into the start of `target`, and gives the number of bytes. All it needs to know is in the buffer.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var count = 0
        // Holds every size in the header against the others and against what is there.
        guard encoded.count >= headerSize, blosc_cbuffer_validate(encoded.baseAddress, encoded.count, &count) == 0
        else {
            throw place.damaged("\(encoded.count) bytes are no Blosc buffer")
        }
        guard count <= target.count else {
            throw place.damaged("its Blosc buffer claims \(count) bytes where \(target.count) fit")
        }
        guard count > 0 else { return 0 }
        // Blosc prints on standard error when it meets a compressor that it lacks.
        let formats: [Compressor] = [.blosclz, .lz4, .snappy, .zlib, .zstd]
        let format = Int(encoded[2] >> 5)
        guard format < formats.count else { throw place.damaged("its Blosc buffer has the unknown format \(format)") }
        if let problem = formats[format].availabilityProblem {
            throw DeconvolutionError(.invalidData, "\(place.path.inMessage): its Blosc buffer: \(problem)")
        }
        // What it says without memory is what it says of damage, if it does not crash.
        var (decodedSize, encodedSize, blockSize) = (0, 0, 0)
        blosc_cbuffer_sizes(encoded.baseAddress, &decodedSize, &encodedSize, &blockSize)
        _ = try ByteBuffer(byteCount: 3 * min(max(blockSize, 0), count) + compressorMemory, for: place.path)
        guard blosc_decompress_ctx(encoded.baseAddress, target.baseAddress, target.count, 1) == Int32(count) else {
            throw place.damaged("its Blosc buffer (\(formats[format].rawValue)) is not valid")
        }
        return count
    }

    /// The most bytes that a buffer of `count` takes.
    static func largestEncoding(_ count: Int) -> Int { count + headerSize }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    func encode(
        _ bytes: UnsafeRawBufferPointer,
        elementSize: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard bytes.count <= Self.largestByteCount else {
            throw place.refused(
                "Blosc takes chunks of up to \(Self.largestByteCount) bytes, not \(bytes.count); choose smaller chunks or "
                    + "zstd"
            )
        }
        let size = typeSize ?? elementSize
        let shuffle: Shuffle = shuffle == .automatic ? (size == 1 ? .bits : .bytes) : shuffle
        let count = compressor.rawValue.withCString { name in
            blosc_compress_ctx(
                Int32(level),
                Int32(shuffle.rawValue),
                size,
                bytes.count,
                bytes.baseAddress,
                target.baseAddress,
                target.count,
                name,
                max(0, blockSize),
                1
            )
        }
        guard count > 0 else { throw place.outOfMemory(for: "blosc") }
        return Int(count)
    }
}

extension BloscCodec.Compressor {
    /// That this build of Blosc lacks it, and what to do; nil where it does not.
    var availabilityProblem: String? {
        BloscCodec.available.contains(rawValue)
            ? nil : "needs Blosc with \(rawValue), which this build of Blosc lacks; write the array with another codec"
    }
}
