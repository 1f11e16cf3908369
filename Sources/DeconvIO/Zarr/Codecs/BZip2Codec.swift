import CBZip2
import DeconvVolume

/// The streams of bzip2; several may follow each other.
enum BZip2Codec {
    // bzip2 counts in 32 bits, chunks in 64.
    private static let longestPart = 1 << 30

    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var (taken, made) = (0, 0)
        repeat {
            var stream = bz_stream()
            guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else { throw outOfMemory(place) }
            defer { BZ2_bzDecompressEnd(&stream) }
            var status = BZ_OK
            while status != BZ_STREAM_END {
                let input = min(encoded.count - taken, longestPart)
                let output = min(target.count - made, longestPart)
                stream.next_in = UnsafeMutablePointer(
                    mutating: (encoded.baseAddress! + taken).assumingMemoryBound(to: CChar.self)
                )
                stream.avail_in = UInt32(input)
                stream.next_out = target.baseAddress.map { ($0 + made).assumingMemoryBound(to: CChar.self) }
                stream.avail_out = UInt32(output)
                status = BZ2_bzDecompress(&stream)
                let (consumed, produced) = (input - Int(stream.avail_in), output - Int(stream.avail_out))
                taken += consumed
                made += produced
                switch status {
                case BZ_STREAM_END: break
                case BZ_OK where consumed > 0 || produced > 0: break
                case BZ_OK:
                    guard taken == encoded.count else {
                        throw place.damaged("its bz2 stream holds more than \(target.count) bytes")
                    }
                    throw place.damaged("its bz2 stream ends too early")
                case BZ_MEM_ERROR: throw outOfMemory(place)
                case BZ_DATA_ERROR_MAGIC: throw place.damaged("it is no bz2 stream")
                default: throw place.damaged("its bz2 stream is not valid")
                }
            }
        } while taken < encoded.count
        return made
    }

    /// The most bytes that a stream of `count` takes: 1 % and 600 bytes more, says its manual.
    static func largestEncoding(_ count: Int) -> Int { count + count / 100 + 601 }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    static func encode(
        _ bytes: UnsafeRawBufferPointer,
        level: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = bz_stream()
        guard BZ2_bzCompressInit(&stream, Int32(level), 0, 0) == BZ_OK else { throw outOfMemory(place) }
        defer { BZ2_bzCompressEnd(&stream) }
        var (taken, made) = (0, 0)
        while true {
            let input = min(bytes.count - taken, longestPart)
            let output = min(target.count - made, longestPart)
            stream.next_in = UnsafeMutablePointer(
                mutating: (bytes.baseAddress! + taken).assumingMemoryBound(to: CChar.self)
            )
            stream.avail_in = UInt32(input)
            stream.next_out = (target.baseAddress! + made).assumingMemoryBound(to: CChar.self)
            stream.avail_out = UInt32(output)
            // Once it is finishing, the amount of input must not change between calls.
            let isLast = taken + input == bytes.count
            let status = BZ2_bzCompress(&stream, isLast ? BZ_FINISH : BZ_RUN)
            taken += input - Int(stream.avail_in)
            made += output - Int(stream.avail_out)
            if status == BZ_STREAM_END { return made }
            precondition(status == BZ_FINISH_OK || status == BZ_RUN_OK, "bzip2 accepts what it is given")
            precondition(made < target.count, "bzip2 fits into its bound")
        }
    }

    private static func outOfMemory(_ place: ChunkPlace) -> DeconvolutionError {
        DeconvolutionError(
            .outOfMemory,
            "\(place.path.inMessage): no memory for bz2; close other programs and try again"
        )
    }
}
