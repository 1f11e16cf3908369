package import DeconvOptions
import DeconvVolume

/// Richardson-Lucy with the Wiener-Butterworth back projector of Guo et al. 2020, from its first step on.
package struct WienerButterworth: RichardsonLucyVariant {
    package static let description = MethodDescription(
        name: .wienerButterworth,
        help: "two steps with a Wiener-Butterworth back projector (Guo 2020), after one of Richardson-Lucy",
        options: [.iterations, .boundary, .background, .readNoise]
    )

    package let method: RichardsonLucy

    package init(_ options: DeconvolutionOptions) {
        method = RichardsonLucy(
            options,
            steps: UnmatchedSteps(projector: .wienerButterworth, matchedCount: 0),
            standardCount: 2,
            totalVariation: 0
        )
    }
}
