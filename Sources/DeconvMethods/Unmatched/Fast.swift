public import DeconvOptions
import DeconvVolume

extension MethodName {
    /// A few steps with a back projector from the image's own spectrum.
    public static let fast = MethodName(rawValue: "fast")
    /// A few steps with the back projector of Guo et al. 2020.
    public static let wienerButterworth = MethodName(rawValue: "wiener-butterworth")
    /// A few steps with a back projector after Ruan et al. 2024.
    public static let maskedWiener = MethodName(rawValue: "otf-masked-wiener")
}

/// Richardson-Lucy with steps whose back projector is not the adjoint: in 31 transforms what takes plain steps more than a hundred.
package struct Fast: RichardsonLucyVariant {
    package static let description = MethodDescription(
        name: .fast,
        help: "seven steps with a back projector by the signal and noise of the image: a good look in 31 transforms",
        options: [.iterations, .boundary, .background, .readNoise, .gain, .tuning]
    )

    /// Steps where nobody says how many.
    package static let standardSteps = 7
    /// The last ones, which are matched.
    static let matchedSteps = 1
    /// w of total variation.
    package static let totalVariation = 0.2

    package let method: RichardsonLucy

    package init(_ options: DeconvolutionOptions) {
        method = RichardsonLucy(
            options,
            steps: UnmatchedSteps(projector: .spectrum, matchedCount: Self.matchedSteps),
            standardCount: Self.standardSteps,
            totalVariation: Self.totalVariation
        )
    }
}
