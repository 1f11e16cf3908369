package import DeconvVolume
import Foundation

/// Room on the disk that a file would go to.
package enum DiskSpace {
    /// Bytes that this user may still write beside `path`, or nil where the folder does not exist.
    package static func freeByteCount(for path: String) -> Int? {
        var status = statvfs()
        guard statvfs(OutputPath(path).folder, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }

    /// Checks before a long run that its result will fit.
    ///
    /// A file that is replaced still takes its space until the new one is finished, and is not counted as free.
    /// - Throws: `inputOutput` naming the folder and both sizes.
    package static func require(byteCount: Int, for path: String) throws(DeconvolutionError) {
        guard let free = freeByteCount(for: path), free < byteCount else { return }
        throw DeconvolutionError(
            .diskFull,
            "\(path.inMessage): needs \(byteCount) bytes but \(OutputPath(path).folder.inMessage) has \(free) free; "
                + "free \(byteCount - free) bytes or choose another folder"
        )
    }
}

/// A target's folder and name.
package struct OutputPath {
    package let folder: String
    package let name: String

    /// The parts of a path; a path without a folder is in the current one.
    package init(_ path: String) {
        guard let slash = path.lastSlash else {
            folder = "."
            name = path
            return
        }
        folder = slash == path.startIndex ? "/" : String(path[..<slash])
        name = String(path[path.utf8.index(after: slash)...])
    }
}
