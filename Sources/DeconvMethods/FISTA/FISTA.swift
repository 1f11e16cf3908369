package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// Smooth least squares without light below 0, by accelerated steps (Beck and Teboulle 2009).
    public static let fista = MethodName(rawValue: "fista")
}

/// The fast iterative shrinkage-thresholding algorithm for smooth least squares, where it is light below 0 that is cut: the sum of
/// `ICTM`, by accelerated steps (Beck and Teboulle 2009, SIAM J. Imaging Sci. 2:183); see `SmoothLeastSquares`.
///
/// A point beyond the estimate has no light below 0 either. That brings it nearer to every estimate that may be the result, so that
/// what is above the least sum still falls with the square of the iterations (same reference, theorem 4.4).
package struct FISTA: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .fista,
        help: "smooth least squares without light below 0, by accelerated steps (Beck and Teboulle 2009)",
        options: [.iterations, .boundary, .background, .start, .regularization]
    )

    private let method: SmoothLeastSquares

    package init(_ options: DeconvolutionOptions) {
        method = SmoothLeastSquares(options, .accelerated, weight: options.regularization)
    }

    package var stepCount: Int { method.loop.count }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand { method.demand }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try SmoothLeastSquaresSolver(method, on: workspace)
    }
}
