import ArgumentParser
import Foundation
import GPUDeconv
import Synchronization

/// Standard output for results, standard error for everything else.
enum Terminal {
    /// Whether somebody looks at standard error.
    static let showsProgress =
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

    /// Whether errors and warnings are lines of JSON, for programs.
    static let messagesAreJSON = Atomic(false)

    /// Columns of the terminal that standard error goes to.
    static var columns: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Has errors in writing come back as errors, and keeps files that are opened later off the standard streams.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) < 0 {
            // The lowest number that is free is this one. Writing to it fails, as it would have.
            _ = open("/dev/null", O_RDONLY)
        }
        // PoCL's compiler would count the warnings about clFFT's kernels on standard error. Before there are other threads.
        setenv("POCL_EXTRA_BUILD_FLAGS", "-w", 0)
    }

    /// Prints what is to be said of outputs that are finished: that it cannot be printed makes them no worse.
    static func printBehind(_ text: String) {
        let error = write(text + "\n", to: STDOUT_FILENO)
        guard error != 0, error != EPIPE else { return }
        warn(
            Diagnostic(
                .outputNotTold,
                "standard output takes nothing, so what was done is not told there; the outputs are whole",
                figures: "\(String(cString: strerror(error)))"
            )
        )
    }

    /// Prints a result.
    /// - Throws: `inputOutput` where standard output takes no more, such as a file on a full disk.
    static func print(_ text: String) throws(DeconvolutionError) {
        let error = write(text + "\n", to: STDOUT_FILENO)
        if error == EPIPE {
            // Whoever reads has seen enough: end as programs do.
            Deconvolver.removeUnfinishedOutputs()
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        guard error == 0 else {
            throw DeconvolutionError(
                error.meansFullDisk ? .diskFull : .inputOutput,
                "standard output: writing failed: \(String(cString: strerror(error))); send it elsewhere"
            )
        }
    }

    /// Prints an error in one line; a compiler's log may follow in lines of its own.
    /// - Parameter image: of several, the one that it is about; nil where there is one.
    static func complain(_ error: DeconvolutionError, of image: String? = nil) {
        complain(
            named(oneLine(error.text(.flag)), image) + (error.causeLine.map { ": \($0.text(.flag))" } ?? ""),
            ExitStatus.of(error)
        )
    }

    /// A text that names the image that it is about.
    private static func named(_ text: String, _ image: String?) -> String {
        guard let image, !text.contains(Files.name(image)) else { return text }
        return "\(oneLine(image)): \(text)"
    }

    /// Prints the text of an error.
    static func complain(_ text: String, _ status: ExitCode) {
        if messagesAreJSON.load(ordering: .relaxed) {
            writeJSON(Line(event: "error", message: text, exitCode: status.rawValue))
        } else {
            writeError("gpudeconv: \(text)\n")
        }
    }

    /// Prints a warning.
    /// - Parameter image: of several, the one that it is about; nil where there is one.
    static func warn(_ warning: Diagnostic, of image: String? = nil) {
        let text = named(warning.description(.flag), image)
        if messagesAreJSON.load(ordering: .relaxed) {
            writeJSON(Line(event: "warning", message: text, exitCode: nil, kind: warning.kind.rawValue))
        } else {
            writeError("gpudeconv: warning: \(oneLine(text))\n")
        }
    }

    /// Prints what a person should know and need not worry about.
    static func note(_ note: Message) {
        if messagesAreJSON.load(ordering: .relaxed) {
            writeJSON(Line(event: "note", message: note.text(.flag), exitCode: nil))
        } else {
            writeError("gpudeconv: \(oneLine(note.text(.flag)))\n")
        }
    }

    private struct Line: Encodable {
        let event: String
        let message: String
        let exitCode: Int32?
        var kind: String?
    }

    /// Writes a line of JSON to standard error.
    static func writeJSON(_ line: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(line) else { return }
        writeError(String(decoding: data, as: UTF8.self) + "\n")
    }

    /// Writes to standard error; what it does not take is lost.
    static func writeError(_ text: String) { _ = write(text, to: STDERR_FILENO) }

    /// File names may hold line breaks, messages may not.
    private static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline) ? String(text.map { $0.isNewline ? " " : $0 }) : text
    }

    /// Writes all of a text, and gives 0 or the error number.
    private static func write(_ text: String, to stream: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = Foundation.write(stream, bytes.baseAddress! + done, bytes.count - done)
                if count >= 0 {
                    done += count
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}
