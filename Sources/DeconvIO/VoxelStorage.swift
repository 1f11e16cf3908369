import DeconvVolume

/// Turns floats into voxels as they are stored; remembers their range, and how many did not fit.
///
/// Integers are rounded to the nearest, ties to even, and saturate; NaN becomes 0.
struct VoxelStorage {
    /// `float32`, `uint16` or `uint8`.
    let pixelType: PixelType
    /// Voxels that did not fit the integer type and were set to its nearest end, NaN to 0.
    private(set) var saturatedVoxelCount = 0
    /// The smallest voxel stored, infinities left out; infinity where none was.
    private(set) var smallest = Float.infinity
    /// The largest voxel stored, infinities left out; minus infinity where none was.
    private(set) var largest = -Float.infinity

    /// The types that images are written as.
    static let pixelTypes: [PixelType] = [.float32, .uint16, .uint8]

    init(_ pixelType: PixelType) {
        precondition(Self.pixelTypes.contains(pixelType), "images are not written as \(pixelType)")
        self.pixelType = pixelType
    }

    /// Converts voxels into native-endian numbers.
    /// - Parameter bytes: room for as many, aligned to their type.
    mutating func convert(_ voxels: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
        switch pixelType {
        case .uint8: round(voxels, into: bytes.assumingMemoryBound(to: UInt8.self))
        case .uint16: round(voxels, into: bytes.assumingMemoryBound(to: UInt16.self))
        default:
            bytes.copyMemory(from: UnsafeRawBufferPointer(voxels))
            var (low, high) = (smallest, largest)
            for index in 0..<voxels.count {
                let value = voxels[index]
                // Comparisons with NaN are false, so it leaves both as they are; infinities are left out.
                low = value < low && value > -.infinity ? value : low
                high = value > high && value < .infinity ? value : high
            }
            (smallest, largest) = (low, high)
        }
    }

    @inline(__always)
    private mutating func round<Integer: FixedWidthInteger & UnsignedInteger>(
        _ voxels: UnsafeBufferPointer<Float>,
        into target: UnsafeMutableBufferPointer<Integer>
    ) {
        let top = Float(Integer.max)
        // Adding 2^23 leaves no bits behind the point: rounding to the nearest, ties to even, without a call.
        let shift: Float = 8_388_608
        var (low, high) = (top, Float(0))
        var saturated = 0
        for index in 0..<voxels.count {
            let value = voxels[index]
            // Written so that NaN saturates, to 0.
            let fits = value >= -0.5 && value < top + 0.5
            let clamped = value > 0 ? (value < top ? value : top) : 0
            let shifted = clamped + shift
            let stored = shifted - shift
            saturated &+= fits ? 0 : 1
            low = stored < low ? stored : low
            high = stored > high ? stored : high
            // The whole number is what the lowest bits of the sum now are.
            target[index] = Integer(truncatingIfNeeded: shifted.bitPattern)
        }
        saturatedVoxelCount += saturated
        guard !voxels.isEmpty else { return }
        smallest = min(smallest, low)
        largest = max(largest, high)
    }
}
