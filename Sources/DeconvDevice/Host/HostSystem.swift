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

    /// The tightest memory limit among this process's control groups (version 2), and what counts against it; nil without
    /// one.
    ///
    /// The cache of files that were read counts against a limit but goes when it is needed, so it is left out.
    private static var controlGroup: (limit: Int, used: Int)? {
        let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
        guard let own = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        var names = own.dropFirst(4).split(separator: "/")
        var tightest: (limit: Int, used: Int)?
        while true {
            let folder = "/sys/fs/cgroup/" + names.joined(separator: "/")
            if let limit = number(in: folder + "/memory.max"), let current = number(in: folder + "/memory.current") {
                let used = max(current - inactiveFileBytes(in: folder + "/memory.stat"), 0)
                if limit - used < tightest.map({ $0.limit - $0.used }) ?? .max { tightest = (limit, used) }
            }
            if names.popLast() == nil { return tightest }
        }
    }

    private static func number(in file: String) -> Int? {
        (try? String(contentsOfFile: file, encoding: .utf8))
            .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static func inactiveFileBytes(in file: String) -> Int {
        let statistics = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        let line = statistics.split(separator: "\n").first { $0.hasPrefix("inactive_file ") }
        return line.flatMap { Int($0.dropFirst("inactive_file ".count)) } ?? 0
    }

    /// Bytes in memory of the mapping around an address that the system counts as this process's; 0 for memory of a
    /// device's driver, of which it does not.
    static func residentBytes(around address: UInt) -> Int {
        let mappings = (try? String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)) ?? ""
        return residentBytes(around: address, in: mappings) ?? .max
    }

    /// The same, from the text of `/proc/self/smaps` (see proc(5)); nil where no mapping there has the address.
    static func residentBytes(around address: UInt, in mappings: String) -> Int? {
        var isAround = false
        for line in mappings.split(separator: "\n") {
            if isAround, line.hasPrefix("Rss:") {
                return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
            }
            guard let range = line.split(separator: " ").first?.split(separator: "-"), range.count == 2,
                let start = UInt(range[0], radix: 16), let end = UInt(range[1], radix: 16)
            else { continue }
            isAround = (start..<end).contains(address)
        }
        return nil
    }

    /// Has `peakResidentBytes` begin anew from what is held now; a system that cannot do so goes on counting.
    package static func resetPeakResidentBytes() {
        let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        // See proc(5): 5 resets the peak resident set size.
        _ = write(file, "5", 1)
        close(file)
    }

    /// Most bytes that this program has held in memory so far.
    package static var peakResidentBytes: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        for line in status.split(separator: "\n") where line.hasPrefix("VmHWM:") {
            let fields = line.split(whereSeparator: \.isWhitespace)
            if fields.count >= 2, let kilobytes = Int(fields[1]) { return kilobytes * 1024 }
        }
        // Counts what ran in this process before the program as well.
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }
}
