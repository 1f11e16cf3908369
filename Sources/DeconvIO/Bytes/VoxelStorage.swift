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
            measure(voxels)
        }
    }

    /// Extends the range of the voxels, sixteen at a time, for the order in which floats are compared is not the compiler's to change.
    private mutating func measure(_ voxels: UnsafeBufferPointer<Float>) {
        typealias Lanes = SIMD16<Float>
        let whole = voxels.count / Lanes.scalarCount * Lanes.scalarCount
        // Comparisons with NaN are false, so it leaves both as they are; infinities are left out.
        if whole > 0 {
            var (low, high) = (Lanes(repeating: smallest), Lanes(repeating: largest))
            for start in stride(from: 0, to: whole, by: Lanes.scalarCount) {
                let values = UnsafeRawPointer(voxels.baseAddress! + start).loadUnaligned(as: Lanes.self)
                low.replace(with: values, where: (values .< low) .& (values .> -.infinity))
                high.replace(with: values, where: (values .> high) .& (values .< .infinity))
            }
            (smallest, largest) = (low.min(), high.max())
        }
        for value in voxels[whole...] {
            if value < smallest, value > -.infinity { smallest = value }
            if value > largest, value < .infinity { largest = value }
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
        // Of whole numbers, whose order the compiler may change.
        var (low, high) = (Integer.max, Integer.min)
        var saturated = 0
        for index in 0..<voxels.count {
            let value = voxels[index]
            // Written so that NaN saturates, to 0.
            let fits = value >= -0.5 && value < top + 0.5
            let clamped = value > 0 ? (value < top ? value : top) : 0
            // The whole number is what the lowest bits of the sum now are.
            let stored = Integer(truncatingIfNeeded: (clamped + shift).bitPattern)
            saturated &+= fits ? 0 : 1
            low = min(low, stored)
            high = max(high, stored)
            target[index] = stored
        }
        saturatedVoxelCount += saturated
        guard !voxels.isEmpty else { return }
        smallest = min(smallest, Float(low))
        largest = max(largest, Float(high))
    }
}
