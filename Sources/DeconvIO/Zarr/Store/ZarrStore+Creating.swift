package import DeconvVolume
import Synchronization

extension ZarrStore {
    /// Makes a group, with those above it; one that is there keeps what is in it.
    /// - Parameter attributes: what the group has to say from now on; nil leaves that as it is.
    /// - Throws: `cannotCreateOutput` where there is an array, or a group of another version here or above. Nothing was made then.
    package func createGroup(
        at path: ZarrPath,
        version: ZarrVersion,
        attributes: JSONObject? = nil
    ) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in
            let missing = try missingGroups(path.ancestors + [path], version)
            for group in missing { try writeGroup(group, version, group == path ? attributes : nil) }
            guard let attributes, !missing.contains(path), case .group(let group)? = try existingNode(at: path),
                group.attributes != attributes
            else { return }
            try replaceAttributes(attributes, at: path)
        }
    }

    /// Replaces the attributes of an array or group, and leaves all else as it is.
    /// - Throws: as `node(at:)`, `inputNotFound` where there is neither, `inputOutput` where the disk is full.
    package func setAttributes(_ attributes: JSONObject, at path: ZarrPath) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in try replaceAttributes(attributes, at: path) }
    }

    private func replaceAttributes(_ attributes: JSONObject, at path: ZarrPath) throws(DeconvolutionError) {
        let key = path.key(ZarrMetadataFile.version3)
        if var document = try json(key)?.object {
            document["attributes"] = .object(attributes)
            try write([(ZarrMetadataFile.version3, .object(document))], at: path)
            return
        }
        switch try node(at: path) {
        case .array(let array) where array.metadata.version == .two:
            var metadata = array.metadata
            metadata.attributes = attributes
            try write([(ZarrMetadataFile.attributes, .object(metadata.storedAttributes))], at: path)
        case .group(let group) where group.version == .two:
            try write([(ZarrMetadataFile.attributes, .object(attributes))], at: path)
        default:
            throw DeconvolutionError(
                .inputNotFound,
                "\(location(path.text).inMessage): has no Zarr array or group to describe; check the path"
            )
        }
    }

    /// Writes the metadata of a new array, and the groups above it.
    /// - Throws: `cannotCreateOutput`, before anything was made, where something else is in the way; `inputOutput` where the disk
    ///   is full.
    func create(
        _ metadata: ZarrArrayMetadata,
        at path: ZarrPath,
        synchronizing: Bool
    ) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in
            let missing = try missingGroups(path.ancestors, metadata.version)
            try requireNothing(at: path)
            for group in missing { try writeGroup(group, metadata.version, nil, synchronizing: synchronizing) }
            var files: [(String, JSONValue)]
            switch metadata.version {
            case .three: files = [(ZarrMetadataFile.version3, metadata.version3)]
            // What makes it an array comes last.
            case .two: files = [(ZarrMetadataFile.array, metadata.version2)]
            }
            let attributes = metadata.storedAttributes
            if metadata.version == .two, !attributes.isEmpty {
                files.insert((ZarrMetadataFile.attributes, .object(attributes)), at: 0)
            } else {
                try removeFile(ZarrMetadataFile.attributes, in: path)
            }
            try write(files, at: path, synchronizing: synchronizing)
        }
    }

    private func requireNothing(at path: ZarrPath) throws(DeconvolutionError) {
        switch try existingNode(at: path) {
        case .array: throw cannotCreate(path, "the array exists already; choose another name", .outputExists)
        case .group: throw cannotCreate(path, "is a Zarr group; name an array in it that is not there yet")
        case nil:
            // The folder of a new store is empty; in any other, files might be taken for chunks.
            guard try isEmpty(path) else {
                throw cannotCreate(path, "is a folder with other things in it; choose another name")
            }
        }
    }

    /// The node at a path; one whose metadata cannot be read is an error of creation.
    private func existingNode(at path: ZarrPath) throws(DeconvolutionError) -> ZarrNode? {
        do throws(DeconvolutionError) { return try node(at: path) } catch {
            throw DeconvolutionError(.cannotCreateOutput, error.line, cause: error.cause)
        }
    }

    /// Whether a folder has nothing in it but the journal of the run that fills it, and what a process leaves that is killed
    /// while it makes an array or group: hidden files, or attributes of nothing.
    private func isEmpty(_ path: ZarrPath) throws(DeconvolutionError) -> Bool {
        try names(in: path.text).allSatisfy {
            $0 == VolumeJournal.fileName || $0 == ZarrMetadataFile.attributes || UnfinishedName.isUnfinished($0)
        }
    }

    private func cannotCreate(
        _ path: ZarrPath,
        _ problem: String,
        _ code: DeconvolutionError.Code = .cannotCreateOutput
    ) -> DeconvolutionError {
        DeconvolutionError(code, "\(location(path.text).inMessage): \(problem)")
    }

    /// Those of some paths at which there is no group yet, and may be one.
    private func missingGroups(
        _ paths: [ZarrPath],
        _ version: ZarrVersion
    ) throws(DeconvolutionError) -> [ZarrPath] {
        var missing: [ZarrPath] = []
        for path in paths {
            switch try existingNode(at: path) {
            case .group(let group):
                guard group.version == version else {
                    throw wrongVersion(path, "is a Zarr group", group.version, version)
                }
            case .array: throw cannotCreate(path, "is a Zarr array, which takes no array inside; choose another name")
            case nil:
                // A folder that is a group only by what is in it becomes one; any other is somebody's, and stays as it is.
                let children = try nodeNames(in: path)
                let isEmpty = try isEmpty(path)
                guard isEmpty || !children.isEmpty else {
                    throw cannotCreate(path, "is a folder with other things in it; choose another name")
                }
                for name in children {
                    let isThree = try exists("\(path.key(name))/\(ZarrMetadataFile.version3)")
                    let found: ZarrVersion = isThree ? .three : .two
                    if found != version { throw wrongVersion(path, "has in it \(name.inMessage)", found, version) }
                }
                missing.append(path)
            }
        }
        return missing
    }

    private func wrongVersion(
        _ path: ZarrPath,
        _ problem: String,
        _ found: ZarrVersion,
        _ version: ZarrVersion
    ) -> DeconvolutionError {
        cannotCreate(
            path,
            "\(problem) of version \(found.rawValue) and takes no array of version \(version.rawValue); write version "
                + "\(found.rawValue) or choose another store"
        )
    }

    /// Writes the metadata of a new group; attributes that are there stay where none are given.
    private func writeGroup(
        _ path: ZarrPath,
        _ version: ZarrVersion,
        _ attributes: JSONObject?,
        synchronizing: Bool = true
    ) throws(DeconvolutionError) {
        var files: [(String, JSONValue)]
        switch version {
        case .three:
            let document: JSONObject = [
                "zarr_format": 3, "node_type": "group", "attributes": .object(attributes ?? [:]),
            ]
            files = [(ZarrMetadataFile.version3, .object(document))]
        case .two:
            files = [(ZarrMetadataFile.group, .object(["zarr_format": 2]))]
            if let attributes { files.insert((ZarrMetadataFile.attributes, .object(attributes)), at: 0) }
        }
        try write(files, at: path, synchronizing: synchronizing)
    }

    /// Writes files of a node's metadata, and into the consolidated metadata of the groups that have some.
    private func write(
        _ files: [(name: String, value: JSONValue)],
        at path: ZarrPath,
        synchronizing: Bool = true
    ) throws(DeconvolutionError) {
        for file in files { try write(file.value, to: path.key(file.name), synchronizing: synchronizing) }
        for group in path.ancestors + [path] {
            let relative = path.relative(to: group) ?? ""
            let version2 = group.key(ZarrMetadataFile.consolidated)
            if var document = try json(version2)?.object, var metadata = document["metadata"]?.object {
                for file in files where file.name != ZarrMetadataFile.version3 {
                    metadata[relative.isEmpty ? file.name : "\(relative)/\(file.name)"] = file.value
                }
                document["metadata"] = .object(metadata)
                try write(.object(document), to: version2, synchronizing: synchronizing)
            }
            let version3 = group.key(ZarrMetadataFile.version3)
            if group != path, let file = files.first(where: { $0.name == ZarrMetadataFile.version3 }),
                var document = try json(version3)?.object,
                var consolidated = document["consolidated_metadata"]?.object,
                var metadata = consolidated["metadata"]?.object
            {
                metadata[relative] = file.value
                consolidated["metadata"] = .object(metadata)
                document["consolidated_metadata"] = .object(consolidated)
                try write(.object(document), to: version3, synchronizing: synchronizing)
            }
        }
    }
}
