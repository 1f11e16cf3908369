import CStandardError
import Glibc

/// What clFFT prints while it runs: the log of a compiler that refuses its kernels, of which it says that all went well.
///
/// Only what the calling thread writes to the standard error streams of C++ and C is caught. What other threads write, and what
/// anyone writes to the file descriptor itself, goes its way: PoCL's compiler counts the warnings about clFFT's kernels there,
/// which `gpudeconv` asks it not to and other programs see.
enum StandardErrorCapture {
    /// Runs `body`.
    /// - Returns: what it gave, and what was written.
    static func during<T>(_ body: () -> T) -> (result: T, text: String) {
        var result: T?
        let text = withoutActuallyEscaping({ result = body() }) { body in
            let run = Body(body)
            return withExtendedLifetime(run) {
                gpudeconv_catch_standard_error(
                    { Unmanaged<Body>.fromOpaque($0!).takeUnretainedValue().run() },
                    Unmanaged.passUnretained(run).toOpaque()
                )
            }
        }
        defer { free(text) }
        return (result!, text.map { String(cString: $0) } ?? "")
    }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    /// Writes to standard error what was caught and is no reason of a failure.
    static func passOn(_ text: String) {
        guard !text.isEmpty else { return }
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
