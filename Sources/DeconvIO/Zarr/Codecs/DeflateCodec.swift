import CZlib
import DeconvVolume

/// The deflate streams of zlib, in either wrapping.
enum DeflateCodec {
    /// What is around a stream.
    enum Wrapping: Hashable, Sendable {
        /// RFC 1950.
        case zlib
        /// RFC 1952; several members may follow each other.
        case gzip
        /// Nothing, as in a ZIP file.
        case bare

        /// What zlib calls it: the logarithm of the window, and 16 for gzip, and a minus for nothing around.
        fileprivate var windowBits: Int32 {
            switch self {
            case .zlib: 15
            case .gzip: 31
            case .bare: -15
            }
        }
        fileprivate var name: String {
            switch self {
            case .zlib: "zlib"
            case .gzip: "gzip"
            case .bare: "deflate"
            }
        }
    }

    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        _ wrapping: Wrapping,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = z_stream()
        let status = inflateInit2_(&stream, wrapping.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw place.outOfMemory(for: wrapping.name) }
        defer { inflateEnd(&stream) }
        var bytes = SteppedBytes(encoded, into: target)
        while true {
            stream.setStep(bytes)
            let status = inflate(&stream, Z_NO_FLUSH)
            let hasMoved = bytes.advance(inputLeft: stream.avail_in, outputLeft: stream.avail_out)
            switch status {
            case Z_STREAM_END:
                // As gzip itself does, zeros at the end are taken for padding.
                if bytes.rest.allSatisfy({ $0 == 0 }) { return bytes.made }
                guard wrapping == .gzip else {
                    throw place.damaged("\(bytes.rest.count) bytes follow its \(wrapping.name) stream")
                }
                inflateReset(&stream)
            case Z_OK where hasMoved: break
            case Z_OK, Z_BUF_ERROR:
                guard bytes.rest.isEmpty else {
                    throw place.damaged("its \(wrapping.name) stream holds more than \(target.count) bytes")
                }
                throw place.damaged("its \(wrapping.name) stream ends too early")
            case Z_MEM_ERROR: throw place.outOfMemory(for: wrapping.name)
            default:
                let words = stream.msg.map { String(cString: $0) } ?? "error \(status)"
                throw place.damaged("its \(wrapping.name) stream: \(words)")
            }
        }
    }

    /// The most bytes that a stream of `count` takes.
    static func largestEncoding(_ count: Int) -> Int { count + count / 1000 + 64 }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    static func encode(
        _ bytes: UnsafeRawBufferPointer,
        _ wrapping: Wrapping,
        level: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = z_stream()
        let status = deflateInit2_(
            &stream,
            Int32(level),
            Z_DEFLATED,
            wrapping.windowBits,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else { throw place.outOfMemory(for: wrapping.name) }
        defer { deflateEnd(&stream) }
        var bytes = SteppedBytes(bytes, into: target)
        while true {
            stream.setStep(bytes)
            let status = deflate(&stream, bytes.isLastStep ? Z_FINISH : Z_NO_FLUSH)
            _ = bytes.advance(inputLeft: stream.avail_in, outputLeft: stream.avail_out)
            if status == Z_STREAM_END { return bytes.made }
            precondition(status == Z_OK && bytes.made < target.count, "deflate fits into its bound")
        }
    }
}

extension z_stream {
    fileprivate mutating func setStep(_ bytes: SteppedBytes) {
        let (input, output) = (bytes.input, bytes.output)
        next_in = input.baseAddress!.assumingMemoryBound(to: UInt8.self)
        avail_in = UInt32(input.count)
        next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self)
        avail_out = UInt32(output.count)
    }
}
