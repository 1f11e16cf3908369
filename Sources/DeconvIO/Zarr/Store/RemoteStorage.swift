import DeconvVolume
import Foundation
import Synchronization

/// Files behind a URL: each is asked for by its name, for servers do not say what there is.
///
/// What metadata say is kept for as long as this lives, and so is which files are not there.
final class RemoteStorage: StoreStorage {
    let name: String
    private let url: RemoteURL
    private let client: RemoteClient

    private struct Kept {
        /// Metadata by key; nil inside for what is not there.
        var metadata: [String: BufferedBytes?] = [:]
        /// What changes when a file of metadata does.
        var versions: [String: String] = [:]
        /// Chunks that are not there.
        var missing: Set<String> = []
        /// Files of which parts are read, the one that was used last at the end.
        var open: [(key: String, file: RemoteFile)] = []
        /// What may not be read, the first of it.
        var denial: DeconvolutionError?
    }

    private let kept = Mutex(Kept())

    /// So many names of missing chunks are kept.
    private static let mostMissing = 1 << 20

    /// The files below a URL.
    init(_ url: RemoteURL, _ client: RemoteClient) {
        self.url = url
        self.client = client
        name = url.shown
    }

    var isListed: Bool { false }

    var denial: DeconvolutionError? { kept.withLock { $0.denial } }

    func forEachName(
        in key: String,
        _ body: (String) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {}

    func identity(of path: ZarrPath) -> String? {
        let versions = kept.withLock { kept in
            [ZarrMetadataFile.version3, ZarrMetadataFile.array].compactMap { kept.versions[path.key($0)] }
        }
        return ([location(path.text)] + versions).joined(separator: ", ")
    }

    func file(_ key: String, _ use: StoredUse) throws(DeconvolutionError) -> (any StoredBytes)? {
        try requireKey(key)
        switch use {
        case .metadata: return try metadata(key)
        case .whole: return try whole(key)
        case .parts: return try parts(key)
        }
    }

    private func metadata(_ key: String) throws(DeconvolutionError) -> BufferedBytes? {
        if let known = kept.withLock({ $0.metadata[key] }) { return known }
        var answer: RemoteAnswer?
        do throws(DeconvolutionError) {
            answer = try client.ask(url.file(key), for: .whole(atMost: Int(StoredUse.mostMetadataBytes)))
        } catch  where error.code == .inputNotFound {
            // S3 says of what is not there that it may not be read, where the caller may not list the bucket.
            kept.withLock { $0.denial = $0.denial ?? error }
        }
        return kept.withLock { [body = answer?.body, version = answer?.version] in
            $0.metadata[key] = .some(body)
            $0.versions[key] = version
            return body
        }
    }

    private func whole(_ key: String) throws(DeconvolutionError) -> BufferedBytes? {
        if kept.withLock({ $0.missing.contains(key) }) { return nil }
        let limit = ZarrCodecPipeline.largestChunkByteCount
        guard let answer = try client.ask(url.file(key), for: .whole(atMost: limit)) else {
            note(missing: key)
            return nil
        }
        return answer.body
    }

    private func parts(_ key: String) throws(DeconvolutionError) -> RemoteFile? {
        let known = kept.withLock { kept -> RemoteFile?? in
            if kept.missing.contains(key) { return .some(nil) }
            guard let index = kept.open.firstIndex(where: { $0.key == key }) else { return nil }
            let entry = kept.open.remove(at: index)
            kept.open.append(entry)
            return entry.file
        }
        if let known { return known }
        guard let file = try RemoteFile(url.file(key), client) else {
            note(missing: key)
            return nil
        }
        kept.withLock {
            $0.open.append((key, file))
            while $0.open.count > 1, $0.open.count > 64 || $0.open.reduce(0, { $0 + $1.file.keptByteCount }) > 1 << 26 {
                $0.open.removeFirst()
            }
        }
        return file
    }

    private func note(missing key: String) {
        kept.withLock { if $0.missing.count < Self.mostMissing { $0.missing.insert(key) } }
    }

    func exists(_ key: String) throws(DeconvolutionError) -> Bool { try mark(of: key) != nil }

    func mark(of key: String) throws(DeconvolutionError) -> StoredMark? {
        try requireKey(key)
        if kept.withLock({ $0.missing.contains(key) }) { return nil }
        guard let answer = try client.ask(url.file(key), for: .nothing) else {
            note(missing: key)
            return nil
        }
        return StoredMark(numbers: (answer.version ?? "").utf8.map(Int.init))
    }
}

/// A file behind a URL of which parts are read.
///
/// Its end is read first, by which its length is known; there is what says where everything else lies, in shards and ZIP files.
final class RemoteFile: StoredBytes {
    let path: String
    let byteCount: UInt64
    /// What changes when it does.
    let version: String?
    private let url: RemoteURL
    private let client: RemoteClient
    private let tail: BufferedBytes

