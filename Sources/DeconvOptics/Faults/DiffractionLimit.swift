package import DeconvVolume

/// How narrow the image of a point can be: full widths at half maximum of the focus of a widefield microscope.
package struct DiffractionLimit: Sendable {
    /// Along z, y and x, µm; nil along an axis of which nobody knows.
    package let fullWidths: [Double?]
    /// Numerical aperture and refractive index over the wavelength, cycles per µm; nil where nobody knows.
    package let frequencies: (aperture: Double, medium: Double)?

    /// Limits by themselves.
    /// - Parameter fullWidths: along z, y and x, µm.
    package init(fullWidths: [Double?]) { self.init(fullWidths: fullWidths, frequencies: nil) }

    private init(fullWidths: [Double?], frequencies: (aperture: Double, medium: Double)?) {
        self.fullWidths = fullWidths
        self.frequencies = frequencies
    }

    /// The same objective where light is narrower by a factor for each axis.
    package func scaled(by factors: VoxelSpacing) -> DiffractionLimit {
        DiffractionLimit(
            fullWidths: fullWidths.enumerated().map { axis, width in width.map { $0 * factors[axis] } },
            frequencies: frequencies
        )
    }

    /// The limits of an objective.
    ///
    /// In the plane 0.51 λ / NA, where the Airy pattern falls to half, and along z 0.88 λ / (n − √(n² − NA²)): Wilhelm, Gröbler,
    /// Gluch and Heinz 2003, Confocal Laser Scanning Microscopy (Carl Zeiss), for uniform light in the pupil.
    /// - Parameters:
    ///   - emissionWavelength: in vacuum, nm, positive.
    ///   - numericalAperture: above 0, below `immersionIndex`.
    ///   - immersionIndex: refractive index of what lies before the objective.
    /// - Throws: `invalidArgument` for a value outside its range.
    package init(
        emissionWavelength: Double,
        numericalAperture: Double,
        immersionIndex: Double
    ) throws(DeconvolutionError) {
        guard emissionWavelength > 0, emissionWavelength.isFinite else {
            throw DeconvolutionError(
                .invalidArgument,
                "a wavelength of \(emissionWavelength) nm cannot be; give that of the emission in nm"
            )
        }
        guard numericalAperture > 0, numericalAperture < immersionIndex, immersionIndex.isFinite else {
            throw DeconvolutionError(
                .invalidArgument,
                "a numerical aperture of \(numericalAperture) is not between 0 and the refractive index of "
                    + "\(immersionIndex); give both as the objective has them"
            )
        }
        let wavelength = emissionWavelength / 1000
        let depth =
            immersionIndex
            - (immersionIndex * immersionIndex - numericalAperture * numericalAperture).squareRoot()
        let across = 0.51 * wavelength / numericalAperture
        fullWidths = [0.88 * wavelength / depth, across, across]
        frequencies = (numericalAperture / wavelength, immersionIndex / wavelength)
    }
}
