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
/// perfect camera. With total variation (Dey et al. 2006, Microsc. Res. Tech. 69:260) the product is divided by
/// max(1 − λ div(∇x / |∇x|), 0.2), x as it is before; or else by the divisor of a `RoughnessPenalty`.
///
/// With a sieve (Snyder and Miller 1985, IEEE Trans. Nucl. Sci. 32:3864) x is z, of which the object is k ∗ z, H the blur with h ∗ k, and
/// the result k ∗ z.
///
/// Of an object that was observed twice, with sensitivities, PSFs and backgrounds of their own, the factor of an update is
/// the geometric mean of those of both views, v = 1 and 2; a view with W_v = 0 says nothing. That is the product over views of Preibisch et
/// al. (2014, Nat. Methods 11:645), of whose logarithm a step is half as long; Documentation/Decisions/views.md tells why.
///
///     x ← x · √( W₁ H₁'( f₁ (g₁ + s²) / (y₁ + s²) ) · W₂ H₂'( f₂ (g₂ + s²) / (y₂ + s²) ) )
///
/// An accelerated update is made at a point p beyond x, p = max(x + a (x − x'), 0) with x' the estimate before; for the heavy ball
/// a = max(0, (k − 1) / (k + 2)) in step k = 0, 1, …; for Biggs and Andrews a = Σ v v' / Σ v'², from 0 to 1, with v the change
/// of the update before and v' that of the one before it.
package struct RichardsonLucy: DeconvolutionMethod {
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
    /// How it goes on beyond each update.
    package var acceleration: Acceleration
    /// Steps with another back projector than the adjoint; nil for none.
    var unmatched: UnmatchedSteps?
    /// Steps that take the place of all others where photons cannot be told; nil for none.
    var fallback: UnmatchedSteps?
    /// A penalty in place of total variation.
    package var penalty: RoughnessPenalty?
    package var tuningRequest: TuningRequest?
    package var sieve = 0.0

    package static let description = MethodDescription(
        name: .richardsonLucy,
        help: "maximum likelihood for Poisson noise, iterated (Richardson 1972, Lucy 1974)",
        options: [
            .iterations, .boundary, .background, .readNoise, .start, .accelerate, .stop, .maxIterations,
            .totalVariation, .goodRoughness, .tikhonovMiller, .sieve,
            .gain, .seed, .tuning,
        ]
    )

    /// A run of the method.
    package init(
        iterationCount: Int,
        background: Double = 0,
        readNoise: Double = 0,
        start: StartingEstimate = .light,
        acceleration: Acceleration = .none,
        divergenceInterval: Int = 0
    ) {
        precondition(background >= 0 && readNoise >= 0)
        self.acceleration = acceleration
        loop = IterationLoop(count: iterationCount, divergenceInterval: divergenceInterval)
        self.background = background
        self.readNoise = readNoise
        self.start = start
    }

    package init(_ options: DeconvolutionOptions) {
        let request = TuningRequest(options, of: Self.description)
        self.init(
            iterationCount: request?.mostSteps ?? options.iterationCount ?? DeconvolutionOptions.standardIterationCount,
            background: options.background.first,
            readNoise: options.readNoise,
            start: options.start,
            acceleration: options.acceleration,
            divergenceInterval: options.divergenceInterval
        )
        tuningRequest = request
        penalty = RoughnessPenalty(options)
        sieve = options.sieve
    }

    /// Steps with another back projector.
    /// - Parameters:
    ///   - standardCount: of all steps, where nobody says how many.
    ///   - totalVariation: w; 0 for none.
    init(_ options: DeconvolutionOptions, steps: UnmatchedSteps, standardCount: Int, totalVariation: Double) {
        var options = options
        options.iterationCount = options.iterationCount ?? standardCount
        (options.stop, options.acceleration) = (.none, .none)
        options.totalVariation = .weight(totalVariation)
        self.init(options)
        unmatched = steps
        if steps.projector == .spectrum { tuningRequest?.signal = .always }
    }

    package var stepCount: Int { loop.count }

    /// Other back projectors are made of one PSF.
    package var takesVaryingPSF: Bool { unmatched == nil }

    /// Other back projectors are made of one PSF, and a sieve is as wide as one.
    package var takesSecondView: Bool { unmatched == nil && sieve == 0 }

    /// The estimate, W where it differs from 1, what an acceleration keeps of the steps before, and the weight of a penalty.
    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        let isNormalized = geometry.extendsFrame || hasSensitivity
        var (fields, updated) = isNormalized ? (2, 3) : (1, 2)
        switch acceleration {
        case .none: break
        case .heavyBall: (fields, updated) = (fields + 1, updated + 2)
        // The change is known before it is known how far to go on.
        case .biggsAndrews: (fields, updated) = (fields + 2, updated + 6)
        }
        // W is read where the weight is made, which is then read in its place.
        // What cuts the object at 0 takes the room of the estimate before.
        if sieve > 0, acceleration == .none { fields += 1 }
        if penalty != nil || tuningRequest?.hasTotalVariation == true { (fields, updated) = (fields + 1, updated + 3) }
        return MethodDemand(
            fieldCount: fields,
            comparison: .ratio,
            updatedFieldCount: updated,
            isMadeByTransforms: unmatched == nil,
            sidePSFCount: sieve > 0 || unmatched != nil || fallback != nil ? 1 : 0,
            // The factor of the first view, and W of the second.
            fieldCountOfView: isNormalized ? 2 : 1
        )
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try RichardsonLucySolver(self, on: workspace)
    }

    /// Whether an iteration takes the background off the observed image instead of adding it to the projection.
    fileprivate func comparesLight(_ iteration: Int, _ view: ViewLight) -> Bool {
        start == .light && view.background > 0 && iteration <= Self.lightUpdateCount
    }

    /// What the model is compared by.
    fileprivate func modeledConstants(_ view: ViewLight) -> RatioConstants {
        RatioConstants(
            background: Float(view.background),
            readNoiseVariance: Float(readNoise * readNoise),
            floor: Float(RatioConstants.leastDivisor * view.mean)
        )
    }

    /// Where there is less light than background, or than half the mean, its noise would decide the ratio.
    fileprivate func lightConstants(_ view: ViewLight) -> RatioConstants {
        let light = (view.mean - view.background) / 2
        return RatioConstants(
            offset: Float(view.background),
            background: 0,
            readNoiseVariance: Float(readNoise * readNoise),
            floor: Float(max(min(view.background, light), RatioConstants.leastDivisor * view.mean))
        )
    }
}

