package import DeconvVolume

/// A second observed frame in host memory; results are read from where they lie.
///
/// Unchecked: the frame is written by the thread that stages and exchanged by the one that computes, which take turns.
package final class HostTransfer: VolumeTransfer, @unchecked Sendable {
    private let layout: WorkspaceLayout
    private var staged: HostObserved

    init(_ layout: WorkspaceLayout) throws(DeconvolutionError) {
        self.layout = layout
        staged = try HostObserved(layout)
    }

    package var byteCount: Int { staged.byteCount }

    package var uncountedHostByteCount: Int { 0 }

    package func stageObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        staged.store(try read(Region(layout.frame.shape)))
    }

    package func read(
        _ region: Region,
        of field: HostField,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let shape = VolumeShape(z: 1, y: region.shape.y, x: region.shape.x)
        for z in region.zRange {
            let origin = VolumeIndex(z: z, y: region.origin.y, x: region.origin.x)
            try field.planes.copy(Region(origin: origin, shape: shape))
                .withUnsafeBufferPointer { (voxels) throws(DeconvolutionError) in try plane(voxels) }
        }
    }

    /// Takes in a frame that is no longer needed, and gives the staged one.
    func exchange(_ observed: HostObserved) -> HostObserved {
        defer { staged = observed }
        return staged
    }
}
