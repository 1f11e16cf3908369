import DeconvVolume

/// numcodecs' filter delta: the first element, and of each other one the difference to the one before.
package struct DeltaCodec: Hashable, Sendable {
    /// How elements are in memory: their type and byte order.
    package struct Elements: Hashable, Sendable {
        /// Integers, or floating point of 32 or 64 bits.
        package var type: ZarrDataType
        /// Whether the most significant byte comes first.
        package var isBigEndian: Bool

        package init(_ type: ZarrDataType, isBigEndian: Bool = false) {
            self.type = type
            self.isBigEndian = isBigEndian
        }
    }

    /// What is decoded.
    package var decoded: Elements
    /// What is stored.
    package var stored: Elements

    /// A filter; what is stored has the type of what is decoded where nothing else is said.
    package init(_ decoded: Elements, stored: Elements? = nil) {
        self.decoded = decoded
        self.stored = stored ?? decoded
    }
}

extension DeltaCodec {
    /// A filter by numcodecs' types, such as `<u2`.
    init(dtype: String, astype: String?) throws(ZarrProblem) {
        func elements(_ text: String) throws(ZarrProblem) -> Elements {
            let (type, isBigEndian) = try ZarrDataType.version2(text)
            guard type != .bool, type != .float16 else {
                throw ZarrProblem("its codec delta has elements of \(text), which are not read; write the array again")
            }
            return Elements(type, isBigEndian: isBigEndian)
        }
        let (decoded, stored) = (try elements(dtype), try astype.map(elements))
        guard stored.map({ $0.type.isFloatingPoint == decoded.type.isFloatingPoint }) ?? true else {
            throw ZarrProblem("its codec delta mixes integers and floating point; write the array again")
        }
        self.init(decoded, stored: stored)
    }

    /// Its members, as numcodecs writes them.
    var members: JSONObject {
        func name(_ elements: Elements) -> JSONValue {
            .string(elements.type.version2(isBigEndian: elements.isBigEndian))
        }
        return ["dtype": name(decoded), "astype": name(stored)]
    }

    /// The most bytes that an encoding of `count` takes.
    func largestEncoding(_ count: Int) -> Int {
        (count / decoded.type.byteCount) * stored.type.byteCount
    }

    /// Decodes into the start of `target`, and gives the number of bytes.
    func decode(
        _ encoded: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        let count = encoded.count / stored.type.byteCount
        let byteCount = count * decoded.type.byteCount
        guard encoded.count % stored.type.byteCount == 0, byteCount <= target.count else {
            throw place.damaged("\(encoded.count) bytes of delta are not those of \(target.count)")
        }
        switch (decoded.type, stored.type) {
        case (.float32, _), (.float64, _):
            // As NumPy sums, in the type that is decoded.
            var sum = 0.0
            for index in 0..<count {
                let step = Self.number(encoded, index, stored)
                sum = decoded.type == .float32 ? Double(Float(sum) + Float(step)) : sum + step
                Self.store(sum, in: target, index, decoded)
            }
        default:
            var sum: UInt64 = 0
            for index in 0..<count {
                sum &+= Self.word(encoded, index, stored)
                Self.store(sum, in: target, index, decoded)
            }
        }
        return byteCount
    }

    /// Encodes into the start of `target`, which has room for `largestEncoding`.
    func encode(
        _ bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        _ place: ChunkPlace
    ) throws(DeconvolutionError) -> Int {
        guard bytes.count % decoded.type.byteCount == 0 else {
            throw place.refused("delta takes whole elements, not \(bytes.count) bytes; choose another codec")
        }
        let count = bytes.count / decoded.type.byteCount
        if decoded.type.isFloatingPoint {
            var last = 0.0
            for index in 0..<count {
                let next = Self.number(bytes, index, decoded)
                let step = decoded.type == .float32 ? Double(Float(next) - Float(last)) : next - last
                Self.store(step, in: target, index, stored)
                last = next
            }
        } else {
            var last: UInt64 = 0
            for index in 0..<count {
                let next = Self.word(bytes, index, decoded)
                Self.store(next &- last, in: target, index, stored)
                last = next
            }
        }
        return count * stored.type.byteCount
    }

    // MARK: - Elements

    /// An integer with its sign in all 64 bits.
    private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ elements: Elements) -> UInt64 {
        func load<Integer: FixedWidthInteger>(_: Integer.Type) -> UInt64 {
            let raw = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Integer>.size, as: Integer.self)
            return UInt64(
                truncatingIfNeeded: elements.isBigEndian ? Integer(bigEndian: raw) : Integer(littleEndian: raw)
            )
        }
        switch elements.type {
        case .int8: return load(Int8.self)
        case .int16: return load(Int16.self)
        case .int32: return load(Int32.self)
        case .int64: return load(Int64.self)
        case .uint8: return load(UInt8.self)
        case .uint16: return load(UInt16.self)
        case .uint32: return load(UInt32.self)
        default: return load(UInt64.self)
        }
    }

    private static func store(
        _ word: UInt64,
        in bytes: UnsafeMutableRawBufferPointer,
        _ index: Int,
        _ elements: Elements
    ) {
        func store<Integer: FixedWidthInteger>(_: Integer.Type) {
            let value = Integer(truncatingIfNeeded: word)
            bytes.storeBytes(
                of: elements.isBigEndian ? value.bigEndian : value.littleEndian,
                toByteOffset: index * MemoryLayout<Integer>.size,
                as: Integer.self
            )
        }
        switch elements.type.byteCount {
        case 1: store(UInt8.self)
        case 2: store(UInt16.self)
        case 4: store(UInt32.self)
        default: store(UInt64.self)
        }
    }

    /// A number of 32 or 64 bits.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ elements: Elements) -> Double {
        elements.type == .float32
            ? Double(
                Float(bitPattern: UInt32(word(bytes, index, Elements(.uint32, isBigEndian: elements.isBigEndian))))
            )
            : Double(bitPattern: word(bytes, index, Elements(.uint64, isBigEndian: elements.isBigEndian)))
    }

    private static func store(
        _ number: Double,
        in bytes: UnsafeMutableRawBufferPointer,
        _ index: Int,
        _ elements: Elements
    ) {
        let bits = elements.type == .float32 ? UInt64(Float(number).bitPattern) : number.bitPattern
        store(bits, in: bytes, index, elements)
    }
}
