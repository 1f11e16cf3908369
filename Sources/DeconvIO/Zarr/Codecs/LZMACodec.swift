import CLZMA
import DeconvVolume

/// The streams of LZMA in one of the wrappings that Python's module `lzma` has, which numcodecs uses.
package struct LZMACodec: Hashable, Sendable {
    /// What is around a stream. The raw values are those of Python's module.
    package enum Wrapping: Int, Sendable {
        /// An `.xz` file: what numcodecs writes where nobody says otherwise.
        case xz = 1
        /// The old `.lzma` file.
        case alone = 2
        /// Nothing: only the metadata say what the bytes went through.
        case raw = 3
    }

    /// One of the steps of a raw stream.
    package enum Filter: Hashable, Sendable {
        /// Differences of bytes that lie `distance` apart, 1 to 256.
        case delta(distance: Int)
        /// LZMA2 or, where `isFirst`, LZMA1; what is nil is what the preset says.
        case lzma(isFirst: Bool, preset: Int, dictionary: Int?, literal: Int?, position: Int?, bits: Int?)
    }

    /// What is around the stream.
    package var wrapping: Wrapping
    /// The checksum of an `.xz` file: none 0, CRC-32 1, CRC-64 4, SHA-256 10; nil for the usual one.
    package var check: Int?
    /// 0 to 9, with the bit 31 for more effort; nil for 6.
    package var preset: Int?
    /// The steps of a raw stream, in the order of encoding.
    package var filters: [Filter]

    /// A codec; what is left out is what numcodecs does.
    package init(_ wrapping: Wrapping = .xz, check: Int? = nil, preset: Int? = nil, filters: [Filter] = []) {
        self.wrapping = wrapping
        self.check = check
        self.preset = preset
        self.filters = filters
    }
}

extension LZMACodec {
    /// The most memory that a stream may want for its dictionary: far above that of the highest preset.
    private static let memoryLimit: UInt64 = 1 << 31

    /// The flag for several files one behind the other, a macro that Swift does not see.
    private static let concatenated: UInt32 = 0x08

