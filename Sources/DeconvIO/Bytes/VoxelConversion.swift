import DeconvVolume

/// Stored numbers to `Float`.
enum VoxelConversion {
    /// Converts native-endian numbers of one type; integers beyond 2^24 and doubles round to the nearest `Float`.
    /// - Parameters:
    ///   - source: `target.count` numbers.
    ///   - offset: added to every number, exactly, before it is rounded.
    static func convert(
        _ source: UnsafeRawBufferPointer,
        _ pixelType: PixelType,
        offset: Int32 = 0,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        switch pixelType {
        case .uint8: convert(source, as: UInt8.self, into: target) { Float(Int32($0) + offset) }
        case .int8: convert(source, as: Int8.self, into: target) { Float($0) }
        case .uint16: convert(source, as: UInt16.self, into: target) { Float(Int32($0) + offset) }
        case .int16: convert(source, as: Int16.self, into: target) { Float($0) }
        case .uint32: convert(source, as: UInt32.self, into: target) { Float($0) }
        case .int32: convert(source, as: Int32.self, into: target) { Float($0) }
        case .float32: convert(source, as: Float.self, into: target) { $0 }
        case .float64: convert(source, as: Double.self, into: target) { Float($0) }
        }
    }

    @inline(__always)
    private static func convert<Stored: BitwiseCopyable>(
        _ source: UnsafeRawBufferPointer,
        as type: Stored.Type,
        into target: UnsafeMutableBufferPointer<Float>,
        _ value: (Stored) -> Float
    ) {
        precondition(source.count == target.count * MemoryLayout<Stored>.stride)
        let stored = source.assumingMemoryBound(to: type)
        for index in 0..<target.count { target[index] = value(stored[index]) }
    }

    /// Reverses the bytes of every number in place.
    static func swapBytes(_ buffer: UnsafeMutableRawBufferPointer, width: Int) {
        switch width {
        case 2: swap(buffer.assumingMemoryBound(to: UInt16.self))
        case 4: swap(buffer.assumingMemoryBound(to: UInt32.self))
        case 8: swap(buffer.assumingMemoryBound(to: UInt64.self))
        default: break
        }
    }

    @inline(__always)
    private static func swap<Word: FixedWidthInteger>(_ words: UnsafeMutableBufferPointer<Word>) {
        for index in 0..<words.count { words[index] = words[index].byteSwapped }
    }
}
