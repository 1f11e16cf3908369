extension ZarrArrayMetadata {
    /// The metadata in a `.zarray` and the attributes beside it.
    init(version2 document: JSONValue, attributes: JSONObject) throws(ZarrProblem) {
        guard let object = document.object else { throw ZarrProblem("is no JSON object; write the array again") }
        guard object["zarr_format"]?.integer() == 2 else {
            throw ZarrProblem("does not have zarr_format 2; write the array again")
        }
        let shape = try object.lengths("shape")
        guard let typeName = object["dtype"]?.string else {
            throw ZarrProblem("its elements are records or have no type, which are not read; write one array a field")
        }
        let (dataType, isBigEndian) = try ZarrDataType.version2(typeName)
        var codecs = ZarrCodecPipeline(layout: .elements(isBigEndian: isBigEndian))
        switch try object.optional("order", "text", \.string) {
        case "C", nil: break
        case "F": if shape.count > 1 { codecs.transposes = [Array(shape.indices.reversed())] }
        case let order?: throw ZarrProblem("its order is \(order.inMessage), not C or F; write the array again")
        }
        for filter in try object.optional("filters", "list", \.array) ?? [] {
            codecs.byteCodecs.append(try ZarrByteCodec(version2: filter))
        }
        if let compressor = object["compressor"], compressor != .null {
            codecs.byteCodecs.append(try ZarrByteCodec(version2: compressor))
        }
        // What is no name per axis stays with the other attributes, unchanged.
        var attributes = attributes
        var names = attributes[Self.dimensionsAttribute]?.array?.map(\.string)
        if names?.count != shape.count || names?.contains(nil) == true { names = nil }
        if names != nil { attributes[Self.dimensionsAttribute] = nil }
        try self.init(
            version: .two,
            shape: shape,
            chunkShape: try object.lengths("chunks"),
            dataType: dataType,
            fillValue: try ZarrFillValue(object["fill_value"] ?? .null, dataType),
            chunkKeys: .version2(separator: try object.separator("dimension_separator", default: .dot)),
            codecs: codecs,
            attributes: attributes,
            dimensionNames: names
        )
    }

    /// xarray's convention.
    static let dimensionsAttribute = "_ARRAY_DIMENSIONS"

    /// The attributes as they are stored: version 2 has names of axes among them, where every axis has one.
    var storedAttributes: JSONObject {
        guard version == .two, let dimensionNames, !dimensionNames.contains(nil) else { return attributes }
        var stored = attributes
        stored[Self.dimensionsAttribute] = .array(dimensionNames.map { $0.map { .string($0) } ?? .null })
        return stored
    }

    /// What goes into `.zarray`.
    var version2: JSONValue {
        guard case .elements(let isBigEndian) = codecs.layout else {
            preconditionFailure("version 2 has no shards")
        }
        return .object([
            "zarr_format": 2,
            "shape": .integers(shape),
            "chunks": .integers(chunkShape),
            "dtype": .string(dataType.version2(isBigEndian: isBigEndian)),
            "fill_value": fillValue.json(dataType, .two),
            "order": codecs.transposes.isEmpty ? "C" : "F",
            "filters": codecs.byteCodecs.count > 1 ? .array(codecs.byteCodecs.dropLast().map(\.version2)) : .null,
            "dimension_separator": .string(chunkKeys.separator.rawValue),
            "compressor": codecs.byteCodecs.last?.version2 ?? .null,
        ])
    }
}

extension JSONObject {
    /// A list of lengths that must be there.
    func lengths(_ key: String) throws(ZarrProblem) -> [Int] {
        guard let lengths = self[key]?.integers else {
            throw ZarrProblem("its \(key) is missing or no list of whole numbers; write the array again")
        }
        return lengths
    }

    /// A member that need not be there, or may be `null`; one of another type is no less an error than one that is missing where
    /// it must not.
    /// - Parameter type: what messages call the type.
    func optional<Value>(
        _ key: String,
        _ type: String,
        _ value: (JSONValue) -> Value?
    ) throws(ZarrProblem) -> Value? {
        guard let found = self[key], found != .null else { return nil }
        guard let value = value(found) else {
            throw ZarrProblem("its member \(key.inMessage) is no \(type); write it again")
        }
        return value
    }

    /// A separator of chunk names.
    func separator(
        _ key: String,
        default value: ZarrChunkKeys.Separator
    ) throws(ZarrProblem) -> ZarrChunkKeys.Separator {
        guard let found = self[key], found != .null else { return value }
        guard let separator = found.string.flatMap(ZarrChunkKeys.Separator.init) else {
            throw ZarrProblem("its \(key) is neither . nor /; write the array again")
        }
        return separator
    }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int) { self = .integer(value) }
}
