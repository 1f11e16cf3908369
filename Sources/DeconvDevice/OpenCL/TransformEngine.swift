import DeconvPlan
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

    /// Programs that a workspace makes of its plans, at most.
    /// - Parameters:
    ///   - inPasses: whether planes are transformed in passes.
    ///   - triesThem: whether they are tried first.
    func programCount(inPasses: Bool, triesThem: Bool) -> Int

    /// Whether it transforms the planes of such a volume in passes; whether the device can is found out by trying.
    func hasPlanePasses(_ shape: VolumeShape) -> Bool

    /// The transforms of planes with what happens to voxels between them, or nil where there are none.
    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)?
}

/// The transforms of planes of a work volume, rows and then lines along y, with what happens to the voxels between them: fields,
/// ratio and update are read and written by the transforms themselves.
///
/// Errors are those of plans, which are made when first needed and kept.
protocol PlanePasses: AnyObject {
    /// Spectra of the planes of the domain in the work volume, from a field.
    func transform(_ field: DeviceBuffer) throws(DeconvolutionError)

    /// Spectra of the planes of a region from what the work volume holds there; it counts as 0 elsewhere.
    func transform(_ region: Region) throws(DeconvolutionError)

    /// The half spectra of a region's rows from the spectra of its planes.
    func inverseLines(_ region: Region) throws(DeconvolutionError)

    /// The voxels of a region's rows from their half spectra.
    func inverseRows(_ region: Region) throws(DeconvolutionError)

    /// The ratio of the observed frame to the projection, on the frame, from the half spectra of the projection's rows.
    /// - Returns: false, and nothing is done, where the device does not take such a transform.
    func inverseRows(
        takingRatio observed: ObservedFrame,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) -> Bool

    /// estimate ← estimate · max(back projection · normalization, 0), from the half spectra of the back projection's rows.
    /// - Returns: false, and nothing is done, where the device does not take such a transform.
    func inverseRows(
        multiplying estimate: DeviceBuffer,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) -> Bool

    /// Plans made so far.
    var planCount: Int { get }

    /// Forgets what was planned for observed frames and normalizations, which plans keep alive.
    func forgetBuffers()
}

extension TransformEngine {
    /// Rows or planes to and fro, and columns.
    func programCount(inPasses: Bool, triesThem: Bool) -> Int { 9 }

    func hasPlanePasses(_ shape: VolumeShape) -> Bool { false }

    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)? { nil }

    /// Whether it has the transforms of a volume.
    func supports(_ shape: VolumeShape) -> Bool { shape.axes.allSatisfy(supportsLength) }
}
