/// Where finished volumes go one by one and in any order, and stay known over the end of a process: an array of chunks.
///
/// Volumes may come from any number of threads at once, each of them once.
package protocol VolumeCollection: AnyObject, Sendable {
    /// Whether a volume is there, from this run or an earlier one, so that it need not be computed.
    func holds(channel: Int, timepoint: Int) -> Bool

    /// What was kept of a volume that is there; nil where nothing was.
    func figures(channel: Int, timepoint: Int) -> VolumeFigures?

    /// Takes one volume; when this returns, `holds` says so, whatever happens to the process.
    /// - Parameters:
    ///   - planes: called once, and calls its argument with every plane of the volume in the order of z:
    ///     `shape.planeVoxelCount` values, x fastest. What it throws is thrown here, and the volume is not held.
    ///   - figures: called once all planes have come; kept with the volume.
    /// - Throws: `DeconvolutionError` (`inputOutput`, `outOfMemory`) that names the target; `cancelled` where the run was asked
    ///   to stop and a volume more would be of no use to another run.
    func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError)

    /// Makes the result look finished, once every volume is held.
    /// - Throws: `DeconvolutionError` (`inputOutput`, `cannotCreateOutput`) that names the target.
    func finish() throws(DeconvolutionError)
}
