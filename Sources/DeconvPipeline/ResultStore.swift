import DeconvDevice
import DeconvVolume

/// The channels of one time point, kept until all are there and then given away plane by plane.
final class ResultStore {
    private let memory: HostMemory
    private let shape: VolumeShape

    /// A store for `channelCount` volumes.
    /// - Parameter folder: where a scratch file goes, or nil for memory.
    /// - Throws: as `HostMemory.init`.
    init(shape: VolumeShape, channelCount: Int, scratchFolder folder: String?) throws(DeconvolutionError) {
        self.shape = shape
        memory = try HostMemory(byteCount: shape.voxelCount * channelCount * 4, scratchFolder: folder)
    }

    /// Keeps a plane.
    func store(_ voxels: UnsafeBufferPointer<Float>, plane z: Int, channel: Int) {
        precondition(voxels.count == shape.planeVoxelCount, "a plane of the volume")
        start(z, channel).update(from: voxels.baseAddress!, count: voxels.count)
    }

    /// The voxels of one plane.
    func plane(_ z: Int, channel: Int) -> UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(start: start(z, channel), count: shape.planeVoxelCount)
    }

    private func start(_ z: Int, _ channel: Int) -> UnsafeMutablePointer<Float> {
        memory.floats + (channel * shape.z + z) * shape.planeVoxelCount
    }
}
