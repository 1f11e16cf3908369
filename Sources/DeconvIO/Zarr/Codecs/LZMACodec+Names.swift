extension LZMACodec {
    /// The codec that numcodecs' members say.
    init(_ configuration: JSONObject) throws(ZarrProblem) {
        func integer(_ key: String, in object: JSONObject) throws(ZarrProblem) -> Int? {
            try object.optional(key, "whole number") { $0.integer() }
        }
        // 0 finds out by itself, which a decoder of `.xz` does as well.
        let format = try integer("format", in: configuration) ?? Wrapping.xz.rawValue
        guard let wrapping = Wrapping(rawValue: format == 0 ? Wrapping.xz.rawValue : format) else {
            throw ZarrProblem("its codec lzma has the format \(format), which is none; write the array again")
        }
        let check = try integer("check", in: configuration)
        let preset = try integer("preset", in: configuration)
        var filters: [Filter] = []
        for value in try configuration.optional("filters", "list", \.array) ?? [] {
            guard let object = value.object, let id = object["id"]?.integer(as: UInt64.self) else {
                throw ZarrProblem("its codec lzma has a filter without an id; write the array again")
            }
            switch id {
            case FilterNumber.delta:
                let distance = try integer("dist", in: object) ?? 1
                guard 1...256 ~= distance else {
                    throw ZarrProblem("its codec lzma has a delta of \(distance) bytes; write the array again")
                }
                filters.append(.delta(distance: distance))
            case FilterNumber.lzma1, FilterNumber.lzma2:
                filters.append(
                    .lzma(
                        isFirst: id == FilterNumber.lzma1,
                        preset: try integer("preset", in: object) ?? Self.standardPreset,
                        dictionary: try integer("dict_size", in: object),
                        literal: try integer("lc", in: object),
                        position: try integer("lp", in: object),
                        bits: try integer("pb", in: object)
                    )
                )
            default:
                throw ZarrProblem("its codec lzma has the filter \(id), which is not read; write the array again")
            }
        }
        guard filters.count <= 4, wrapping != .raw || !filters.isEmpty else {
            throw ZarrProblem("its codec lzma has \(filters.count) filters; write the array again")
        }
        self.init(
            wrapping,
            check: check.flatMap { $0 < 0 ? nil : $0 },
            preset: preset,
            filters: wrapping == .raw ? filters : []
        )
    }

    /// Its members, as numcodecs writes them.
    var members: JSONObject {
        let steps = filters.map { filter -> JSONValue in
            switch filter {
            case .delta(let distance):
                return .object(["id": .integer(FilterNumber.delta), "dist": .integer(distance)])
            case .lzma(let isFirst, let preset, let dictionary, let literal, let position, let bits):
                var members: JSONObject = [
                    "id": .integer(isFirst ? FilterNumber.lzma1 : FilterNumber.lzma2), "preset": .integer(preset),
                ]
                for (key, value) in [("dict_size", dictionary), ("lc", literal), ("lp", position), ("pb", bits)] {
                    members[key] = value.map { .integer($0) }
                }
                return .object(members)
            }
        }
        return [
            "format": .integer(wrapping.rawValue),
            "check": .integer(check ?? -1),
            "preset": preset.map { .integer($0) } ?? .null,
            "filters": steps.isEmpty ? .null : .array(steps),
        ]
    }
}
