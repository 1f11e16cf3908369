package import DeconvVolume

/// What is at a path of a store.
package enum ZarrNode: Sendable {
    /// An array.
    case array(ZarrArray)
    /// A group of arrays and groups.
    case group(ZarrGroup)

    /// The version of the format.
    package var version: ZarrVersion {
        switch self {
        case .array(let array): array.metadata.version
        case .group(let group): group.version
        }
    }
}

/// A group of arrays and groups.
package struct ZarrGroup: Sendable {
    /// The store that it is in.
    package let store: ZarrStore
    /// Where in the store.
    package let path: ZarrPath
    /// The version of the format.
    package let version: ZarrVersion
    /// What others have to say about it, unchanged.
    package let attributes: JSONObject
    /// The nodes below that consolidated metadata know, by their path from here on.
    fileprivate let consolidatedPaths: [String]

    /// The names of the arrays and groups right in it, sorted: what is in its folder, and what only consolidated metadata
    /// know.
    /// - Throws: `invalidData` where a link leads out of the store.
    package func children() throws(DeconvolutionError) -> [String] {
        var names = Set(consolidatedPaths.compactMap { $0.betweenSlashes.first { !$0.isEmpty } })
        names.formUnion(try store.nodeNames(in: path))
        if !store.storage.isListed, names.isEmpty { return try unlistedChildren() }
        return names.sorted()
    }

    /// The images of a file that bioformats2raw converted, which are counted and named in a group beside them.
    ///
    /// Layout `bioformats2raw.layout` of OME-NGFF 0.4: where the list is missing, the images are called 0, 1, …
    private func unlistedChildren() throws(DeconvolutionError) -> [String] {
        guard (attributes["ome"]?.object ?? attributes)["bioformats2raw.layout"] != nil else { return [] }
        if case .group(let beside)? = try store.node(at: ZarrPath(path.key("OME"))),
            let series = (beside.attributes["ome"]?.object ?? beside.attributes)["series"]?.array
        {
            return series.compactMap(\.string)
        }
        var names: [String] = []
        while names.count < 100, try store.node(at: ZarrPath(path.key("\(names.count)"))) != nil {
            names.append("\(names.count)")
        }
        return names
    }
}

extension ZarrStore {
    /// The array or group at a path, or nil where there is neither.
    ///
    /// Its own files count; consolidated metadata of a group above are asked only where it has none.
    /// - Throws: `invalidData` naming the file where metadata are damaged or say what is not read.
    package func node(at path: ZarrPath) throws(DeconvolutionError) -> ZarrNode? {
        let key = path.key(ZarrMetadataFile.version3)
        if let document = try json(key) { return try node(at: path, version3: document, from: key) }
        for name in [ZarrMetadataFile.array, ZarrMetadataFile.group] {
            guard let document = try json(path.key(name)) else { continue }
            let attributes = try json(path.key(ZarrMetadataFile.attributes))
            return try node(at: path, version2: document, attributes, name: name, from: path.key(name))
        }
        for group in path.ancestors + [path] {
            if let node = try consolidatedNode(at: path, group: group) { return node }
        }
        return nil
    }

    /// The array at a path.
    /// - Throws: as `node(at:)`; `inputNotFound` where there is no array, naming those that there are.
    package func array(at path: ZarrPath) throws(DeconvolutionError) -> ZarrArray {
        switch try node(at: path) {
        case .array(let array): return array
        case .group(let group):
            let children = try group.children()
            throw DeconvolutionError(
                .inputNotFound,
                "\(location(path.text).inMessage): is a Zarr group, not an array; "
                    + (children.isEmpty
                        ? "it is empty, so choose another" : "name what is in it: \(Self.list(children))")
            )
        case nil: throw try missing(path)
        }
    }

    /// The group at a path.
    /// - Throws: as `node(at:)`; `inputNotFound` where there is no group.
    package func group(at path: ZarrPath) throws(DeconvolutionError) -> ZarrGroup {
        switch try node(at: path) {
        case .group(let group): return group
        case .array:
            throw DeconvolutionError(
                .inputNotFound,
                "\(location(path.text).inMessage): is a Zarr array, not a group; name the group that it is in"
            )
        case nil: throw try missing(path)
        }
    }

    /// The names of the folders right in that of a path that have metadata; what lies behind a bad link is left out.
    func nodeNames(in path: ZarrPath) throws(DeconvolutionError) -> [String] {
        let files = [ZarrMetadataFile.version3, ZarrMetadataFile.array, ZarrMetadataFile.group]
        return try names(in: path.text).filter { name in
            ((try? names(in: path.key(name))) ?? []).contains { files.contains($0) }
        }
    }

