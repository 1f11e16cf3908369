import DeconvVolume

/// Real values on a domain in host memory, contiguous, z, y, x.
package final class HostField {
    let memory: HostMemory
    let shape: VolumeShape

    init(_ shape: VolumeShape, scratchFolder: String? = nil) throws(DeconvolutionError) {
        memory = try HostMemory(byteCount: shape.voxelCount * 4, scratchFolder: scratchFolder)
        self.shape = shape
    }

    var values: UnsafeMutablePointer<Float> { memory.floats }

    func replace(by voxels: [Float]) {
        precondition(voxels.count == shape.voxelCount, "a field has the domain's shape")
        voxels.withUnsafeBufferPointer { values.update(from: $0.baseAddress!, count: $0.count) }
    }

    /// The field as planes without gaps.
    var planes: HostPlanes { HostPlanes(memory, shape: shape) }
}
