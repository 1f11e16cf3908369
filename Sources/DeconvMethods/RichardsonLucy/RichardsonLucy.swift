package import DeconvDevice
package import DeconvOptions
package import DeconvPlan
package import DeconvVolume

/// Richardson-Lucy deconvolution, for Poisson noise (Richardson 1972, J. Opt. Soc. Am. 62:55;
/// Lucy 1974, Astron. J. 79:745), with the boundary weighting of Bertero and Boccacci 2005 (eqs. 17 and 18).
///
///     y = f H x + b,   x ← x · W · H'( f (g + s²) / (y + s²) ),   W = 1 / (H'f) where H'f > 0.01·max, else 0
///
/// f is the sensitivity of a voxel: 0 where nothing was recorded, so outside the frame and on bad or saturated voxels, and
/// the flat field elsewhere. Where nothing is estimated outside the frame, f counts as 1 there in W, so that W = 1 for a
/// perfect camera.
package struct RichardsonLucy: DeconvolutionMethod {
    /// Voxels whose light the frame hardly records are left out of the estimate (same reference).
    fileprivate static let normalizationThreshold: Float = 0.01

    /// Updates that compare light with light under `StartingEstimate.light`.
    private static let lightUpdateCount = 3

    /// The iterations.
    package var loop: IterationLoop
    /// b: camera offset and haze, in the units of the image, at least 0.
    package var background: Double
    /// s: read noise, in the units of the image, at least 0.
    package var readNoise: Double
    /// Where the estimate starts.
    package var start: StartingEstimate

    package static let description = MethodDescription(
        name: .richardsonLucy,
        help: "maximum likelihood for Poisson noise, iterated (Richardson 1972, Lucy 1974)",
        options: [.iterations, .boundary, .background, .readNoise, .start]
    )

    /// A run of the method.
    package init(
        iterationCount: Int,
        background: Double = 0,
        readNoise: Double = 0,
        start: StartingEstimate = .light,
        divergenceInterval: Int = 0
    ) {
        precondition(background >= 0 && readNoise >= 0)
        loop = IterationLoop(count: iterationCount, divergenceInterval: divergenceInterval)
        self.background = background
        self.readNoise = readNoise
        self.start = start
    }

    package init(_ options: DeconvolutionOptions) {
        self.init(
            iterationCount: options.iterationCount,
            background: options.background.first,
            readNoise: options.readNoise,
            start: options.start,
            divergenceInterval: options.divergenceInterval
        )
    }

    package var stepCount: Int { loop.count }

    /// The estimate, and W where it differs from 1.
    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        let isNormalized = geometry.extendsFrame || hasSensitivity
        return MethodDemand(
            fieldCount: isNormalized ? 2 : 1,
            comparison: .ratio,
            updatedFieldCount: isNormalized ? 3 : 2,
            isMadeByTransforms: true
        )
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try RichardsonLucySolver(self, on: workspace)
    }

    /// Whether an iteration takes the background off the observed image instead of adding it to the projection.
    fileprivate func comparesLight(_ iteration: Int) -> Bool {
        start == .light && background > 0 && iteration <= Self.lightUpdateCount
    }

    /// Where there is less light than background, or than half the mean, its noise would decide the ratio.
    fileprivate func lightConstants(mean: Double) -> RatioConstants {
        RatioConstants(
            offset: Float(background),
            background: 0,
            readNoiseVariance: Float(readNoise * readNoise),
            floor: Float(max(min(background, (mean - background) / 2), RatioConstants.leastDivisor * mean))
        )
    }
}

/// The estimate of Richardson-Lucy and its normalization in one workspace.
private final class RichardsonLucySolver<W: Workspace>: Solver {
    private var method: RichardsonLucy
    let workspace: W
    private let blur: BlurProjection<W>
    var estimate: Estimate<W>
    /// Room for W, made when it first differs from 1 and kept, for volumes may have it in turns.
    private var normalization: W.Field?
    /// Whether W differs from 1.
    private var isNormalized = false
    private var hasSensitivity = false
    /// Whether PSF or sensitivity changed since W was made.
    private var normalizationIsStale = true

    init(_ method: RichardsonLucy, on workspace: W) throws(DeconvolutionError) {
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
        normalizationIsStale = true
    }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try workspace.setSensitivity(reading: read)
        hasSensitivity = read != nil
        normalizationIsStale = true
    }

    /// Makes the normalization that goes with PSF and sensitivity.
    func prepare() throws(DeconvolutionError) {
        guard normalizationIsStale else { return }
        let extendsFrame = workspace.layout.frame != workspace.layout.domain
        isNormalized = extendsFrame || hasSensitivity
        guard isNormalized else {
            normalizationIsStale = false
            return
        }
        let field: W.Field
        if let normalization { field = normalization } else { field = try workspace.makeField() }
        normalization = field
        // H'f with f = 1 beyond the frame is 1 − H'(1 − f), for the sum of every PSF is 1.
        try workspace.fillWorkWithSensitivity(complemented: !extendsFrame)
        try blur.backProject()
        try workspace.storeNormalization(
            in: field,
            threshold: RichardsonLucy.normalizationThreshold,
            complemented: !extendsFrame
        )
        normalizationIsStale = false
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try prepare()
        let modeled = RatioConstants(
            background: Float(method.background),
            readNoiseVariance: Float(method.readNoise * method.readNoise),
            floor: Float(RatioConstants.leastDivisor * mean)
        )
        let light = mean - method.background
        try method.start.set(estimate.field, on: workspace, background: method.background, light: light)
        try method.loop.run(on: workspace, measuring: measured, step: step) {
            (iteration, measured, isFollowed) throws(DeconvolutionError) in
            try blur.forwardProject(estimate.field)
            let comparesLight = method.comparesLight(iteration)
            let divergence = try workspace.takeRatio(
                comparesLight ? method.lightConstants(mean: mean) : modeled,
                measuring: measured
            )
            try blur.backProject()
            try workspace.multiply(
                estimate.field,
                byWorkAnd: isNormalized ? normalization : nil,
                least: comparesLight ? Float(StartingEstimate.least) : 0,
                projectingNext: isFollowed
            )
            return divergence
        }
    }
}
