import DeconvDevice
import DeconvPlan
import DeconvVolume

/// The result of a linear filter in one workspace, whose transfer function becomes the filter. Nothing is below 0 in the end.
///
/// A filter that reaches across the whole volume estimates nothing outside the frame and cannot be made from tiles.
final class LinearFilterSolver<W: Workspace>: Solver {
    var background: Double
    private let filter: InverseFilter
    let workspace: W
    var estimate: Estimate<W>
    /// Whether the transfer function is still that of the PSF.
    private var isBlur = false

    /// - Parameter background: b, in the units of the image, at least 0.
    init(_ filter: InverseFilter, background: Double, on workspace: W) throws(DeconvolutionError) {
        precondition(background >= 0)
        self.background = background
        self.filter = filter
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
            try workspace.invertTransferFunction(filter, probing: field)
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

extension MethodDemand {
    /// That of a linear filter, which is one projection of the whole volume.
    static let linearFilter = MethodDemand(
        fieldCount: 1,
        projectionCount: 1,
        comparison: nil,
        updatedFieldCount: 2,
        allowsTiles: false
    )
}