/// The estimate of Richardson-Lucy and its normalization in one workspace.
final class RichardsonLucySolver<W: Workspace>: Solver {
    private var method: RichardsonLucy
    let workspace: W
    private let blur: BlurProjection<W>
    var estimate: Estimate<W>
    var secondView: ViewLight?
    var tuning: MethodTuning?
    var watch: SolverWatch?
    /// The estimate of the step before, and the change by the update before, for an acceleration that needs them.
    private var former: W.Field?
    private var change: W.Field?
    /// Σ of the square of that change.
    private var changeSquare = 0.0
    /// W with a penalty, once there is one.
    private var weight: W.Field?
    private let normalization: Normalization<W>
    /// That of the second view, and the factor of the first one; nil where there is one view.
    private var second: (normalization: Normalization<W>, factor: W.Field)?
    /// The PSF, where the adjoint of another one projects back as well, and what that was made from.
    private var psf: Volume?
    private var projector: (BackProjector, SignalSpectrum?)?

    init(_ method: RichardsonLucy, on workspace: W) throws(DeconvolutionError) {
        self.method = method
        self.workspace = workspace
        blur = BlurProjection(on: workspace)
        normalization = Normalization(on: workspace)
        estimate = try Estimate(on: workspace)
    }

    var background: Double {
        get { method.background }
        set { method.background = newValue }
    }

