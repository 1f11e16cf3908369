package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// Richardson-Lucy that follows no noise.
    public static let gated = MethodName(rawValue: "gated")
}

/// Richardson-Lucy, accelerated, in which a voxel changes as far as its change is more than the noise of the image.
///
///     F(p) = p (1 + w u),   u = U − 1 where W > 0,   U = W H'( f (g + s²) / (y + s²) ),   y = f H p + b
///     w = clip( 1 − box(v) / box(u²), 0, 1 ),   v = c W² ((h²/c)'f) V(ŷ) / (ŷ + s²)²,   ŷ = H p + b
///
/// v is the variance that the noise of the image gives u, as far as ŷ varies little within a PSF; V is the variance of an image's voxel,
/// gain · ŷ for photons, c = Σh², and ŷ outside the frame is that of its nearest voxel. The box is as large as the PSF is wide. It is
/// what the random halves of gradient consensus (Manton and York 2024, `Consensus`) come to in the mean: (U₁ − 1)(U₂ − 1) has the expectation
/// u² − v.
package struct Gated: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .gated,
        help: "accelerated Richardson-Lucy in which only what exceeds the noise changes, for sparse samples",
        options: [
            .iterations, .boundary, .background, .readNoise, .stop, .maxIterations, .gain, .seed, .tuning,
        ],
        stop: .heldOut,
        asksForPhotons: true
    )

    /// The iterations.
    fileprivate let loop: IterationLoop
    /// b: camera offset and haze, in the units of the image, at least 0.
    fileprivate var background: Double
    /// s: read noise, in the units of the image, at least 0.
    fileprivate let readNoise: Double
    package let tuningRequest: TuningRequest?

    package init(_ options: DeconvolutionOptions) {
        let request = TuningRequest(options, of: Self.description)
        loop = IterationLoop(
            count: request?.mostSteps ?? options.iterationCount ?? DeconvolutionOptions.standardIterationCount,
            divergenceInterval: options.divergenceInterval
        )
        background = options.background.first
        readNoise = options.readNoise
        tuningRequest = request
    }

    package var stepCount: Int { loop.count }

    /// The estimate and that of the step before, mean noise and mean square of the change with room to make them; and W and what the noise
    /// spreads by, where they are not 1.
    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        let isNormalized = geometry.extendsFrame || hasSensitivity
        return MethodDemand(
            fieldCount: isNormalized ? 7 : 5,
            comparison: .ratio,
            // Both means take three passes.
            updatedFieldCount: isNormalized ? 24 : 20
        )
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try GatedSolver(self, on: workspace)
    }
}

/// The estimate of a gated method, and what its gate is made of, in one workspace.
private final class GatedSolver<W: Workspace>: Solver {
    private var method: Gated
    let workspace: W
    private let projection: BlurProjection<W>
    private let normalization: Normalization<W>
    var estimate: Estimate<W>
    var tuning: MethodTuning?
    var watch: SolverWatch?
    private var blur: Blur?
    /// The estimate of the step before.
    private let former: W.Field
    /// The mean of v around each voxel, that of u², and room for another one.
    private var (noise, squares, spare): (W.Field, W.Field, W.Field)
    /// H'f with the squares of the PSF, or H'(1 − f); nil for 1.
    private var spread: W.Field?
    /// c: the sum of the squares of the PSF.
    private var squareSum = 1.0
    /// Half the edges of the box along z, y and x.
    private var radii = [0, 0, 0]

    init(_ method: Gated, on workspace: W) throws(DeconvolutionError) {
        self.method = method
        self.workspace = workspace
        projection = BlurProjection(on: workspace)
        normalization = Normalization(on: workspace)
        estimate = try Estimate(on: workspace)
        former = try workspace.makeField()
        (noise, squares) = (try workspace.makeField(), try workspace.makeField())
        spare = try workspace.makeField()
    }

    var background: Double {
        get { method.background }
        set { method.background = newValue }
    }

