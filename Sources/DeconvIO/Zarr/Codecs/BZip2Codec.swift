import CBZip2
import DeconvVolume

/// The streams of bzip2; several may follow each other.
enum BZip2Codec {
    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var bytes = SteppedBytes(encoded, into: target)
        repeat {
            var stream = bz_stream()
            guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else { throw place.outOfMemory(for: "bz2") }
            defer { BZ2_bzDecompressEnd(&stream) }
            var status = BZ_OK
            while status != BZ_STREAM_END {
                stream.setStep(bytes)
                status = BZ2_bzDecompress(&stream)
                let hasMoved = bytes.advance(inputLeft: stream.avail_in, outputLeft: stream.avail_out)
                switch status {
                case BZ_STREAM_END: break
                case BZ_OK where hasMoved: break
                case BZ_OK:
                    guard bytes.rest.isEmpty else {
                        throw place.damaged("its bz2 stream holds more than \(target.count) bytes")
                    }
                    throw place.damaged("its bz2 stream ends too early")
                case BZ_MEM_ERROR: throw place.outOfMemory(for: "bz2")
                case BZ_DATA_ERROR_MAGIC: throw place.damaged("it is no bz2 stream")
                default: throw place.damaged("its bz2 stream is not valid")
                }
            }
        } while !bytes.rest.isEmpty
        return bytes.made
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
        guard BZ2_bzCompressInit(&stream, Int32(level), 0, 0) == BZ_OK else { throw place.outOfMemory(for: "bz2") }
        defer { BZ2_bzCompressEnd(&stream) }
        var bytes = SteppedBytes(bytes, into: target)
        while true {
            stream.setStep(bytes)
            // Once it is finishing, the amount of input must not change between calls.
            let status = BZ2_bzCompress(&stream, bytes.isLastStep ? BZ_FINISH : BZ_RUN)
            _ = bytes.advance(inputLeft: stream.avail_in, outputLeft: stream.avail_out)
            if status == BZ_STREAM_END { return bytes.made }
            precondition(status == BZ_FINISH_OK || status == BZ_RUN_OK, "bzip2 accepts what it is given")
            precondition(bytes.made < target.count, "bzip2 fits into its bound")
        }
    }
}

extension bz_stream {
    fileprivate mutating func setStep(_ bytes: SteppedBytes) {
        let (input, output) = (bytes.input, bytes.output)
        next_in = input.baseAddress!.assumingMemoryBound(to: CChar.self)
        avail_in = UInt32(input.count)
        next_out = output.baseAddress!.assumingMemoryBound(to: CChar.self)
        avail_out = UInt32(output.count)
    }
}