    private static let tailByteCount = 1 << 16

    /// The file at a URL, or nil where there is none.
    /// - Throws: as `RemoteClient.ask`.
    init?(_ url: RemoteURL, _ client: RemoteClient) throws(DeconvolutionError) {
        guard let answer = try client.ask(url, for: .tail(Self.tailByteCount)), let tail = answer.body else {
            return nil
        }
        path = url.shown
        self.url = url
        self.client = client
        self.tail = tail
        version = answer.version
        byteCount = answer.status == 206 ? answer.byteCount ?? tail.byteCount : tail.byteCount
    }

    /// Bytes of it that are in memory.
    var keptByteCount: Int { tail.range.count }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(DeconvolutionError) {
        let (end, overflow) = offset.addingReportingOverflow(UInt64(buffer.count))
        guard !overflow, end <= byteCount else { throw truncated }
        guard !buffer.isEmpty else { return }
        let start = byteCount - tail.byteCount
        if offset >= start { return try tail.read(into: buffer, at: offset - start) }
        guard let answer = try client.ask(url, for: .range(offset..<end)), let body = answer.body,
            answer.byteCount ?? byteCount == byteCount, version == nil || answer.version == version
        else { throw invalid("has changed while it was read; start again") }
        // Of a server that knows no ranges, all of it comes.
        try body.read(into: buffer, at: offset - answer.start)
    }
}

extension RemoteStorage {
    /// The store in which a URL lies, and where in it.
    ///
    /// That is the first folder whose name ends in `.zarr`, or a file whose name ends in `.zip` or `.ozx`. Where there is neither, it
    /// is the outermost folder with metadata of all that lead to it without one between.
    /// - Throws: as `RemoteURL.init`, `RemoteClient.init` and `RemoteClient.ask`.
    static func locate(_ text: String) throws(DeconvolutionError) -> (store: any StoreStorage, path: ZarrPath) {
        let url = try RemoteURL(text)
        return try locate(url, try RemoteClient(for: url))
    }

    /// The same with the client that asks.
    static func locate(
        _ url: RemoteURL,
        _ client: RemoteClient
    ) throws(DeconvolutionError) -> (store: any StoreStorage, path: ZarrPath) {
        func split(_ count: Int) throws(DeconvolutionError) -> (root: RemoteURL, path: ZarrPath) {
            var root = url
            root.names = Array(url.names[..<count])
            let rest = url.names[count...].map { url.scheme == .s3 ? $0 : $0.removingPercentEncoding ?? $0 }
            return (root, try ZarrPath(rest.joined(separator: "/")))
        }
        func index(_ endings: String...) -> Int? {
            url.names.firstIndex { name in endings.contains(where: name.lowercased().hasSuffix) }
        }
        if let number = index(".zip", ".ozx") {
            let (root, path) = try split(number + 1)
            guard let file = try RemoteFile(root, client) else {
                throw DeconvolutionError(.inputNotFound, "\(root.shown.inMessage): no such file; check the URL")
            }
            return (try ZIPStorage(file, name: root.shown, mark: file.version ?? ""), path)
        }
        if let number = index(".zarr") {
            let (root, path) = try split(number + 1)
            return (RemoteStorage(root, client), path)
        }
        var count = url.names.count
        while count > 0 {
            let storage = RemoteStorage(try split(count - 1).root, client)
            guard try hasMetadata(storage) else { break }
            count -= 1
        }
        let (root, path) = try split(count)
        return (RemoteStorage(root, client), path)
    }

    private static func hasMetadata(_ storage: RemoteStorage) throws(DeconvolutionError) -> Bool {
        for name in [ZarrMetadataFile.version3, ZarrMetadataFile.group] {
            // Some servers have a page for every name.
            guard let file = try storage.metadata(name),
                (try? JSONValue(parsing: file.bytes(at: 0, count: file.byteCount))) != nil
            else { continue }
            return true
        }
        return false
    }
}
