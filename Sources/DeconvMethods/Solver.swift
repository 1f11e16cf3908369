package import DeconvDevice
package import DeconvVolume

/// A method at work: its fields in one workspace, kept from volume to volume.
///
/// Belongs to the thread of its workspace. Operations throw `DeconvolutionError` (`deviceFailed`, `outOfMemory`) that names
/// the device.
package protocol Solver<W>: AnyObject {
    /// The kind of workspace that holds the fields.
    associatedtype W: Workspace

    /// The workspace that holds the fields.
    var workspace: W { get }

    /// b: camera offset and haze of the volumes to come, in the units of the image, at least 0. At first that of the method.
    var background: Double { get set }

    /// The light of the second view of the volumes to come; nil where there is one view.
    var secondView: ViewLight? { get set }

    /// What was found out of the channel of the volumes to come, for methods that ask for it.
    var tuning: MethodTuning? { get set }

    /// Looks at each step; nil where nobody does.
    var watch: SolverWatch? { get set }

    /// The result so far.
    var estimate: Estimate<W> { get set }

    /// Makes the transfer functions of a blur.
    /// - Parameter blur: with its weights, where it has some, in the coordinates of the domain; varies only where
    ///   `DeconvolutionMethod.takesVaryingPSF` says that it may.
    func setBlur(_ blur: Blur) throws(DeconvolutionError)

    /// Makes the transfer functions of the blurs of two views, the first of which is the one of `background`.
    /// - Parameter blurs: neither varies. Two only where `DeconvolutionMethod.takesSecondView` says that there may be two.
    func setBlurs(_ blurs: [Blur]) throws(DeconvolutionError)

    /// Sets f on the frame; see `Workspace.setSensitivity`.
    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError)

    /// Sets f on the frame of a view, which is 0 or 1.
    func setSensitivity(
        ofView number: Int,
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError)

    /// Makes what goes with PSF and sensitivity and not with a volume, if it has not been made.
    func prepare() throws(DeconvolutionError)

    /// Computes the observed frame that the workspace holds.
    /// - Parameters:
    ///   - mean: of g over the recorded voxels, corrected for f: b + Σ(g − b) / Σf; above the background.
    ///   - measured: the recorded voxels, over which the divergence is summed; in the frame.
    ///   - step: called after every step; what it throws ends the run. The device may be at the next one by then.
    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)
}

/// What is known of the light of a view before it is computed.
package struct ViewLight: Hashable, Sendable {
    /// Of g over the recorded voxels, corrected for f: b + Σ(g − b) / Σf; above the background.
    package var mean: Double
    /// b: camera offset and haze, in the units of the image, at least 0.
    package var background: Double

    /// The light of a view.
    package init(mean: Double, background: Double) { (self.mean, self.background) = (mean, background) }
}

/// Gets the number of a step, from 1, and H·estimate of each view over the measured voxels, z, y, x, as it is before the step; gives
/// whether another step may follow this one.
package typealias ProjectionWatch = (_ iteration: Int, _ projections: [[Float]]) throws(DeconvolutionError) -> Bool

/// Gets the number of a step, from 1, and the part of the light, from 0 to 1, in voxels where both halves of the photons agree on their
/// change; gives whether another step may follow this one.
package typealias ConsensusWatch = (_ iteration: Int, _ share: Double) throws(DeconvolutionError) -> Bool

/// What somebody looks at while a method is at work.
package enum SolverWatch {
    /// Each forward projection.
    case projections(ProjectionWatch)
    /// Each share that agrees, of methods that stop by it.
    case consensus(ConsensusWatch)
}

/// What one step of a method showed.
package struct SolverStep: Sendable {
    /// 1 ... `DeconvolutionMethod.stepCount`.
    package var iteration: Int
    /// D(g‖y) over the measured voxels before the step, where it was measured: Σ g·ln(g/y) − g + y.
    package var poissonDivergence: Double?
    /// Seconds on the device's clock when the step was done, where time is taken; see `WorkMark`.
    package var deviceTime: Double?
}

/// The field that becomes the result, and a second one that takes turns with it.
package struct Estimate<W: Workspace> {
    /// The field that is computed now.
    package private(set) var field: W.Field
    /// The other one, where a result is read while the next volume is computed.
    private var other: W.Field?

    /// An estimate of undefined values.
    init(on workspace: W) throws(DeconvolutionError) { field = try workspace.makeField() }

    /// Makes another field the one that is computed now.
    /// - Parameter field: becomes the one that was.
    mutating func exchange(_ field: inout W.Field) { swap(&self.field, &field) }

    fileprivate mutating func reserve(on workspace: W) throws(DeconvolutionError) {
        if other == nil { other = try workspace.makeField() }
    }

    fileprivate mutating func take(on workspace: W) throws(DeconvolutionError) -> W.Field {
        try reserve(on: workspace)
        guard let next = other else { preconditionFailure("it was reserved") }
        let result = field
        (field, other) = (next, result)
        return result
    }
}

extension Solver {
    /// None, for methods of one view.
    package var secondView: ViewLight? {
        get { nil }
        set { precondition(newValue == nil, "the method takes one view") }
    }

    package func setBlurs(_ blurs: [Blur]) throws(DeconvolutionError) {
        precondition(blurs.count == 1, "the method takes one view")
        try setBlur(blurs[0])
    }

    package func setSensitivity(
        ofView number: Int,
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        precondition(number == 0, "the method takes one view")
        try setSensitivity(reading: read)
    }

    /// None, for methods that ask for nothing.
    package var tuning: MethodTuning? {
        get { nil }
        set { precondition(newValue == nil, "the method asks for none") }
    }

    /// None, for methods that are not tuned.
    package var watch: SolverWatch? {
        get { nil }
        set { precondition(newValue == nil, "the method is not tuned") }
    }

    /// Makes the transfer function of a PSF.
    /// - Parameter psf: centered on voxel n/2 (integer division) of each axis, sum 1.
    package func setPSF(_ psf: Volume) throws(DeconvolutionError) { try setBlur(Blur(psf)) }

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try workspace.setSensitivity(reading: read)
    }

    package func prepare() throws(DeconvolutionError) {}

    /// Allocates a second field for `takeResult`.
    package func reserveResult() throws(DeconvolutionError) { try estimate.reserve(on: workspace) }

    /// The estimate as a field, which keeps it through the next run; the run after that overwrites it.
    package func takeResult() throws(DeconvolutionError) -> W.Field { try estimate.take(on: workspace) }

    /// The estimate in a region of the domain: photons or counts per voxel, none negative.
    package func result(_ region: Region) throws(DeconvolutionError) -> [Float] {
        try workspace.download(estimate.field, region: region)
    }
}