    func missing(_ path: ZarrPath) throws(DeconvolutionError) -> DeconvolutionError {
        if let denial = storage.denial { return denial }
        var remedy = "check the path"
        for ancestor in path.ancestors.reversed() {
            guard case .group(let group)? = try node(at: ancestor) else { continue }
            let children = try group.children()
            if !children.isEmpty { remedy = "\(location(ancestor.text).inMessage) has \(Self.list(children))" }
            break
        }
        return DeconvolutionError(
            .inputNotFound,
            "\(location(path.text).inMessage): has no Zarr array or group (no zarr.json, .zarray or .zgroup); \(remedy)"
        )
    }

    static func list(_ names: [String]) -> String {
        let shown = names.prefix(8).map(\.inMessage).joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }

    /// Runs a parser of metadata, and puts the name of their file in front of what it throws.
    private func parsing<Result>(
        _ key: String,
        _ body: () throws(ZarrProblem) -> Result
    ) throws(DeconvolutionError) -> Result {
        do throws(ZarrProblem) { return try body() } catch { throw invalid(key, "\(error.message)") }
    }

    private func node(
        at path: ZarrPath,
        version3 document: JSONValue,
        from key: String
    ) throws(DeconvolutionError) -> ZarrNode {
        switch document[key: "node_type"] {
        case .string("array"):
            let metadata = try parsing(key) { () throws(ZarrProblem) in try ZarrArrayMetadata(version3: document) }
            return .array(ZarrArray(store: self, path: path, metadata: metadata))
        case .string("group") where document[key: "zarr_format"]?.integer() == 3:
            let attributes = try parsing(key) { () throws(ZarrProblem) in
                try document.object?.refuseUnknown(except: [
                    "zarr_format", "node_type", "attributes", "consolidated_metadata",
                ])
                return try document.object?.optional("attributes", "object", \.object) ?? [:]
            }
            return .group(
                ZarrGroup(
                    store: self,
                    path: path,
                    version: .three,
                    attributes: attributes,
                    consolidatedPaths: document[key: "consolidated_metadata"]?[key: "metadata"]?.object?.keys ?? []
                )
            )
        default:
            throw invalid(key, "is neither an array nor a group of Zarr version 3; copy it again from its source")
        }
    }

    private func node(
        at path: ZarrPath,
        version2 document: JSONValue,
        _ attributes: JSONValue?,
        name: String,
        from key: String
    ) throws(DeconvolutionError) -> ZarrNode {
        if let attributes, attributes.object == nil {
            throw invalid(path.key(ZarrMetadataFile.attributes), "is no JSON object; copy it again from its source")
        }
        let attributes = attributes?.object ?? [:]
        if name == ZarrMetadataFile.array {
            let metadata = try parsing(key) { () throws(ZarrProblem) in
                try ZarrArrayMetadata(version2: document, attributes: attributes)
            }
            return .array(ZarrArray(store: self, path: path, metadata: metadata))
        }
        guard document[key: "zarr_format"]?.integer() == 2 else {
            throw invalid(key, "does not have zarr_format 2; copy it again from its source")
        }
        let files = try json(path.key(ZarrMetadataFile.consolidated))?[key: "metadata"]?.object?.keys ?? []
        return .group(
            ZarrGroup(
                store: self,
                path: path,
                version: .two,
                attributes: attributes,
                consolidatedPaths: files.filter {
                    $0.hasSuffix(ZarrMetadataFile.array) || $0.hasSuffix(ZarrMetadataFile.group)
                }
                .map { $0.betweenSlashes.dropLast().joined(separator: "/") }
            )
        )
    }

    /// What a group's consolidated metadata say about a node in it.
    private func consolidatedNode(
        at path: ZarrPath,
        group: ZarrPath
    ) throws(DeconvolutionError) -> ZarrNode? {
        guard let relative = path.relative(to: group) else { return nil }
        let key = group.key(ZarrMetadataFile.consolidated)
        if let files = try json(key)?[key: "metadata"]?.object {
            let prefix = relative.isEmpty ? "" : relative + "/"
            for name in [ZarrMetadataFile.array, ZarrMetadataFile.group] {
                guard let document = files[prefix + name] else { continue }
                let attributes = files[prefix + ZarrMetadataFile.attributes]
                return try node(at: path, version2: document, attributes, name: name, from: key)
            }
        }
        let version3 = group.key(ZarrMetadataFile.version3)
        if group != path,
            let document = try json(version3)?[key: "consolidated_metadata"]?[key: "metadata"]?[key: relative]
        {
            return try node(at: path, version3: document, from: version3)
        }
        return nil
    }
}
