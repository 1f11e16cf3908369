import DeconvOptics
package import DeconvOptions
package import DeconvVolume

/// Where in an image computed PSFs are wanted.
package enum PSFDepths: Sendable {
    /// One for all of it, of the depth that the figures have.
    case one
    /// At some distances from the first plane, µm.
    case at([Double])
    /// At as many as their differences ask for.
    case chosen

    /// Those that options ask for.
    /// - Throws: `invalidArgument` for places along y or x.
    package init(_ options: DeconvolutionOptions) throws(DeconvolutionError) {
        if options.choosesPSFPlaces {
            self = .chosen
        } else if let places = options.psfPlaces {
            guard places.allSatisfy({ $0.y == 0 && $0.x == 0 }) else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.psfAt): a computed PSF is the same across the field; give distances along z alone, or files with \(.psf)"
                )
            }
            self = .at(places.map(\.z))
        } else {
            self = .one
        }
    }

    /// The most places that are chosen.
    private static let most = 9

    /// Distances from the first plane, µm, at which PSFs are needed, and why there is one where several were asked for.
    /// - Throws: as `DepthSeries.places`.
    func distances(
        _ channels: [DepthSeries],
        _ imageShape: VolumeShape?
    ) throws(DeconvolutionError) -> (distances: [Double], reasonForOne: Message?) {
        if case .one = self { return ([0], nil) }
        // The shorter the wave, the more a path counts.
        guard let first = channels.min(by: { $0.shortestWavelength < $1.shortestWavelength }), first.varies else {
            return (
                [0], "one for all depths, for sample and immersion have the same refractive index (\(.sampleIndex))"
            )
        }
        if case .at(let distances) = self { return (distances, nil) }
        guard let imageShape else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt, "auto"): depends on how many planes the image has; give the distances of some of them"
            )
        }
        let thickness = Double(imageShape.z - 1) * first.spacing.z
        if thickness == 0 { return ([0], "one, for the image has one plane") }
        return (try Self.chosen(first, thickness), nil)
    }

    /// Places from the first to the last plane: 3, 5 or 9, so that every second one is the mean of its neighbors but for what
    /// modes may leave too, and what lies between two is nearer still.
    private static func chosen(_ series: DepthSeries, _ thickness: Double) throws(DeconvolutionError) -> [Double] {
        var count = 3
        while true {
            let distances = (0..<count).map { thickness * Double($0) / Double(count - 1) }
            guard count < most else { return distances }
            let psfs = try series.places(at: distances).map(\.computed.psf)
            let differences = stride(from: 1, to: count, by: 2).map {
                psfs[$0].difference(fromMeanOf: psfs[$0 - 1], psfs[$0 + 1])
            }
            if differences.max()! <= PSFModes.largestError { return distances }
            count = 2 * count - 1
        }
    }
}
