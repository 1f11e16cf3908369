extension ZarrArrayMetadata {
    /// The metadata in a `zarr.json`.
    init(version3 document: JSONValue) throws(ZarrProblem) {
        guard let object = document.object else { throw ZarrProblem("is no JSON object; write the array again") }
        guard object["zarr_format"]?.integer() == 3, object["node_type"]?.string == "array" else {
            throw ZarrProblem("is not the description of an array of version 3; write the array again")
        }
        try object.refuseUnknown(except: [
            "zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value",
            "codecs",
            "attributes", "dimension_names", "storage_transformers",
        ])
        let shape = try object.lengths("shape")
        let type = try ZarrExtension(object["data_type"], "data_type")
        guard let dataType = ZarrDataType(rawValue: type.name) else {
            throw ZarrProblem(
                "its elements are \(type.name.inMessage), which are not read; write it as integers or floating point of 8 "
                    + "to 64 bits"
            )
        }
        let grid = try ZarrExtension(object["chunk_grid"], "chunk_grid")
        guard grid.name == "regular" else {
            throw ZarrProblem(
                "its chunk grid \(grid.name.inMessage) is not read; write the array again with a regular one"
            )
        }
        let transformers = try object.optional("storage_transformers", "list", \.array) ?? []
        if let first = transformers.first {
            let name = try ZarrExtension(first, "storage_transformers").name
            throw ZarrProblem(
                "its storage transformer \(name.inMessage) is not read; write the array again without one"
            )
        }
        guard let fill = object["fill_value"], fill != .null else {
            throw ZarrProblem("its fill_value is missing; write the array again")
        }
        guard let codecs = object["codecs"]?.array else {
            throw ZarrProblem("its codecs are missing; write the array again")
        }
        let names: [String?]?
        switch object["dimension_names"] {
        case nil, .null: names = nil
        case .array(let values) where values.allSatisfy({ $0.string != nil || $0 == .null }):
            names = values.map(\.string)
        default: throw ZarrProblem("its dimension_names are no list of names; write the array again")
        }
        try self.init(
            version: .three,
            shape: shape,
            chunkShape: try grid.configuration.lengths("chunk_shape"),
            dataType: dataType,
            fillValue: try ZarrFillValue(fill, dataType),
            chunkKeys: try Self.chunkKeys(object["chunk_key_encoding"]),
            codecs: try ZarrCodecPipeline(version3: codecs, rank: shape.count, elementSize: dataType.byteCount),
            attributes: try object.optional("attributes", "object", \.object) ?? [:],
            dimensionNames: names
        )
    }

    private static func chunkKeys(_ value: JSONValue?) throws(ZarrProblem) -> ZarrChunkKeys {
        let encoding = try ZarrExtension(value, "chunk_key_encoding")
        switch encoding.name {
        case "default":
            return .standard(separator: try encoding.configuration.separator("separator", default: .slash))
        case "v2": return .version2(separator: try encoding.configuration.separator("separator", default: .dot))
        default:
            throw ZarrProblem(
                "its chunk key encoding \(encoding.name.inMessage) is not read; write the array again with default or v2"
            )
        }
    }

    /// What goes into `zarr.json`.
    var version3: JSONValue {
        let keys: (name: JSONValue, separator: JSONValue) =
            switch chunkKeys {
            case .standard(let separator): ("default", .string(separator.rawValue))
            case .version2(let separator): ("v2", .string(separator.rawValue))
            }
        var object: JSONObject = [
            "zarr_format": 3,
            "node_type": "array",
            "shape": .integers(shape),
            "data_type": .string(dataType.rawValue),
            "chunk_grid": .object([
                "name": "regular", "configuration": .object(["chunk_shape": .integers(chunkShape)]),
            ]),
            "chunk_key_encoding": .object([
                "name": keys.name, "configuration": .object(["separator": keys.separator]),
            ]),
            "fill_value": fillValue.json(dataType, .three),
            "codecs": codecs.version3(elementSize: dataType.byteCount),
            "attributes": .object(attributes),
        ]
        if let dimensionNames {
            object["dimension_names"] = .array(dimensionNames.map { $0.map { .string($0) } ?? .null })
        }
        return .object(object)
    }
}

