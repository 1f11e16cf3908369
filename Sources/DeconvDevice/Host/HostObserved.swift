import DeconvVolume

/// The observed frame in host memory, as stored.
package final class HostObserved {
    /// Voxels of one of the types that are held as stored.
    enum Voxels {
        case uint8(SharedPointer<UInt8>)
        case uint16(SharedPointer<UInt16>)
        case float32(SharedPointer<Float>)
    }

    private let memory: HostMemory
    private let layout: WorkspaceLayout

    init(_ layout: WorkspaceLayout, scratchFolder: String? = nil) throws(DeconvolutionError) {
        self.layout = layout
        let byteCount = layout.frame.shape.voxelCount * layout.pixelType.byteCount
        memory = try HostMemory(byteCount: byteCount, scratchFolder: scratchFolder)
    }

    var byteCount: Int { memory.byteCount }

    var voxels: Voxels {
        switch layout.pixelType {
        case .uint8: .uint8(SharedPointer(memory.bytes))
        case .uint16: .uint16(SharedPointer(memory.bytes))
        default: .float32(SharedPointer(memory.bytes))
        }
    }

    /// Takes in planes of the frame, the first of which is `firstPlane`.
    func store(_ data: VoxelData, firstPlane: Int = 0) {
        precondition(data.pixelType == layout.pixelType, "the layout names the type")
        let target = memory.bytes + firstPlane * layout.frame.shape.planeVoxelCount * layout.pixelType.byteCount
        func copy<T: BitwiseCopyable>(_ voxels: [T]) {
            voxels.withUnsafeBytes { target.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
        switch data {
        case .uint8(let voxels): copy(voxels)
        case .uint16(let voxels): copy(voxels)
        case .float32(let voxels): copy(voxels)
        }
    }
}

/// Voxels that threads read together.
///
/// Unchecked: nobody writes while they do.
struct SharedPointer<Voxel: StoredVoxel>: @unchecked Sendable {
    let base: UnsafePointer<Voxel>

    init(_ bytes: UnsafeMutableRawPointer) { base = UnsafePointer(bytes.assumingMemoryBound(to: Voxel.self)) }
}
