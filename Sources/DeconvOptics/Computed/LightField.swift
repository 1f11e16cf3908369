import Glibc

/// What a microscope detects of a point, as a function of the distance from the axis.
struct LightField {
    /// Distance between two radii, µm.
    let step: Double
    /// Radii of a profile.
    let count: Int
    private let kind: Microscope.Kind
    private let detection: PupilIntegral?
    private let excitation: PupilIntegral?
    private let pinhole: DiskAverage?
    private let sheetThickness: Double?

    /// The light up to a distance from the axis.
    /// - Parameters:
    ///   - radius: µm.
    ///   - stages: positions of the objective between which profiles are asked for, µm.
    ///   - step: distance between radii, µm.
    init(_ microscope: Microscope, radius: Double, stages: ClosedRange<Double>, step: Double) {
        let count = Int(radius / step) + 4
        func integral(_ wavelength: Double, count: Int) -> PupilIntegral {
            PupilIntegral(
                Pupil(microscope, wavelength: wavelength, radius: Double(count) * step, stages: stages),
                step: step,
                count: count
            )
        }
        let emission = microscope.emissionWavelength / 1000
        self.step = step
        self.count = count
        kind = microscope.kind
        sheetThickness = microscope.sheetThickness
        excitation =
            kind.hasPinhole || kind == .twoPhoton ? integral(microscope.wavelengths[0], count: count) : nil
        if let radius = microscope.pinholeRadius {
            pinhole = DiskAverage(radius: radius, step: step, count: count)
            detection = integral(emission, count: DiskAverage.inputCount(count, radius: radius, step: step))
        } else {
            pinhole = nil
            detection = kind == .twoPhoton ? nil : integral(emission, count: count)
        }
    }

    /// The intensity at each radius, without the profile of a light sheet.
    /// - Parameter stage: position of the objective, µm.
    func profile(stage: Double) -> [Double] {
        var profile: [Double]
        if let detection {
            profile = detection.intensities(stage: stage)
            if let pinhole { profile = pinhole(profile) }
            if let excitation {
                let light = excitation.intensities(stage: stage)
                for i in 0..<count { profile[i] *= light[i] }
            }
        } else {
            profile = excitation?.intensities(stage: stage).map { $0 * $0 } ?? []
        }
        return Array(profile[..<count])
    }

    /// How strongly a light sheet lights a point at a distance from its middle, µm; 1 without a sheet.
    func sheet(at distance: Double) -> Double {
        guard let sheetThickness else { return 1 }
        let place = distance / sheetThickness
        return exp(-4 * M_LN2 * place * place)
    }

    /// 2π ∫ I r dr over a plane, µm², where it is the same for all planes: where no excitation is focused.
    var planeLight: Double? { excitation == nil ? detection?.planeLight : nil }
}
