package import DeconvVolume

extension Microscope {
    /// Checks that a microscope can have these figures.
    /// - Throws: `invalidArgument` that names the option of the figure that is wrong.
    package func validate() throws(DeconvolutionError) {
        try Self.check(emissionWavelength, .emission, 200...2000, "a wavelength is given in nanometers")
        if let excitationWavelength {
            try Self.check(excitationWavelength, .excitation, 200...2000, "a wavelength is given in nanometers")
        }
        try Self.check(immersionIndex, .immersion, 1...2, "air has 1, water 1.33, oil 1.515")
        try Self.check(immersionDesignIndex ?? immersionIndex, .immersion, 1...2, "air has 1, water 1.33, oil 1.515")
        try Self.check(indexOfSample, .sampleIndex, 1...3, "water has 1.33, cells about 1.37, glass 1.52")
        for thickness in [coverGlass.thickness, coverGlass.designThickness] {
            try Self.check(thickness, .coverGlass, 0...5000, "it is a thickness in micrometers, of most 170")
        }
        try Self.check(depth, .depth, 0...10000, "it is given in micrometers")
        try checkAperture()
        try checkExcitation()
        try checkPinhole()
        try checkSheet()
    }

    private static func check(
        _ value: Double,
        _ option: OptionName,
        _ range: ClosedRange<Double>,
        _ help: String
    ) throws(DeconvolutionError) {
        guard range.contains(value) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option, value): is not in \(range.lowerBound) ... \(range.upperBound); \(help)"
            )
        }
    }

    private func checkAperture() throws(DeconvolutionError) {
        let design = immersionDesignIndex ?? immersionIndex
        guard numericalAperture > 0, numericalAperture < min(immersionIndex, design) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.na, numericalAperture): is not above 0 and below the refractive index of the immersion, "
                    + "\(min(immersionIndex, design)); correct it or give \(.immersion)"
            )
        }
        guard coverGlass.isThere else { return }
        let index = min(coverGlass.index, coverGlass.designIndex)
        guard index <= 3, numericalAperture < index else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.na, numericalAperture): is not below the refractive index of the cover glass, \(index); correct it, "
                    + "or give \(.coverGlass, 0) where there is none"
            )
        }
    }

    private func checkExcitation() throws(DeconvolutionError) {
        let isNeeded =
            switch kind {
            case .widefield: false
            case .confocal, .spinningDisk, .twoPhoton: true
            case .lightSheet: if case .numericalAperture = sheet { true } else { false }
            }
        guard isNeeded else { return }
        guard let excitationWavelength else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.excitation): is missing, and the PSF of a \(kind.rawValue) microscope depends on it; give the "
                    + "wavelength of the laser in nanometers"
            )
        }
        if kind == .twoPhoton ? excitationWavelength <= emissionWavelength : excitationWavelength > emissionWavelength {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.excitation, excitationWavelength): does not go with \(.emission, emissionWavelength), because "
                    + (kind == .twoPhoton ? "two photons of it excite" : "one photon of it excites")
                    + "; correct one of them or \(.microscope)"
            )
        }
    }

    private func checkPinhole() throws(DeconvolutionError) {
        guard let pinhole else { return }
        guard kind.hasPinhole else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.pinhole): a \(kind.rawValue) microscope has none; leave it out, or give "
                    + "\(.microscope, Kind.confocal.rawValue)"
            )
        }
        // Beyond, a pinhole keeps out no light that a PSF would have.
        let airyDiameter = 1.22 * emissionWavelength / 1000 / numericalAperture
        switch pinhole {
        case .airyUnits(let units):
            try Self.check(units, .pinhole, 0.01...100, "it is a diameter in Airy units; about 1 is usual")
        case .micrometers(let diameter):
            let range = 0.01 * airyDiameter...100 * airyDiameter
            try Self.check(diameter, .pinhole, range, "it is a diameter in the sample in micrometers")
        }
    }

    private func checkSheet() throws(DeconvolutionError) {
        guard kind == .lightSheet else {
            guard let sheet else { return }
            let option: OptionName = if case .thickness = sheet { .sheetThickness } else { .sheetNA }
            throw DeconvolutionError(
                .invalidArgument,
                "\(option): a \(kind.rawValue) microscope has no light sheet; leave it out, or give "
                    + "\(.microscope, Kind.lightSheet.rawValue)"
            )
        }
        switch sheet {
        case nil:
            throw DeconvolutionError(
                .invalidArgument,
                "\(.microscope, kind.rawValue): nobody says how thick the sheet is; give \(.sheetThickness) or "
                    + "\(.sheetNA)"
            )
        case .thickness(let width):
            try Self.check(width, .sheetThickness, 0.05...10000, "it is a full width at half maximum in micrometers")
        case .numericalAperture(let aperture):
            try Self.check(aperture, .sheetNA, 0.001...1, "most sheets have less than 0.3")
        }
    }
}