/// A named part of version 3's metadata with its settings: `{"name": …, "configuration": {…}}`, or just the name.
struct ZarrExtension {
    let name: String
    let configuration: JSONObject

    init(_ value: JSONValue?, _ key: String) throws(ZarrProblem) {
        if let name = value?.string {
            self.name = name
            configuration = [:]
            return
        }
        guard let object = value?.object, let name = object["name"]?.string else {
            throw ZarrProblem("its \(key) is missing or has no name; write the array again")
        }
        self.name = name
        configuration = try object.optional("configuration", "object", \.object) ?? [:]
    }
}

extension JSONObject {
    /// Refuses members that are not known, but for those that say that they need not be understood.
    func refuseUnknown(except known: Set<String>) throws(ZarrProblem) {
        for (key, value) in self where !known.contains(key) {
            guard value[key: "must_understand"] == .bool(false) else {
                throw ZarrProblem(
                    "has \(key.inMessage), which is not known and may change what it means; write it again without"
                )
            }
        }
    }
}

extension ZarrCodecPipeline {
    /// A list of codecs: any number that change the array, one that lays it out, any number that change bytes.
    init(version3 codecs: [JSONValue], rank: Int, elementSize: Int) throws(ZarrProblem) {
        var transposes: [[Int]] = []
        var layout: Layout?
        var byteCodecs: [ZarrByteCodec] = []
        var deltas: [DeltaCodec] = []
        for value in codecs {
            let codec = try ZarrExtension(value, "codecs")
            let name = codec.name.inMessage
            func requireBefore(_ isBefore: Bool) throws(ZarrProblem) {
                guard isBefore else { throw ZarrProblem("its codec \(name) is out of place; write the array again") }
            }
            switch codec.name {
            case "transpose":
                try requireBefore(layout == nil)
                transposes.append(try Self.order(codec.configuration["order"], rank: rank))
            case "bytes":
                try requireBefore(layout == nil)
                let size = deltas.last?.stored.type.byteCount ?? elementSize
                layout = .elements(isBigEndian: try Self.isBigEndian(codec.configuration, elementSize: size))
            case "numcodecs.delta" where layout == nil:
                guard case .delta(let delta)? = try ZarrByteCodec(version3: codec.name, codec.configuration) else {
                    break
                }
                deltas.append(delta)
            case "sharding_indexed":
                try requireBefore(layout == nil && deltas.isEmpty)
                layout = .shard(try Shard(codec.configuration, rank: rank, elementSize: elementSize))
            default:
                guard let byteCodec = try ZarrByteCodec(version3: codec.name, codec.configuration) else {
                    throw ZarrProblem(
                        "its codec \(name) is not read; write the array again with one of gzip, zstd and blosc"
                    )
                }
                try requireBefore(layout != nil)
                byteCodecs.append(byteCodec)
            }
        }
        guard var layout else { throw ZarrProblem("its codecs lack bytes or sharding_indexed; write the array again") }
        if let last = deltas.indices.last, case .elements(let isBigEndian) = layout {
            // Elements are laid out behind the last of them; in front of that their order in memory is ours to choose.
            for index in deltas.indices {
                deltas[index].decoded.isBigEndian = false
                deltas[index].stored.isBigEndian = index == last && isBigEndian
            }
            layout = .elements(isBigEndian: false)
            byteCodecs = deltas.map(ZarrByteCodec.delta) + byteCodecs
        }
        self.init(transposes: transposes, layout: layout, byteCodecs: byteCodecs)
    }

    fileprivate static func isBigEndian(_ configuration: JSONObject, elementSize: Int) throws(ZarrProblem) -> Bool {
        switch configuration["endian"] {
        case .string("little"): return false
        case .string("big"): return true
        case nil, .null:
            guard elementSize == 1 else {
                throw ZarrProblem("its codec bytes does not say endian; write the array again")
            }
            return false
        default:
            throw ZarrProblem("its codec bytes has an endian that is neither little nor big; write the array again")
        }
    }