    /// Decodes into the start of `target`, and gives the number of bytes; several `.xz` files may follow each other.
    func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = lzma_stream()
        defer { lzma_end(&stream) }
        let begun =
            switch wrapping {
            case .xz: lzma_stream_decoder(&stream, Self.memoryLimit, Self.concatenated)
            case .alone: lzma_alone_decoder(&stream, Self.memoryLimit)
            case .raw: withFilters { lzma_raw_decoder(&stream, $0) }
            }
        try Self.require(begun, place)
        let status = Self.run(&stream, encoded, into: target)
        let made = target.count - stream.avail_out
        switch status {
        case LZMA_STREAM_END:
            guard stream.avail_in == 0 else { throw place.damaged("\(stream.avail_in) bytes follow its lzma stream") }
            return made
        // A raw stream of LZMA1 has no end of its own.
        case LZMA_OK where hasNoEnd && stream.avail_in == 0: return made
        case LZMA_OK, LZMA_BUF_ERROR:
            guard stream.avail_in == 0 else {
                throw place.damaged("its lzma stream holds more than \(target.count) bytes")
            }
            throw place.damaged("its lzma stream ends too early")
        case LZMA_MEM_ERROR: throw place.outOfMemory(for: "lzma")
        case LZMA_MEMLIMIT_ERROR:
            throw place.damaged("its lzma stream wants more than \(Self.memoryLimit) bytes of memory")
        case LZMA_FORMAT_ERROR: throw place.damaged("it is no lzma stream")
        default: throw place.damaged("its lzma stream is not valid")
        }
    }

    /// Whether nothing in a stream says where it ends.
    private var hasNoEnd: Bool {
        guard wrapping == .raw, case .lzma(isFirst: true, _, _, _, _, _)? = filters.last else { return false }
        return true
    }

    /// The most bytes that a stream of `count` takes.
    static func largestEncoding(_ count: Int) -> Int { lzma_stream_buffer_bound(count) + 64 }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    func encode(
        _ bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        var stream = lzma_stream()
        defer { lzma_end(&stream) }
        let preset = UInt32(truncatingIfNeeded: preset ?? Self.standardPreset)
        let begun: lzma_ret
        switch wrapping {
        case .xz:
            begun = lzma_easy_encoder(&stream, preset, lzma_check(UInt32(check ?? Self.standardCheck)))
        case .alone:
            var options = lzma_options_lzma()
            lzma_lzma_preset(&options, preset)
            begun = lzma_alone_encoder(&stream, &options)
        case .raw: begun = withFilters { lzma_raw_encoder(&stream, $0) }
        }
        try Self.require(begun, place)
        let status = Self.run(&stream, bytes, into: target)
        precondition(status == LZMA_STREAM_END, "lzma fits into its bound")
        return target.count - stream.avail_out
    }

    /// Where nobody says.
    static let standardPreset = 6
    /// CRC-64.
    private static let standardCheck = 4

    private static func require(_ status: lzma_ret, _ place: ChunkPlace) throws(DeconvolutionError) {
        switch status {
        case LZMA_OK: return
        case LZMA_MEM_ERROR: throw place.outOfMemory(for: "lzma")
        default: throw place.refused("its codec lzma has settings that make no sense; write the array again")
        }
    }

    private static func run(
        _ stream: inout lzma_stream,
        _ source: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) -> lzma_ret {
        stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_in = source.count
        stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = target.count
        var status = LZMA_OK
        var left = (-1, -1)
        // Until it is done or makes no way.
        while status == LZMA_OK, left != (stream.avail_in, stream.avail_out) {
            left = (stream.avail_in, stream.avail_out)
            status = lzma_code(&stream, LZMA_FINISH)
        }
        return status
    }

    /// Calls `body` with the steps of a raw stream as the library wants them.
    private func withFilters(_ body: (UnsafePointer<lzma_filter>) -> lzma_ret) -> lzma_ret {
        let deltas = UnsafeMutablePointer<lzma_options_delta>.allocate(capacity: max(1, filters.count))
        let compressors = UnsafeMutablePointer<lzma_options_lzma>.allocate(capacity: max(1, filters.count))
        defer {
            deltas.deallocate()
            compressors.deallocate()
        }
        var chain: [lzma_filter] = []
        for (number, filter) in filters.enumerated() {
            switch filter {
            case .delta(let distance):
                (deltas + number).initialize(to: lzma_options_delta())
                deltas[number].type = LZMA_DELTA_TYPE_BYTE
                deltas[number].dist = UInt32(distance)
                chain.append(lzma_filter(id: FilterNumber.delta, options: deltas + number))
            case .lzma(let isFirst, let preset, let dictionary, let literal, let position, let bits):
                (compressors + number).initialize(to: lzma_options_lzma())
                lzma_lzma_preset(compressors + number, UInt32(truncatingIfNeeded: preset))
                if let dictionary { compressors[number].dict_size = UInt32(clamping: dictionary) }
                if let literal { compressors[number].lc = UInt32(clamping: literal) }
                if let position { compressors[number].lp = UInt32(clamping: position) }
                if let bits { compressors[number].pb = UInt32(clamping: bits) }
                let id = isFirst ? FilterNumber.lzma1 : FilterNumber.lzma2
                chain.append(lzma_filter(id: id, options: compressors + number))
            }
        }
        chain.append(lzma_filter(id: .max, options: nil))
        return body(chain)
    }

    /// The library's numbers of filters, which Python's module has, too.
    enum FilterNumber {
        static let delta: UInt64 = 0x03
        static let lzma2: UInt64 = 0x21
        static let lzma1: UInt64 = 0x4000_0000_0000_0001
    }
}

extension LZMACodec {
    /// Why it cannot encode with its settings, and what to do; nil where it can.
    var encodingProblem: String? {
        let level = (preset ?? Self.standardPreset) & 0x7FFF_FFFF
        guard 0...9 ~= level else { return "lzma has presets 0 to 9, not \(level); choose one of these" }
        guard let check, lzma_check_is_supported(lzma_check(UInt32(clamping: check))) == 0 else { return nil }
        return "lzma has no check \(check); choose -1"
    }
}
