import DeconvVolume
import Glibc

/// The bead's own size, taken out of its image.
///
/// A bead is a solid sphere of dye, and its image the PSF convolved with it. The transform of a sphere of diameter d is
/// B = 3 (sin q − q cos q) / q³ with q = πkd (Rayleigh, Proc. R. Soc. A 90:219, 1914). It is 0 first at k = 1.43 / d, and what
/// the PSF has there is lost. So B is not divided by but inverted by Wiener's filter (Extrapolation, Interpolation and
/// Smoothing of Stationary Time Series, 1949): B·S / (B²·S + N), where the power N of the noise is what the border of the box
/// shows, and the power S of the PSF is taken as that of a Gaussian as wide as the image less the sphere. Where noise prevails
/// and where B is 0, the filter is 0.
struct BeadSphere {
    /// Diameter, µm.
    let diameter: Double
    /// Size of a voxel, µm.
    let spacing: VoxelSpacing

    /// The image of a point.
    /// - Parameters:
    ///   - image: of a bead, free of background.
    ///   - noise: standard deviation of its noise.
    ///   - width: its full widths at half maximum, voxels (z, y, x).
    func removed(from image: PSFField, noise: Double, width: [Double]) -> PSFField {
        // Room for what the filter moves outwards.
        let padded = VolumeShape { axis in
            image.shape[axis] == 1
                ? 1 : image.shape[axis] + 2 * max(4, Int((diameter / spacing[axis]).rounded(.up)))
        }
        var spectrum = BoxSpectrum(image, padded: padded)
        let deviations = (0..<3).map { axis in
            let measured = width[axis] / BeadSearch.deviationsPerWidth
            // The variance of a solid sphere along an axis is a twentieth of its diameter squared.
            let sphere = diameter * diameter / 20 / (spacing[axis] * spacing[axis])
            return max(measured * measured - sphere, 0.09 * measured * measured).squareRoot()
        }
        let light = image.sum
        let noisePower = max(noise * noise * Double(image.values.count), 1e-8 * light * light)
        spectrum.multiply { frequency in
            var (exponent, square) = (0.0, 0.0)
            for axis in 0..<3 {
                exponent += frequency[axis] * frequency[axis] * deviations[axis] * deviations[axis]
                let perMicrometer = frequency[axis] / spacing[axis]
                square += perMicrometer * perMicrometer
            }
            let power = light * light * exp(-4 * Double.pi * Double.pi * exponent)
            let sphere = Self.transform(Double.pi * diameter * square.squareRoot())
            return sphere * power / (sphere * sphere * power + noisePower)
        }
        return spectrum.field(shape: image.shape)
    }

    /// The transform of a sphere, 1 at 0, at q = π · frequency · diameter.
    static func transform(_ q: Double) -> Double {
        // The first terms of its series; the next is below 10⁻⁹ there.
        if q < 0.02 { return 1 - q * q / 10 }
        return 3 * (sin(q) - q * cos(q)) / (q * q * q)
    }
}
