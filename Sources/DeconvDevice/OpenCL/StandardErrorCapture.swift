import Glibc

/// What is written to standard error while something runs: clFFT prints the log of a compiler that refuses its kernels,
/// says that all went well, and keeps the log to itself.
///
/// Standard error belongs to the whole process, so what others write meanwhile is caught as well; whoever asks passes on
/// what is not clFFT's. One at a time: clFFT's lock is held.
enum StandardErrorCapture {
    /// Runs `body`.
    /// - Returns: what it gave, and what was written; nothing where this process cannot catch it.
    static func during<T>(_ body: () -> T) -> (result: T, text: String) {
        let saved = dup(STDERR_FILENO)
        guard saved >= 0, let file = tmpfile() else {
            if saved >= 0 { close(saved) }
            return (body(), "")
        }
        fflush(nil)
        dup2(fileno(file), STDERR_FILENO)
        let result = body()
        fflush(nil)
        dup2(saved, STDERR_FILENO)
        close(saved)
        rewind(file)
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = fread(&part, 1, part.count, file)
            guard count > 0 else { break }
            bytes += part.prefix(count)
        }
        fclose(file)
        return (result, String(decoding: bytes, as: UTF8.self))
    }

    /// Writes to standard error what was caught and is somebody else's.
    static func passOn(_ text: String) {
        guard !text.isEmpty else { return }
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
