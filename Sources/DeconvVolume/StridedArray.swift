/// Somebody's memory, seen as an array of any number of axes.
///
/// Unchecked: whoever makes one says that the memory stays, and that nobody writes where others read.
package struct StridedArray: @unchecked Sendable {
    /// The element whose every index is 0, aligned for its type.
    package let data: UnsafeMutableRawPointer
    /// Extents, none negative.
    package let shape: [Int]
    /// Steps in bytes along each axis, of any sign.
    package let strides: [Int]
    /// Type of the elements, in the byte order of this machine.
    package let pixelType: PixelType

    /// An array.
    /// - Parameter strides: nil for C order.
    package init(_ data: UnsafeMutableRawPointer, shape: [Int], strides: [Int]? = nil, pixelType: PixelType) {
        precondition(shape.allSatisfy { $0 >= 0 }, "\(shape) is no shape")
        precondition(strides.map { $0.count == shape.count } ?? true, "an axis, a stride")
        self.data = data
        self.shape = shape
        self.pixelType = pixelType
        self.strides =
            strides
            ?? shape.indices.map { axis in shape[(axis + 1)...].reduce(pixelType.byteCount, *) }
    }

    /// Number of elements.
    package var count: Int { shape.reduce(1, *) }

    /// The volume of the last three axes.
    package var volumeShape: VolumeShape {
        VolumeShape(z: shape[shape.count - 3], y: shape[shape.count - 2], x: shape[shape.count - 1])
    }

    /// The axes before the last three.
    package var leadingShape: [Int] { Array(shape.dropLast(3)) }

    /// Its parts along an axis, which they do not have.
    /// - Parameter axis: counted from the last one, which is −1.
    package func parts(along axis: Int) -> [StridedArray] {
        let axis = shape.count + axis
        var (shape, strides) = (shape, strides)
        let (count, stride) = (shape.remove(at: axis), strides.remove(at: axis))
        return (0..<count).map { index in
            StridedArray(data + index * stride, shape: shape, strides: strides, pixelType: pixelType)
        }
    }

    /// The same elements with an axis of extent 1 in front.
    package var withLeadingAxis: StridedArray {
        StridedArray(data, shape: [1] + shape, strides: [0] + strides, pixelType: pixelType)
    }

    /// The voxels of a box of one of its volumes.
    /// - Parameters:
    ///   - region: inside `volumeShape`.
    ///   - offset: of the volume's first voxel, in bytes.
    package func read(_ region: Region, at offset: Int) -> VoxelData {
        switch pixelType {
        case .uint8: .uint8(elements(region, offset) { (value: UInt8) in value })
        case .uint16: .uint16(elements(region, offset) { (value: UInt16) in value })
        case .int8: .float32(elements(region, offset) { (value: Int8) in Float(value) })
        case .int16: .float32(elements(region, offset) { (value: Int16) in Float(value) })
        case .uint32: .float32(elements(region, offset) { (value: UInt32) in Float(value) })
        case .int32: .float32(elements(region, offset) { (value: Int32) in Float(value) })
        case .float32: .float32(elements(region, offset) { (value: Float) in value })
        case .float64: .float32(elements(region, offset) { (value: Double) in Float(value) })
        }
    }

    @inline(__always)
    private func elements<Stored, Element>(
        _ region: Region,
        _ offset: Int,
        _ convert: (Stored) -> Element
    ) -> [Element] {
        let (axis, count) = (strides.count - 3, region.shape.x)
        return [Element](unsafeUninitializedCapacity: region.shape.voxelCount) { elements, initializedCount in
            var start = elements.baseAddress!
            for z in region.zRange {
                for y in region.yRange {
                    let first = offset + z * strides[axis] + y * strides[axis + 1] + region.origin.x * strides[axis + 2]
                    let row = data + first
                    if strides[axis + 2] == MemoryLayout<Stored>.stride {
                        let stored = row.assumingMemoryBound(to: Stored.self)
                        for x in 0..<count { (start + x).initialize(to: convert(stored[x])) }
                    } else {
                        for x in 0..<count {
                            let stored = row.load(fromByteOffset: x &* strides[axis + 2], as: Stored.self)
                            (start + x).initialize(to: convert(stored))
                        }
                    }
                    start += count
                }
            }
            initializedCount = region.shape.voxelCount
        }
    }

    /// Writes a plane of one of its volumes, whose elements are `float32`.
    /// - Parameters:
    ///   - plane: its values, x fastest.
    ///   - z: its position in the volume.
    ///   - offset: of the volume's first voxel, in bytes.
    package func write(_ plane: UnsafeBufferPointer<Float>, z: Int, at offset: Int) {
        precondition(pixelType == .float32, "results are float32")
        let (shape, axis) = (volumeShape, strides.count - 3)
        precondition(plane.count == shape.planeVoxelCount, "a plane of \(shape)")
        for y in 0..<shape.y {
            let row = data + (offset + z * strides[axis] + y * strides[axis + 1])
            let values = plane.baseAddress! + y * shape.x
            if strides[axis + 2] == 4 {
                row.copyMemory(from: values, byteCount: shape.x * 4)
            } else {
                for x in 0..<shape.x {
                    row.storeBytes(of: values[x], toByteOffset: x &* strides[axis + 2], as: Float.self)
                }
            }
        }
    }
}
