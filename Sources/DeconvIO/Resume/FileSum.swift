import DeconvVolume
import Foundation

/// What a file was like when it was written.
struct FileSum: Hashable, Sendable {
    /// Its length.
    var byteCount: Int
    /// Its CRC-32C.
    var checksum: UInt32
}

extension [FileSum] {
    /// As the journal has them: `1a2b:9c0d12ab` for each file, in hexadecimal.
    var inJournal: String {
        map { String($0.byteCount, radix: 16) + ":" + String($0.checksum, radix: 16) }.joined(separator: " ")
    }

    /// What `inJournal` gave, or nil for anything else.
    init?(inJournal text: String) {
        self = []
        for file in text.utf8.split(separator: UInt8(ascii: " ")) {
            let parts = file.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count == 2, let byteCount = Int(Substring(parts[0]), radix: 16), byteCount >= 0,
                let checksum = UInt32(Substring(parts[1]), radix: 16)
            else { return nil }
            append(FileSum(byteCount: byteCount, checksum: checksum))
        }
    }
}

/// Holds files against what is known of them.
///
/// One owner at a time: it has no lock.
final class FileSumReader {
    private let buffer: ByteBuffer

    /// - Throws: `outOfMemory`.
    init() throws(DeconvolutionError) { buffer = try ByteBuffer(byteCount: 1 << 20, for: "checksums") }

    /// What is wrong with the length of a file: `is not there`; nil where nothing is.
    /// - Throws: as `problem(_:_:_:)`.
    func lengthProblem(_ path: String, _ name: String, _ sum: FileSum) throws(DeconvolutionError) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return try missing(name, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { return "is no file" }
        let byteCount = Int(status.st_size)
        return byteCount == sum.byteCount ? nil : "has \(byteCount) bytes instead of \(sum.byteCount)"
    }

    /// What is wrong with a file; nil where it has the bytes that were written.
    /// - Throws: `inputOutput` where that cannot be found out: it may not be opened, or too many are open.
    func problem(_ path: String, _ name: String, _ sum: FileSum) throws(DeconvolutionError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return try missing(name, errno) }
        defer {
            // Nobody reads it again soon, and the input has better use for the system's cache.
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
            close(descriptor)
        }
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var found = FileSum(byteCount: 0, checksum: 0)
        var checksum = CRC32C()
        while true {
            let count = Foundation.read(descriptor, buffer.bytes.baseAddress!, buffer.bytes.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                return "cannot be read (\(String(cString: strerror(errno))))"
            }
            checksum.add(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
            found.byteCount += count
        }
        found.checksum = checksum.value
        if found == sum { return nil }
        return found.byteCount == sum.byteCount
            ? "has other bytes than were written" : "has \(found.byteCount) bytes instead of \(sum.byteCount)"
    }

    private func missing(_ name: String, _ error: Int32) throws(DeconvolutionError) -> String {
        if error == ENOENT || error == ENOTDIR { return "is not there" }
        if error == EIO { return "cannot be read (\(String(cString: strerror(error))))" }
        throw DeconvolutionError(
            .inputOutput,
            "\(name.inMessage): cannot be opened: \(String(cString: strerror(error))); check its permissions and the disk"
        )
    }
}
