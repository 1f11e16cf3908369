public import Foundation

/// The folder of real stacks beside the checkout; tests that need it skip where it is absent.
public enum SharedData {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("../shared/data").standardizedFileURL

    /// Whether the folder is there.
    public static let isPresent = FileManager.default.fileExists(atPath: folder.path)

    /// Why a test that needs it skips.
    public static let skipReason = "needs ../shared/data"

    /// A file in it, for example `lattice-cell/psf.tif`.
    public static func url(_ path: String) -> URL { folder.appendingPathComponent(path) }

    /// The path of a file in it, for example `lattice-cell/psf.tif`.
    public static func path(_ path: String) -> String { folder.appendingPathComponent(path).path }
}
