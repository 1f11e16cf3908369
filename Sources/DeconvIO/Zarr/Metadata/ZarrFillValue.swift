/// What an array holds where nothing was written.
package struct ZarrFillValue: Hashable, Sendable {
    /// One element, in this machine's byte order.
    package let bytes: [UInt8]
    /// Whether the file leaves it open (`null`, version 2 only); zero is read then, as everyone does.
    package let isUndefined: Bool

    private init(_ bytes: [UInt8], isUndefined: Bool = false) {
        self.bytes = bytes
        self.isUndefined = isUndefined
    }

    /// Zero, or false.
    package static func zero(_ type: ZarrDataType) -> ZarrFillValue {
        ZarrFillValue([UInt8](repeating: 0, count: type.byteCount))
    }

    /// A number, rounded to the nearest of the type; nil where an integer type does not hold it.
    package init?(_ value: Double, _ type: ZarrDataType) {
        func integer<Integer: FixedWidthInteger>(_: Integer.Type) -> [UInt8]? {
            Integer(exactly: value).map { withUnsafeBytes(of: $0, Array.init) }
        }
        let bytes: [UInt8]?
        switch type {
        case .bool: bytes = value == 0 ? [0] : value == 1 ? [1] : nil
        case .int8: bytes = integer(Int8.self)
        case .int16: bytes = integer(Int16.self)
        case .int32: bytes = integer(Int32.self)
        case .int64: bytes = integer(Int64.self)
        case .uint8: bytes = integer(UInt8.self)
        case .uint16: bytes = integer(UInt16.self)
        case .uint32: bytes = integer(UInt32.self)
        case .uint64: bytes = integer(UInt64.self)
        case .float16: bytes = withUnsafeBytes(of: HalfPrecision.bits(value), Array.init)
        case .float32: bytes = withUnsafeBytes(of: Float(value), Array.init)
        case .float64: bytes = withUnsafeBytes(of: value, Array.init)
        }
        guard let bytes else { return nil }
        self.init(bytes)
    }
}

extension ZarrFillValue {
    /// A fill value as the metadata write it: a number, `true`, `"NaN"`, `"-Infinity"`, `"0x7fc00000"`, or `null`.
    /// - Throws: where it does not fit the type.
    init(_ value: JSONValue, _ type: ZarrDataType) throws(ZarrProblem) {
        switch value {
        case .null: self.init([UInt8](repeating: 0, count: type.byteCount), isUndefined: true)
        case .bool(let isSet) where type == .bool: self.init([isSet ? 1 : 0])
        case .string(let text) where type.isFloatingPoint:
            if text.hasPrefix("0x") || text.hasPrefix("0X") {
                guard text.utf8.count == 2 + 2 * type.byteCount, let bits = UInt64(text.dropFirst(2), radix: 16) else {
                    throw Self.problem(value, type)
                }
                self.init(Self.bytes(bits, type))
                return
            }
            guard ["NaN", "Infinity", "-Infinity"].contains(text) else { throw Self.problem(value, type) }
            self.init(JSONValue.number(text).double!, type)!
        case .number:
            if let whole = Self.integer(value, type) {
                self.init(whole)
            } else if type.isFloatingPoint || type == .bool, let number = value.double,
                let fill = ZarrFillValue(number, type)
            {
                self = fill
            } else {
                throw Self.problem(value, type)
            }
        default: throw Self.problem(value, type)
        }
    }

    private static func problem(_ value: JSONValue, _ type: ZarrDataType) -> ZarrProblem {
        let text = String(value.text.dropLast().prefix(80)).inMessage
        return ZarrProblem("its fill value \(text) is none of \(type.rawValue); write the array again")
    }

    /// The bytes of an integer type's value, exact over all 64 bits.
    private static func integer(_ value: JSONValue, _ type: ZarrDataType) -> [UInt8]? {
        func bytes<Integer: FixedWidthInteger>(_: Integer.Type) -> [UInt8]? {
            value.integer(as: Integer.self).map { withUnsafeBytes(of: $0, Array.init) }
        }
        switch type {
        case .int8: return bytes(Int8.self)
        case .int16: return bytes(Int16.self)
        case .int32: return bytes(Int32.self)
        case .int64: return bytes(Int64.self)
        case .uint8: return bytes(UInt8.self)
        case .uint16: return bytes(UInt16.self)
        case .uint32: return bytes(UInt32.self)
        case .uint64: return bytes(UInt64.self)
        case .bool, .float16, .float32, .float64: return nil
        }
    }

    /// The last bytes of a word, in this machine's byte order.
    private static func bytes(_ word: UInt64, _ type: ZarrDataType) -> [UInt8] {
        let ordered = withUnsafeBytes(of: word.bigEndian) { Array($0.suffix(type.byteCount)) }
        return ZarrElement.isHostBigEndian ? ordered : ordered.reversed()
    }

    /// The bits as a number.
    private var bits: UInt64 {
        let ordered = ZarrElement.isHostBigEndian ? bytes : bytes.reversed()
        return ordered.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// As the metadata write it.
    func json(_ type: ZarrDataType, _ version: ZarrVersion) -> JSONValue {
        if isUndefined, version == .two { return .null }
        let number: Double
        switch type {
        case .bool: return .bool(bits != 0)
        case .uint8, .uint16, .uint32, .uint64: return .integer(bits)
        case .int8: return .integer(Int8(truncatingIfNeeded: bits))
        case .int16: return .integer(Int16(truncatingIfNeeded: bits))
        case .int32: return .integer(Int32(truncatingIfNeeded: bits))
        case .int64: return .integer(Int64(truncatingIfNeeded: bits))
        case .float16: number = Double(HalfPrecision.float(UInt16(bits)))
        case .float32: number = Double(Float(bitPattern: UInt32(bits)))
        case .float64: number = Double(bitPattern: bits)
        }
        if number.isFinite { return .double(number) }
        if number.isNaN, version == .three, ZarrFillValue(.nan, type) != self {
            // A NaN with bits of its own.
            let digits = String(bits, radix: 16)
            return .string("0x" + String(repeating: "0", count: 2 * type.byteCount - digits.count) + digits)
        }
        return .string(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")
    }
}
