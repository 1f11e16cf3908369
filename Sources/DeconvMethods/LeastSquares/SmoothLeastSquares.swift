import DeconvDevice
import DeconvOptions
import DeconvPlan
import DeconvVolume

/// Steps down the gradient of ‖f (g − b − f H x)‖² + λ Σ |∇x|² over x ≥ 0, of one length.
///
///     x ← P₊( p + τ ( H'( f (g − b − f H p) ) + λ Δp ) ),   τ = c / ( (‖H‖ max f)² + 4 λ Σ_a r_a² )
///
/// Differences of ∇ and Δ are multiplied by r, the smallest voxel size over that of the axis; none leads beyond the domain. What τ
/// is divided by is no less than the largest curvature of half the sum: |−Δ| ≤ 4 Σ r². p is x, or a point beyond it.
struct SmoothLeastSquares: Hashable, Sendable {
    /// How far a step goes, and from where.
    enum Pace: Hashable, Sendable {
        /// From x, by c = 1.9: a step below 2 never leads up.
        case fixed
        /// From p = P₊(x + (t_k − 1) / t_{k+1} (x − x')), t_1 = 1, t_{k+1} = (1 + √(1 + 4 t_k²)) / 2, by c = 1, x' the estimate before
        /// (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2:183).
        case accelerated

        var relativeStep: Double { self == .fixed ? 1.9 : 1 }
    }

    /// The iterations.
    let loop: IterationLoop
    /// b: camera offset and haze, in the units of the image, at least 0.
    var background: Double
    /// Where the estimate starts; `light` is `flat`, for a background is subtracted here and dilutes nothing.
    let start: StartingEstimate
    /// λ, at least 0.
    let weight: Double
    /// r of the axes z, y, x.
    let rates: SIMD3<Float>
    let pace: Pace

    /// - Parameter weight: λ, at least 0.
    init(_ options: DeconvolutionOptions, _ pace: Pace, weight: Double) {
        let count = options.iterationCount ?? DeconvolutionOptions.standardIterationCount
        loop = IterationLoop(count: count, divergenceInterval: options.divergenceInterval)
        background = options.background.first
        start = options.start
        self.weight = weight
        rates = options.spacing?.rates ?? SIMD3(1, 1, 1)
        self.pace = pace
    }

    /// The estimate, a second one where neighbors are read, and the one before for points beyond it.
    var demand: MethodDemand {
        var (fields, updated) = (1, 2)
        if weight > 0 { (fields, updated) = (fields + 1, updated + 2) }
        if pace == .accelerated { (fields, updated) = (fields + 1, updated + 4) }
        return MethodDemand(fieldCount: fields, comparison: .difference, updatedFieldCount: updated)
    }

    /// τ for a blur and a sensitivity of some largest gain.
    fileprivate func step(gain: Double) -> Double {
        let squares = rates * rates
        return pace.relativeStep / (gain * gain + 4 * weight * Double(squares.sum()))
    }
}

/// The estimate of a method of smooth least squares in one workspace.
final class SmoothLeastSquaresSolver<W: Workspace>: Solver {
    private var method: SmoothLeastSquares
    let workspace: W
    private let blur: BlurProjection<W>
    var estimate: Estimate<W>
    /// Takes turns with the estimate where neighbors are read.
    private var other: W.Field?
    /// The estimate of the step before.
    private var former: W.Field?
    /// What ‖H‖ does not exceed.
    private var largestTransfer = 1.0
    private var largestSensitivity = 1.0

    init(_ method: SmoothLeastSquares, on workspace: W) throws(DeconvolutionError) {
        self.method = method
        self.workspace = workspace
        blur = BlurProjection(on: workspace)
        estimate = try Estimate(on: workspace)
        if method.weight > 0 { other = try workspace.makeField() }
        if method.pace == .accelerated { former = try workspace.makeField() }
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
        let light = mean - method.background
        try method.start.set(estimate.field, on: workspace, background: method.background, light: light)
        let length = method.step(gain: largestTransfer * largestSensitivity)
        let constants = DifferenceConstants(
            background: Float(method.background),
            floor: Float(RatioConstants.leastDivisor * mean)
        )
        var t = 1.0
        try method.loop.run(on: workspace, measuring: measured, step: step) {
            (_, measured, isFollowed) throws(DeconvolutionError) in
            try blur.forwardProject(estimate.field)
            let divergence = try workspace.takeDifference(constants, measuring: measured)
            try blur.backProject()
            if var target = other {
                try workspace.diffuse(
                    estimate.field,
                    into: target,
                    factor: Float(length * method.weight),
                    rates: method.rates
                )
                estimate.exchange(&target)
                other = target
            }
            let goesBeyond = isFollowed && former != nil
            try workspace.add(
                to: estimate.field,
                factor: Float(length),
                projectingNext: isFollowed && !goesBeyond
            )
            if goesBeyond, let former {
                let next = (1 + (1 + 4 * t * t).squareRoot()) / 2
                try workspace.extrapolate(estimate.field, from: former, momentum: Float((t - 1) / next))
                t = next
            }
            return divergence
        }
    }
}
