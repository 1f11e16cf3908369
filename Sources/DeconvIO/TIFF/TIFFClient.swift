import CTIFF
import DeconvVolume
import Foundation

/// libtiff's view of an output: a position, and the first error, which libtiff would turn into a sentence.
///
/// libtiff puts voxels and directories in turn to what it is told is the end of the file. So who wants them apart tells it
/// of two ends.
final class TIFFClient {
    private let output: AtomicOutput
    private var position = 0
    /// What went wrong first; nothing is written behind it.
    var failure: DeconvolutionError?
    /// Whether what libtiff adds are voxels, and not a directory.
    var isWritingVoxels = false
    private var places: Places?

    /// Where voxels and directories go.
    private struct Places {
        /// Behind the last voxels.
        var voxelEnd: Int
        let directoryStart: Int
        /// The directories so far, which are written at last: file systems without holes would fill what comes before them.
        var directories: [UInt8] = []

        mutating func put(_ bytes: UnsafeRawBufferPointer, at start: Int) {
            let missing = start + bytes.count - directories.count
            if missing > 0 { directories += repeatElement(0, count: missing) }
            directories.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[start...]).copyMemory(from: bytes)
            }
        }
    }

    /// A view of an empty output.
    init(_ output: AtomicOutput) { self.output = output }

    /// Keeps voxels and directories apart, each back to back from an offset on.
    ///
    /// One of the two lies behind all of the other, and the header before both.
    func separate(voxelsFrom voxelStart: Int, directoriesFrom directoryStart: Int) {
        places = Places(voxelEnd: voxelStart, directoryStart: directoryStart)
    }

    /// Where libtiff adds something.
    var end: Int {
        guard let places else { return output.byteCount }
        return isWritingVoxels ? places.voxelEnd : places.directoryStart + places.directories.count
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard failure == nil else { return -1 }
        do {
            if isWritingVoxels {
                try output.write(bytes, at: position)
                places?.voxelEnd = position + bytes.count
            } else if let start = offsetInDirectories {
                places?.put(bytes, at: start)
            } else {
                try output.write(bytes, at: position)
            }
            position += bytes.count
            return bytes.count
        } catch {
            failure = error
            return -1
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard failure == nil else { return -1 }
        var count = 0
        if let start = offsetInDirectories, let directories = places?.directories {
            count = min(buffer.count, max(directories.count - start, 0))
            if count > 0 { buffer.copyBytes(from: directories[start..<start + count]) }
        } else {
            count = output.read(into: buffer, at: position)
        }
        position += max(count, 0)
        return count
    }

    func seek(_ offset: toff_t, _ whence: Int32) -> toff_t {
        let offset = Int(truncatingIfNeeded: offset)
        switch whence {
        case SEEK_CUR: position += offset
        case SEEK_END: position = end + offset
        default: position = offset
        }
        return toff_t(position)
    }

    /// Brings directories that were kept apart to their place; what fails is in `failure`.
    func writeDirectories() {
        guard failure == nil, let places else { return }
        do throws(DeconvolutionError) {
            let span = places.directories.span.bytes
            try span.withUnsafeBytes { (bytes) throws(DeconvolutionError) in
                try output.write(bytes, at: places.directoryStart)
            }
        } catch {
            failure = error
        }
    }

    /// The position among the directories; nil where they are not apart, or it is elsewhere.
    private var offsetInDirectories: Int? {
        guard let places, position >= places.directoryStart else { return nil }
        return position - places.directoryStart
    }
}
