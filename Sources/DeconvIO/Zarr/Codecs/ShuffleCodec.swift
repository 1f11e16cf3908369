import DeconvVolume

/// numcodecs' filter shuffle: the first bytes of all elements, then the second bytes, and so on.
enum ShuffleCodec {
    /// Decodes into the start of `target`, and gives the number of bytes.
    static func decode(
        _ encoded: UnsafeRawBufferPointer,
        elementSize: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard encoded.count <= target.count else {
            throw place.damaged("it holds \(encoded.count) bytes where \(target.count) fit")
        }
        guard encoded.count % elementSize == 0 else {
            throw place.damaged("\(encoded.count) bytes are no whole elements of \(elementSize)")
        }
        let count = encoded.count / elementSize
        for byte in 0..<elementSize {
            for element in 0..<count { target[element * elementSize + byte] = encoded[byte * count + element] }
        }
        return encoded.count
    }

    /// Encodes into the start of `target`, which is as large as `bytes`.
    static func encode(
        _ bytes: UnsafeRawBufferPointer,
        elementSize: Int,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard bytes.count % elementSize == 0 else {
            throw place.refused(
                "shuffle takes whole elements of \(elementSize) bytes, not \(bytes.count) bytes; choose another codec"
            )
        }
        let count = bytes.count / elementSize
        for byte in 0..<elementSize {
            for element in 0..<count { target[byte * count + element] = bytes[element * elementSize + byte] }
        }
        return bytes.count
    }
}
