// How both versions of the format write the codecs: numcodecs' `{"id": "zlib", "level": 1}` in version 2, and
// `{"name": "gzip", "configuration": {"level": 1}}` in version 3, where `numcodecs.` in front of a name means the former.
extension ZarrByteCodec {
    /// What an error about an unknown codec says is known.
    static let known = "zlib, gzip, zstd, lz4, bz2, lzma and blosc"

    /// A codec by numcodecs' name, or nil where it is unknown.
    private init?(identifier: String, _ configuration: JSONObject) throws(ZarrProblem) {
        func integer(_ key: String, default value: Int) throws(ZarrProblem) -> Int {
            switch configuration[key] {
            case nil, .null: return value
            case let found?:
                guard let integer = found.integer() else {
                    throw ZarrProblem("\(key) of its codec \(identifier) is no whole number; write it again")
                }
                return integer
            }
        }
        switch identifier {
        case "zlib": self = .zlib(level: try integer("level", default: 1))
        case "gzip": self = .gzip(level: try integer("level", default: 1))
        case "zstd":
            self = .zstd(
                level: try integer("level", default: 0),
                hasChecksum: try configuration.optional("checksum", "truth value", \.bool) ?? false
            )
        case "lz4": self = .lz4(acceleration: try integer("acceleration", default: 1))
        case "bz2": self = .bz2(level: try integer("level", default: 1))
        case "blosc":
            let shuffle: BloscCodec.Shuffle? =
                switch configuration["shuffle"] {
                case nil, .null: .bytes
                case .string("noshuffle"): BloscCodec.Shuffle.none
                case .string("shuffle"): .bytes
                case .string("bitshuffle"): .bits
                case let value?: value.integer().flatMap { BloscCodec.Shuffle(rawValue: $0) }
                }
            let name = try configuration.optional("cname", "text", \.string) ?? "lz4"
            guard let compressor = BloscCodec.Compressor(rawValue: name), let shuffle else {
                throw ZarrProblem("its codec blosc has a compressor or shuffle that is not known; write it again")
            }
            let typeSize = try integer("typesize", default: 0)
            self = .blosc(
                BloscCodec(
                    compressor,
                    level: try integer("clevel", default: 5),
                    shuffle: shuffle,
                    typeSize: 1...255 ~= typeSize ? typeSize : nil,
                    blockSize: try integer("blocksize", default: 0)
                )
            )
        case "crc32c":
            // Where numcodecs does not say the location, it is the end.
            guard try configuration.optional("location", "text", \.string) ?? "end" == "end" else {
                throw ZarrProblem("its codec crc32c is not read with the checksum in front; write the array again")
            }
            self = .crc32c
        case "lzma": self = .lzma(try LZMACodec(configuration))
        case "shuffle":
            let size = try integer("elementsize", default: 4)
            guard 1...65_536 ~= size else {
                throw ZarrProblem("its codec shuffle has elements of \(size) bytes; write the array again")
            }
            self = .shuffle(elementSize: size)
        case "delta":
            guard let type = configuration["dtype"]?.string else {
                throw ZarrProblem("its codec delta does not say dtype; write the array again")
            }
            let stored = try configuration.optional("astype", "text", \.string)
            self = .delta(try DeltaCodec(dtype: type, astype: stored))
        default: return nil
        }
    }

    /// A compressor or filter of version 2.
    init(version2 value: JSONValue) throws(ZarrProblem) {
        guard let object = value.object, let identifier = object["id"]?.string else {
            throw ZarrProblem("a compressor or filter has no id; write it again")
        }
        guard let codec = try ZarrByteCodec(identifier: identifier, object) else {
            throw ZarrProblem(
                "its codec \(identifier.inMessage) is not read; write the array again with one of \(Self.known)"
            )
        }
        self = codec
    }

    /// A codec of version 3 from bytes to bytes, or nil where the name is none of these.
    init?(version3 name: String, _ configuration: JSONObject) throws(ZarrProblem) {
        let prefix = "numcodecs."
        if name.hasPrefix(prefix) {
            try self.init(identifier: String(name.dropFirst(prefix.count)), configuration)
            return
        }
        guard ["gzip", "zstd", "blosc", "crc32c"].contains(name) else { return nil }
        try self.init(identifier: name, configuration)
    }

    /// As version 2 writes it.
    var version2: JSONValue {
        switch self {
        case .zlib(let level), .gzip(let level), .bz2(let level):
            .object(["id": .string(name), "level": .integer(level)])
        case .zstd(let level, let hasChecksum):
            .object(
                hasChecksum
                    ? ["id": "zstd", "level": .integer(level), "checksum": .bool(true)]
                    : ["id": "zstd", "level": .integer(level)]
            )
        case .lz4(let acceleration): .object(["id": "lz4", "acceleration": .integer(acceleration)])
        case .blosc(let codec):
            .object([
                "id": "blosc",
                "cname": .string(codec.compressor.rawValue),
                "clevel": .integer(codec.level),
                "shuffle": .integer(codec.shuffle.rawValue),
                "blocksize": .integer(codec.blockSize),
            ])
        case .crc32c: .object(["id": "crc32c", "location": "end"])
        case .lzma, .shuffle, .delta:
            .object(members.reduce(into: ["id": .string(name)]) { $0[$1.key] = $1.value })
        }
    }

    /// As version 3 writes it.
    /// - Parameter elementSize: bytes of an element, which Blosc wants to be told.
    func version3(elementSize: Int) -> JSONValue {
        func codec(_ name: String, _ configuration: JSONObject) -> JSONValue {
            .object(["name": .string(name), "configuration": .object(configuration)])
        }
        switch self {
        case .gzip(let level): return codec("gzip", ["level": .integer(level)])
        case .zstd(let level, let hasChecksum):
            return codec("zstd", ["level": .integer(level), "checksum": .bool(hasChecksum)])
        case .zlib(let level), .bz2(let level): return codec("numcodecs.\(name)", ["level": .integer(level)])
        case .lz4(let acceleration): return codec("numcodecs.lz4", ["acceleration": .integer(acceleration)])
        case .blosc(let blosc):
            let size = blosc.typeSize ?? elementSize
            let shuffle: String =
                switch blosc.shuffle {
                case .none: "noshuffle"
                case .bytes: "shuffle"
                case .bits: "bitshuffle"
                case .automatic: size == 1 ? "bitshuffle" : "shuffle"
                }
            return codec(
                "blosc",
                [
                    "typesize": .integer(size),
                    "cname": .string(blosc.compressor.rawValue),
                    "clevel": .integer(blosc.level),
                    "shuffle": .string(shuffle),
                    "blocksize": .integer(blosc.blockSize),
                ]
            )
        case .crc32c: return .object(["name": "crc32c"])
        case .lzma, .shuffle, .delta: return codec("numcodecs.\(name)", members)
        }
    }

    /// What numcodecs says of the settings of a filter or of lzma.
    private var members: JSONObject {
        switch self {
        case .lzma(let codec): codec.members
        case .shuffle(let size): ["elementsize": .integer(size)]
        case .delta(let codec): codec.members
        default: [:]
        }
    }
}
