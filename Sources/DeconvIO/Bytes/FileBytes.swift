import DeconvVolume
import Foundation

/// A file open for reading at any position, from any thread: `pread` has no shared position.
final class FileBytes: StoredBytes {
    /// The path as the caller gave it.
    let path: String
    /// Length when it was opened.
    let byteCount: UInt64
    let descriptor: Int32
    private let ownsDescriptor: Bool

    /// Opens an existing regular file.
    /// - Parameter shownAs: what messages call it, or nil for its path.
    /// - Throws: `inputNotFound` where it is missing, a folder, or may not be read.
    init(path: String, shownAs name: String? = nil) throws(DeconvolutionError) {
        let name = name ?? path
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.cannotOpen(name, errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw DeconvolutionError(.inputNotFound, "\(name.inMessage): is a folder; name an image file")
        default:
            throw DeconvolutionError(
                .inputNotFound,
                "\(name.inMessage): is a pipe or device, not a file; save the image to a file first"
            )
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.cannotOpen(name, errno) }
        self.path = name
        self.descriptor = descriptor
        byteCount = UInt64(status.st_size)
        ownsDescriptor = true
    }

    /// Borrows a descriptor that stays open for as long as this object lives.
    init(borrowing descriptor: Int32, path: String) throws(DeconvolutionError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.cannotOpen(path, errno) }
        self.path = path
        self.descriptor = descriptor
        byteCount = UInt64(status.st_size)
        ownsDescriptor = false
    }

    deinit {
        if ownsDescriptor { close(descriptor) }
    }

    private static func cannotOpen(_ path: String, _ error: Int32) -> DeconvolutionError {
        let reason =
            switch error {
            case ENOENT, ENOTDIR: "no such file; check the path"
            case EACCES, EPERM: "may not be read; check its permissions"
            default: "cannot be opened: \(String(cString: strerror(error)))"
            }
        return DeconvolutionError(.inputNotFound, "\(path.inMessage): \(reason)")
    }

    /// Fills `buffer` from the bytes at `offset`.
    /// - Throws: `invalidData` where the file ends before the buffer is full, `inputOutput` where the disk fails.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) {
        let count = try readUpTo(buffer, at: offset)
        guard count == buffer.count else { throw truncated }
    }

    /// Reads as many bytes as there are, up to the size of `buffer`.
    func readUpTo(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) -> Int {
        guard let start = off_t(exactly: offset) else { return 0 }
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress! + done,
                min(buffer.count - done, 1 << 30),
                start + off_t(done)
            )
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw DeconvolutionError(
                    .inputOutput,
                    "\(path.inMessage): reading failed: \(String(cString: strerror(errno))); check the disk or network"
                )
            }
            done += count
        }
        return done
    }
}

extension String {
    /// The text on one line, so that a file name with a line break cannot break a message.
    package var inMessage: String {
        contains(where: \.isNewline) ? String(map { $0.isNewline ? " " : $0 }) : self
    }

    /// On one line, and no longer than what a message can take of a file's own words.
    var shortened: String { count > 60 ? "\(prefix(60).description.inMessage)..." : inMessage }
}