    func setBlurs(_ blurs: [Blur]) throws(DeconvolutionError) {
        guard blurs.count > 1 else { return try setBlur(blurs[0]) }
        try blur.set(views: blurs)
        psf = nil
        if second == nil { second = (Normalization(on: workspace), try workspace.makeField()) }
        normalization.changed()
        second?.normalization.changed()
    }

    func setBlur(_ blur: Blur) throws(DeconvolutionError) {
        try self.blur.set(blur)
        psf = blur.varies ? nil : blur.modes[0].psf
        projector = nil
        normalization.changed()
    }

    /// Makes the adjoint of PSF 1 a back projector, unless it is.
    func useProjector(_ projector: BackProjector) throws(DeconvolutionError) {
        guard let psf else { preconditionFailure("only one PSF has other projectors than its adjoint") }
        if let current = self.projector, current == (projector, tuning?.signal) { return }
        try workspace.setPSFs([psf, projector.kernel(of: psf, tuning?.signal)])
        self.projector = (projector, tuning?.signal)
    }

    /// W, where it differs from 1.
    var currentNormalization: W.Field? { normalization.field }

    /// The iterations.
    var loop: IterationLoop { method.loop }

    func modeledConstants(mean: Double) -> RatioConstants {
        method.modeledConstants(ViewLight(mean: mean, background: background))
    }

    /// What updates are divided by, as tuned; nil for nothing.
    func divisor(light: Double) -> Divisor? { Divisor(method.penalty, tuning, light: light) }

