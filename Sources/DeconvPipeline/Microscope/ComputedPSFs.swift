package import DeconvOptics
package import DeconvOptions
package import DeconvVolume

/// The PSF of each channel of an image, computed from figures of the microscope.
package struct ComputedPSFs: Sendable {
    /// The figures, and where they are from.
    package let figures: MicroscopeFigures
    /// One a channel, or one where all channels have the same.
    let computed: [ComputedPSF]

    /// Computes them.
    /// - Parameters:
    ///   - options: what somebody said of the microscope.
    ///   - image: its channels, its size and what its file says of the microscope; nil where there is none, for as many channels
    ///     as wavelengths were given.
    ///   - imageShape: voxels of the image, beyond which no light is looked at; nil for those of `image`.
    ///   - spacing: size of the image's voxels, µm; nil where nobody said.
    ///   - imageName: what messages call the image.
    /// - Throws: as `MicroscopeFigures.init` and `Microscope.pointSpreadFunction`; `invalidArgument` where the size of voxels is
    ///   not known.
    package init(
        _ options: MicroscopeOptions,
        image: ImageDescription?,
        imageShape: VolumeShape? = nil,
        spacing: VoxelSpacing?,
        imageName: String = "the PSF"
    ) throws(DeconvolutionError) {
        figures = try MicroscopeFigures(options, image: image, imageName: imageName)
        guard let spacing else {
            let reason: Message =
                image == nil
                ? "depends on the size of voxels" : "nobody says how large its voxels are, on which a PSF depends"
            throw DeconvolutionError(
                .invalidArgument,
                "\(imageName): \(reason); give \(.spacing, "z,y,x") in micrometers"
            )
        }
        var computed: [ComputedPSF] = []
        var done: [Microscope] = []
        for channel in figures.channels {
            let microscope = figures.microscope(channel)
            if let index = done.firstIndex(of: microscope) {
                computed.append(computed[index])
            } else {
                computed.append(
                    try microscope.pointSpreadFunction(
                        shape: options.psfShape,
                        spacing: spacing,
                        // Light that reaches one voxel of the image from another.
                        limit: (imageShape ?? image?.shape).map { shape in VolumeShape { 2 * shape[$0] - 1 } }
                    )
                )
            }
            done.append(microscope)
        }
        self.computed = Set(done).count == 1 ? [computed[0]] : computed
    }

    /// The numbers of the channels.
    package var channels: Range<Int> { figures.channels.indices }

    /// What was computed for a channel of the image.
    package subscript(channel: Int) -> ComputedPSF { computed[computed.count == 1 ? 0 : channel] }

    /// The PSFs as a job takes them.
    package var psfs: [MeasuredPSF] {
        computed.enumerated().map { index, psf in
            MeasuredPSF(
                name: computed.count == 1 ? "the computed PSF" : "the computed PSF of channel \(index)",
                volume: psf.psf.volume,
                origin: .computed
            )
        }
    }
}

extension MicroscopeFigures {
    /// What is computed from, for one channel.
    func microscope(_ channel: Channel) -> Microscope {
        var microscope = Microscope(
            kind: Microscope.Kind(channel.kind.value),
            numericalAperture: numericalAperture.value,
            emissionWavelength: channel.emission.value,
            excitationWavelength: channel.excitation?.value,
            immersionIndex: immersionIndex.value
        )
        microscope.model = options.model == .scalar ? .scalar : .vectorial
        microscope.sampleIndex = options.sampleIndex
        if let thickness = options.coverGlass { microscope.coverGlass.thickness = thickness }
        microscope.depth = options.depth
        microscope.pinhole = channel.pinhole.map { pinhole in
            switch pinhole.value {
            case .airyUnits(let units): .airyUnits(units)
            case .micrometers(let diameter): .micrometers(diameter)
            }
        }
        if channel.kind.value == .lightSheet {
            microscope.sheet =
                options.sheetThickness.map { .thickness($0) } ?? options.sheetNA.map { .numericalAperture($0) }
        }
        return microscope
    }
}

extension Microscope.Kind {
    /// The kind of an option.
    fileprivate init(_ kind: MicroscopeOptions.Kind) {
        switch kind {
        case .widefield: self = .widefield
        case .confocal: self = .confocal
        case .spinningDisk: self = .spinningDisk
        case .twoPhoton: self = .twoPhoton
        case .lightSheet: self = .lightSheet
        }
    }
}
