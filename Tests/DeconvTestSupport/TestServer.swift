public import Foundation

/// A server on this machine, run by the Python of the tests until this object goes.
public final class TestServer: Sendable {
    private nonisolated(unsafe) let process = Process()
    private nonisolated(unsafe) let input = Pipe()
    /// What it prints once it serves: its port, and whatever else it has to say.
    public let words: [String]

    /// Starts a script that prints its port, and ends with its standard input.
    public init(_ script: URL, _ arguments: [String]) throws {
        guard let interpreter = TestPython.interpreter else { throw TestPython.Missing() }
        let output = Pipe()
        process.executableURL = interpreter
        process.arguments = [script.path] + arguments
        process.standardInput = input
        process.standardOutput = output
        // Where another process got the writing end of our pipe, closing it would end nothing.
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        var found: [String] = []
        while found.isEmpty {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw Failed(script: script.lastPathComponent) }
            text += String(decoding: bytes, as: UTF8.self)
            // Servers say other things first.
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            found = lines.last { $0.first?.isNumber ?? false }?.split(separator: " ").map(String.init) ?? []
        }
        words = found
    }

    deinit {
        // A process that tests start may have their mask of signals; this one no mask holds back.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Where it serves, without a slash at the end.
    public var url: String { "http://127.0.0.1:\(words[0])" }

    /// It ended before it served.
    public struct Failed: Error, CustomStringConvertible {
        let script: String
        /// What to do about it.
        public var description: String { "\(script) did not serve: run it by hand, and `make test` for its packages" }
    }
}
