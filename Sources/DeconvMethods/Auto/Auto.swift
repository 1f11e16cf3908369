public import DeconvOptions
import DeconvVolume

extension MethodName {
    /// Richardson-Lucy with what the image's own photons say is best.
    public static let auto = MethodName(rawValue: "auto")
}

/// Accelerated Richardson-Lucy whose number of iterations and weight of total variation are those by which photons that were held
/// out of each channel are foretold best.
package struct Auto: RichardsonLucyVariant {
    package static let description = MethodDescription(
        name: .auto,
        help: "accelerated Richardson-Lucy, as long and as smooth as photons that were held out say",
        options: [.boundary, .background, .readNoise, .maxIterations, .gain, .seed, .tuning]
    )

    package let method: RichardsonLucy

    package init(_ options: DeconvolutionOptions) {
        var options = options
        options.acceleration = .heavyBall
        options.stop = .heldOut
        options.totalVariation = .auto
        // From light, faint images stop before haze and noise have parted.
        options.start = .flat
        var method = RichardsonLucy(options)
        method.tuningRequest?.signal = .withoutPhotons
        method.fallback = UnmatchedSteps(projector: .spectrum, matchedCount: Fast.matchedSteps)
        self.method = method
    }
}
