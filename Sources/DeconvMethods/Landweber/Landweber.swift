package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// Least squares without light below 0, iterated (Landweber 1951).
    public static let landweber = MethodName(rawValue: "landweber")
}

/// Least squares for Gaussian noise, by steps down the gradient (Landweber 1951, Am. J. Math. 73:615), without light below 0
/// (Bertero and Boccacci 1998, Introduction to Inverse Problems in Imaging, chapter 6).
///
///     y = f H x + b,   x ← P₊( x + τ H'( f (g − y) ) ),   τ = 1.9 / (max|ĥ| · max f)²
///
/// f is the sensitivity of a voxel, 0 where nothing was recorded. Every step below 2 / ‖f H‖² brings y nearer to g.
package struct Landweber: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .landweber,
        help: "least squares without light below 0, iterated (Landweber 1951)",
        options: [.iterations, .boundary, .background, .start]
    )

    /// τ over the square of what the blur may add up to.
    fileprivate static let relativeStep = 1.9

    /// The iterations.
    fileprivate let loop: IterationLoop
    /// b: camera offset and haze, in the units of the image, at least 0.
    fileprivate var background: Double
    /// Where the estimate starts; `light` is `flat`, for a background is subtracted here and dilutes nothing.
    fileprivate let start: StartingEstimate

    package init(_ options: DeconvolutionOptions) {
        let count = options.iterationCount ?? DeconvolutionOptions.standardIterationCount
        loop = IterationLoop(count: count, divergenceInterval: options.divergenceInterval)
        background = options.background.first
        start = options.start
    }

    package var stepCount: Int { loop.count }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        MethodDemand(fieldCount: 1, comparison: .difference, updatedFieldCount: 2)
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try LandweberSolver(self, on: workspace)
    }
}

/// The estimate of Landweber's method in one workspace.
private final class LandweberSolver<W: Workspace>: Solver {
    private var method: Landweber
    let workspace: W
    private let blur: BlurProjection<W>
    var estimate: Estimate<W>
    /// What ‖H‖ does not exceed: for one PSF Σ|h|, which is ĥ(0) where no value of the PSF is below 0.
    private var largestTransfer = 1.0
    private var largestSensitivity = 1.0

    init(_ method: Landweber, on workspace: W) throws(DeconvolutionError) {
        self.method = method
        self.workspace = workspace
        blur = BlurProjection(on: workspace)
        estimate = try Estimate(on: workspace)
    }

    var background: Double {
        get { method.background }
        set { method.background = newValue }
    }

    func setBlur(_ blur: Blur) throws(DeconvolutionError) {
        try self.blur.set(blur)
        largestTransfer = blur.largestSquaredGain.squareRoot()
    }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        largestSensitivity = try workspace.setSensitivity(findingLargest: read)
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let field = estimate.field
        let light = mean - method.background
        try method.start.set(field, on: workspace, background: method.background, light: light)
        let gain = largestTransfer * largestSensitivity
        let factor = Float(Landweber.relativeStep / (gain * gain))
        let constants = DifferenceConstants(
            background: Float(method.background),
            floor: Float(RatioConstants.leastDivisor * mean)
        )
        try method.loop.run(on: workspace, measuring: measured, step: step) {
            (_, measured, isFollowed) throws(DeconvolutionError) in
            try blur.forwardProject(field)
            let divergence = try workspace.takeDifference(constants, measuring: measured)
            try blur.backProject()
            try workspace.add(to: field, factor: factor, projectingNext: isFollowed)
            return divergence
        }
    }
}
