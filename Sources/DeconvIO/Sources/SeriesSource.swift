package import DeconvVolume
import Dispatch
import Foundation
import Synchronization

/// TIFF stacks, one after the other in time.
///
/// Every file's pages are looked at when the series is opened, on several threads, so that one that does not fit is an error
/// then and not after hours. Voxels are read when they are wanted. No more than a few files are open at once.
///
/// Any number of threads may read at once.
package final class SeriesSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    /// The files, in the order of their time points.
    package let paths: [String]
    /// The first time point of each file, and behind them the number of all.
    private let starts: [Int]
    private let files: OpenFiles

    /// Stacks as one series, in the order given.
    /// - Parameters:
    ///   - paths: at least one; each may hold several time points.
    ///   - name: what messages call the series.
    ///   - isMask: as for `TIFFSource`.
    /// - Throws: as `TIFFSource.init` for any of the files; `invalidData` naming the first file that is not like the first of
    ///   all, and how it differs.
    package init(paths: [String], name: String, isMask: Bool = false) throws(DeconvolutionError) {
        precondition(!paths.isEmpty, "a series has a file")
        let files = OpenFiles(paths, isMask: isMask)
        let entries = try Self.survey(files, paths.count)
        var image = entries[0].image
        var starts = [0]
        for (number, (path, entry)) in zip(paths, entries).enumerated() {
            if let difference = Self.difference(entry.image, image) {
                throw DeconvolutionError(
                    .invalidData,
                    "\(path.inMessage): \(difference) \(paths[0].inMessage); a series is made of stacks of one kind"
                )
            }
            image.spacing = image.spacing ?? entry.image.spacing
            if entry.image.channelNames != image.channelNames { image.channelNames = [] }
            if entry.image.timeInterval != image.timeInterval { image.timeInterval = nil }
            if number > 0 { image.annotations.append(entry.image.annotations) }
            starts.append(starts[starts.count - 1] + entry.image.timepointCount)
        }
        image.timepointCount = starts[starts.count - 1]
        var diagnostics = Self.merged(entries.flatMap(\.diagnostics))
        let silent = entries.indices.filter { entries[$0].image.spacing == nil }
        if let first = silent.first, image.spacing != nil {
            diagnostics.append(
                Diagnostic(
                    .spacingAssumed,
                    "\(subject: paths[first].inMessage): has no voxel size; that of the other files is taken",
                    figures: Self.others(silent.count - 1)
                )
            )
        }
        self.paths = paths
        self.name = name
        self.image = image
        self.diagnostics = diagnostics
        self.starts = starts
        self.files = files
    }

    /// The TIFF stacks of a folder in natural order, or nil where it has none.
    ///
    /// Hidden files, folders, and files that are no TIFF are left out.
    /// - Throws: as `init(paths:name:)`; `invalidData` where a file is called a TIFF and is none, since its time point would be
    ///   missing.
    package convenience init?(folder: String, isMask: Bool = false) throws(DeconvolutionError) {
        let folder = folder.withoutTrailingSlashes
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw DeconvolutionError(.inputNotFound, "\(folder.inMessage): may not be read; check its permissions")
        }
        var paths: [String] = []
        for name in names.sorted(by: NaturalOrder.precedes) where !name.hasPrefix(".") {
            let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let file = try FileBytes(path: path)
            let signature = FileSignature(try file.bytes(at: 0, count: min(16, file.byteCount)))
            if signature == .tiff {
                paths.append(path)
            } else if [".tif", ".tiff"].contains(where: name.lowercased().hasSuffix) {
                throw file.invalid(
                    file.byteCount == 0
                        ? "is empty; copy it again from its source, or take it out of the folder" : signature.problem
                )
            }
        }
        if paths.isEmpty { return nil }
        try self.init(paths: paths, name: folder, isMask: isMask)
    }

    /// Whether it would be one of the stacks of the folder or pattern.
    package func wouldHold(_ path: String) -> Bool {
        func folder(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        let file = OutputPath(path)
        guard PathPattern.isPattern(name) else {
            return folder(name) == folder(file.folder) && !file.name.hasPrefix(".")
        }
        let pattern = OutputPath(name)
        return fnmatch(name, path, FNM_PATHNAME | FNM_PERIOD) == 0
            || folder(pattern.folder) == folder(file.folder) && fnmatch(pattern.name, file.name, FNM_PERIOD) == 0
    }

    /// The voxels of a box; see `VolumeSource.read`.
    /// - Throws: as `TIFFSource.read`; `invalidData` where a file has changed since the series was opened.
    package func read(
        _ region: Region,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) -> VoxelData {
        precondition(0..<image.timepointCount ~= timepoint, "time point \(timepoint) of \(image.timepointCount)")
        let index = starts.partitioningIndex { $0 > timepoint } - 1
        let file = try files.open(index)
        guard Self.difference(file.image, image) == nil, file.image.timepointCount == starts[index + 1] - starts[index]
        else {
            throw DeconvolutionError(
                .invalidData,
                "\(paths[index].inMessage): has changed since the series was opened; run it again"
            )
        }
        return try file.read(region, channel: channel, timepoint: timepoint - starts[index])
    }

    /// Where a time point of the series is: the file, and the time point in it.
    package func place(ofTimepoint timepoint: Int) -> (path: String, timepoint: Int) {
        let index = starts.partitioningIndex { $0 > timepoint } - 1
        return (paths[index], timepoint - starts[index])
    }

    // MARK: - Opening

    /// What is known of a file once it was looked at.
    private struct Entry {
        var image: ImageDescription
        var diagnostics: [Diagnostic]
    }

    /// Opens all files once.
    /// - Throws: what the first file throws that cannot be used.
    private static func survey(_ files: OpenFiles, _ count: Int) throws(DeconvolutionError) -> [Entry] {
        let results = Mutex([Result<Entry, DeconvolutionError>?](repeating: nil, count: count))
        let next = Atomic(0)
        let threads = min(count, max(1, ProcessInfo.processInfo.activeProcessorCount))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if index >= count { return }
                let result: Result<Entry, DeconvolutionError>
                do throws(DeconvolutionError) {
                    let file = try files.open(index)
                    result = .success(Entry(image: file.image, diagnostics: file.diagnostics))
                } catch {
                    result = .failure(error)
                    // Files begin in their order: none before this one is left.
                    next.store(count, ordering: .relaxed)
                }
                results.withLock { $0[index] = result }
            }
        }
        var entries: [Entry] = []
        for result in results.withLock({ $0 }) {
            guard let result else { break }
            entries.append(try result.get())
        }
        return entries
    }

    /// How a stack differs from another, such as `has 3 planes but`; nil where both belong to one series.
    private static func difference(_ image: ImageDescription, _ other: ImageDescription) -> String? {
        if image.shape != other.shape { return "is \(image.shape) voxels, not \(other.shape) as" }
        if image.pixelType != other.pixelType { return "is \(image.pixelType), not \(other.pixelType) as" }
        if image.channelCount != other.channelCount {
            return "has \(image.channelCount) channels, not \(other.channelCount) as"
        }
        if let spacing = image.spacing, let otherSpacing = other.spacing, !spacing.matches(otherSpacing) {
            return "has voxels of \(spacing), not \(otherSpacing) as"
        }
        return nil
    }

    /// What files say alike is said once.
    private static func merged(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        var order: [Message] = []
        var sayings: [Message: (first: Diagnostic, count: Int)] = [:]
        for diagnostic in diagnostics {
            let key = diagnostic.line.withoutSubject
            if sayings[key] == nil { order.append(key) }
            sayings[key, default: (diagnostic, 0)].count += 1
        }
        return order.prefix(8).compactMap { sayings[$0] }.map { saying in
            let figures = [saying.first.figures, others(saying.count - 1)].compactMap(\.self)
            return Diagnostic(
                saying.first.kind,
                saying.first.line,
                figures: figures.isEmpty ? nil : figures.joined(separator: "; ")
            )
        }
    }

    private static func others(_ count: Int) -> Message? {
        count == 0 ? nil : count == 1 ? "so it is with 1 other file" : "so it is with \(count) other files"
    }
}

/// The files of a series, of which the last few used are open.
private final class OpenFiles: Sendable {
    private let paths: [String]
    private let isMask: Bool
    private let files = Mutex<[(index: Int, source: TIFFSource)]>([])

    /// Enough for the stages of a run, and far below what a process may have open.
    private static let most = 16

    init(_ paths: [String], isMask: Bool) { (self.paths, self.isMask) = (paths, isMask) }

    /// A file, opened if it is not open.
    func open(_ index: Int) throws(DeconvolutionError) -> TIFFSource {
        let known = files.withLock { files -> TIFFSource? in
            guard let position = files.firstIndex(where: { $0.index == index }) else { return nil }
            let file = files.remove(at: position)
            files.append(file)
            return file.source
        }
        if let known { return known }
        let source = try TIFFSource(path: paths[index], isMask: isMask)
        files.withLock { files in
            if files.count >= Self.most { files.removeFirst() }
            files.append((index, source))
        }
        return source
    }
}

extension [Int] {
    /// The first position of which, in an array where it holds from there on, `predicate` holds.
    fileprivate func partitioningIndex(where predicate: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
