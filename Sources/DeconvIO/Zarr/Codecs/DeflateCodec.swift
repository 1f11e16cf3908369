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

        /// What zlib calls it: the logarithm of the window, and 16 for gzip.
        fileprivate var windowBits: Int32 { self == .zlib ? 15 : 31 }
        fileprivate var name: String { self == .zlib ? "zlib" : "gzip" }
    }

    // zlib counts in 32 bits, chunks in 64.
    private static let longestPart = 1 << 30

    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        _ wrapping: Wrapping,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = z_stream()
        let status = inflateInit2_(&stream, wrapping.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw outOfMemory(place, wrapping) }
        defer { inflateEnd(&stream) }
        // One byte of no target, so that zlib always has a place to point at.
        var nothing: UInt8 = 0
        return try withUnsafeMutablePointer(to: &nothing) { (nothing) throws(DeconvolutionError) in
            var (taken, made) = (0, 0)
            while true {
                let input = min(encoded.count - taken, longestPart)
                let output = min(target.count - made, longestPart)
                stream.next_in = UnsafeMutablePointer(
                    mutating: (encoded.baseAddress! + taken).assumingMemoryBound(to: UInt8.self)
                )
                stream.avail_in = UInt32(input)
                stream.next_out =
                    output == 0 ? nothing : (target.baseAddress! + made).assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(output)
                let status = inflate(&stream, Z_NO_FLUSH)
                let (consumed, produced) = (input - Int(stream.avail_in), output - Int(stream.avail_out))
                taken += consumed
                made += produced
                switch status {
                case Z_STREAM_END:
                    let rest = encoded[taken...]
                    // As gzip itself does, zeros at the end are taken for padding.
                    if rest.allSatisfy({ $0 == 0 }) { return made }
                    guard wrapping == .gzip else {
                        throw place.damaged("\(rest.count) bytes follow its zlib stream")
                    }
                    inflateReset(&stream)
                case Z_OK where consumed > 0 || produced > 0: break
                case Z_OK, Z_BUF_ERROR:
                    guard taken == encoded.count else {
                        throw place.damaged("its \(wrapping.name) stream holds more than \(target.count) bytes")
                    }
                    throw place.damaged("its \(wrapping.name) stream ends too early")
                case Z_MEM_ERROR: throw outOfMemory(place, wrapping)
                default:
                    let words = stream.msg.map { String(cString: $0) } ?? "error \(status)"
                    throw place.damaged("its \(wrapping.name) stream: \(words)")
                }
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
        guard status == Z_OK else { throw outOfMemory(place, wrapping) }
        defer { deflateEnd(&stream) }
        var (taken, made) = (0, 0)
        while true {
            let input = min(bytes.count - taken, longestPart)
            let output = min(target.count - made, longestPart)
            stream.next_in = UnsafeMutablePointer(
                mutating: (bytes.baseAddress! + taken).assumingMemoryBound(to: UInt8.self)
            )
            stream.avail_in = UInt32(input)
            stream.next_out = (target.baseAddress! + made).assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(output)
            let status = deflate(&stream, taken + input == bytes.count ? Z_FINISH : Z_NO_FLUSH)
            taken += input - Int(stream.avail_in)
            made += output - Int(stream.avail_out)
            if status == Z_STREAM_END { return made }
            precondition(status == Z_OK && made < target.count, "deflate fits into its bound")
        }
    }

    private static func outOfMemory(_ place: ChunkPlace, _ wrapping: Wrapping) -> DeconvolutionError {
        DeconvolutionError(
            .outOfMemory,
            "\(place.path.inMessage): no memory for \(wrapping.name); close other programs and try again"
        )
    }
}
