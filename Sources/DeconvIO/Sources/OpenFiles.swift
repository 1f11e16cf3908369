import DeconvVolume
import Dispatch
import Foundation
import Synchronization

/// The files of a series or a set, of which the last few used are open.
final class OpenFiles: Sendable {
    /// Where they are, in their order.
    let paths: [String]
    private let opening: @Sendable (Int) throws(DeconvolutionError) -> TIFFSource
    private let files = Mutex<[(index: Int, source: TIFFSource)]>([])

    /// Enough for the stages of a run, and far below what a process may have open.
    private static let most = 16

    /// Files that are opened as stacks by themselves.
    convenience init(_ paths: [String], options: ImageFileOptions = ImageFileOptions()) {
        self.init(paths) { (index) throws(DeconvolutionError) in
            try TIFFSource(path: paths[index], options: options)
        }
    }

    /// Files that are opened by their number.
    init(_ paths: [String], opening: @escaping @Sendable (Int) throws(DeconvolutionError) -> TIFFSource) {
        self.paths = paths
        self.opening = opening
    }

    /// A file, opened if it is not open.
    func open(_ index: Int) throws(DeconvolutionError) -> TIFFSource {
        let known = files.withLock { files -> TIFFSource? in
            guard let position = files.firstIndex(where: { $0.index == index }) else { return nil }
            let file = files.remove(at: position)
            files.append(file)
            return file.source
        }
        if let known { return known }
        let source = try opening(index)
        files.withLock { files in
            if files.count >= Self.most { files.removeFirst() }
            files.append((index, source))
        }
        return source
    }

    /// What is known of a file once it was looked at.
    struct Entry {
        var image: ImageDescription
        /// Distances as far as the file gives them; of one plane there is none along z.
        var lengths: AxisLengths
        var diagnostics: [Diagnostic]
    }

    /// Opens all files once, on several threads.
    /// - Throws: what the first file throws that cannot be used.
    func survey() throws(DeconvolutionError) -> [Entry] {
        let count = paths.count
        let results = Mutex([Result<Entry, DeconvolutionError>?](repeating: nil, count: count))
        let next = Atomic(0)
        let threads = min(count, max(1, ProcessInfo.processInfo.activeProcessorCount))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if index >= count { return }
                let result: Result<Entry, DeconvolutionError>
                do throws(DeconvolutionError) {
                    let file = try open(index)
                    result = .success(Entry(image: file.image, lengths: file.lengths, diagnostics: file.diagnostics))
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

    /// What files say alike is said once.
    static func merged(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
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

    /// How many files more it is so with.
    static func others(_ count: Int) -> Message? {
        count == 0 ? nil : count == 1 ? "so it is with 1 other file" : "so it is with \(count) other files"
    }
}
