package import DeconvPlan
package import DeconvVolume

/// Which kind of engine computes.
public enum BackendKind: String, CaseIterable, Sendable {
    /// FFTW and Swift on this machine's cores.
    case cpu
    /// clFFT or VkFFT, and OpenCL kernels, on a device.
    case opencl
}

/// Something that can compute: a GPU, an accelerator, or the cores of this machine.
public struct DeviceDescription: Hashable, Sendable {
    /// The engine that drives it.
    public var backend: BackendKind
    /// What it is, as its driver says: `GPU`, `CPU` or `accelerator`.
    public var type: String
    /// The driver's name of the device.
    public var name: String
    /// The driver's platform and version; empty for the CPU back end.
    public var driver: String
    /// Memory in bytes.
    public var memoryBytes: Int
    /// Largest single buffer in bytes.
    public var largestBufferBytes: Int
    /// Parallel units: threads, or compute units.
    public var computeUnits: Int

    package init(
        backend: BackendKind,
        type: String,
        name: String,
        driver: String,
        memoryBytes: Int,
        largestBufferBytes: Int,
        computeUnits: Int
    ) {
        self.backend = backend
        self.type = type
        self.name = name
        self.driver = driver
        self.memoryBytes = memoryBytes
        self.largestBufferBytes = largestBufferBytes
        self.computeUnits = computeUnits
    }
}

/// Where arithmetic runs. Nothing above this module knows which one it has.
package protocol ComputeBackend: Sendable {
    /// The device.
    var device: DeviceDescription { get }

    /// Bytes that a tile may take there now.
    var freeMemory: MemoryBudget { get }

    /// Bytes that the transforms of a geometry take there, at most.
    func transformBytes(_ geometry: WorkGeometry) -> TransformBytes

    /// Which transforms there are, and which of their lengths are fast.
    var padding: FFTPadding { get }

    /// Buffers and transform plans for volumes of one shape.
    /// - Throws: `DeconvolutionError` (`outOfMemory`, `deviceFailed`) that names the device.
    func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace

    /// The same device with nothing of what failed: a context of its own.
    /// - Throws: `DeconvolutionError.deviceFailed` when the driver makes none.
    func renewed() throws(DeconvolutionError) -> Self

    /// Copies memory on the device and gives the bytes read and written a second, in the fastest of several copies.
    /// - Throws: `DeconvolutionError` (`outOfMemory`, `deviceFailed`) that names the device.
    func measureCopyRate() throws(DeconvolutionError) -> Double

    /// Copies pinned host memory to the device and back, and gives the bytes a second in the fastest of several copies.
    /// - Returns: nil where host memory is the device's own.
    /// - Throws: `DeconvolutionError` (`outOfMemory`, `deviceFailed`) that names the device.
    func measureBusRates() throws(DeconvolutionError) -> TransferRates?
}

extension ComputeBackend {
    package func measureBusRates() throws(DeconvolutionError) -> TransferRates? { nil }
}

/// How fast voxels come to a device and leave it.
package struct TransferRates: Sendable {
    /// Bytes a second on the way there.
    package var uploadBytesPerSecond: Double
    /// Bytes a second on the way back.
    package var downloadBytesPerSecond: Double
}

extension ComputeBackend {
    package func renewed() throws(DeconvolutionError) -> Self { self }
}

