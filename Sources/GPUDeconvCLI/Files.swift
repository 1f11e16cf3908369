import Foundation

/// Questions to the file system.
enum Files {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// The last part of a path.
    static func name(_ path: String) -> String { (path as NSString).lastPathComponent }
}
