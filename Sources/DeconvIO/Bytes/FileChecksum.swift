import Dispatch
import Foundation
import Synchronization

/// Length and checksum of the files of an image, taken while something else is done.
package final class FileChecksum: Sendable {
    /// What files hold.
    package struct Sum: Hashable, Sendable {
        /// Bytes of all of them.
        package var byteCount: Int
        /// CRC-32C of all bytes, as eight hexadecimal digits; nil where they are more than `mostBytes` or cannot be read.
        package var checksum: String?
    }

    /// Of more bytes no checksum is taken: to read them once more would take longer than it is worth.
    package static let mostBytes = 1 << 32

    private let found = Mutex<Sum?>(nil)
    private let group = DispatchGroup()

    /// Begins to read.
    /// - Parameter paths: files in their order; where one is a folder, nothing is found.
    package init(of paths: [String]) {
        DispatchQueue.global(qos: .utility).async(group: group) { [self] in
            let sum = Self.sum(paths)
            found.withLock { $0 = sum }
        }
    }

    /// What was found, once everything has been read; nil where there are no files.
    package func wait() -> Sum? {
        group.wait()
        return found.withLock { $0 }
    }

    private static func sum(_ paths: [String]) -> Sum? {
        var byteCount = 0
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            byteCount += Int(status.st_size)
        }
        guard byteCount <= mostBytes else { return Sum(byteCount: byteCount) }
        var checksum = CRC32C()
        for path in paths {
            guard let file = FileHandle(forReadingAtPath: path) else { return Sum(byteCount: byteCount) }
            do {
                while let bytes = try file.read(upToCount: 1 << 20), !bytes.isEmpty {
                    bytes.withUnsafeBytes { checksum.add($0) }
                }
            } catch {
                return Sum(byteCount: byteCount)
            }
        }
        let digits = String(checksum.value, radix: 16)
        return Sum(byteCount: byteCount, checksum: String(repeating: "0", count: 8 - digits.count) + digits)
    }
}
