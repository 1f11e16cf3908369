package import DeconvPlan
package import DeconvVolume

/// A workspace in host memory: what is done to voxels is a `RowOperation`, whoever holds the rows.
///
/// The bodies of the steps, one for all such workspaces, stand in `Steps`.
package protocol HostWorkspace: Workspace where Field == HostField {
    /// The observed frame, once there is one.
    var observed: HostObserved? { get }

    /// f on the frame; nil for 1.
    var sensitivity: HostField? { get }

    /// The weights of the modes of a PSF that varies; nil for 1.
    var weights: [HostWeights?] { get }

    /// Threads of the elementwise steps.
    var pool: WorkerPool { get }

    /// Runs an operation on rows of the work volume.
    /// - Returns: the sum of what the rows add.
    @discardableResult
    func applyToWork(_ operation: RowOperation, _ region: Region, _ access: RowAccess) -> Double

    /// A field is about to change.
    func willChange(_ field: HostField)

    /// An update has left the estimate in the work volume as well, where it is projected next.
    func didUpdate(_ estimate: HostField, projectingNext: Bool)

    /// A pass over memory is done.
    func ended(_ step: IterationPass.Step)
}

extension HostWorkspace {
    package func willChange(_ field: HostField) {}
    package func didUpdate(_ estimate: HostField, projectingNext: Bool) {}
    package func ended(_ step: IterationPass.Step) {}

    package func fill(_ field: HostField, with value: Float) throws(DeconvolutionError) {
        willChange(field)
        field.planes.fill(value, pool)
    }

    package func upload(_ voxels: [Float], to field: HostField) throws(DeconvolutionError) {
        willChange(field)
        field.replace(by: voxels)
    }

    package func download(_ field: HostField, region: Region) throws(DeconvolutionError) -> [Float] {
        field.planes.copy(region)
    }

    package func synchronize() throws(DeconvolutionError) {}
}