    private static func order(_ value: JSONValue?, rank: Int) throws(ZarrProblem) -> [Int] {
        // Drafts of the specification had the letters.
        if value == .string("C") { return Array(0..<rank) }
        if value == .string("F") { return (0..<rank).reversed() }
        guard let order = value?.integers else {
            throw ZarrProblem("its codec transpose has no order; write the array again")
        }
        return order
    }

    /// As `zarr.json` has it.
    func version3(elementSize: Int) -> JSONValue {
        var codecs = transposes.map { order in
            JSONValue.object(["name": "transpose", "configuration": .object(["order": .integers(order)])])
        }
        var byteCodecs = byteCodecs[...]
        switch layout {
        case .elements(var isBigEndian):
            // These are filters of elements in version 3, not of bytes.
            var size = elementSize
            while case .delta(let delta)? = byteCodecs.first {
                codecs.append(ZarrByteCodec.delta(delta).version3(elementSize: size))
                (size, isBigEndian) = (delta.stored.type.byteCount, delta.stored.isBigEndian)
                byteCodecs.removeFirst()
            }
            codecs.append(Self.bytes(isBigEndian, elementSize: size))
        case .shard(let shard):
            var index = [Self.bytes(shard.index.isBigEndian, elementSize: 8)]
            for _ in 0..<shard.index.checksumCount { index.append(ZarrByteCodec.crc32c.version3(elementSize: 1)) }
            codecs.append(
                .object([
                    "name": "sharding_indexed",
                    "configuration": .object([
                        "chunk_shape": .integers(shard.innerChunkShape),
                        "codecs": shard.pipeline.version3(elementSize: elementSize),
                        "index_codecs": .array(index),
                        "index_location": shard.index.isAtStart ? "start" : "end",
                    ]),
                ])
            )
        }
        return .array(codecs + byteCodecs.map { $0.version3(elementSize: elementSize) })
    }

    private static func bytes(_ isBigEndian: Bool, elementSize: Int) -> JSONValue {
        guard elementSize > 1 else { return .object(["name": "bytes"]) }
        return .object([
            "name": "bytes", "configuration": .object(["endian": isBigEndian ? "big" : "little"]),
        ])
    }
}

extension ZarrCodecPipeline.Shard {
    fileprivate init(_ configuration: JSONObject, rank: Int, elementSize: Int) throws(ZarrProblem) {
        guard let codecs = configuration["codecs"]?.array else {
            throw ZarrProblem("its codec sharding_indexed has no codecs; write the array again")
        }
        innerChunkShape = try configuration.lengths("chunk_shape")
        pipeline = try ZarrCodecPipeline(version3: codecs, rank: rank, elementSize: elementSize)
        index = ZarrCodecPipeline.Index()
        switch configuration["index_location"] {
        case nil, .string("end"): break
        case .string("start"): index.isAtStart = true
        default:
            throw ZarrProblem("its index_location is neither start nor end; write the array again")
        }
        guard let indexCodecs = configuration["index_codecs"]?.array else {
            throw ZarrProblem("its codec sharding_indexed has no index_codecs; write the array again")
        }
        index.checksumCount = 0
        var hasLayout = false
        for value in indexCodecs {
            let codec = try ZarrExtension(value, "index_codecs")
            switch (codec.name, hasLayout) {
            case ("bytes", false):
                index.isBigEndian = try ZarrCodecPipeline.isBigEndian(codec.configuration, elementSize: 8)
                hasLayout = true
            case ("crc32c", true): index.checksumCount += 1
            default:
                throw ZarrProblem(
                    "its shard index has the codec \(codec.name.inMessage), which is not read there; write the array again "
                        + "with bytes and crc32c"
                )
            }
        }
        guard hasLayout else { throw ZarrProblem("its shard index lacks the codec bytes; write the array again") }
    }
}
