import Foundation

/// A file that one process at a time has, and one object of it: locked with `flock`, which ends with the process, however it
/// does.
///
/// On file systems without locks there is none, and only the user can see to it that there is one process.
enum FileLock {
    /// Takes the lock of an open file, and gives whether it got it. For half a second it is asked again: a process that was just
    /// killed, or one that was forked and has not begun its own program yet, may still hold it.
    static func take(_ descriptor: Int32) -> Bool {
        for attempt in 0..<10 {
            if attempt > 0 { usleep(50_000) }
            // File systems without locks refuse with other errors.
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return true }
        }
        return false
    }

    /// Whether an open file is still the one under its name: another process may have removed or replaced it between opening and
    /// locking.
    static func isStill(_ descriptor: Int32, at path: String) -> Bool {
        var (opened, found) = (stat(), stat())
        return fstat(descriptor, &opened) == 0 && lstat(path, &found) == 0 && opened.st_ino == found.st_ino
            && opened.st_dev == found.st_dev
    }
}
