package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// The linear filter that keeps the estimate smooth (Tikhonov 1963), in one pass.
    public static let tikhonov = MethodName(rawValue: "tikhonov")
}

/// The inverse that is regularized by the Laplacian (Tikhonov 1963, Sov. Math. Dokl. 4:1035; Hunt 1973, IEEE Trans. Comput.
/// C-22:805), and no light below 0.
///
///     x = P₊( F⁻¹ conj(ĥ) / (|ĥ|² + λ |l̂|²) F (g − b) / f )
///
/// l̂ is the transfer function of the Laplacian, whose differences are divided by the size of voxels over the smallest one. It is 0 at
/// frequency 0, so that the mean stays as it is. Voxels with f = 0 count as the mean of the others.
package struct Tikhonov: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .tikhonov,
        help: "linear filter in one pass that keeps the result smooth (Tikhonov 1963)",
        options: [.boundary, .background, .regularization],
        divisors: [.regularization]
    )

    /// b: camera offset and haze, in the units of the image, at least 0.
    private let background: Double
    private let filter: InverseFilter

    package init(_ options: DeconvolutionOptions) {
        background = options.background.first
        filter = InverseFilter(
            smoothness: max(Float(options.regularization), .leastNormalMagnitude),
            rates: options.spacing?.rates ?? SIMD3(1, 1, 1)
        )
    }

    package var stepCount: Int { 1 }

    package var takesVaryingPSF: Bool { false }

    package func boundary(_ asked: BoundaryMode) -> BoundaryMode { asked == .extend ? .reflect : asked }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand { .linearFilter }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try LinearFilterSolver(filter, background: background, on: workspace)
    }
}
