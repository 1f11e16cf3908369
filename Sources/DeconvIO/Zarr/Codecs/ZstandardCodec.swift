import CZstd
import DeconvVolume

/// The frames of Zstandard; several may follow each other, and none need say its size.
enum ZstandardCodec {
    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        let count = ZSTD_decompress(target.baseAddress, target.count, encoded.baseAddress, encoded.count)
        guard ZSTD_isError(count) == 0 else {
            if ZSTD_getErrorCode(count) == ZSTD_error_memory_allocation { throw place.outOfMemory(for: "zstd") }
            throw place.damaged("its zstd frame: \(String(cString: ZSTD_getErrorName(count)))")
        }
        return count
    }

    /// Those that this Zstandard has.
    static let levels = Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel())

    /// The most bytes that a frame of `count` takes.
    static func largestEncoding(_ count: Int) -> Int { ZSTD_compressBound(count) + 8 }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    static func encode(
        _ bytes: UnsafeRawBufferPointer,
        level: Int,
        hasChecksum: Bool,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard let context = ZSTD_createCCtx() else { throw place.outOfMemory(for: "zstd") }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, hasChecksum ? 1 : 0)
        let count = ZSTD_compress2(context, target.baseAddress, target.count, bytes.baseAddress, bytes.count)
        // With room for the bound, memory is all that can be missing.
        guard ZSTD_isError(count) == 0 else { throw place.outOfMemory(for: "zstd") }
        return count
    }
}
