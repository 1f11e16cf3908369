import DeconvDevice
import DeconvOptions
import DeconvVolume

/// A penalty on differences between neighbors, which divides each update of Richardson-Lucy (one step late: Green 1990, IEEE Trans.
/// Med. Imaging 9:84).
///
/// Good's roughness is w/2 Σ |∇x|² / x (Good and Gaskins 1971, Biometrika 58:255; Verveer and Jovin 1997, J. Opt. Soc. Am. A 14:1696),
/// with v = √x the same as 2 w Σ |∇v|², and its gradient −2 w Δv / v. That of Tikhonov and Miller is w/2 Σ |∇x|² / m (van Kempen et
/// al. 1997, J. Microsc. 185:354), m the mean light, and its gradient −w Δx / m. An update is divided by
/// max(1 + gradient, 0.2). Neither changes with the unit of the light.
package struct RoughnessPenalty: Hashable, Sendable {
    /// Which one it is.
    package enum Kind: Hashable, Sendable { case good, tikhonovMiller }

    /// Which one it is.
    package var kind: Kind
    /// w, above 0.
    package var weight: Double
    /// The smallest voxel size over that along z, y and x, by which differences are multiplied.
    package var rates: SIMD3<Float>

    /// Less than this part of the mean light counts as that much where roots are taken.
    private static let leastLight = 1e-6

    /// A penalty.
    package init(_ kind: Kind, weight: Double, rates: SIMD3<Float> = SIMD3(1, 1, 1)) {
        precondition(weight > 0)
        (self.kind, self.weight, self.rates) = (kind, weight, rates)
    }

    /// The one that options ask for; nil for none.
    init?(_ options: DeconvolutionOptions) {
        let rates = options.spacing?.rates ?? SIMD3(1, 1, 1)
        if options.goodRoughness > 0 {
            self.init(.good, weight: options.goodRoughness, rates: rates)
        } else if options.tikhonovMiller > 0 {
            self.init(.tikhonovMiller, weight: options.tikhonovMiller, rates: rates)
        } else {
            return nil
        }
    }

    /// The constants of its weight for an image of some mean light, above 0.
    func constants(light: Double) -> CurvatureConstants {
        switch kind {
        case .good:
            let floor = max(Float(Self.leastLight * light), .leastNormalMagnitude)
            return CurvatureConstants(strength: Float(2 * weight), floor: floor, rates: rates)
        case .tikhonovMiller: return CurvatureConstants(strength: Float(weight / light), rates: rates)
        }
    }
}
