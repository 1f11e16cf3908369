import CGPUDeconv
import DeconvVolume

extension gpudeconv_array {
    /// The memory as an array of at least three axes; a plane becomes a volume.
    /// - Parameters:
    ///   - name: what messages call it.
    ///   - needsData: whether its data are looked at.
    /// - Throws: `invalidArgument` for what is no array.
    func strided(_ name: String, needsData: Bool = true) throws(DeconvolutionError) -> StridedArray {
        func invalid(_ what: String) -> DeconvolutionError {
            DeconvolutionError(.invalidArgument, "\(name) \(what)")
        }
        guard (2...32).contains(rank) else { throw invalid("has rank \(rank); give 2 to 32 axes") }
        let shape = try UnsafeBufferPointer(start: shape.required("\(name)->shape"), count: Int(rank)).map { Int($0) }
        guard let pixelType = PixelType(type) else {
            throw invalid("has type \(type); give one of gpudeconv_type")
        }
        var byteCount = pixelType.byteCount
        for extent in shape {
            let (product, overflows) = byteCount.multipliedReportingOverflow(by: max(extent, 1))
            guard extent >= 0, !overflows, product < 1 << 47 else {
                throw invalid("has shape \(shape); give extents of 0 or more that fit in memory")
            }
            byteCount = product
        }
        let strides = strides.map { UnsafeBufferPointer(start: $0, count: Int(rank)).map { Int($0) } }
        let isEmpty = shape.contains(0)
        if needsData, !isEmpty, data == nil { throw invalid("has no data") }
        if let strides, let odd = strides.first(where: { $0 % pixelType.byteCount != 0 }) {
            throw invalid("has a stride of \(odd) bytes; give multiples of \(pixelType.byteCount)")
        }
        if let strides {
            var span = 0
            for (extent, stride) in zip(shape, strides) {
                let (step, overflows) = max(extent - 1, 0).multipliedReportingOverflow(by: Int(stride.magnitude >> 1))
                guard !overflows, step < 1 << 60 else { throw invalid("has strides \(strides) that leave memory") }
                span += step
            }
            guard span < 1 << 60 else { throw invalid("has strides \(strides) that leave memory") }
        }
        if let data, Int(bitPattern: data) % pixelType.byteCount != 0 {
            throw invalid("has data that are not aligned to \(pixelType.byteCount) bytes")
        }
        // Never looked at where there is none.
        let start = data ?? UnsafeMutableRawPointer(bitPattern: 64)!
        let array = StridedArray(start, shape: shape, strides: strides, pixelType: pixelType)
        return rank == 2 ? array.withLeadingAxis : array
    }
}

extension PixelType {
    fileprivate init?(_ type: Int32) {
        switch gpudeconv_type(UInt32(bitPattern: type)) {
        case GPUDECONV_UINT8: self = .uint8
        case GPUDECONV_INT8: self = .int8
        case GPUDECONV_UINT16: self = .uint16
        case GPUDECONV_INT16: self = .int16
        case GPUDECONV_UINT32: self = .uint32
        case GPUDECONV_INT32: self = .int32
        case GPUDECONV_FLOAT32: self = .float32
        case GPUDECONV_FLOAT64: self = .float64
        default: return nil
        }
    }
}

/// An array that a caller gives back.
///
/// The struct that the caller sees comes first, so that its address is that of the allocation.
struct OwnedArray {
    private var array: gpudeconv_array
    private var shape: (Int64, Int64, Int64, Int64, Int64)

    /// A copy of a volume in memory of its own.
    static func make(_ volume: Volume) -> UnsafeMutablePointer<gpudeconv_array> {
        make(volume.voxels, volume.shape, leadingShape: [])
    }

    /// A copy of volumes of one shape, in memory of its own.
    /// - Parameters:
    ///   - voxels: of all volumes, one after the other.
    ///   - leadingShape: how many volumes there are along up to two axes.
    static func make(
        _ voxels: [Float],
        _ shape: VolumeShape,
        leadingShape: [Int]
    ) -> UnsafeMutablePointer<gpudeconv_array> {
        let owned = UnsafeMutablePointer<OwnedArray>.allocate(capacity: 1)
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: voxels.count)
        copy.initialize(from: voxels, count: voxels.count)
        let sizes = (leadingShape + shape.axes).map { Int64($0) }
        precondition((3...5).contains(sizes.count), "up to two axes before those of a volume")
        let all = sizes + [Int64](repeating: 0, count: 5 - sizes.count)
        owned.initialize(
            to: OwnedArray(
                array: gpudeconv_array(
                    data: copy,
                    shape: nil,
                    strides: nil,
                    rank: Int32(sizes.count),
                    type: Int32(bitPattern: GPUDECONV_FLOAT32.rawValue)
                ),
                shape: (all[0], all[1], all[2], all[3], all[4])
            )
        )
        let extents = UnsafeMutableRawPointer(owned) + MemoryLayout<OwnedArray>.offset(of: \.shape)!
        owned.pointee.array.shape = UnsafePointer(extents.assumingMemoryBound(to: Int64.self))
        return UnsafeMutableRawPointer(owned).assumingMemoryBound(to: gpudeconv_array.self)
    }

    static func destroy(_ array: UnsafeMutablePointer<gpudeconv_array>) {
        array.pointee.data.assumingMemoryBound(to: Float.self).deallocate()
        UnsafeMutableRawPointer(array).assumingMemoryBound(to: OwnedArray.self).deallocate()
    }
}
