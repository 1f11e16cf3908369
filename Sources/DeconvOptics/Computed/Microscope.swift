package import DeconvVolume

/// A fluorescence microscope and where in the sample it looks: all that its PSF is computed from.
///
/// Figures are checked when a PSF is computed. What is not modeled: aberrations of the objective itself, scattering,
/// an illumination that does not fill the pupil, light that neighboring pinholes of a disk let through, and the
/// divergence of a light sheet across the field.
package struct Microscope: Sendable, Hashable {
    /// How the light is excited and detected.
    package enum Kind: String, Sendable, CaseIterable {
        /// All of the sample is lit, and a camera sees all of it.
        case widefield
        /// One laser spot and one pinhole.
        case confocal
        /// Many spots and many pinholes on a disk, each as a confocal one.
        case spinningDisk = "spinning-disk"
        /// Two photons excite at once, and a detector without a pinhole takes all light.
        case twoPhoton = "two-photon"
        /// A sheet of light from the side, and a camera.
        case lightSheet = "light-sheet"
    }

    /// How light is described.
    package enum Model: String, Sendable, CaseIterable {
        /// By its phase alone: Gibson and Lanni, J. Opt. Soc. Am. A 8:1601 (1991). Without a mismatch of indices and
        /// for small angles it is that of Born and Wolf, Principles of Optics, section 8.8.
        case scalar
        /// With its polarization, through layers: Richards and Wolf, Proc. R. Soc. A 253:358 (1959), and Török and
        /// Varga, Appl. Opt. 36:2305 (1997). It is the mean over polarizations and dipoles in all directions.
        case vectorial
    }

    /// How wide a pinhole is, seen in the sample.
    package enum Pinhole: Sendable, Hashable {
        /// Its diameter over that of the Airy disk, 1.22 λ/NA of the emitted light, 0.01 ... 100.
        case airyUnits(Double)
        /// Its diameter over the magnification up to it, µm, as wide.
        case micrometers(Double)
    }

    /// How thick a light sheet is where it is thinnest.
    package enum Sheet: Sendable, Hashable {
        /// Its full width at half maximum, µm, 0.05 ... 10000.
        case thickness(Double)
        /// The numerical aperture, 0.001 up to the sample's index, of what makes a Gaussian beam of the exciting light:
        /// its intensity falls to 1/e² at λ / (π NA) from the middle.
        case numericalAperture(Double)
    }

    /// What lies between immersion and sample.
    package struct CoverGlass: Sendable, Hashable {
        /// Its refractive index, 1 ... 3.
        package var index = 1.515
        /// Its thickness, µm, 0 ... 5000.
        package var thickness = 170.0
        /// The index that the objective is made for.
        package var designIndex = 1.515
        /// The thickness that the objective is made for, µm, 0 ... 5000.
        package var designThickness = 170.0

        /// A glass as objectives are made for.
        package init() {}

        /// Whether there is a glass, in fact or in the objective's design.
        var isThere: Bool { thickness > 0 || designThickness > 0 }
    }

    /// How the light is excited and detected.
    package var kind: Kind
    /// How light is described.
    package var model = Model.vectorial
    /// Numerical aperture of the objective, above 0 and below the index of the immersion and of the cover glass.
    package var numericalAperture: Double
    /// Wavelength of the emitted light in vacuum, nm, 200 ... 2000.
    package var emissionWavelength: Double
    /// Wavelength of the exciting light in vacuum, nm, 200 ... 2000; needed by all but a widefield microscope and a
    /// light sheet of known thickness.
    package var excitationWavelength: Double?
    /// Refractive index of what is between objective and cover glass, 1 ... 2.
    package var immersionIndex: Double
    /// Index of the immersion that the objective is made for; nil where it is the one that is there.
    package var immersionDesignIndex: Double?
    /// Thickness of the immersion that the objective is made for, µm. It matters only where its index is another.
    package var workingDistance = 150.0
    /// Refractive index of what the sample lies in, 1 ... 3; nil for that of the immersion.
    package var sampleIndex: Double?
    /// What lies between immersion and sample; a thickness of 0, in fact and by design, means that nothing does.
    package var coverGlass = CoverGlass()
    /// How far under the cover glass the point lies that is imaged, µm, 0 ... 10000.
    package var depth = 0.0
    /// The pinhole of a confocal microscope or of a disk; nil for one Airy unit.
    package var pinhole: Pinhole?
    /// The sheet of a light-sheet microscope.
    package var sheet: Sheet?

    /// A microscope from the figures that all have.
    package init(
        kind: Kind,
        numericalAperture: Double,
        emissionWavelength: Double,
        excitationWavelength: Double? = nil,
        immersionIndex: Double
    ) {
        self.kind = kind
        self.numericalAperture = numericalAperture
        self.emissionWavelength = emissionWavelength
        self.excitationWavelength = excitationWavelength
        self.immersionIndex = immersionIndex
    }

    /// Refractive index of what the sample lies in.
    var indexOfSample: Double { sampleIndex ?? immersionIndex }
}

extension Microscope.Kind {
    /// Whether a pinhole keeps light out.
    package var hasPinhole: Bool { self == .confocal || self == .spinningDisk }
}

extension Microscope {
    /// Radius of the pinhole in the sample, µm; nil where there is none.
    var pinholeRadius: Double? {
        guard kind.hasPinhole else { return nil }
        return switch pinhole ?? .airyUnits(1) {
        case .airyUnits(let units): units * 1.22 * emissionWavelength / 1000 / numericalAperture / 2
        case .micrometers(let diameter): diameter / 2
        }
    }

    /// Full width of the light sheet at half maximum, µm; nil where there is none.
    package var sheetThickness: Double? {
        guard kind == .lightSheet, let sheet else { return nil }
        switch sheet {
        case .thickness(let width): return width
        case .numericalAperture(let aperture):
            // exp(−2 z²/w²) is a half at w √(ln 2 / 2).
            let waist = (excitationWavelength ?? 0) / 1000 / (.pi * aperture)
            return waist * (2 * 0.6931471805599453).squareRoot()
        }
    }

    /// Wavelengths, µm, of the intensities whose product the PSF is.
    var wavelengths: [Double] {
        let emission = emissionWavelength / 1000
        let excitation = (excitationWavelength ?? emissionWavelength) / 1000
        return switch kind {
        case .widefield, .lightSheet: [emission]
        case .confocal, .spinningDisk: [excitation, emission]
        case .twoPhoton: [excitation, excitation]
        }
    }

    /// The shortest of them, µm.
    package var shortestWavelength: Double { wavelengths.min()! }

    /// Distance from the focus to the first dark place on the axis, µm.
    var depthOfFocus: Double { wavelengths[0] / axialAperture }

    /// n − √(n² − NA²): what the outermost ray lags behind along the axis, for a wavelength of 1.
    var axialAperture: Double {
        let (n, a) = (immersionIndex, numericalAperture)
        return n - (n * n - a * a).squareRoot()
    }
}
