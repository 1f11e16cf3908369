package import DeconvDevice
package import DeconvOptions
package import DeconvPlan
package import DeconvVolume

/// Richardson-Lucy with the Wiener-Butterworth back projector of Guo et al. 2020, from its first step on.
package struct WienerButterworth: DeconvolutionMethod {
    package static let description = MethodDescription(
        name: .wienerButterworth,
        help: "two steps with a Wiener-Butterworth back projector (Guo 2020), after one of Richardson-Lucy",
        options: [.iterations, .boundary, .background, .readNoise]
    )

    private let method: RichardsonLucy

    package init(_ options: DeconvolutionOptions) {
        method = RichardsonLucy(
            options,
            steps: UnmatchedSteps(projector: .wienerButterworth, matchedCount: 0),
            standardCount: 2,
            totalVariation: 0
        )
    }

    package var stepCount: Int { method.stepCount }
    package var takesVaryingPSF: Bool { false }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        method.demand(geometry, hasSensitivity: hasSensitivity)
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try method.makeSolver(on: workspace)
    }
}