/// What all volumes of a job have in common.
package struct WorkspaceLayout: Hashable, Sendable {
    /// Shape of the transform.
    package var workShape: VolumeShape
    /// Where the observed image lies in it.
    package var frame: Region
    /// Where the estimate lives.
    package var domain: Region
    /// Whether what lies outside the domain is its opposite side, rather than nothing.
    package var wraps: Bool
    /// Whether fields are blurred in it and nothing else is done, as in tiles.
    package var isOnlyProjected: Bool
    /// How the observed voxels are held.
    package var pixelType: PixelType
    /// Row pitch of the half spectrum in complex values.
    package var halfRow: Int
    /// Distance between planes in complex values.
    package var planePitch: Int

    /// The layout of a volume or tile.
    package init(_ geometry: WorkGeometry, pixelType: PixelType) {
        workShape = geometry.workShape
        frame = geometry.frame
        domain = geometry.domain
        wraps = geometry.wraps
        isOnlyProjected = geometry.isOnlyProjected
        self.pixelType = pixelType.inMemory
        halfRow = geometry.halfRow
        planePitch = geometry.planePitch
    }

    /// Complex values of the work volume.
    package var spectrumCount: Int { workShape.z * planePitch }

    /// What a back projection of a field gives without anything from beyond the domain: the frame seen from the other end.
    package var mirroredFrame: Region {
        Region(
            origin: VolumeIndex { domain.shape[$0] - frame.shape[$0] - frame.origin[$0] },
            shape: frame.shape
        )
    }

    /// 1 / N, which the transfer function carries so that no pass over memory is spent on it.
    var transformScale: Float { Float(1 / Double(workShape.voxelCount)) }
}

/// Blurs fields and applies the adjoint: the part of a workspace that tiles are convolved with.
///
/// Belongs to one thread at a time. Operations throw `DeconvolutionError` (`deviceFailed`, `outOfMemory`) that names
/// the device.
package protocol Projector: AnyObject {
    /// Real values on the domain.
    associatedtype Field: AnyObject

    /// Shapes and types. Regions are in its coordinates.
    var layout: WorkspaceLayout { get }

    /// Bytes held now, in total.
    var byteCount: Int { get }

    /// What transforms.
    var fft: FFTLibrary { get }

    /// What a person should know of how it was set up.
    var warnings: [Diagnostic] { get }

    /// Makes the transfer functions of PSFs, or of the modes of one that varies, in place of those of before; the first one is
    /// in use.
    ///
    /// A PSF longer than the transform is wrapped, its values added. Overwrites the work volume.
    /// - Parameter psfs: at least one, whose center is voxel n/2 (integer division) of each axis.
    func setPSFs(_ psfs: [Volume]) throws(DeconvolutionError)

    /// Has the next projections made with the transfer function of another PSF.
    /// - Parameter number: its place in what `setPSFs` was given.
    func usePSF(_ number: Int) throws(DeconvolutionError)

    /// A new field with undefined values.
    func makeField() throws(DeconvolutionError) -> Field

    /// Replaces a field by values of the domain's shape.
    func upload(_ voxels: [Float], to field: Field) throws(DeconvolutionError)

    /// Blurs a field: afterwards the work volume holds H·field on the frame's planes.
    func forwardProject(_ field: Field) throws(DeconvolutionError)

    /// Applies the adjoint of the blur: afterwards the work volume holds H'·field on the planes of the mirrored frame.
    func backProject(_ field: Field) throws(DeconvolutionError)

    /// The values of the work volume in a region that the last projection gave.
    func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float]
}

extension Projector {
    /// Makes the transfer function of a PSF; see `setPSFs`.
    /// - Parameter voxels: `shape.voxelCount` values, z, y, x.
    package func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        try setPSFs([Volume(shape: shape, voxels: voxels)])
    }
}

