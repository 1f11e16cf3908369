import DeconvVolume
import Foundation

/// The right to write a file, which one process at a time has: a hidden file beside it, `.NAME.lock`, that is locked.
///
/// The system ends the lock with the process. The file that a killed one leaves is in nobody's way, and goes with the next output
/// of that name.
final class OutputLock {
    private let path: String
    private var descriptor: Int32
    private let entry: UnfinishedOutputs.Entry

    /// Takes the right to write a file; nil where no file can be locked there, so that there is nothing to go by.
    /// - Parameters:
    ///   - target: the file, in a folder that exists.
    ///   - name: what messages call it.
    /// - Throws: `cannotCreateOutput` where another process has it, or another object of this one.
    init?(_ target: OutputPath, shownAs name: String) throws(DeconvolutionError) {
        let path = "\(target.folder)/\(UnfinishedName.lock(for: target.name))"
        // Each further round means that another process did something in between.
        for _ in 0..<100 {
            let descriptor = Self.open(path)
            guard descriptor >= 0 else {
                // Somebody else has made it meanwhile. What is wrong with the folder, the output itself says.
                if [EEXIST, EINTR].contains(errno) { continue }
                return nil
            }
            guard FileLock.take(descriptor) else {
                defer { close(descriptor) }
                let process = Self.process(in: descriptor)
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(name.inMessage): another gpudeconv\(process.map { " (process \($0))" } ?? "") is writing it; wait for "
                        + "it to end or choose another name"
                )
            }
            // Whoever had it removes it before letting go.
            guard FileLock.isStill(descriptor, at: path) else {
                close(descriptor)
                continue
            }
            let text = Array("\(getpid())\n".utf8)
            ftruncate(descriptor, 0)
            _ = pwrite(descriptor, text, text.count, 0)
            self.path = path
            self.descriptor = descriptor
            entry = UnfinishedOutputs.add(path)
            return
        }
        throw DeconvolutionError(
            .cannotCreateOutput,
            "\(name.inMessage): other processes keep writing it; try again"
        )
    }

    deinit { release() }

    /// Lets others write the file; does nothing where that was done.
    func release() {
        guard descriptor >= 0 else { return }
        unlink(path)
        UnfinishedOutputs.remove(entry)
        close(descriptor)
        descriptor = -1
    }

    /// Opens or makes the file. Where it belongs to another user it can still be locked, if it can be read.
    private static func open(_ path: String) -> Int32 {
        let flags = O_CLOEXEC | O_NOFOLLOW
        let found = Foundation.open(path, O_RDWR | flags)
        if found >= 0 { return found }
        switch errno {
        case ENOENT: return Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | flags, 0o666)
        case EACCES: return Foundation.open(path, O_RDONLY | flags)
        default: return -1
        }
    }

    /// The process that has it, as it wrote itself.
    private static func process(in descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0, let end = bytes[..<count].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return Int(String(decoding: bytes[..<end], as: UTF8.self))
    }
}
