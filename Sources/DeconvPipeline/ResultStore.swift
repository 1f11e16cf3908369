import DeconvVolume
import Foundation

/// The volumes of one time point, put together from tiles and then given away plane by plane.
///
/// In memory if they fit, else in an unnamed scratch file, which the system removes whatever happens to the process.
///
/// Unchecked: belongs to the thread of one run.
final class ResultStore {
    private let shape: VolumeShape
    private let channelCount: Int
    private let base: UnsafeMutablePointer<Float>
    private let byteCount: Int
    private let descriptor: Int32

    /// A store for `channelCount` volumes.
    /// - Parameter folder: where a scratch file goes, or nil to stay in memory.
    /// - Throws: `outOfMemory`, or `inputOutput` when the folder has no room for the scratch file.
    init(shape: VolumeShape, channelCount: Int, scratchFolder folder: String?) throws(DeconvolutionError) {
        self.shape = shape
        self.channelCount = channelCount
        byteCount = shape.voxelCount * channelCount * 4
        var flags = MAP_PRIVATE | MAP_ANONYMOUS
        var descriptor: Int32 = -1
        if let folder {
            var name = Array("\(folder)/.gpudeconv-XXXXXX".utf8CString)
            descriptor = mkstemp(&name)
            guard descriptor >= 0 else {
                throw DeconvolutionError(
                    .inputOutput,
                    "\(folder): no scratch file can be made (\(String(cString: strerror(errno)))); choose another folder"
                )
            }
            unlink(name)
            let status = posix_fallocate(descriptor, 0, off_t(byteCount))
            guard status == 0 else {
                close(descriptor)
                throw DeconvolutionError(
                    .inputOutput,
                    "\(folder): no room for \(byteCount) bytes of scratch (\(String(cString: strerror(status)))); "
                        + "free some, choose another folder, or raise --memory-limit"
                )
            }
            flags = MAP_SHARED
        }
        guard let map = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0), map != MAP_FAILED else {
            if descriptor >= 0 { close(descriptor) }
            throw DeconvolutionError(.outOfMemory, "\(byteCount) bytes for the result cannot be had")
        }
        base = map.bindMemory(to: Float.self, capacity: shape.voxelCount * channelCount)
        self.descriptor = descriptor
    }

    deinit {
        munmap(base, byteCount)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Puts the voxels of a tile's core in their place.
    func store(_ voxels: [Float], in region: Region, channel: Int) {
        precondition(voxels.count == region.shape.voxelCount && Region(shape).contains(region), "inside the volume")
        voxels.withUnsafeBufferPointer { source in
            var next = source.baseAddress!
            for z in region.zRange {
                for y in region.yRange {
                    let row = ((channel * shape.z + z) * shape.y + y) * shape.x + region.origin.x
                    (base + row).update(from: next, count: region.shape.x)
                    next += region.shape.x
                }
            }
        }
    }

    /// The voxels of one plane.
    func plane(_ z: Int, channel: Int) -> UnsafeBufferPointer<Float> {
        let start = (channel * shape.z + z) * shape.planeVoxelCount
        return UnsafeBufferPointer(start: base + start, count: shape.planeVoxelCount)
    }
}
