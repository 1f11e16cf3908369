import DeconvVolume

/// Encoded bytes: a part of a file, or of memory.
enum ChunkBytes {
    /// Bytes of a file that are there.
    case stored(any StoredBytes, Range<UInt64>)
    /// Bytes of a buffer, which stays for as long as this does.
    case memory(ByteBuffer, Range<Int>)

    /// All bytes of a file.
    init(_ file: any StoredBytes) {
        self =
            if let buffered = file as? BufferedBytes {
                .memory(buffered.buffer, buffered.range)
            } else {
                .stored(file, 0..<file.byteCount)
            }
    }

    /// How many.
    var count: UInt64 {
        switch self {
        case .stored(_, let range): UInt64(range.count)
        case .memory(_, let range): UInt64(range.count)
        }
    }

    /// A part of them, or nil where it is not inside.
    func part(at offset: UInt64, count partCount: UInt64) -> ChunkBytes? {
        guard offset <= count, partCount <= count - offset else { return nil }
        switch self {
        case .stored(let file, let range):
            let start = range.lowerBound + offset
            return .stored(file, start..<start + partCount)
        case .memory(let buffer, let range):
            let start = range.lowerBound + Int(offset)
            return .memory(buffer, start..<start + Int(partCount))
        }
    }

    /// Copies the bytes from `offset` on, of which there are enough to fill `buffer`.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) {
        switch self {
        case .stored(let file, let range): try file.read(into: buffer, at: range.lowerBound + offset)
        case .memory(let bytes, let range):
            let start = range.lowerBound + Int(offset)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.bytes[start..<start + buffer.count]))
        }
    }

    /// The bytes in memory: as they are, or read from the file.
    func inMemory(_ place: ChunkPlace) throws(DeconvolutionError) -> (buffer: ByteBuffer, range: Range<Int>) {
        switch self {
        case .stored(let file, let range):
            let buffer = try ByteBuffer(byteCount: Int(range.count), for: place.path)
            try file.read(into: buffer.bytes, at: range.lowerBound)
            return (buffer, 0..<buffer.bytes.count)
        case .memory(let buffer, let range): return (buffer, range)
        }
    }
}
