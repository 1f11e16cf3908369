import DeconvVolume
import Foundation

/// The header of an ICS image (Dean and others 1990, Cytometry 11, 561): lines of words, the first two bytes of the file being
/// what stands between words and between lines. The voxels follow behind the line `end`, or in version 1 in a file `.ids`.
struct ICSHeader {
    /// Whether bytes are the start of one.
    static func isHeader(_ bytes: [UInt8]) -> Bool {
        bytes.dropFirst(2).starts(with: Array("ics_version".utf8))
    }

    /// Words of a line by those that begin it, such as `layout order`.
    private var values: [String: [String]] = [:]
    /// Where the header ends.
    private var end = 0

    private init(_ file: FileBytes) throws(DeconvolutionError) {
        let bytes = try file.bytes(at: 0, count: min(file.byteCount, 1 << 20))
        guard bytes.count > 2 else { throw file.invalid("is truncated; copy it again from its source") }
        let (field, line) = (bytes[0], bytes[1])
        var start = 2
        while start < bytes.count {
            let stop = bytes[start...].firstIndex(of: line) ?? bytes.count
            let words = bytes[start..<stop].split(separator: field).map { String(decoding: $0, as: UTF8.self).trimmed }
            start = stop + 1
            end = start
            guard let first = words.first?.lowercased() else { continue }
            if first == "end" { return }
            if words.count > 2 { values["\(first) \(words[1].lowercased())"] = Array(words.dropFirst(2)) }
            if words.count > 1 { values[first] = Array(words.dropFirst()) }
        }
    }

    private func numbers(_ key: String) -> [Double] { (values[key] ?? []).map { Double(decimal: $0) ?? 0 } }

    /// Where the voxels of an image are, and what they are.
    /// - Throws: `invalidData` where it holds what is not read; `inputNotFound` where the file of the voxels is missing.
    static func read(_ file: FileBytes) throws(DeconvolutionError) -> (RawVoxels, TIFFLayout) {
        let header = try ICSHeader(file)
        let order = (header.values["layout order"] ?? []).map { $0.lowercased() }
        let sizes = header.numbers("layout sizes").map { Int(exactly: $0.rounded()) ?? 0 }
        let known: [String: Character] = [
            "z": "z", "t": "t", "time": "t", "c": "c", "ch": "c", "channel": "c", "probe": "c", "lambda": "c",
        ]
        let leading = order.dropFirst(3).map { known[$0] }
        guard Array(order.prefix(3)) == ["bits", "x", "y"], order.count == sizes.count, sizes.allSatisfy({ $0 >= 1 }),
            case let letters = leading.compactMap(\.self), letters.count == leading.count,
            Set(letters).count == letters.count,
            Int.product(Array(sizes.dropFirst())) != nil
        else {
            throw file.invalid(
                "has the axes \(order.joined(separator: ", ").shortened) of \(sizes.map(String.init).joined(separator: ", ").shortened), "
                    + "which are not read; \(ForeignFormat.conversion)"
            )
        }
        let compression = header.values["representation compression"]?.first ?? "uncompressed"
        guard compression.lowercased() == "uncompressed" else {
            throw file.invalid(
                "is compressed (\(compression.shortened)), which is not read; save it without compression"
            )
        }
        let format = header.values["representation format"]?.first?.lowercased() ?? "integer"
        let isSigned = header.values["representation sign"]?.first?.lowercased() == "signed"
        let types: [String: PixelType] = [
            "integer 8": isSigned ? .int8 : .uint8, "integer 16": isSigned ? .int16 : .uint16,
            "integer 32": isSigned ? .int32 : .uint32, "real 32": .float32, "real 64": .float64,
        ]
        guard let pixelType = types["\(format) \(sizes[0])"] else {
            throw file.invalid(
                "holds \(sizes[0])-bit \(format.shortened) voxels, which are not read; save it as 16-bit integers"
            )
        }
        var layout = TIFFLayout(letters: letters.reversed(), sizes: sizes.dropFirst(3).reversed())
        let (scales, units) = (header.numbers("parameter scale"), header.values["parameter units"] ?? [])
        func length(_ axis: String) -> Double? {
            guard let index = order.firstIndex(of: axis), scales.indices.contains(index), units.indices.contains(index)
            else { return nil }
            return LengthUnit.micrometers(units[index]).map { $0 * scales[index] }
        }
        layout.lengths = AxisLengths(z: length("z"), y: length("y"), x: length("x")).valid
        let voxels = RawVoxels(
            file: try header.voxelFile(file),
            offset: try header.voxelOffset(file),
            width: sizes[1],
            height: sizes[2],
            pixelType: pixelType,
            isBigEndian: header.values["representation byte_order"]?.first.map { $0 != "1" } ?? false
        )
        return (voxels, layout)
    }

    private var isVersion1: Bool { values["ics_version"]?.first?.hasPrefix("1") ?? true }

    private func voxelFile(_ file: FileBytes) throws(DeconvolutionError) -> FileBytes {
        guard isVersion1 else { return file }
        let stem = (file.path as NSString).deletingPathExtension
        for ending in ["ids", "IDS"] where access("\(stem).\(ending)", F_OK) == 0 {
            return try FileBytes(path: "\(stem).\(ending)")
        }
        throw DeconvolutionError(
            .inputNotFound,
            "\(file.path.inMessage): its voxels are in \(OutputPath(stem).name.inMessage).ids, which is missing; copy both into one folder"
        )
    }

    private func voxelOffset(_ file: FileBytes) throws(DeconvolutionError) -> UInt64 {
        if isVersion1 { return 0 }
        guard values["source file"] == nil else {
            throw file.invalid("has its voxels in another file, which is not read; \(ForeignFormat.conversion)")
        }
        return UInt64(end)
    }
}

extension RawSource {
    /// An ICS image.
    convenience init(ics file: FileBytes) throws(DeconvolutionError) {
        let (voxels, layout) = try ICSHeader.read(file)
        try self.init(file, voxels, layout)
    }
}
