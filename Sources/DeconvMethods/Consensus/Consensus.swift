package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// Richardson-Lucy with gradient consensus.
    public static let rlgc = MethodName(rawValue: "rlgc")
}

/// Richardson-Lucy with gradient consensus: a voxel changes where two random halves of the photons want it to change the same way (Manton
/// and York 2024, github.com/jdmanton/rlgc).
///
///     U_i = W H'( f (2 g_i + s²) / (y + s²) ),   U = (U₁ + U₂) / 2,   y = f H x + b
///     x ← x (w U + 1 − w),   w = [ H'H C ≥ 0 ],   C = (U₁ − 1)(U₂ − 1) where W > 0, else 0
///
/// Every step parts the photons anew, see `PhotonSplit`. U is that of all photons and needs no half of its own.
package struct Consensus: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .rlgc,
        help: "Richardson-Lucy where both halves of the photons agree (Manton and York 2024)",
        options: [
            .iterations, .boundary, .background, .readNoise, .stop, .maxIterations, .gain, .seed, .tuning,
        ],
        stop: .consensus,
        asksForPhotons: true
    )

    /// The iterations.
    fileprivate let loop: IterationLoop
    /// b: camera offset and haze, in the units of the image, at least 0.
    fileprivate var background: Double
    /// s: read noise, in the units of the image, at least 0.
    fileprivate let readNoise: Double
    /// What the halves are drawn with.
    fileprivate let seed: UInt32
    package let tuningRequest: TuningRequest?

    package init(_ options: DeconvolutionOptions) {
        let request = TuningRequest(options, of: Self.description)
        loop = IterationLoop(
            count: request?.mostSteps ?? options.iterationCount ?? DeconvolutionOptions.standardIterationCount,
            divergenceInterval: options.divergenceInterval
        )
        background = options.background.first
        readNoise = options.readNoise
        seed = UInt32(clamping: options.seed)
        tuningRequest = request
    }

    package var stepCount: Int { loop.count }

    /// The estimate, the projection or the agreement, H'(ratio), and W where it is not 1.
    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        let isNormalized = geometry.extendsFrame || hasSensitivity
        return MethodDemand(
            fieldCount: isNormalized ? 4 : 3,
            projectionCount: 5,
            comparison: .ratio,
            updatedFieldCount: isNormalized ? 10 : 8
        )
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try ConsensusSolver(self, on: workspace)
    }
}

/// The estimate of gradient consensus, and what it is made of, in one workspace.
private final class ConsensusSolver<W: Workspace>: Solver {
    private var method: Consensus
    let workspace: W
    private let blur: BlurProjection<W>
    private let normalization: Normalization<W>
    var estimate: Estimate<W>
    var tuning: MethodTuning?
    var watch: SolverWatch?
    /// The projection of the estimate on the frame, and then C.
    private let projection: W.Field
    /// H'(ratio) of all photons.
    private let whole: W.Field

    init(_ method: Consensus, on workspace: W) throws(DeconvolutionError) {
        self.method = method
        self.workspace = workspace
        blur = BlurProjection(on: workspace)
        normalization = Normalization(on: workspace)
        estimate = try Estimate(on: workspace)
        projection = try workspace.makeField()
        whole = try workspace.makeField()
    }

    var background: Double {
        get { method.background }
        set { method.background = newValue }
    }

    func setBlur(_ blur: Blur) throws(DeconvolutionError) {
        try self.blur.set(blur)
        normalization.changed()
    }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try normalization.setSensitivity(reading: read)
    }

    func prepare() throws(DeconvolutionError) {
        if normalization.isStale { try normalization.make(by: blur) }
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try prepare()
        let constants = RatioConstants(
            background: Float(method.background),
            readNoiseVariance: Float(method.readNoise * method.readNoise),
            floor: Float(RatioConstants.leastDivisor * mean)
        )
        let (frame, domain, factor) = (workspace.layout.frame, workspace.layout.domain, normalization.field)
        var split = PhotonSplit(
            random: Philox(seed: method.seed, stream: UInt32(clamping: tuning?.channel ?? 0)),
            step: 0,
            origin: (measured.origin.z, measured.origin.y, measured.origin.x),
            noise: tuning?.noise ?? PhotonNoise(gain: 1)
        )
        try workspace.fill(estimate.field, with: Float(mean - method.background))
        var loop = method.loop
        if let tuning { loop.count = tuning.stepCount }
        var goesOn = true
        try loop.run(on: workspace, measuring: measured, step: step) {
            goesOn
        } update: { (iteration, counted, isFollowed) throws(DeconvolutionError) in
            try blur.forwardProject(estimate.field)
            if case .projections(let look)? = watch {
                goesOn = try look(iteration, [workspace.downloadWork(measured)])
            }
            try workspace.addWork(to: projection, in: frame, weightedByMode: nil, replacing: true)
            let divergence = try workspace.takeRatio(constants, measuring: counted)
            try blur.backProject()
            try workspace.addWork(to: whole, in: domain, weightedByMode: nil, replacing: true)
            try workspace.loadWork(from: projection, in: frame)
            split.step = iteration
            try workspace.takeHalfRatio(constants, split)
            try blur.backProject()
            try workspace.storeAgreement(in: projection, of: whole, normalization: factor)
            try blur.forwardProject(projection)
            // What the projection has beside the frame nobody has seen.
            try workspace.addWork(to: projection, in: frame, weightedByMode: nil, replacing: true)
            try workspace.loadWork(from: projection, in: frame)
            try blur.backProject()
            if case .consensus(let look)? = watch { goesOn = try look(iteration, shareThatAgrees(measured)) }
            try workspace.takeAgreed(whole, normalization: factor)
            try workspace.multiply(
                estimate.field,
                byWorkAnd: nil,
                least: 0,
                projectingNext: isFollowed
            )
            return divergence
        }
    }

    /// The part of the light in a region, as it is before an update, in voxels that will change; the work volume holds H'H C.
    private func shareThatAgrees(_ region: Region) throws(DeconvolutionError) -> Double {
        let agreement = try workspace.downloadWork(region)
        let light = try workspace.download(estimate.field, region: region)
        var (agreed, all) = (0.0, 0.0)
        for voxel in light.indices {
            all += Double(light[voxel])
            if agreement[voxel] >= 0 { agreed += Double(light[voxel]) }
        }
        return all > 0 ? agreed / all : 0
    }
}
