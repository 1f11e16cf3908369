package import DeconvVolume

extension Microscope {
    /// The largest voxel from which the PSF can be told without loss, µm.
    ///
    /// Half a period of the finest detail that passes: λ/(4 NA) across and λ/(2 (n − √(n² − NA²))) along the axis for
    /// the light that a camera sees (Heintzmann and Sheppard 2007, Micron 38:145, table 1). A focused excitation adds what it
    /// resolves: at most the sum of both passes. So does a sheet, along the axis.
    package var nyquistSpacing: VoxelSpacing {
        var across = 0.0
        var along = 0.0
        for wavelength in wavelengths {
            across += 4 * numericalAperture / wavelength
            along += 2 * axialAperture / wavelength
        }
        // Where the spectrum of a normal curve has fallen to a hundredth: exp(−2 (π σ f)²) = 0.01.
        if let sheetThickness { along += 2 * 1.517427 / (Double.pi * sheetThickness / 2.354820) }
        return VoxelSpacing(z: 1 / along, y: 1 / across, x: 1 / across)
    }

    /// How many times the limit does no harm, for hardly any contrast is left there. Where two foci are multiplied, that is so
    /// from about half of the highest frequency on (Wilson and Sheppard 1984, Theory and Practice of Scanning Optical Microscopy).
    private var tolerance: Double { wavelengths.count > 1 ? 2.5 : 1.25 }

    /// What a person should know of voxels that are too large for the microscope; nil where they are not.
    /// - Parameters:
    ///   - spacing: of the image, µm.
    ///   - name: what messages call the image.
    package func samplingWarning(of spacing: VoxelSpacing, _ name: String) -> Diagnostic? {
        let largest = nyquistSpacing
        let sizes = [("z", spacing.z, largest.z), ("y", spacing.y, largest.y), ("x", spacing.x, largest.x)]
        let coarse = sizes.filter { $0.1 > tolerance * $0.2 }
        guard !coarse.isEmpty else { return nil }
        let figures = coarse.map { "\($0.0) \(Self.text($0.1)) µm, at most \(Self.text($0.2))" }
        return Diagnostic(
            .undersampled,
            "\(subject: name): voxels are larger than half of the finest detail that the microscope passes, which is lost; "
                + "record smaller ones, or check \(.spacing)",
            figures: "\(figures.joined(separator: "; "))"
        )
    }

    /// A length to nanometers.
    private static func text(_ length: Double) -> String { "\((length * 1000).rounded() / 1000)" }
}
