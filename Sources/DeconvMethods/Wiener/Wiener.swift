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
        .linearFilter
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try LinearFilterSolver(InverseFilter(noise: Float(noise)), background: background, on: workspace)
    }
}