    /// A normalization over a divisor; the normalization itself where there is none.
    func weight(_ divisor: Divisor?, normalization: W.Field?) throws(DeconvolutionError) -> W.Field? {
        guard let divisor else { return normalization }
        let field = try kept(&weight)
        try divisor.divide(normalization, into: field, of: estimate.field, on: workspace)
        return field
    }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try normalization.setSensitivity(reading: read)
    }

    func setSensitivity(
        ofView number: Int,
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        guard number > 0 else { return try setSensitivity(reading: read) }
        guard let second else { preconditionFailure("setBlurs makes a second view") }
        workspace.useView(number)
        defer { workspace.useView(0) }
        try second.normalization.setSensitivity(reading: read)
    }

    func prepare() throws(DeconvolutionError) {
        if normalization.isStale { try normalization.make(by: blur) }
        guard let second, second.normalization.isStale else { return }
        try blur.useView(1)
        try second.normalization.make(by: blur)
        try blur.useView(0)
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        if let steps = tuning?.signal == nil ? method.unmatched : method.unmatched ?? method.fallback {
            return try run(steps, mean: mean, measuring: measured, step: step)
        }
        try prepare()
        let views = [ViewLight(mean: mean, background: method.background)] + (secondView.map { [$0] } ?? [])
        let light = mean - method.background
        try method.start.set(estimate.field, on: workspace, background: method.background, light: light)
        let divisor = divisor(light: light)
        var loop = loop
        if let tuning { loop.count = tuning.stepCount }
        var goesOn = true
        try loop.run(on: workspace, measuring: measured, step: step) {
            goesOn
        } update: { (iteration, counted, isFollowed) throws(DeconvolutionError) in
            var divergence: Double?
            var projections: [[Float]] = []
            var least: Float = 0
            for (number, view) in views.enumerated() {
                if views.count > 1 { try blur.useView(number) }
                try blur.forwardProject(estimate.field)
                if case .projections? = watch { projections.append(try workspace.downloadWork(measured)) }
                let comparesLight = method.comparesLight(iteration, view)
                if comparesLight { least = Float(StartingEstimate.least) }
                let ofView = try workspace.takeRatio(
                    comparesLight ? method.lightConstants(view) : method.modeledConstants(view),
                    measuring: counted
                )
                divergence = ofView.map { $0 + (divergence ?? 0) }
                try blur.backProject()
                try joinView(number)
            }
            if views.count > 1 { try blur.useView(0) }
            if case .projections(let look)? = watch { goesOn = try look(iteration, projections) }
            try update(iteration, least: least, divisor, isFollowed: isFollowed)
            return divergence
        }
        try blur.sift(estimate.field, try kept(&former))
    }

    /// Takes in the factor of a view, which the work volume holds; that of the last one becomes the mean of all.
    private func joinView(_ number: Int) throws(DeconvolutionError) {
        guard secondView != nil, let second else { return }
        if number == 0 {
            try workspace.storeFactor(in: second.factor, normalization: normalization.field)
        } else {
            try workspace.takeMean(of: second.factor, normalization: second.normalization.field)
        }
    }

    /// A field that is made when it is first needed.
    private func kept(_ field: inout W.Field?) throws(DeconvolutionError) -> W.Field {
        if let field { return field }
        let made = try workspace.makeField()
        field = made
        return made
    }

    /// Multiplies the estimate by what the work volume holds, and goes on beyond it where another step follows.
    private func update(
        _ iteration: Int,
        least: Float,
        _ divisor: Divisor?,
        isFollowed: Bool
    ) throws(DeconvolutionError) {
        // The mean of two views has the normalization of each in it.
        let factor = try weight(divisor, normalization: secondView == nil ? currentNormalization : nil)
        guard isFollowed, method.acceleration != .none else {
            return try workspace.multiply(
                estimate.field,
                byWorkAnd: factor,
                least: least,
                projectingNext: isFollowed
            )
        }
        let before = try kept(&former)
        if method.acceleration == .heavyBall {
            return try workspace.multiply(
                estimate.field,
                byWorkAnd: factor,
                least: least,
                extrapolatingFrom: before,
                momentum: Acceleration.heavyBallMomentum(iteration),
                projectingNext: true
            )
        }
        let followed = try kept(&change)
        let sums = try workspace.multiply(
            estimate.field,
            byWorkAnd: factor,
            least: least,
            following: followed
        )
        let likeness = iteration > 1 && changeSquare > 0 ? sums.product / changeSquare : 0
        changeSquare = sums.square
        try workspace.extrapolate(estimate.field, from: before, momentum: Float(min(max(likeness, 0), 1)))
    }
}

/// What an update is divided by beside the normalization.
enum Divisor {
    case totalVariation(TotalVariationConstants)
    case roughness(CurvatureConstants)

    /// That of an image of some mean light; nil for none.
    init?(_ penalty: RoughnessPenalty?, _ tuning: MethodTuning?, light: Double) {
        if let penalty {
            self = .roughness(penalty.constants(light: light))
        } else if let tuning, tuning.totalVariation > 0 {
            self = .totalVariation(TotalVariationConstants(tuning, light: light))
        } else {
            return nil
        }
    }

    /// target ← normalization / divisor of a field; no normalization stands for 1.
    func divide<W: Workspace>(
        _ normalization: W.Field?,
        into target: W.Field,
        of field: W.Field,
        on workspace: W
    ) throws(DeconvolutionError) {
        switch self {
        case .totalVariation(let constants):
            try workspace.storeTotalVariationWeight(in: target, of: field, normalization: normalization, constants)
        case .roughness(let constants):
            try workspace.storeCurvatureWeight(in: target, of: field, normalization: normalization, constants)
        }
    }
}

extension TotalVariationConstants {
    /// Gradients below this part of the mean light count as none.
    private static let smoothing = 1e-3

    /// As tuned, for an image of some mean light.
    fileprivate init(_ tuning: MethodTuning, light: Double) {
        self.init(
            strength: Float(tuning.totalVariation),
            smoothing: Float(Self.smoothing * light),
            rates: SIMD3(tuning.rates[0], tuning.rates[1], tuning.rates[2])
        )
    }
}
