import Foundation

/// What Linux says of this machine.
package enum HostSystem {
    /// The processor's name, for example `Intel(R) Xeon(R) Processor`.
    package static let processorName: String = {
        let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        for line in info.split(separator: "\n") where line.hasPrefix("model name") {
            if let colon = line.firstIndex(of: ":") {
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }
        return "processor"
    }()

    /// Physical memory in bytes, or the limit of this process's control group where that is lower.
    package static var memoryBytes: Int {
        min(Int(clamping: ProcessInfo.processInfo.physicalMemory), controlGroup?.limit ?? .max)
    }

    /// Bytes that can be used now without swapping.
    package static var freeBytes: Int {
        let info = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        var available = memoryBytes
        for line in info.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            let fields = line.split(separator: " ")
            if fields.count >= 2, let kilobytes = Int(fields[1]) { available = kilobytes * 1024 }
        }
        if let controlGroup { available = min(available, controlGroup.limit - controlGroup.used) }
        return max(available, 0)
    }

    /// The memory limit and use of version 2 of control groups, where there is a limit.
    private static var controlGroup: (limit: Int, used: Int)? {
        func number(_ file: String) -> Int? {
            (try? String(contentsOfFile: "/sys/fs/cgroup/" + file, encoding: .utf8))
                .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        guard let limit = number("memory.max"), let used = number("memory.current") else { return nil }
        return (limit, used)
    }

    /// Most bytes that this process has held in memory so far.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
}
