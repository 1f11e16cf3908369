import Foundation

/// Standard output for results, standard error for everything else.
enum Terminal {
    static let showsProgress = isatty(STDERR_FILENO) == 1

    /// Prints a result.
    static func print(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// Prints an error in one line; a compiler's log may follow in lines of its own.
    static func complain(_ text: String) { writeError("gpudeconv: \(text)\n") }

    /// Prints a warning.
    static func warn(_ text: String) { writeError("gpudeconv: warning: \(text)\n") }

    static func writeError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// Values as JSON with sorted keys, the same on every run.
    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
