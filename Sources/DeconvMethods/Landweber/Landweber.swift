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
/// f is the sensitivity of a voxel, 0 where nothing was recorded. Every step below 2 / ‖f H‖² brings y nearer to g:
/// `SmoothLeastSquares` with λ = 0.
package struct Landweber: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .landweber,
        help: "least squares without light below 0, iterated (Landweber 1951)",
        options: [.iterations, .boundary, .background, .start]
    )

    private let method: SmoothLeastSquares

    package init(_ options: DeconvolutionOptions) { method = SmoothLeastSquares(options, .fixed, weight: 0) }

    package var stepCount: Int { method.loop.count }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand { method.demand }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try SmoothLeastSquaresSolver(method, on: workspace)
    }
}
