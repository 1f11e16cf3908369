import DeconvVolume
import Foundation

/// Bytes that are read at any position, from any thread: those of a file, of a part of one, or of memory.
protocol StoredBytes: Sendable {
    /// What messages call them.
    var path: String { get }
    /// How many.
    var byteCount: UInt64 { get }

    /// Fills `buffer` from the bytes at `offset`.
    /// - Throws: `invalidData` where they end before the buffer is full, `inputOutput` where the disk or the network fails.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError)
}

extension StoredBytes {
    /// `count` bytes at `offset`, never more than there are: nothing is allocated on a header's word.
    func bytes(at offset: UInt64, count: UInt64) throws(DeconvolutionError) -> [UInt8] {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= byteCount else { throw truncated }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        try bytes.withUnsafeMutableBufferPointer { (buffer) throws(DeconvolutionError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
        }
        return bytes
    }

    /// That more was wanted than there is.
    var truncated: DeconvolutionError {
        invalid("is truncated: it ends after \(byteCount) bytes; copy it again from its source")
    }

    /// An `invalidData` error about them.
    func invalid(_ problem: String) -> DeconvolutionError {
        DeconvolutionError(.invalidData, "\(path.inMessage): \(problem)")
    }
}

/// Bytes in memory. Unchecked: they are not changed once they are here.
struct BufferedBytes: StoredBytes, @unchecked Sendable {
    let path: String
    /// What keeps them.
    let buffer: ByteBuffer
    /// Which of the buffer's they are.
    let range: Range<Int>

    var byteCount: UInt64 { UInt64(range.count) }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) {
        guard offset <= byteCount, UInt64(target.count) <= byteCount - offset else { throw truncated }
        let start = range.lowerBound + Int(offset)
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<start + target.count]))
    }
}

/// A part of other bytes.
struct PartOfBytes: StoredBytes {
    let path: String
    /// What it is a part of.
    let whole: any StoredBytes
    /// Which of its bytes, all of which are there.
    let range: Range<UInt64>

    var byteCount: UInt64 { UInt64(range.count) }

    func read(into target: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) {
        guard offset <= byteCount, UInt64(target.count) <= byteCount - offset else { throw truncated }
        try whole.read(into: target, at: range.lowerBound + offset)
    }
}
