package import DeconvVolume

/// Brings the next frame to a workspace and the last result away from it while the workspace computes another volume.
///
/// `stageObserved` and `read` may run beside each other, each on a thread of its own, and beside everything that the workspace
/// does but `swapObserved`. Their waiting is on transfers only, never on what is computed.
package protocol VolumeTransfer<Field>: AnyObject, Sendable {
    /// The workspace's fields.
    associatedtype Field: AnyObject

    /// Bytes held where it is computed.
    var byteCount: Int { get }

    /// Bytes of host memory that a driver holds for it and that `HostSystem.peakResidentBytes` does not see.
    var uncountedHostByteCount: Int { get }

    /// Brings a frame to where `Workspace.swapObserved` finds it, and returns when it is there.
    /// - Parameter read: as for `Workspace.setObserved`.
    func stageObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError)

    /// Gives the planes of a region of a field to `plane`, in their order.
    /// - Parameters:
    ///   - region: of the shape that the transfer was made for.
    ///   - field: not changed meanwhile.
    ///   - plane: gets the voxels of a plane, valid for the call.
    func read(
        _ region: Region,
        of field: Field,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)
}
