package import DeconvVolume

/// What the elements of an array are. The raw value is the name of version 3.
package enum ZarrDataType: String, CaseIterable, Sendable {
    case bool
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64
    case float16, float32, float64
}

extension ZarrDataType {
    /// The type of an image's voxels, stored as they are.
    package init(_ pixelType: PixelType) {
        switch pixelType {
        case .uint8: self = .uint8
        case .int8: self = .int8
        case .uint16: self = .uint16
        case .int16: self = .int16
        case .uint32: self = .uint32
        case .int32: self = .int32
        case .float32: self = .float32
        case .float64: self = .float64
        }
    }

    /// Bytes of an element.
    package var byteCount: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }

    /// The type of voxel that holds every element, or the closest that there is: bool is `uint8`, float16 `float32`, 64-bit
    /// integers `float64`.
    package var pixelType: PixelType {
        switch self {
        case .bool, .uint8: .uint8
        case .int8: .int8
        case .int16: .int16
        case .int32: .int32
        case .uint16: .uint16
        case .uint32: .uint32
        case .float16, .float32: .float32
        case .float64, .int64, .uint64: .float64
        }
    }

    var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64: true
        default: false
        }
    }

    /// Version 2's name without the byte order.
    private var code: String {
        switch self {
        case .bool: "b1"
        case .int8, .int16, .int32, .int64: "i\(byteCount)"
        case .uint8, .uint16, .uint32, .uint64: "u\(byteCount)"
        case .float16, .float32, .float64: "f\(byteCount)"
        }
    }

    /// A type of version 2, such as `<u2`, with its byte order.
    static func version2(_ text: String) throws(ZarrProblem) -> (type: ZarrDataType, isBigEndian: Bool) {
        let order = text.first
        guard let type = allCases.first(where: { $0.code == text.dropFirst() }), let order,
            order == "<" || order == ">" || (order == "|" && type.byteCount == 1)
        else {
            throw ZarrProblem(
                "its elements are \(text.inMessage), which are not read; write it as integers or floating point of 8 to "
                    + "64 bits"
            )
        }
        return (type, order == ">")
    }

    /// Version 2's name, such as `<u2`.
    func version2(isBigEndian: Bool) -> String { (byteCount == 1 ? "|" : isBigEndian ? ">" : "<") + code }
}
