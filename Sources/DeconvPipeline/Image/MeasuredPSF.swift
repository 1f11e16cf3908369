import DeconvMethods
package import DeconvOptics
package import DeconvOptions
package import DeconvVolume

/// A PSF as measured or computed, and what messages call it.
package struct MeasuredPSF: Sendable {
    package var name: String
    package var volume: Volume
    /// Whether somebody should have said how large its voxels are, or those of the image: files do.
    package var shouldHaveSpacing: Bool
    /// Where it comes from.
    package var origin: PSFPreparation.Origin
    /// How narrow the optics can make it, where somebody knows.
    var limit: DiffractionLimit?

    package init(
        name: String,
        volume: Volume,
        shouldHaveSpacing: Bool = true,
        origin: PSFPreparation.Origin = .measured
    ) {
        self.name = name
        self.volume = volume
        self.shouldHaveSpacing = shouldHaveSpacing
        self.origin = origin
    }
}

extension MeasuredPSF {
    /// The PSF ready for an image.
    func prepared(
        _ options: DeconvolutionOptions,
        imageSpacing: VoxelSpacing?,
        imageName: String,
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        let background: PSFPreparation.Background =
            switch options.psfBackground {
            case .auto: .automatic
            case .value(let level): .value(level)
            }
        var volume = volume
        volume.spacing = options.psfSpacing ?? volume.spacing
        return try PSFPreparation(
            background: background,
            isAsIs: options.psfAsIs,
            origin: origin,
            symmetry: options.psfRadialAverage ? .radial : options.psfSymmetrize ? .mirrored : .none,
            warnsOfNoSpacing: shouldHaveSpacing
        )
        .prepare(volume, name: name, imageSpacing: imageSpacing, imageName: imageName, limit: limit ?? self.limit)
    }

    /// The PSF ready for an image of `options.spacing`, or of its own spacing where that is nil.
    /// - Parameter limit: how narrow the optics can make it, where somebody knows.
    package func prepared(
        _ options: DeconvolutionOptions,
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        try options.validate()
        let spacing = options.psfSpacing ?? volume.spacing
        return try prepared(options, imageSpacing: options.spacing ?? spacing, imageName: "the image", limit: limit)
    }
}
