public import Foundation

/// Files made by other tools, beside the scripts that made them.
public enum Fixtures {
    private static let folder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")

    /// A file in the folder, for example `TIFF/expectations.json`.
    public static func url(_ path: String) -> URL { folder.appendingPathComponent(path) }
}
