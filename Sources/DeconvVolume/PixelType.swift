/// How a voxel is stored in a file.
public enum PixelType: String, CaseIterable, Sendable {
    /// Unsigned 8-bit integer.
    case uint8
    /// Signed 8-bit integer.
    case int8
    /// Unsigned 16-bit integer.
    case uint16
    /// Signed 16-bit integer.
    case int16
    /// Unsigned 32-bit integer.
    case uint32
    /// Signed 32-bit integer.
    case int32
    /// IEEE 754 single precision.
    case float32
    /// IEEE 754 double precision.
    case float64

    /// Bytes of one voxel.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .float64: 8
        }
    }

    /// How voxels of this type are held in memory: 8 and 16-bit unsigned as stored, all else as `float32`.
    ///
    /// 32-bit integers beyond 2^24 and doubles are rounded to the nearest `Float`.
    public var inMemory: PixelType {
        switch self {
        case .uint8, .uint16: self
        default: .float32
        }
    }
}

/// Voxels in memory, in the order z, y, x with x fastest: as stored where a device converts them itself.
public enum VoxelData: Sendable, Equatable {
    /// Unsigned 8-bit voxels as stored.
    case uint8([UInt8])
    /// Unsigned 16-bit voxels as stored.
    case uint16([UInt16])
    /// Voxels of every other type.
    case float32([Float])

    /// Number of voxels.
    public var count: Int {
        switch self {
        case .uint8(let voxels): voxels.count
        case .uint16(let voxels): voxels.count
        case .float32(let voxels): voxels.count
        }
    }

    /// The type of the voxels in memory.
    public var pixelType: PixelType {
        switch self {
        case .uint8: .uint8
        case .uint16: .uint16
        case .float32: .float32
        }
    }

    /// The voxels converted to `Float`; exact for every case.
    public var floats: [Float] {
        switch self {
        case .uint8(let voxels): voxels.map { Float($0) }
        case .uint16(let voxels): voxels.map { Float($0) }
        case .float32(let voxels): voxels
        }
    }
}
