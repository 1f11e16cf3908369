package import DeconvDevice
public import DeconvOptions
package import DeconvPlan
package import DeconvVolume

extension MethodName {
    /// Smooth least squares without light below 0, iterated (van der Voort and Strasters 1995).
    public static let ictm = MethodName(rawValue: "ictm")
}

/// Iterative constrained Tikhonov-Miller restoration: smooth least squares without light below 0 (van der Voort and Strasters 1995,
/// J. Microsc. 178:165), by steps of one length; see `SmoothLeastSquares`.
package struct ICTM: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .ictm,
        help: "smooth least squares without light below 0, iterated (Tikhonov, Miller)",
        options: [.iterations, .boundary, .background, .start, .regularization]
    )

    private let method: SmoothLeastSquares

    package init(_ options: DeconvolutionOptions) {
        method = SmoothLeastSquares(options, .fixed, weight: options.regularization)
    }

    package var stepCount: Int { method.loop.count }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand { method.demand }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try SmoothLeastSquaresSolver(method, on: workspace)
    }
}
