public import Foundation

/// The Python that checks our files with other people's readers.
public enum TestPython {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What a test says where there is none: a missing check is a failure and no skip.
    public static let missing =
        "no Python with tifffile and zarr: `make test` makes .venv-test, or name one in GPUDECONV_TEST_PYTHON"

    /// The interpreter of GPUDECONV_TEST_PYTHON or of `.venv-test`, or nil where neither exists.
    public static var interpreter: URL? {
        let path =
            ProcessInfo.processInfo.environment["GPUDECONV_TEST_PYTHON"]
            ?? root.appendingPathComponent(".venv-test/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? URL(fileURLWithPath: path) : nil
    }

    /// A file that the interpreter's packages brought along, or nil where it is not there.
    static func package(_ path: String) -> URL? {
        guard let interpreter else { return nil }
        let library = interpreter.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("lib")
        let versions =
            (try? FileManager.default.contentsOfDirectory(at: library, includingPropertiesForKeys: nil)) ?? []
        return versions.map { $0.appendingPathComponent("site-packages/\(path)") }
            .first { FileManager.default.fileExists(atPath: $0.path) }
    }

    /// Runs a script, and gives its exit status with what it printed on both channels.
    public static func run(_ script: URL, _ arguments: [String]) throws -> (status: Int32, output: String) {
        guard let interpreter else { throw Missing() }
        let process = Process()
        process.executableURL = interpreter
        process.arguments = [script.path] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// There is no Python to run.
    public struct Missing: Error, CustomStringConvertible {
        /// What to do about it.
        public var description: String { TestPython.missing }
    }
}
