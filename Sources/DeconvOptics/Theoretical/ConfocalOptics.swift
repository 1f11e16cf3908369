package import DeconvVolume

/// A confocal fluorescence microscope with a pinhole much smaller than the Airy disk.
///
/// The product of the widefield PSFs at the excitation and at the emission wavelength (Wilson and Sheppard, Theory
/// and Practice of Scanning Optical Microscopy, 1984). A pinhole of one Airy unit gives a PSF up to 1.4 times as
/// wide laterally.
package struct ConfocalOptics: Sendable, Hashable {
    /// The objective, with the wavelength of the emitted light.
    package var detection: WidefieldOptics
    /// Wavelength of the laser in vacuum, nm, 200 ... 2000.
    package var excitationWavelength: Double

    /// A confocal microscope from its objective and the wavelength of its laser.
    package init(detection: WidefieldOptics, excitationWavelength: Double) {
        self.detection = detection
        self.excitationWavelength = excitationWavelength
    }

    /// The PSF on a grid, centred on voxel n/2 of each axis.
    /// - Parameters:
    ///   - shape: at least one voxel an axis.
    ///   - spacing: positive, µm.
    /// - Throws: `invalidArgument` for figures no microscope can have.
    package func pointSpreadFunction(
        shape: VolumeShape,
        spacing: VoxelSpacing
    ) throws(DeconvolutionError) -> PointSpreadFunction {
        try TheoreticalGrid.checkWavelength(excitationWavelength, "excitation wavelength")
        var illumination = detection
        illumination.emissionWavelength = excitationWavelength
        var field = try detection.intensity(shape: shape, spacing: spacing)
        let excitation = try illumination.intensity(shape: shape, spacing: spacing)
        for i in field.values.indices { field.values[i] *= excitation.values[i] }
        return try TheoreticalGrid.normalized(field, spacing: spacing)
    }
}
