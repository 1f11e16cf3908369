package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// The linear filter of Wiener 1949, in one pass.
    public static let wiener = MethodName(rawValue: "wiener")
}

/// The filter of least mean squared error for white noise (Wiener 1949), with a constant noise over signal, and no light
/// below 0.
///
///     x = P₊( F⁻¹ W F (g − b) / f ),   W = (1 + K) conj(ĥ) / (|ĥ|² + K),   K = 1 / snr²
///
/// The factor 1 + K leaves the mean as it is. Voxels with f = 0 count as the mean of the others. A filter that reaches
/// across the whole volume estimates nothing outside the frame and cannot be made from tiles, so `extend` is `reflect`.
package struct Wiener: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .wiener,
        help: "linear filter in one pass (Wiener 1949), by the image's snr",
        options: [.boundary, .background, .snr]
    )

    /// b: camera offset and haze, in the units of the image, at least 0.
    private let background: Double
    /// K: noise over signal, squared, above 0.
    private let noise: Double

    package init(_ options: DeconvolutionOptions) {
        background = options.background.first
        noise = 1 / (options.snr * options.snr)
    }

    package var stepCount: Int { 1 }

    package var takesVaryingPSF: Bool { false }

    package func boundary(_ asked: BoundaryMode) -> BoundaryMode { asked == .extend ? .reflect : asked }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        MethodDemand(
            fieldCount: 1,
            projectionCount: 1,
            comparison: nil,
            updatedFieldCount: 2,
            allowsTiles: false
        )
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try WienerSolver(background: background, noise: noise, on: workspace)
    }
}

/// The result of a Wiener filter in one workspace, whose transfer function becomes the filter.
private final class WienerSolver<W: Workspace>: Solver {
    var background: Double
    private let noise: Double
    let workspace: W
    var estimate: Estimate<W>
    /// Whether the transfer function is still that of the PSF.
    private var isBlur = false

    init(background: Double, noise: Double, on workspace: W) throws(DeconvolutionError) {
        precondition(background >= 0 && noise > 0)
        self.background = background
        self.noise = noise
        self.workspace = workspace
        estimate = try Estimate(on: workspace)
    }

    func setBlur(_ blur: Blur) throws(DeconvolutionError) {
        precondition(!blur.varies, "a filter has one PSF")
        let psf = blur.modes[0].psf
        try workspace.setPSF(psf.voxels, shape: psf.shape)
        isBlur = true
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let field = estimate.field
        // Below 0 there is noise, which the filter averages out with that above.
        try workspace.fillFromObserved(
            field,
            offset: Float(background),
            least: -.greatestFiniteMagnitude,
            outside: Float(mean - background)
        )
        if isBlur {
            try workspace.invertTransferFunction(noise: Float(noise), probing: field)
            isBlur = false
        }
        try workspace.forwardProject(field)
        try workspace.fill(field, with: 0)
        try workspace.add(to: field, factor: 1, projectingNext: false)
        let mark = try workspace.mark()
        try mark.wait()
        try step(SolverStep(iteration: 1, deviceTime: mark.deviceTime))
    }
}
