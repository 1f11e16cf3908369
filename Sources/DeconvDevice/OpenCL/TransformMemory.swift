import Glibc
import Synchronization

/// What earlier runs found out about FFT libraries on devices, in this process and in the user's cache.
///
/// The file has one line a finding, fields separated by tabs, the last finding on a subject standing:
///
///     refused  DEVICE  LIBRARY  REASON
///     proven   DEVICE  SHAPES  LIBRARY
///     chosen   DEVICE  SHAPES  LIBRARY  MEASUREMENT
///
/// DEVICE is the driver's name of the device with its driver and version, so that a new driver is tried anew. Lines that
/// cannot be read are passed over, and a file that cannot be written is no error.
package final class TransformMemory: Sendable {
    /// The memory in the user's cache folder, one for the whole process.
    package static let shared = TransformMemory(path: CacheFolder.path.map { $0 + "/transforms" })

    private struct Findings {
        var refused: [[String]: String] = [:]
        var proven: Set<[String]> = []
        var chosen: [[String]: FFTLibrary] = [:]

        mutating func add(_ fields: [String]) {
            switch (fields.first, fields.count) {
            case ("refused", 4): refused[[fields[1], fields[2]]] = fields[3]
            case ("proven", 4): proven.insert(Array(fields[1...]))
            case ("chosen", 5): chosen[[fields[1], fields[2]]] = FFTLibrary(rawValue: fields[3])
            default: break
            }
        }
    }

    private let path: String?
    private let findings: Mutex<Findings>

    /// A memory in a file, or in this process only.
    package init(path: String?) {
        self.path = path
        var findings = Findings()
        for line in Self.text(of: path).split(separator: "\n") {
            findings.add(line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init))
        }
        self.findings = Mutex(findings)
    }

    /// Why a library cannot be used on a device, or nil.
    func refusal(of library: FFTLibrary, on device: String) -> String? {
        findings.withLock { $0.refused[[Self.field(device), library.rawValue]] }
    }

    /// Whether a library was seen to blur a point rightly.
    func isProven(_ library: FFTLibrary, shapes: String, on device: String) -> Bool {
        findings.withLock { $0.proven.contains([Self.field(device), shapes, library.rawValue]) }
    }

    /// The library that was faster, or nil where none was measured.
    func choice(shapes: String, on device: String) -> FFTLibrary? {
        findings.withLock { $0.chosen[[Self.field(device), shapes]] }
    }

    func refuse(_ library: FFTLibrary, on device: String, reason: String) {
        add(["refused", device, library.rawValue, reason])
    }

    func prove(_ library: FFTLibrary, shapes: String, on device: String) {
        add(["proven", device, shapes, library.rawValue])
    }

    func choose(_ library: FFTLibrary, shapes: String, on device: String, measurement: String) {
        add(["chosen", device, shapes, library.rawValue, measurement])
    }

    private func add(_ fields: [String]) {
        let fields = fields.map(Self.field)
        findings.withLock { findings in
            findings.add(fields)
            guard let path else { return }
            // One write a line, at the end of the file, so that two processes do not mix theirs.
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else { return }
            let bytes = Array((fields.joined(separator: "\t") + "\n").utf8)
            _ = write(file, bytes, bytes.count)
            close(file)
        }
    }

    /// Text without what separates fields and lines.
    private static func field(_ text: String) -> String {
        text.split { $0.isNewline || $0 == "\t" }.joined(separator: " ")
    }

    private static func text(of path: String?) -> String {
        guard let path else { return "" }
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &part, part.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part.prefix(count)
        }
    }
}
