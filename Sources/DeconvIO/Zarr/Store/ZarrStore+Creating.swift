package import DeconvVolume
import Synchronization

extension ZarrStore {
    /// Makes a group, with those above it; one that is there gets the attributes and keeps what is in it.
    /// - Throws: `cannotCreateOutput` where there is an array, or a group of another version here or above.
    package func createGroup(
        at path: ZarrPath,
        version: ZarrVersion,
        attributes: JSONObject = [:]
    ) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in
            for ancestor in path.ancestors { try requireGroup(at: ancestor, version: version) }
            try requireGroup(at: path, version: version, attributes: attributes)
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
        guard try node(at: path)?.version == .two else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(location(path.text).inMessage): has no Zarr array or group to describe; check the path"
            )
        }
        try write([(ZarrMetadataFile.attributes, .object(attributes))], at: path)
    }

    /// Writes the metadata of a new array.
    func create(
        _ metadata: ZarrArrayMetadata,
        at path: ZarrPath,
        overwrite: Bool,
        synchronizing: Bool
    ) throws(DeconvolutionError) {
        try metadataLock.withLock { (_) throws(DeconvolutionError) in
            for ancestor in path.ancestors {
                try requireGroup(at: ancestor, version: metadata.version, synchronizing: synchronizing)
            }
            try createArray(metadata, at: path, overwrite: overwrite, synchronizing: synchronizing)
        }
    }

    private func createArray(
        _ metadata: ZarrArrayMetadata,
        at path: ZarrPath,
        overwrite: Bool,
        synchronizing: Bool
    ) throws(DeconvolutionError) {
        switch try existingNode(at: path) {
        case .array where !overwrite:
            throw cannotCreate(
                path,
                "the array exists already; give --overwrite to replace it, or choose another name"
            )
        case .array: try removeArray(at: path)
        case .group: throw cannotCreate(path, "is a Zarr group; name an array in it that is not there yet")
        case nil:
            // The folder of a new store is empty; in any other, files might be taken for chunks.
            guard try isEmpty(path) else {
                throw cannotCreate(path, "is a folder with other things in it; choose another name")
            }
        }
        switch metadata.version {
        case .three:
            try write([(ZarrMetadataFile.version3, metadata.version3)], at: path, synchronizing: synchronizing)
        case .two:
            // What makes it an array comes last.
            var files: [(String, JSONValue)] = [(ZarrMetadataFile.array, metadata.version2)]
            if !metadata.attributes.isEmpty {
                files.insert((ZarrMetadataFile.attributes, .object(metadata.attributes)), at: 0)
            }
            try write(files, at: path, synchronizing: synchronizing)
        }
    }

    /// The node at a path; one whose metadata cannot be read is an error of creation.
    private func existingNode(at path: ZarrPath) throws(DeconvolutionError) -> ZarrNode? {
        do throws(DeconvolutionError) { return try node(at: path) } catch {
            throw DeconvolutionError(.cannotCreateOutput, error.message, cause: error.cause)
        }
    }

    /// Whether a folder has nothing in it but the journal of the run that fills it.
    private func isEmpty(_ path: ZarrPath) throws(DeconvolutionError) -> Bool {
        try names(in: path.text).allSatisfy { $0 == VolumeJournal.fileName }
    }

    private func cannotCreate(_ path: ZarrPath, _ problem: String) -> DeconvolutionError {
        DeconvolutionError(.cannotCreateOutput, "\(location(path.text).inMessage): \(problem)")
    }

    /// Makes sure that there is a group; with attributes, that it has these.
    private func requireGroup(
        at path: ZarrPath,
        version: ZarrVersion,
        attributes: JSONObject? = nil,
        synchronizing: Bool = true
    ) throws(DeconvolutionError) {
        switch try existingNode(at: path) {
        case .group(let group):
            guard group.version == version else {
                throw cannotCreate(
                    path,
                    "is a Zarr group of version \(group.version.rawValue), which takes no array of version "
                        + "\(version.rawValue); write version \(group.version.rawValue) or choose another store"
                )
            }
            if let attributes, attributes != group.attributes { try replaceAttributes(attributes, at: path) }
        case .array: throw cannotCreate(path, "is a Zarr array, which takes no array inside; choose another name")
        case nil:
            // A folder that is a group only by what is in it becomes one; any other is somebody's, and stays as it is.
            let isEmpty = try isEmpty(path)
            let hasNodes = try !nodeNames(in: path).isEmpty
            guard isEmpty || hasNodes else {
                throw cannotCreate(path, "is a folder with other things in it; choose another name")
            }
            let attributes = attributes ?? [:]
            switch version {
            case .three:
                let document: JSONObject = [
                    "zarr_format": 3, "node_type": "group", "attributes": .object(attributes),
                ]
                try write(
                    [(ZarrMetadataFile.version3, .object(document))],
                    at: path,
                    synchronizing: synchronizing
                )
            case .two:
                var files: [(String, JSONValue)] = [(ZarrMetadataFile.group, .object(["zarr_format": 2]))]
                if !attributes.isEmpty { files.insert((ZarrMetadataFile.attributes, .object(attributes)), at: 0) }
                try write(files, at: path, synchronizing: synchronizing)
            }
        }
    }

    /// Removes an array's metadata and chunks; other files that somebody put into its folder stay.
    private func removeArray(at path: ZarrPath) throws(DeconvolutionError) {
        // Without its metadata nobody takes what is left for an array.
        for name in ZarrMetadataFile.all where try exists(path.key(name)) { try remove(path.key(name)) }
        for name in try names(in: path.text)
        where name == "c" || name.hasPrefix("c.") || name.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }) {
            try remove(path.key(name))
        }
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
