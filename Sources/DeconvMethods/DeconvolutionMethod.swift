package import DeconvDevice
package import DeconvOptions
package import DeconvPlan
package import DeconvVolume

/// A way to deconvolve, with its constants.
///
/// Planner, pipeline, benchmark and reports know of methods what stands here, and which there are from `Methods`.
/// Documentation/Extending.md has the recipe for a new one.
package protocol DeconvolutionMethod: Sendable {
    /// The name, a line of help, and the options that the method takes.
    static var description: MethodDescription { get }

    /// The method with its constants from valid options.
    init(_ options: DeconvolutionOptions)

    /// Steps that a volume takes, at least 1: the iterations, or 1 where there is no loop.
    var stepCount: Int { get }

    /// What has to be found out on a part of a channel first, which `Solver.tuning` then gets; nil where nothing has to.
    var tuningRequest: TuningRequest? { get }

    /// Whether the PSF may vary from place to place: nothing is made of it but projections and their adjoints, by a
    /// `BlurProjection`.
    var takesVaryingPSF: Bool { get }

    /// Whether the object may have been observed twice, in two views or with two PSFs: its solver takes the blurs of both.
    var takesSecondView: Bool { get }

    /// σ of the Gaussian that the object is blurred by before it is estimated, over the width of the PSF; 0 for none.
    var sieve: Double { get }

    /// What is taken to lie outside the frame where `asked` was asked for.
    func boundary(_ asked: BoundaryMode) -> BoundaryMode

    /// The memory and the work that a volume takes.
    /// - Parameter hasSensitivity: whether voxels differ in their sensitivity.
    func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand

    /// A solver with its fields in a workspace.
    /// - Throws: `DeconvolutionError` (`outOfMemory`, `deviceFailed`) that names the device.
    func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W>
}

extension DeconvolutionMethod {
    /// Nothing has to.
    package var tuningRequest: TuningRequest? { nil }

    /// It may, for most iterate.
    package var takesVaryingPSF: Bool { true }

    /// No: most compare a single image.
    package var takesSecondView: Bool { false }

    /// None.
    package var sieve: Double { 0 }

    /// The one that was asked for.
    package func boundary(_ asked: BoundaryMode) -> BoundaryMode { asked }

    /// What it is timed with: all steps, and all work in them that a tuning may ask for; nil where nothing is tuned.
    package var tuningToTime: MethodTuning? {
        tuningRequest.map { request in
            MethodTuning(
                stepCount: stepCount,
                totalVariation: request.hasTotalVariation ? 0.01 : 0,
                signal: request.signal == .always ? SignalSpectrum(noise: 1, power: 100) : nil
            )
        }
    }

    /// What it is called.
    package var name: MethodName { Self.description.name }
}
