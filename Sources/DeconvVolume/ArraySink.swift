/// Finished planes in memory: a sink for results that are wanted as an array.
public final class ArraySink: VolumeSink {
    /// What has come so far: planes in the order of `VolumeSink`.
    public private(set) var voxels: [Float] = []

    /// An empty sink.
    public init() {}

    /// Adds a plane.
    public func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
        voxels.append(contentsOf: plane)
    }

    /// Does nothing: an array is visible all along.
    public func finish() throws(DeconvolutionError) {}
}
