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
    private static let most = 12
    /// How far from the first plane a place may be, in depths of the image.
    private static let mostBeyond = 2.0

    /// The largest distance from the first plane, µm, at which a PSF may be needed.
    func extent(_ imageShape: VolumeShape?, _ spacing: VoxelSpacing) -> Double {
        switch self {
        case .one: 0
        case .at(let distances): distances.map(abs).max() ?? 0
        case .chosen: Double((imageShape?.z ?? 1) - 1) * spacing.z
        }
    }

    /// Distances from the first plane, µm, at which PSFs are needed, and why there is one where several were asked for.
    /// - Throws: as `DepthSeries.place`.
    func distances(
        _ channels: [DepthSeries],
        _ imageShape: VolumeShape?,
        _ spacing: VoxelSpacing
    ) throws(DeconvolutionError) -> (distances: [Double], reasonForOne: Message?) {
        if case .one = self { return ([0], nil) }
        // The shorter the wave, the more a path counts.
        guard let first = channels.min(by: { $0.shortestWavelength < $1.shortestWavelength }), first.varies else {
            return (
                [0], "one for all depths, for sample and immersion have the same refractive index (\(.sampleIndex))"
            )
        }
        if case .at(let distances) = self {
            if let imageShape,
                let far = distances.first(where: { abs($0) > Self.mostBeyond * Double(imageShape.z) * spacing.z })
            {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.psfAt): \(far.inMessage) µm lies far beyond the image, which is \(((Double(imageShape.z) * spacing.z * 1000).rounded() / 1000).inMessage) µm "
                        + "deep; give distances from its first plane in micrometers, and check \(.spacing)"
                )
            }
            return (distances, nil)
        }
        guard imageShape != nil else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt, "auto"): depends on how many planes the image has; give the distances of some of them"
            )
        }
        let thickness = extent(imageShape, spacing)
        if thickness == 0 { return ([0], "one, for the image has one plane") }
        return (try Self.chosen(first, thickness, leastGap: spacing.z), nil)
    }

    /// What lies between two places.
    private struct Gap {
        let ends: (Double, Double)
        /// By how much the PSF in the middle differs from the mean of those at the ends.
        let difference: Double

        var middle: Double { (ends.0 + ends.1) / 2 }

        init(_ series: DepthSeries, _ ends: (Double, Double)) throws(DeconvolutionError) {
            self.ends = ends
            let psfs = (try series.place(at: ends.0), try series.place(at: ends.1))
            let middle = try series.place(at: (ends.0 + ends.1) / 2)
            difference = middle.computed.psf.difference(
                fromMeanOf: psfs.0.computed.psf,
                psfs.1.computed.psf
            )
        }
    }

    /// Places from the first to the last plane: the gap whose middle is described worst is halved, until none differs by more than
    /// modes may leave.
    private static func chosen(
        _ series: DepthSeries,
        _ thickness: Double,
        leastGap: Double
    ) throws(DeconvolutionError) -> [Double] {
        var gaps = [try Gap(series, (0, thickness))]
        while gaps.count + 1 < most {
            // Nearer to each other than planes they would tell of nothing in the image.
            let wide = gaps.indices.filter { gaps[$0].ends.1 - gaps[$0].ends.0 >= 2 * leastGap }
            guard let worst = wide.max(by: { gaps[$0].difference < gaps[$1].difference }) else { break }
            let gap = gaps[worst]
            guard gap.difference > PSFModes.largestError else { break }
            gaps[worst] = try Gap(series, (gap.ends.0, gap.middle))
            gaps.insert(try Gap(series, (gap.middle, gap.ends.1)), at: worst + 1)
        }
        // To a nanometer, as people are told.
        return [0] + gaps.map { ($0.ends.1 * 1000).rounded() / 1000 }
    }
}
