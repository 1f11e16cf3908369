import CLinux
import Foundation

/// Giving a folder its name.
enum FolderRename {
    /// How it went.
    enum Outcome {
        /// The name was free.
        case placed
        /// Something had the name, and now has the source's.
        case exchanged
        /// Something had the name, and was put aside under a third one.
        case putAside(String)
        /// Nothing was changed: the error number, `EEXIST` where the name is taken and may not be.
        case failed(Int32)
    }

    /// Renames a folder.
    /// - Parameters:
    ///   - replacing: whether something that has the name may lose it.
    ///   - aside: a third path, for file systems that cannot exchange two names at once.
    static func rename(_ source: String, to target: String, replacing: Bool, aside: String) -> Outcome {
        if renameat2(AT_FDCWD, source, AT_FDCWD, target, UInt32(RENAME_NOREPLACE)) == 0 { return .placed }
        var problem = errno
        if problem == EEXIST {
            guard replacing else { return .failed(EEXIST) }
            if renameat2(AT_FDCWD, source, AT_FDCWD, target, UInt32(RENAME_EXCHANGE)) == 0 { return .exchanged }
            problem = errno
        }
        guard [EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP].contains(problem) else { return .failed(problem) }
        var status = stat()
        guard lstat(target, &status) == 0 else {
            // A folder replaces only an empty folder.
            return Foundation.rename(source, target) == 0 ? .placed : .failed(errno)
        }
        guard replacing else { return .failed(EEXIST) }
        guard Foundation.rename(target, aside) == 0 else { return .failed(errno) }
        guard Foundation.rename(source, target) == 0 else {
            problem = errno
            _ = Foundation.rename(aside, target)
            return .failed(problem)
        }
        return .putAside(aside)
    }
}
