package import DeconvPlan
import DeconvVolume
import Glibc
import Synchronization

/// How a library transforms, the best manner first.
enum TransformManner: String, CaseIterable {
    /// Planes in passes over rows and lines, with the steps between transforms in them.
    case passes
    /// Whole planes, and the product with the transfer function within the transforms of columns.
    case planes
    /// Whole planes, and the product between transforms.
    case apart
}

/// What earlier runs found out about FFT libraries on devices, in this process and in the user's cache.
///
/// The file has one line a finding, fields separated by tabs, the last finding on a subject standing:
///
///     refused  DEVICE  LIBRARY  SHAPES  DAY  REASON
///     proven   DEVICE  LIBRARY  SHAPES
///     manner   DEVICE  LIBRARY  SHAPES  MANNER  DAY  REASON
///     chosen   DEVICE  LIBRARIES  SHAPES  LIBRARY  MEASUREMENT
///
/// DEVICE is the driver's name of the device with its driver and version and LIBRARY has the version of the library, so that a
/// new driver or library is tried anew. SHAPES are those of a volume, with the type of its voxels. A refusal holds for all shapes
/// of the device, until the library proves itself at the shapes that it was refused for. DAY is the number of days since 1970: what
/// failed is tried anew after a month, for what it failed with may have been the machine's state. Lines that cannot be read are
/// passed over, and a file that cannot be written is no error.
package final class TransformMemory: Sendable {
    /// The memory in the user's cache folder, one for the whole process.
    package static let shared = TransformMemory(path: CacheFolder.path.map { $0 + "/transforms" })

    /// Raised when what is asked of the libraries changes, for what was found out before says nothing about that.
    private static let revision = 4
    /// For how long failures are remembered.
    private static let dayCount = 30

    /// The libraries of this process with their versions.
    package static let releases: [FFTLibrary: String] = [
        .clfft: "clfft \(CLFFTLibrary.version) r\(revision)", .vkfft: "vkfft \(VkFFTEngine.version) r\(revision)",
    ]

    private struct Refusal {
        var shapes: String
        var reason: String
    }

    private struct Findings {
        /// By device and library.
        var refused: [[String]: Refusal] = [:]
        /// Device, library and shapes.
        var proven: Set<[String]> = []
        /// What works at best, by device, library and shapes.
        var manners: [[String]: TransformManner] = [:]
        /// By device, libraries and shapes.
        var chosen: [[String]: FFTLibrary] = [:]
        /// Why not in this process, by device, library and shapes.
        var passedOver: [[String]: String] = [:]

        /// - Parameter today: days since 1970.
        mutating func add(_ fields: [String], today: Int) {
            func isRecent(_ day: String) -> Bool {
                Int(day).map { abs(today - $0) < TransformMemory.dayCount } ?? false
            }
            switch (fields.first, fields.count) {
            case ("refused", 6) where isRecent(fields[4]):
                refused[[fields[1], fields[2]]] = Refusal(shapes: fields[3], reason: fields[5])
                proven.remove(Array(fields[1...3]))
            case ("proven", 4):
                proven.insert(Array(fields[1...]))
                let subject = [fields[1], fields[2]]
                if refused[subject]?.shapes == fields[3] { refused[subject] = nil }
            case ("manner", 7):
                guard let manner = TransformManner(rawValue: fields[4]) else { return }
                manners[Array(fields[1...3])] = manner == .passes || isRecent(fields[5]) ? manner : nil
            case ("chosen", 6):
                chosen[[fields[1], fields[2], fields[3]]] = FFTLibrary(rawValue: fields[4])
            default: break
            }
        }
    }

    private let path: String?
    private let releases: [FFTLibrary: String]
    private let today: Int
    private let findings: Mutex<Findings>

    /// A memory in a file, or in this process only.
    /// - Parameters:
    ///   - releases: the libraries with their versions.
    ///   - today: days since 1970.
    package init(
        path: String?,
        releases: [FFTLibrary: String] = TransformMemory.releases,
        today: Int = time(nil) / 86_400
    ) {
        self.path = path
        self.releases = releases
        self.today = today
        findings = Mutex(Findings())
        readFile()
    }

    /// Why a library cannot be used on a device, ever or in this process with these shapes; or nil.
    func refusal(of library: FFTLibrary, shapes: String, on device: String) -> String? {
        let subject = [device, release(library)].map(Self.field)
        return findings.withLock {
            $0.refused[subject]?.reason ?? $0.passedOver[subject + [Self.field(shapes)]]
        }
    }

    /// Whether a library failed with just these shapes, of which it need not be asked again.
    func hasFailed(_ library: FFTLibrary, shapes: String, on device: String) -> Bool {
        let subject = [device, release(library)].map(Self.field)
        return findings.withLock {
            $0.refused[subject]?.shapes == Self.field(shapes) || $0.passedOver[subject + [Self.field(shapes)]] != nil
        }
    }

    /// Whether a library was seen to move points rightly.
    func isProven(_ library: FFTLibrary, shapes: String, on device: String) -> Bool {
        let finding = [device, release(library), shapes].map(Self.field)
        return findings.withLock { $0.proven.contains(finding) }
    }

    /// The best manner in which a library's transforms work, or nil where that was not tried.
    func manner(of library: FFTLibrary, shapes: String, on device: String) -> TransformManner? {
        let subject = [device, release(library), shapes].map(Self.field)
        return findings.withLock { $0.manners[subject] }
    }

    /// Whether anything is known of a device for which a library, or its passes, would not be taken there.
    func hasDoubts(of library: FFTLibrary, on device: String) -> Bool {
        let (device, release) = (Self.field(device), Self.field(release(library)))
        return findings.withLock { findings in
            findings.refused[[device, release]] != nil
                || findings.passedOver.contains { $0.key.starts(with: [device, release]) }
                || findings.manners.contains { $0.value != .passes && $0.key.starts(with: [device, release]) }
                || findings.chosen.contains { $0.value != library && $0.key[0] == device }
        }
    }

    /// The library that was faster, or nil where they were not measured.
    func choice(shapes: String, on device: String) -> FFTLibrary? {
        let subject = [device, allReleases, shapes].map(Self.field)
        return findings.withLock { $0.chosen[subject] }
    }

    /// Remembers that the device's compiler refuses a library's kernels, or that they compute something else.
    func refuse(_ library: FFTLibrary, shapes: String, on device: String, reason: String) {
        add(["refused", device, release(library), shapes, "\(today)", reason])
    }

    /// Remembers for the life of this process that a library failed with these shapes, for a reason that may pass.
    func passOver(_ library: FFTLibrary, shapes: String, on device: String, reason: String) {
        let subject = [device, release(library), shapes].map(Self.field)
        findings.withLock { $0.passedOver[subject] = Self.field(reason) }
    }

    /// Remembers that a library works, and takes back that it was refused for these shapes.
    func prove(_ library: FFTLibrary, shapes: String, on device: String) {
        add(["proven", device, release(library), shapes])
        let subject = [device, release(library), shapes].map(Self.field)
        findings.withLock { $0.passedOver[subject] = nil }
    }

    /// Remembers the best manner in which a library's transforms work, and why no better one.
    /// - Parameter forGood: whether other processes are told.
    func findManner(
        _ manner: TransformManner,
        of library: FFTLibrary,
        shapes: String,
        on device: String,
        reason: String = "",
        forGood: Bool = true
    ) {
        add(["manner", device, release(library), shapes, manner.rawValue, "\(today)", reason], inFile: forGood)
    }

    /// Remembers which library was faster.
    /// - Parameter forGood: whether other processes are told.
    func choose(
        _ library: FFTLibrary,
        shapes: String,
        on device: String,
        measurement: String,
        forGood: Bool = true
    ) {
        add(["chosen", device, allReleases, shapes, library.rawValue, measurement], inFile: forGood)
    }

    /// Runs what finds something out while no other process or thread does so with this file, and with what those found.
    ///
    /// Two processes would compile the same kernels, and measure while the other computes. Who waits for a minute goes on all
    /// the same, as does who can make no lock.
    func alone<T>(_ body: () throws(DeconvolutionError) -> T) throws(DeconvolutionError) -> T {
        let lock = path.map { open($0 + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644) } ?? -1
        // Closing gives the lock back.
        defer { if lock >= 0 { close(lock) } }
        if lock >= 0 {
            for _ in 0..<600 {
                guard flock(lock, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { break }
                usleep(100_000)
            }
            readFile()
        }
        return try body()
    }

    private func release(_ library: FFTLibrary) -> String { releases[library] ?? library.rawValue }

    private var allReleases: String { releases.values.sorted().joined(separator: ", ") }

    private func add(_ fields: [String], inFile: Bool = true) {
        let fields = fields.map(Self.field)
        findings.withLock { findings in
            findings.add(fields, today: today)
            guard inFile, let path else { return }
            // One write a line, at the end of the file, lest the lines of two processes mix.
            let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard file >= 0 else { return }
            let bytes = Array((fields.joined(separator: "\t") + "\n").utf8)
            _ = write(file, bytes, bytes.count)
            close(file)
        }
    }

    /// Takes what the file says on top of what is known.
    private func readFile() {
        let lines = Self.text(of: path).split(separator: "\n")
        findings.withLock { findings in
            for line in lines {
                findings.add(
                    line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init),
                    today: today
                )
            }
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
