package import DeconvOptics
package import DeconvOptions
package import DeconvVolume

/// The PSF of each channel of an image, or one for each of some depths, computed from figures of the microscope.
package struct ComputedPSFs: Sendable {
    /// A PSF and the depth that it is for.
    struct Place: Sendable {
        /// How deep the point lies under the cover glass, µm.
        let depth: Double
        /// Its PSF.
        let computed: ComputedPSF
    }

    /// The figures, and where they are from.
    package let figures: MicroscopeFigures
    /// Where in the image the PSFs of a channel hold, the first plane being at the depth of the figures; nil for one PSF.
    package let places: [PSFPlace]?
    /// Why there is one PSF although several were asked for; nil where there are as many, or nobody asked.
    let reasonForOne: Message?
    /// Of each channel, or of the only one where all have the same: one a place.
    private let computed: [[Place]]

    /// Computes them.
    /// - Parameters:
    ///   - options: what somebody said of the microscope.
    ///   - image: its channels, its size and what its file says of the microscope; nil where there is none, for as many channels
    ///     as wavelengths were given.
    ///   - imageShape: voxels of the image, beyond which no light is looked at; nil for those of `image`.
    ///   - spacing: size of the image's voxels, µm; nil where nobody said.
    ///   - depths: where PSFs are wanted.
    ///   - imageName: what messages call the image.
    /// - Throws: as `MicroscopeFigures.init` and `Microscope.pointSpreadFunction`; `invalidArgument` where the size of voxels is
    ///   not known, and for places that computed PSFs cannot have.
    package init(
        _ options: MicroscopeOptions,
        image: ImageDescription?,
        imageShape: VolumeShape? = nil,
        spacing: VoxelSpacing?,
        depths: PSFDepths = .one,
        imageName: String = "the PSF"
    ) throws(DeconvolutionError) {
        let figures = try MicroscopeFigures(options, image: image, imageName: imageName)
        self.figures = figures
        guard let spacing else {
            let known = image?.knownLengths ?? AxisLengths()
            let reason: Message =
                if image == nil {
                    "depends on the size of voxels"
                } else if let missing = known.missing, !known.isEmpty {
                    "nobody says its distance \(missing), on which a PSF depends, and its file says \(known) along z, y and x"
                } else {
                    "nobody says how large its voxels are, on which a PSF depends"
                }
            throw DeconvolutionError(
                .invalidArgument,
                "\(imageName): \(reason); give \(.spacing, "z,y,x") in micrometers"
            )
        }
        let microscopes = figures.channels.indices.map { figures.microscope(figures.channels[$0]) }
        let shape = imageShape ?? image?.shape
        var series: [DepthSeries] = []
        for microscope in microscopes {
            series.append(
                try DepthSeries(
                    microscope: microscope,
                    spacing: spacing,
                    shape: options.psfShape,
                    // Light that reaches one voxel of the image from another.
                    limit: shape.map { shape in VolumeShape { 2 * shape[$0] - 1 } },
                    extent: depths.extent(shape, spacing)
                )
            )
        }
        let distances: [Double]
        (distances, reasonForOne) = try depths.distances(series, shape, spacing)
        places = distances.count > 1 ? distances.map { PSFPlace(z: $0) } : nil
        var computed: [[Place]] = []
        for (channel, microscope) in microscopes.enumerated() {
            // Channels of the same figures share what is computed.
            let same = series[microscopes.firstIndex(of: microscope) ?? channel]
            var places: [Place] = []
            for distance in distances { places.append(try same.place(at: distance)) }
            computed.append(places)
        }
        self.computed = Set(microscopes).count == 1 ? [computed[0]] : computed
    }

    /// The numbers of the channels.
    package var channels: Range<Int> { figures.channels.indices }

    /// What was computed for a channel of the image, in the order of `places`.
    package subscript(channel: Int) -> [ComputedPSF] { self.places(channel: channel).map(\.computed) }

    /// What was computed for a channel, with depths.
    func places(channel: Int) -> [Place] { computed[computed.count == 1 ? 0 : channel] }

    /// The PSFs as a job takes them: those of the first place, then those of the next.
    package var psfs: [MeasuredPSF] {
        computed[0].indices.flatMap { place in
            computed.indices.map { channel in
                let ofChannel = computed.count == 1 ? "" : " of channel \(channel)"
                let psf = computed[channel][place]
                let atDepth = places == nil ? "" : " for a depth of \(psf.depth.inMessage) µm"
                return MeasuredPSF(
                    name: "the computed PSF\(ofChannel)\(atDepth)",
                    volume: psf.computed.psf.volume,
                    origin: .computed
                )
            }
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
