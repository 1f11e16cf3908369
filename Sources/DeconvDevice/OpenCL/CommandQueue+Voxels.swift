package import DeconvVolume

extension CommandQueue {
    /// Copies an array to the start of a buffer, and returns when it is there.
    package func write<T: BitwiseCopyable>(_ values: [T], to buffer: DeviceBuffer) throws(DeconvolutionError) {
        let result = values.withUnsafeBytes { bytes in
            Result { () throws(DeconvolutionError) in try write(bytes, to: buffer) }
        }
        try result.get()
    }

    /// Copies voxels as they are stored.
    func write(_ voxels: VoxelData, to buffer: DeviceBuffer) throws(DeconvolutionError) {
        switch voxels {
        case .uint8(let values): try write(values, to: buffer)
        case .uint16(let values): try write(values, to: buffer)
        case .float32(let values): try write(values, to: buffer)
        }
    }
}
