import DeconvMethods
package import DeconvOptics
package import DeconvOptions
package import DeconvVolume

/// A PSF as measured or computed, and what messages call it.
package struct MeasuredPSF: Sendable {
    package var name: String
    package var volume: Volume
    /// Where the volume has no spacing, the distances that its file says nonetheless.
    package var knownLengths = AxisLengths()
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
        imageLengths: AxisLengths,
        imageName: String,
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        let background: PSFPreparation.Background =
            switch options.psfBackground {
            case .auto: .automatic
            case .value(let level): .value(level)
            }
        return try PSFPreparation(
            background: background,
            isAsIs: options.psfAsIs,
            origin: origin,
            symmetry: options.psfRadialAverage ? .radial : options.psfSymmetrize ? .mirrored : .none,
            warnsOfNoSpacing: shouldHaveSpacing
        )
        .prepare(
            volume,
            lengths: lengths(options),
            name: name,
            imageLengths: imageLengths,
            imageName: imageName,
            limit: limit ?? self.limit
        )
    }

    /// The size of its voxels as far as an option or its file says it.
    private func lengths(_ options: DeconvolutionOptions) -> AxisLengths {
        (options.psfSpacing ?? volume.spacing).map(AxisLengths.init) ?? knownLengths
    }

    /// The PSF ready for an image of `options.spacing`, or of its own spacing where that is nil.
    /// - Parameter limit: how narrow the optics can make it, where somebody knows.
    package func prepared(
        _ options: DeconvolutionOptions,
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        try options.validate()
        return try prepared(
            options,
            imageLengths: options.spacing.map(AxisLengths.init) ?? lengths(options),
            imageName: "the image",
            limit: limit
        )
    }
}
