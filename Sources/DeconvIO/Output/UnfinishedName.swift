import Foundation

/// Names of what is not finished or about to go: `.NAME.PROCESS-RANDOM.partial`, hidden beside `NAME`.
///
/// The random part starts with a mark of the machine, so that a process knows which of them a process of this machine has left
/// behind: one whose number no process here has now. Those of other machines, which may share the folder, are none of its
/// business. A machine is a host name and a space of process numbers; containers have their own of both.
enum UnfinishedName {
    private static let suffix = ".partial"

    /// A name for this process that was not given before.
    static func make(for name: String) -> String {
        "\(prefix(name))\(getpid())-\(machine)\(String(UInt32.random(in: .min ... .max), radix: 36))\(suffix)"
    }

    /// The name of the file whose lock is the right to write `name`: the same for all processes.
    static func lock(for name: String) -> String { "\(prefix(name))lock" }

    /// Removes the files and folders that processes of this machine that are no more have left beside `name`.
    ///
    /// What cannot be removed stays: it is in nobody's way.
    static func removeAbandoned(_ name: String, in folder: String) {
        for candidate in names(in: folder) where candidate.hasPrefix(prefix(name)) {
            guard let process = process(of: candidate, behind: prefix(name)) else { continue }
            // Another user's process is alive, too: EPERM.
            guard kill(process, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(folder)/\(candidate)")
        }
    }

    /// Removes all such files in a folder and those below it, of whatever process: for a folder that only one process writes.
    static func removeAll(below folder: String) {
        for candidate in names(in: folder) {
            let path = "\(folder)/\(candidate)"
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: removeAll(below: path)
            case S_IFREG where isUnfinished(candidate): unlink(path)
            default: break
            }
        }
    }

    /// Whether a name is one of ours, of whatever process and machine.
    static func isUnfinished(_ name: String) -> Bool {
        name.wholeMatch(of: #/\..*\.\d+-[0-9a-z]+\.partial/#) != nil
    }

    /// Names in a folder, or none where it cannot be read.
    static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    private static func prefix(_ name: String) -> String { ".\(shortened(name))." }

    /// Leaves room for what the hidden name adds: names end at 255 bytes.
    private static func shortened(_ name: String) -> String {
        var name = name
        while name.utf8.count > 200 { name.removeLast() }
        return name
    }

    /// The process that a name of this machine tells.
    private static func process(of candidate: String, behind prefix: String) -> pid_t? {
        guard candidate.hasSuffix(suffix) else { return nil }
        let parts = candidate.dropFirst(prefix.count).dropLast(suffix.count).split(separator: "-")
        guard parts.count == 2, parts[1].hasPrefix(machine), let process = pid_t(parts[0]), process > 0 else {
            return nil
        }
        return process
    }

    /// Six letters and digits.
    private static let machine: String = {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        var processes = [CChar](repeating: 0, count: 256)
        readlink("/proc/self/ns/pid", &processes, processes.count - 1)
        let bytes = (host.prefix { $0 != 0 } + [0] + processes.prefix { $0 != 0 }).map { UInt8(bitPattern: $0) }
        // FNV-1a, 32 bits.
        let hash = bytes.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let text = String(hash, radix: 36)
        return String((String(repeating: "0", count: 6) + text).suffix(6))
    }()
}