    func setBlur(_ blur: Blur) throws(DeconvolutionError) {
        self.blur = blur
        try projection.set(blur)
        // Of a PSF that varies the mean stands for all: how much is noise need not be known as well as what is light.
        let psf = blur.modes[0].psf
        squareSum = psf.voxels.reduce(0) { $0 + Double($1) * Double($1) }
        radii = psf.peakWidths.map { Int(($0 / 2).rounded(.toNearestOrEven)) }
        normalization.changed()
    }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try normalization.setSensitivity(reading: read)
    }

    func prepare() throws(DeconvolutionError) {
        guard normalization.isStale, let blur else { return }
        if normalization.isNeeded {
            let field: W.Field
            if let spread { field = spread } else { field = try workspace.makeField() }
            spread = field
            var squared = blur.modes[0].psf
            squared.voxels = squared.voxels.map { Float(Double($0) * Double($0) / squareSum) }
            try projection.set(Blur(squared))
            try normalization.spreadSensitivity(by: projection)
            try workspace.addWork(
                to: field,
                in: workspace.layout.domain,
                weightedByMode: nil,
                replacing: true
            )
            try projection.set(blur)
        }
        try normalization.make(by: projection)
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try prepare()
        let ratio = RatioConstants(
            background: Float(method.background),
            readNoiseVariance: Float(method.readNoise * method.readNoise),
            floor: Float(RatioConstants.leastDivisor * mean)
        )
        let constants = NoiseConstants(
            noise: tuning?.noise ?? PhotonNoise(gain: 1),
            background: ratio.background,
            readNoiseVariance: ratio.readNoiseVariance,
            floor: ratio.floor,
            scale: Float(squareSum),
            isComplemented: normalization.isComplemented
        )
        let factor = normalization.field
        try workspace.fill(estimate.field, with: Float(mean - method.background))
        var loop = method.loop
        if let tuning { loop.count = tuning.stepCount }
        var goesOn = true
        try loop.run(on: workspace, measuring: measured, step: step) {
            goesOn
        } update: { (iteration, counted, isFollowed) throws(DeconvolutionError) in
            try projection.forwardProject(estimate.field)
            if case .projections(let look)? = watch {
                goesOn = try look(iteration, [workspace.downloadWork(measured)])
            }
            try workspace.storeNoise(
                in: noise,
                spread: factor == nil ? nil : spread,
                normalization: factor,
                constants
            )
            noise = try average(noise)
            let divergence = try workspace.takeRatio(ratio, measuring: counted)
            try projection.backProject()
            try workspace.storeSquaredChange(in: squares, normalization: factor)
            squares = try average(squares)
            try workspace.multiply(
                estimate.field,
                gatedBy: noise,
                squares: squares,
                normalization: factor,
                extrapolatingFrom: former,
                // The last update is the result.
                momentum: isFollowed ? Acceleration.heavyBallMomentum(iteration) : 0,
                projectingNext: isFollowed
            )
            return divergence
        }
    }

    /// The mean of a field over the box around each voxel, in the field that was spare, or in that field itself; the other one is spare then.
    private func average(_ field: W.Field) throws(DeconvolutionError) -> W.Field {
        var result = field
        for axis in 0..<3 where radii[axis] > 0 {
            try workspace.average(result, into: spare, axis: axis, radius: radii[axis])
            (result, spare) = (spare, result)
        }
        return result
    }
}

extension Acceleration {
    /// How far the heavy ball goes on beyond an update, from 1, of the way that it came.
    static func heavyBallMomentum(_ iteration: Int) -> Float { Float(iteration - 1) / Float(iteration + 2) }
}

extension Volume {
    /// The widths at half maximum along z, y and x that Gaussians with the second moments of the lines through the brightest voxel have, in
    /// voxels, at least 1.
    fileprivate var peakWidths: [Double] {
        let peak = voxels.indices.max { voxels[$0] < voxels[$1] }!
        let center = [peak / shape.planeVoxelCount, peak / shape.x % shape.y, peak % shape.x]
        let strides = [shape.planeVoxelCount, shape.x, 1]
        return (0..<3).map { axis in
            var (sum, square) = (0.0, 0.0)
            for place in 0..<shape[axis] {
                let value = Double(max(voxels[peak + (place - center[axis]) * strides[axis]], 0))
                let distance = Double(place - center[axis])
                sum += value
                square += value * distance * distance
            }
            return max(2.355 * (square / sum).squareRoot(), 1)
        }
    }
}
