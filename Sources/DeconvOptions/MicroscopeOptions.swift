public import DeconvVolume

/// What a PSF is computed from where no file has one; what is nil is taken from the image's metadata.
public struct MicroscopeOptions: Sendable, Hashable {
    /// How the light is excited and detected.
    public enum Kind: String, CaseIterable, Sendable {
        /// All of the sample is lit, and a camera sees all of it.
        case widefield
        /// One laser spot and one pinhole.
        case confocal
        /// Many spots and many pinholes on a disk.
        case spinningDisk = "spinning-disk"
        /// Two photons excite at once; there is no pinhole.
        case twoPhoton = "two-photon"
        /// A sheet from the side, and a camera.
        case lightSheet = "light-sheet"
    }

    /// How light is described.
    public enum Model: String, CaseIterable, Sendable {
        /// By its phase alone (Gibson and Lanni 1991); good up to an NA of about 0.8.
        case scalar
        /// With its polarization (Richards and Wolf 1959; Török and Varga 1997).
        case vectorial
    }

    /// What is between objective and cover glass.
    public enum Immersion: Hashable, Sendable {
        /// Refractive index 1.
        case air
        /// Refractive index 1.33.
        case water
        /// Refractive index 1.406.
        case silicone
        /// Refractive index 1.47, of four parts of glycerol in five.
        case glycerol
        /// Refractive index 1.515.
        case oil
        /// Another one, by its refractive index.
        case index(Double)
    }

    /// How wide a pinhole is, seen in the sample.
    public enum Pinhole: Hashable, Sendable {
        /// Its diameter over that of the Airy disk, 1.22 λ/NA of the emitted light.
        case airyUnits(Double)
        /// Its diameter, µm, divided by the magnification up to it.
        case micrometers(Double)
    }

    /// How the light is excited and detected.
    public var kind: Kind?
    /// How light is described.
    public var model = Model.vectorial
    /// Numerical aperture of the objective that detects, above 0.
    public var numericalAperture: Double?
    /// Wavelengths of the emitted light in vacuum, nm: one for all channels or one a channel; empty where nobody says.
    public var emission: [Double] = []
    /// Wavelengths of the exciting light in vacuum, nm: one for all channels or one a channel; empty where nobody says.
    public var excitation: [Double] = []
    /// Names of dyes, which have both wavelengths: one for all channels or one a channel; empty where nobody says.
    public var dyes: [String] = []
    /// What is between objective and cover glass.
    public var immersion: Immersion?
    /// Refractive index of what the sample lies in, 1 ... 2; nil for that of the immersion.
    public var sampleIndex: Double?
    /// Thickness of the cover glass, µm; objectives are made for 170.
    public var coverGlass: Double?
    /// How far under the cover glass the sample is, µm.
    public var depth = 0.0
    /// How wide the pinhole is.
    public var pinhole: Pinhole?
    /// Full width of the light sheet at half maximum, µm.
    public var sheetThickness: Double?
    /// Numerical aperture of what makes the light sheet, in place of its thickness.
    public var sheetNA: Double?
    /// Voxels of the PSF; nil for as many as hold 99 % of the light of its planes.
    public var psfShape: VolumeShape?

    /// Nothing known.
    public init() {}
}

extension MicroscopeOptions.Immersion {
    /// Its refractive index at 23 °C and 550 nm or so.
    package var refractiveIndex: Double {
        switch self {
        case .air: 1
        case .water: 1.33
        case .silicone: 1.406
        case .glycerol: 1.47
        case .oil: 1.515
        case .index(let value): value
        }
    }

    /// Those that have a name.
    package static let named: [(name: String, value: Self)] = [
        ("air", .air), ("water", .water), ("silicone", .silicone), ("glycerol", .glycerol), ("oil", .oil),
    ]
}
