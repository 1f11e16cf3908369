import CLZ4
import DeconvVolume

/// One LZ4 block behind its decoded size as 4 bytes, little-endian, as numcodecs writes it.
enum LZ4Codec {
    private static let headerSize = 4

    /// The most bytes that a block can stand for.
    static let largestByteCount = 0x7E00_0000

    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard encoded.count > headerSize, encoded.count - headerSize <= Int(Int32.max) else {
            throw place.damaged("\(encoded.count) bytes are no lz4 block")
        }
        let claimed = Int(UInt32(littleEndian: encoded.loadUnaligned(as: UInt32.self)))
        guard claimed <= target.count, claimed <= largestByteCount else {
            throw place.damaged("its lz4 block claims \(claimed) bytes where \(target.count) fit")
        }
        let count = LZ4_decompress_safe(
            (encoded.baseAddress! + headerSize).assumingMemoryBound(to: CChar.self),
            target.baseAddress?.assumingMemoryBound(to: CChar.self),
            Int32(encoded.count - headerSize),
            Int32(claimed)
        )
        guard count == claimed else { throw place.damaged("its lz4 block is not valid") }
        return claimed
    }

    /// The most bytes that a block of `count` takes.
    static func largestEncoding(_ count: Int) -> Int { headerSize + count + count / 255 + 16 }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    static func encode(
        _ bytes: UnsafeRawBufferPointer,
        acceleration: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard bytes.count <= largestByteCount else {
            throw place.refused(
                "lz4 takes chunks of up to \(largestByteCount) bytes, not \(bytes.count); choose smaller chunks or zstd"
            )
        }
        target.storeBytes(of: UInt32(bytes.count).littleEndian, as: UInt32.self)
        let count = LZ4_compress_fast(
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
            (target.baseAddress! + headerSize).assumingMemoryBound(to: CChar.self),
            Int32(bytes.count),
            Int32(clamping: target.count - headerSize),
            Int32(clamping: acceleration)
        )
        precondition(count > 0, "lz4 fits into its bound")
        return headerSize + Int(count)
    }
}
