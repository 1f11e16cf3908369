import DeconvVolume

/// A batch of transforms, in place, in single precision, unnormalized in both directions; belongs to one queue.
protocol TransformPlan: AnyObject {
    /// Bytes of scratch memory that it needs when it runs.
    var temporaryByteCount: Int { get }

    /// Enqueues the transform of a buffer whose first plane is at its start.
    /// - Parameter temporary: at least `temporaryByteCount` bytes, or nil where that is 0.
    func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError)
}

/// An FFT library behind OpenCL: makes the plans that a work volume needs.
///
/// Plans throw `DeconvolutionError` when they are made: `deviceFailed` with the compiler's log where the device's compiler
/// refuses their kernels or the library lacks the length, `outOfMemory`.
protocol TransformEngine: Sendable {
    /// Which library it is.
    var library: FFTLibrary { get }

    /// Whether it has transforms of this length.
    func supportsLength(_ length: Int) -> Bool

    /// Between `count` real planes (row pitch 2·halfRow floats) and their half spectra.
    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan

    /// All columns along z, complex; the volume has more than one plane.
    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan

    /// As `columns`, and the forward transform reads 0 outside the planes of data and multiplies by the transfer function,
    /// the inverse writes the planes of the output only; as the header of `transfer` says when it runs.
    /// - Returns: nil where the library cannot.
    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)?

    /// The transforms of planes with what happens to voxels between them, or nil where the library or the layout has none.
    func planePasses(_ layout: WorkspaceLayout, of work: DeviceBuffer, on queue: CommandQueue) -> PlanePasses?
}

extension TransformEngine {
    func planePasses(_ layout: WorkspaceLayout, of work: DeviceBuffer, on queue: CommandQueue) -> PlanePasses? { nil }

    /// Whether it has the transforms of a volume.
    func supports(_ shape: VolumeShape) -> Bool { shape.axes.allSatisfy(supportsLength) }
}
