package import DeconvOptions
import DeconvVolume

/// Richardson-Lucy with the OTF-masked Wiener back projector after Ruan et al. 2024, from its first step on.
package struct OTFMaskedWiener: RichardsonLucyVariant {
    package static let description = MethodDescription(
        name: .maskedWiener,
        help: "two steps with an OTF-masked Wiener back projector (after Ruan 2024), after one of Richardson-Lucy",
        options: [.iterations, .boundary, .background, .readNoise]
    )

    package let method: RichardsonLucy

    package init(_ options: DeconvolutionOptions) {
        method = RichardsonLucy(
            options,
            steps: UnmatchedSteps(projector: .maskedWiener, matchedCount: 0),
            standardCount: 2,
            totalVariation: 0
        )
    }
}
