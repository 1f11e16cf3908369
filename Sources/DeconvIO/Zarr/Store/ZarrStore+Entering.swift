import DeconvVolume
import Synchronization

extension ZarrStore {
    /// Enters an array or group that came into its place as a folder, with the nodes below it, into the consolidated metadata of
    /// the groups above that have some; what they knew of that place before is forgotten.
    /// - Throws: as `json` and `write`.
    func enter(_ path: ZarrPath) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in
            var files: [(path: ZarrPath, name: String, value: JSONValue)] = []
            try collect(path, into: &files)
            for group in path.ancestors { try enter(files, below: path, in: group) }
        }
    }

    private func collect(
        _ path: ZarrPath,
        into files: inout [(path: ZarrPath, name: String, value: JSONValue)]
    ) throws(DeconvolutionError) {
        var isGroup = false
        for name in [
            ZarrMetadataFile.version3, ZarrMetadataFile.group, ZarrMetadataFile.array, ZarrMetadataFile.attributes,
        ] {
            guard let value = try json(path.key(name)) else { continue }
            files.append((path, name, value))
            if name == ZarrMetadataFile.group || value[key: "node_type"]?.string == "group" { isGroup = true }
        }
        guard isGroup else { return }
        for name in try nodeNames(in: path) { try collect(try ZarrPath(path.key(name)), into: &files) }
    }

    private func enter(
        _ files: [(path: ZarrPath, name: String, value: JSONValue)],
        below path: ZarrPath,
        in group: ZarrPath
    ) throws(DeconvolutionError) {
        let place = path.relative(to: group) ?? ""
        func isBelow(_ key: String) -> Bool { key.liesIn(place) }
        let version2 = group.key(ZarrMetadataFile.consolidated)
        if var document = try json(version2)?.object, var metadata = document["metadata"]?.object {
            for key in metadata.keys where isBelow(key) { metadata[key] = nil }
            for file in files where file.name != ZarrMetadataFile.version3 {
                metadata["\(file.path.relative(to: group) ?? "")/\(file.name)"] = file.value
            }
            document["metadata"] = .object(metadata)
            try write(.object(document), to: version2)
        }
        let version3 = group.key(ZarrMetadataFile.version3)
        if var document = try json(version3)?.object, var consolidated = document["consolidated_metadata"]?.object,
            var metadata = consolidated["metadata"]?.object
        {
            for key in metadata.keys where isBelow(key) { metadata[key] = nil }
            for file in files where file.name == ZarrMetadataFile.version3 {
                metadata[file.path.relative(to: group) ?? ""] = file.value
            }
            consolidated["metadata"] = .object(metadata)
            document["consolidated_metadata"] = .object(consolidated)
            try write(.object(document), to: version3)
        }
    }
}
