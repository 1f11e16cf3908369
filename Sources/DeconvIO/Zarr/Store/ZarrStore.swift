package import DeconvVolume
import Synchronization

/// Zarr arrays and groups: in a folder, in a ZIP file, or behind a URL.
///
/// Keys are paths below its root, and none leads out of it. In a folder files appear whole or not at all; what is elsewhere is only
/// read. Any number of threads may use it at once.
package final class ZarrStore: Sendable {
    /// Where its files are.
    let storage: any StoreStorage
    /// Held while metadata are written, since those of a group are read and written again for each array in it.
    let metadataLock = Mutex(())

    /// The store in some files.
    init(_ storage: any StoreStorage) { self.storage = storage }

    /// The store in an existing folder.
    /// - Throws: `inputNotFound` where there is no such folder or it may not be read.
    package convenience init(path: String) throws(DeconvolutionError) { self.init(try FolderStorage(path: path)) }

    /// The store in a folder, which is made if it is not there; its parent is.
    /// - Throws: `cannotCreateOutput` or, on a full disk, `inputOutput` where it cannot be made.
    package static func create(path: String) throws(DeconvolutionError) -> ZarrStore {
        ZarrStore(try FolderStorage.create(path: path))
    }

    /// The folder, file or URL as the caller gave it.
    package var path: String { storage.name }

    /// What messages call the file of a key.
    func location(_ key: String) -> String { storage.location(key) }

    /// An `invalidData` error about the file of a key.
    func invalid(_ key: String, _ problem: Message) -> DeconvolutionError { storage.invalid(key, problem) }

    /// A small file, or nil where there is none.
    /// - Throws: as `StoreStorage.file`; `invalidData` where it is larger than 256 MiB.
    func contents(_ key: String) throws(DeconvolutionError) -> [UInt8]? {
        guard let file = try storage.file(key, .metadata) else { return nil }
        guard file.byteCount <= StoredUse.mostMetadataBytes else {
            throw file.invalid("is \(file.byteCount) bytes large, which metadata are not; write it again")
        }
        return try file.bytes(at: 0, count: file.byteCount)
    }

    /// A file of metadata, or nil where there is none.
    /// - Throws: as `contents`; `invalidData` where it is not JSON.
    func json(_ key: String) throws(DeconvolutionError) -> JSONValue? {
        guard let bytes = try contents(key) else { return nil }
        do throws(JSONProblem) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw invalid(key, "is not JSON (\(error.message)); copy it again from its source")
        }
    }

    /// Names of the files and folders in the folder of a key, sorted; none where it is no folder.
    /// - Throws: as `StoreStorage.forEachName`.
    func names(in key: String) throws(DeconvolutionError) -> [String] {
        var names: [String] = []
        try storage.forEachName(in: key) { (name) throws(DeconvolutionError) in names.append(name) }
        return names.sorted()
    }

    /// Whether there is a file or folder of that key.
    func exists(_ key: String) throws(DeconvolutionError) -> Bool { try storage.exists(key) }

    // MARK: - Writing

    /// The folder that it is in.
    /// - Throws: `cannotCreateOutput` where it is in none.
    func folder() throws(DeconvolutionError) -> FolderStorage {
        if let folder = storage as? FolderStorage { return folder }
        throw DeconvolutionError(
            .cannotCreateOutput,
            "\(path.inMessage): is only read; write to a store in a folder"
        )
    }

    /// Writes a file of metadata, whole or not at all, and removes what a killed process has left of it.
    func write(_ value: JSONValue, to key: String, synchronizing: Bool = true) throws(DeconvolutionError) {
        let bytes = Array(value.text.utf8)
        let output = try folder().output(
            key,
            expectedByteCount: bytes.count,
            synchronizing: synchronizing,
            removesAbandoned: true
        )
        let span = bytes.span.bytes
        try span.withUnsafeBytes { (buffer) throws(DeconvolutionError) in try output.append(buffer) }
        try output.finish(synchronizing: synchronizing)
    }

    /// Removes a file; of a link the link itself. Does nothing where there is none.
    /// - Throws: as `FolderStorage.removeFile`.
    func removeFile(_ name: String, in path: ZarrPath) throws(DeconvolutionError) {
        try folder().removeFile(name, in: path.text)
    }

    /// Brings everything that was written to the disk's file system to the disk; see `FolderStorage.synchronize`.
    /// - Throws: `inputOutput` where the disk fails or is full.
    package func synchronize() throws(DeconvolutionError) { try folder().synchronize() }
}
