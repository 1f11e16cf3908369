package import DeconvOptics
package import DeconvOptions
package import DeconvVolume

extension MicroscopeFigures {
    /// What is known of a microscope whose PSF is measured: of one whose kind nobody says as of a widefield microscope.
    /// - Throws: as `init`.
    package init(
        ofMeasuredPSF options: MicroscopeOptions,
        image: ImageDescription?,
        imageName: String = "the PSF"
    ) throws(DeconvolutionError) {
        var options = options
        let isSaid = image?.acquisition?.channels.contains { $0.mode != nil } ?? false
        if options.kind == nil, !isSaid { options.kind = .widefield }
        try self.init(options, image: image, imageName: imageName)
    }

    /// How narrow the PSF of a channel can be.
    /// - Throws: `invalidArgument` for figures that no microscope can have.
    package func limit(channel: Int) throws(DeconvolutionError) -> DiffractionLimit {
        let channel = channels[channel]
        let widefield = try DiffractionLimit(
            emissionWavelength: channel.emission.value,
            numericalAperture: numericalAperture.value,
            immersionIndex: immersionIndex.value
        )
        switch channel.kind.value {
        case .widefield: return widefield
        // The product of two such foci is narrower, of a sheet and one along the axis alone.
        case .confocal, .spinningDisk, .twoPhoton:
            return widefield.scaled(by: VoxelSpacing(z: Self.ofProduct, y: Self.ofProduct, x: Self.ofProduct))
        case .lightSheet: return DiffractionLimit(fullWidths: [nil] + widefield.fullWidths.dropFirst())
        }
    }

    /// √½: the width of a product of two equal normal curves over that of one.
    private static let ofProduct = 0.5.squareRoot()

    /// Said where voxels are larger than what the microscope resolves, each channel for itself.
    func samplingWarnings(of spacing: VoxelSpacing, _ name: String) -> [Diagnostic] {
        var warnings: [Diagnostic] = []
        for channel in channels {
            guard let warning = microscope(channel).samplingWarning(of: spacing, name), !warnings.contains(warning)
            else {
                continue
            }
            warnings.append(warning)
        }
        return warnings.first.map { [$0] } ?? []
    }
}
