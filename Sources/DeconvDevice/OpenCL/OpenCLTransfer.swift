package import DeconvVolume

/// A second observed frame on the device, filled over a queue of its own, and results that come back over a third.
///
/// A transfer blocks its own thread and no other: what is enqueued on the workspace's queue runs meanwhile. Since a frame is on
/// the device when `stageObserved` returns, and a field is finished before it is read, no queue has to wait for another.
///
/// Unchecked: frame and upload belong to the thread that stages, but for the exchange, for which it waits; result and
/// download to the thread that reads.
package final class OpenCLTransfer: VolumeTransfer, @unchecked Sendable {
    package typealias Field = OpenCLWorkspace.Field

    private let layout: WorkspaceLayout
    private let uploads: CommandQueue
    private let downloads: CommandQueue
    private let frame: PinnedBuffer
    private let result: PinnedBuffer
    private var staged: ObservedFrame

    /// Room for frames of a layout, and for results of a shape.
    init(_ layout: WorkspaceLayout, resultShape: VolumeShape, context: OpenCLContext) throws(DeconvolutionError) {
        let byteCount = layout.frame.shape.voxelCount * layout.pixelType.byteCount
        self.layout = layout
        uploads = try CommandQueue(context)
        downloads = try CommandQueue(context)
        staged = try ObservedFrame(layout, in: context)
        frame = try PinnedBuffer(byteCount: byteCount, on: uploads)
        result = try PinnedBuffer(byteCount: resultShape.voxelCount * 4, on: downloads)
    }

    package var byteCount: Int { staged.buffer.byteCount }

    package var uncountedHostByteCount: Int { frame.uncountedByteCount + result.uncountedByteCount }

    package func stageObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let data = try read(Region(layout.frame.shape))
        precondition(data.count == layout.frame.shape.voxelCount && data.pixelType == layout.pixelType, "frame")
        func copy<T: BitwiseCopyable>(_ voxels: [T]) {
            voxels.withUnsafeBytes { frame.bytes.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        }
        switch data {
        case .uint8(let voxels): copy(voxels)
        case .uint16(let voxels): copy(voxels)
        case .float32(let voxels): copy(voxels)
        }
        try uploads.write(UnsafeRawBufferPointer(start: frame.bytes, count: frame.byteCount), to: staged.voxels)
    }

    package func read(
        _ region: Region,
        of field: Field,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        precondition(region.shape.voxelCount * 4 <= result.byteCount, "the transfer was made for such a region")
        let shape = layout.domain.shape
        let voxels = result.bytes.assumingMemoryBound(to: Float.self)
        try downloads.read(
            region,
            from: field.buffer,
            rowPitch: shape.x,
            planePitch: shape.planeVoxelCount,
            into: voxels
        )
        let count = region.shape.planeVoxelCount
        for z in 0..<region.shape.z { try plane(UnsafeBufferPointer(start: voxels + z * count, count: count)) }
    }

    /// Takes in a frame that is no longer needed, and gives the staged one.
    func exchange(_ observed: ObservedFrame?) throws(DeconvolutionError) -> ObservedFrame {
        let old: ObservedFrame
        if let observed {
            old = observed
        } else {
            old = try ObservedFrame(layout, in: uploads.context)
        }
        defer { staged = old }
        return staged
    }
}
