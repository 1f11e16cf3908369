package import DeconvVolume
import Foundation

extension ZarrStore {
    /// The outermost store in which a path lies, and where in it; nil where neither the path nor a folder above it has
    /// Zarr's metadata.
    ///
    /// Of a path that leads into a ZIP file that is the store, and of a URL what leads to the first name that ends in `.zarr`.
    ///
    /// The path need not exist: then it is looked for where it would be. Folders above belong to the store as far as each
    /// of them has metadata. A path that is a link out of the store is a store of its own.
    /// - Throws: as `ZarrPath.init` and `ZarrStore.init`; of a URL as `RemoteStorage.locate`.
    package static func locate(_ text: String) throws(DeconvolutionError) -> (store: ZarrStore, path: ZarrPath)? {
        if RemoteURL.isRemote(text) {
            let place = try RemoteStorage.locate(text)
            return (ZarrStore(place.store), place.path)
        }
        if let zip = ZIPStorage.split(text) {
            return (ZarrStore(try ZIPStorage(path: zip.file)), try ZarrPath(zip.rest))
        }
        var folder = text.withoutTrailingSlashes
        // Of `.` and `..` only the system knows what is above.
        if folder.endsInDots, let real = realPath(folder) { folder = real }
        let target = realPath(folder)
        var found: (root: String, names: [String])?
        var names: [String] = []
        while true {
            if hasMetadata(folder) {
                if let target, let real = realPath(folder), !target.liesIn(real) { break }
                found = (folder, names)
            } else if found != nil {
                break
            }
            guard folder != "/", !folder.isEmpty, !folder.endsInDots else { break }
            guard let slash = folder.lastSlash else {
                names.insert(folder, at: 0)
                folder = "."
                continue
            }
            names.insert(String(folder[folder.utf8.index(after: slash)...]), at: 0)
            folder = String(folder[..<slash]).withoutTrailingSlashes
            if folder.isEmpty { folder = "/" }
        }
        guard let found else { return nil }
        return (try ZarrStore(path: found.root), try ZarrPath(found.names.joined(separator: "/")))
    }

    /// Whether a folder is an array or group by its own files.
    static func hasMetadata(_ folder: String) -> Bool {
        ZarrMetadataFile.all.contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    private static func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}

extension String {
    fileprivate var endsInDots: Bool { betweenSlashes.last { !$0.isEmpty }.map { $0 == "." || $0 == ".." } ?? false }
}