/// The fields and operations that methods are written in.
///
/// One *work volume* holds in turn the forward projection, the ratio and the back projection. Parts of it without data are
/// not transformed going in, parts that nobody reads are not transformed coming out.
package protocol Workspace: Projector {
    /// What brings frames here and results away while volumes are computed.
    associatedtype Transfer: VolumeTransfer where Transfer.Field == Field

    /// Brings the observed frame to where it is compared.
    /// - Parameter read: gives the voxels of a region, in the coordinates of the frame and of type `layout.pixelType`;
    ///   is asked for everything at once or plane by plane.
    func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError)

    /// Room for a second frame, and what results of a shape need on their way to the host.
    /// - Returns: nil where volumes can only come one after another.
    func makeTransfer(for shape: VolumeShape) throws(DeconvolutionError) -> Transfer?

    /// Makes the frame that was staged last the observed one; the next can then be staged.
    func swapObserved(with transfer: Transfer) throws(DeconvolutionError)

    /// Brings f, the sensitivity of the frame's voxels, to where it is compared.
    /// - Parameter read: gives the values of a region in the coordinates of the frame, at least 0 and finite; is asked for
    ///   everything at once or plane by plane. Nil stands for 1 everywhere, as it is at first.
    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError)

    /// Has what follows concern another view of the object: its observed frame and its sensitivity.
    /// - Parameter number: 0, as it is at first, or 1.
    func useView(_ number: Int)

    /// Sets a field to `value` everywhere.
    func fill(_ field: Field, with value: Float) throws(DeconvolutionError)

    /// The values of a field in a region of the domain.
    func download(_ field: Field, region: Region) throws(DeconvolutionError) -> [Float]

    /// Replaces the forward projection p by the ratio f·(max(g, 0) − offset + s²) / max(f·p + b + s², floor), which is 0
    /// outside the frame.
    /// - Parameter measured: the part of the frame over which the Poisson divergence of the observed image from
    ///   the projection is summed on the way, or nil.
    /// - Returns: that divergence, Σ g·ln(g/y) − g + y over the voxels with f > 0, with g = max(observed, 0) and
    ///   y = max(f·p + offset + b, floor): an offset is light that the model has in y.
    func takeRatio(_ constants: RatioConstants, measuring measured: Region?) throws(DeconvolutionError) -> Double?

    /// Replaces the forward projection p by the difference f·(g − y), y = s·f·p + b, or by f·(max(g, 0) − y) / max(y + v, floor)
    /// where that is asked for; both are 0 outside the frame and where f = 0.
    /// - Parameter measured: as for `takeRatio`.
    /// - Returns: as for `takeRatio`, with y = max(f·p + b, floor).
    func takeDifference(
        _ constants: DifferenceConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double?

    /// Σ f·p over the frame, where the work volume holds the forward projection p, and afterwards holds it still.
    func sumProjection() throws(DeconvolutionError) -> Double

    /// Sets a field to max((g − offset) / f, least) on the frame, and to `outside` where f = 0 and in the rest of the domain.
    func fillFromObserved(
        _ field: Field,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError)

    /// Sets the work volume to f on the frame and to 0 outside.
    /// - Parameter complemented: whether to 1 − f; the frame is then the domain.
    func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError)

    /// Applies the adjoint of the blur to the ratio: afterwards the work volume holds H'·(what it held) on the domain's
    /// planes.
    func backProject() throws(DeconvolutionError)

    /// Makes the normalization W = 1 / V where V is above `threshold` times its largest value, and 0 elsewhere.
    ///
    /// Afterwards the work volume holds nothing of use.
    /// - Parameter complemented: whether V is 1 − work, instead of the work volume as it is.
    func storeNormalization(in field: Field, threshold: Float, complemented: Bool) throws(DeconvolutionError)

    /// estimate ← estimate · max(work · normalization, least) on the domain, and 0 where the normalization is 0; no
    /// normalization stands for 1.
    /// - Parameter projectingNext: whether the estimate is projected next, unchanged, which an engine may prepare on the way.
    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError)

    /// estimate ← scale · estimate · max((1 + work) · weight, least) on the domain, and 0 where the weight is 0; no weight stands
    /// for 1.
    /// - Parameter projectingNext: as above.
    func multiply(
        _ estimate: Field,
        byOnePlusWorkTimes weight: Field?,
        least: Float,
        scale: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError)

    /// The first, and then estimate ← max(x + momentum · (x − former), 0) and former ← x, where x is what it would have left.
    /// - Parameters:
    ///   - former: is not read where the momentum is 0.
    ///   - momentum: at least 0.
    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError)

    /// The same as the first, and tells how the estimate changes: change ← x − estimate, where x is what the estimate becomes.
    /// - Parameter change: the change of the update before.
    /// - Returns: Σ of the new change times the one before, and Σ of its square; the former is of no use where there was none before.
    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        following change: Field
    ) throws(DeconvolutionError) -> ChangeSums

    /// estimate ← max(x + momentum · (x − former), 0) and former ← x, where x is the estimate.
    /// - Parameters:
    ///   - former: is not read where the momentum is 0.
    ///   - momentum: at least 0.
    func extrapolate(_ estimate: Field, from former: Field, momentum: Float) throws(DeconvolutionError)

    /// target ← normalization / max(1 − λ · div(∇x / |∇x|), least) for the field x; no normalization stands for 1.
    ///
    /// A field that is multiplied by it comes nearer to the least total variation.
    func storeTotalVariationWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError)

    /// target ← normalization / max(1 − λ · Δx, least) for the field x, or with a floor normalization / max(1 − λ · Δv / v, least)
    /// for v = √max(x, floor); no normalization stands for 1.
    ///
    /// A field that is multiplied by it comes nearer to the least Σ |∇x|², or Σ |∇x|² / x.
    func storeCurvatureWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: CurvatureConstants
    ) throws(DeconvolutionError)

    /// target ← x + factor · Δx for the field x, with Δ as in `CurvatureConstants`.
    /// - Parameters:
    ///   - target: another field.
    ///   - rates: r of the axes z, y, x.
    func diffuse(
        _ field: Field,
        into target: Field,
        factor: Float,
        rates: SIMD3<Float>
    ) throws(DeconvolutionError)

    /// target ← c · spread · W² · V(y) / y'², the variance of W H'(ratio) by the noise of the image, as far as the expectation varies
    /// little within a PSF.
    ///
    /// y is the projection in the work volume, which stays, plus b, at the voxel of the frame that is nearest, and y' is
    /// max(y + s², floor).
    /// - Parameters:
    ///   - spread: (h²)'f for a PSF h whose squares are over their sum c, or 1 less that; nil for 1.
    ///   - normalization: W; nil for 1.
    func storeNoise(
        in target: Field,
        spread: Field?,
        normalization: Field?,
        _ constants: NoiseConstants
    ) throws(DeconvolutionError)

    /// target ← (max(work · normalization, 0) − 1)² on the domain, and 0 where the normalization is 0; no normalization stands
    /// for 1.
    func storeSquaredChange(in target: Field, normalization: Field?) throws(DeconvolutionError)

    /// target ← the mean of a field over 2 · radius + 1 voxels of an axis, which are 0 beyond its ends.
    /// - Parameters:
    ///   - axis: 0 for z, 1 for y, 2 for x.
    ///   - radius: at least 0.
    func average(
        _ field: Field,
        into target: Field,
        axis: Int,
        radius: Int
    ) throws(DeconvolutionError)

    /// As `multiply(_:byWorkAnd:…)` that extrapolates, by 1 + w (max(work · normalization, 0) − 1) in place of the product, where
    /// w = 1 − noise / squares from 0 to 1; 0 where the normalization is 0.
    /// - Parameters:
    ///   - noise: the mean variance of the change by noise.
    ///   - squares: the mean square of the change.
    func multiply(
        _ estimate: Field,
        gatedBy noise: Field,
        squares: Field,
        normalization: Field?,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError)

    /// As `takeRatio`, with twice a random half of the photons in place of g, which may be below 0.
    func takeHalfRatio(_ constants: RatioConstants, _ split: PhotonSplit) throws(DeconvolutionError)

    /// target ← (W · work − 1) (W · (2 · whole − work) − 1) on the domain with the normalization W, and 0 where that is 0; no
    /// normalization stands for 1.
    /// - Parameter whole: H'(ratio), of which the work volume holds that of a half.
    func storeAgreement(
        in target: Field,
        of whole: Field,
        normalization: Field?
    ) throws(DeconvolutionError)

    /// work ← max(whole · normalization, 0) where work is not below 0 and 1 elsewhere on the domain, and 0 where the
    /// normalization is 0; no normalization stands for 1.
    func takeAgreed(_ whole: Field, normalization: Field?) throws(DeconvolutionError)

    /// target ← max(work · normalization, 0) on the domain, and −1 where the normalization is 0, so that nothing is known; no
    /// normalization stands for 1.
    func storeFactor(in target: Field, normalization: Field?) throws(DeconvolutionError)

    /// work ← √(factor · max(work · normalization, 0)) on the domain: the geometric mean of the factors of two views; only one of them
    /// where the other is not known, and 0 where none is. No normalization stands for 1.
    /// - Parameter factor: what `storeFactor` left.
    func takeMean(of factor: Field, normalization: Field?) throws(DeconvolutionError)

    /// estimate ← max(estimate + factor · work, 0) on the domain.
    /// - Parameter projectingNext: as for `multiply`.
    func add(to estimate: Field, factor: Float, projectingNext: Bool) throws(DeconvolutionError)

    /// Sets the weights of the modes of a PSF that varies, in the coordinates of the domain; nil stands for 1 everywhere.
    func setWeights(_ weights: [WeightGrid?]) throws(DeconvolutionError)

    /// target ← weight · field on the domain.
    /// - Parameter mode: the place of the weight in what `setWeights` was given.
    func weigh(_ field: Field, byMode mode: Int, into target: Field) throws(DeconvolutionError)

    /// sum ← sum + weight · work in a region, which the last projection gave; or weight · work alone.
    /// - Parameters:
    ///   - mode: the place of the weight in what `setWeights` was given, or nil for 1.
    ///   - replacing: whether the sum begins with this.
    func addWork(
        to sum: Field,
        in region: Region,
        weightedByMode mode: Int?,
        replacing: Bool
    ) throws(DeconvolutionError)

    /// Replaces the work volume by a field in a region, and by 0 in the rest of the region's planes.
    func loadWork(from field: Field, in region: Region) throws(DeconvolutionError)

    /// Makes the transfer function ĥ of the PSF that of a filter, (1 + K) conj(ĥ) / (|ĥ|² + K + λ l²), which `forwardProject`
    /// applies from then on; until the next `setPSF`.
    ///
    /// Only where the layout is computed in one piece.
    /// - Parameter field: what is filtered next, which a workspace that checks its plans tries them on.
    func invertTransferFunction(_ filter: InverseFilter, probing field: Field) throws(DeconvolutionError)

    /// How an iteration goes through memory, once there is a transfer function.
    var passStructure: PassStructure { get }

    /// Runs iterations, and takes the time of their passes on the way, which itself takes time.
    /// - Parameter run: projects forward at the beginning of each iteration.
    /// - Returns: the passes of each iteration in their order; nil where none are told apart, and then nothing was run.
    func measurePasses(
        of run: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [[PassDuration]]?

    /// Runs the transforms of one iteration on the work volume, which holds a back projection and holds one afterwards, and does
    /// nothing else: what the time of an iteration is compared with.
    func runTransforms() throws(DeconvolutionError)

    /// Returns when all work given so far is done.
    func synchronize() throws(DeconvolutionError)

    /// Whether work can be given while earlier work is waited for, and that is of use.
    var worksAhead: Bool { get }

    /// The point after all work given so far, so that progress can be told when it is reached; it is already where the
    /// workspace does not work ahead.
    func mark() throws(DeconvolutionError) -> any WorkMark
}

/// A point in the work that a workspace was given.
package protocol WorkMark: AnyObject {
    /// Returns when all work before it is done.
    func wait() throws(DeconvolutionError)

    /// Seconds on the device's clock when it was reached, after `wait`; nil where time is not taken or there is no such clock.
    var deviceTime: Double? { get }
}

extension Workspace {
    package var passStructure: PassStructure { .slabs }
    package var worksAhead: Bool { false }

    package func measurePasses(
        of run: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [[PassDuration]]? {
        nil
    }

    package func mark() throws(DeconvolutionError) -> any WorkMark {
        try synchronize()
        return ReachedMark()
    }
}

/// A point before which all is done, and no device's clock was read.
final class ReachedMark: WorkMark {
    func wait() {}
    var deviceTime: Double? { nil }
}
