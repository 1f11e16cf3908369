package import DeconvVolume

/// A PSF from images of beads that are smaller than the microscope resolves.
///
/// Spots are looked for at the scale of a bead, which comes from the brightest of them. Those that are single, whole and bright
/// enough are cut out, freed of their background, moved to a common center and averaged; those that are unlike the mean are
/// left out, and the mean is taken again. `Documentation/Decisions/beads.md` says why, and what was measured.
package struct BeadMeasurement: Sendable {
    /// Diameter of the beads, µm, to be taken out of their image; nil to leave it in.
    package var beadDiameter: Double?
    /// Voxels that are cut out around each bead; nil for four widths of a bead along each axis.
    package var box: VolumeShape?
    /// Size of a voxel, µm; nil for what the stacks say.
    package var spacing: VoxelSpacing?

    /// Distance from the center to the faces of the box, in widths of a bead.
    private static let boxReach = 2.0
    /// Width below which nothing is sampled, voxels; narrower spots are noise.
    private static let leastWidth = 1.5
    /// Beads below which there is a warning.
    private static let fewBeads = 3
    /// Diameter over the least lateral width of its image from which on a bead is large.
    private static let largeShare = 0.8
    /// The same from which on it cannot be: a ball through which light shines is 0.87 diameters wide at half maximum.
    private static let mostShare = 1.2
    /// Of the peak; with more light two thirds of the way to the faces of the box, it has not faded at these. Beads of a widefield
    /// microscope in the box that is the default have 0.014 there, of a confocal one 0.005, Gaussians 0.0006.
    private static let mostNearFaces = 0.01

    /// With everything left to the stacks.
    package init() {}

    /// Averages the beads of one or several stacks.
    /// - Throws: `invalidArgument` for an option outside its range, or a diameter without voxel sizes; `invalidData` where stacks
    ///   differ in voxel size, where no spot stands out, or where no bead can be used; and what reading throws.
    package func measure(_ fields: [BeadField]) throws(DeconvolutionError) -> MeasuredBeads {
        precondition(!fields.isEmpty, "beads are looked for in at least one stack")
        let spacing = try commonSpacing(fields)
        try check(fields, spacing)
        let width = try typicalWidth(fields)
        let selection = BeadSelection(box: box ?? Self.box(width, fields[0].shape), width: width)

        var spots: [BeadSpot] = []
        var images: [BeadImage] = []
        var places: [Int] = []
        for (number, field) in fields.enumerated() {
            var found = try spotsOf(field, number, width)
            selection.judge(&found, shape: field.shape)
            for i in found.indices where found[i].verdict == .used {
                let others = found.indices.filter { $0 != i }.map { found[$0].position }
                let near = others.filter { found[i].distance(to: $0, width: width) < 12 }
                if let image = try BeadImage(found[i], in: field, others: near, selection: selection) {
                    images.append(image)
                    places.append(spots.count + i)
                } else {
                    found[i].verdict = .clipped
                }
            }
            spots += found
        }
        guard !images.isEmpty else { throw noBead(fields, spots, selection.box) }
        let average = BeadAverage(images, width: width)
        for (image, place) in places.enumerated() where !average.isUsed[image] { spots[place].verdict = .unlike }
        return try result(average.mean, spots, fields, spacing, width)
    }

    /// Takes off the level that is left, and the bead.
    private func result(
        _ mean: PSFField,
        _ spots: [BeadSpot],
        _ fields: [BeadField],
        _ spacing: VoxelSpacing?,
        _ width: [Double]
    ) throws(DeconvolutionError) -> MeasuredBeads {
        var field = mean
        let shell = field.values.indices.filter { offset in
            let index = field.index(of: offset)
            return BeadImage.isShell([index.z, index.y, index.x], of: field.shape)
        }
        let border = shell.map { field.values[$0] }
        let level = border.isEmpty ? 0 : MeasuredBackground.clippedMean(border)
        let noise = RobustSpread.of(border.map { $0 - level })
        for i in field.values.indices { field.values[i] -= level }
        let nearFaces = Self.lightNearFaces(of: field)

        var report = BeadReport(spots, fieldCount: fields.count, box: field.shape, spacing: spacing)
        report.beadDiameter = beadDiameter
        report.noise = noise / (field.values.max() ?? 1)
        let imageWidths = Self.widths(field, width)
        if let beadDiameter, let spacing {
            let lateral = (1..<3).compactMap { axis in imageWidths[axis].map { $0 * spacing[axis] } }.min()
            let known = (0..<3).map { imageWidths[$0] ?? Double(field.shape[$0]) }
            field = BeadSphere(diameter: beadDiameter, spacing: spacing).removed(
                from: field,
                noise: noise,
                width: known
            )
            if let lateral, beadDiameter > Self.mostShare * lateral {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.beadDiameter, beadDiameter): is more than the images of the beads are wide, "
                        + "\(Self.rounded(lateral)) µm; give the diameter in micrometers, and check \(.spacing)"
                )
            }
            if let lateral, beadDiameter > Self.largeShare * lateral {
                report.warn(
                    .beadsLarge,
                    "the beads are so large that they hide what the microscope resolves; a third of the width of their "
                        + "image (\(.beadDiameter)) is small enough",
                    figures: "\(Self.rounded(beadDiameter)) µm, images \(Self.rounded(lateral)) µm wide"
                )
            }
        }
        let sum = field.sum
        guard sum > 0 else {
            throw DeconvolutionError(
                .invalidData,
                "\(fields[0].name): nothing is left of the mean of \(report.used) beads without its background; give a "
                    + "larger \(.box)"
            )
        }
        report.fullWidthAtHalfMaximum = Self.widths(field, width)
        if report.used < Self.fewBeads {
            report.warn(
                .beadsFew,
                "so few beads could be used that nothing tells what is one bead's alone; record more, ten at least",
                figures: "\(report.used) of \(report.found)"
            )
        }
        if nearFaces > Self.mostNearFaces {
            report.warn(
                .psfCutOff,
                "the light of the beads has not faded at the faces of the box, so that the PSF's tails are cut off; a larger "
                    + "\(.box) holds them",
                figures:
                    "\(Self.rounded(100 * nearFaces)) % of the peak two thirds of the way to the faces of \(field.shape)"
            )
        }
        if spacing == nil {
            report.warn(
                .spacingUnknown,
                "the stacks do not say how large their voxels are, and neither will the PSF; \(.spacing) gives them"
            )
        }
        let psf = PointSpreadFunction(
            shape: field.shape,
            voxels: PSFNormalization.normalized(field, sum: sum),
            spacing: spacing
        )
        return MeasuredBeads(psf: psf, report: report, spots: spots)
    }

    /// Mean light between 0.6 and 0.75 of the way from the center to the faces, over the peak.
    private static func lightNearFaces(of field: PSFField) -> Double {
        let center = field.shape.centerVoxel
        let values = field.values.indices.compactMap { offset -> Double? in
            let place = field.index(of: offset)
            let distance = (0..<3).reduce(0.0) { most, axis in
                field.shape[axis] > 1
                    ? max(most, abs(Double(place[axis] - center[axis])) / Double(center[axis])) : most
            }
            return distance > 0.6 && distance <= 0.75 ? field.values[offset] : nil
        }
        guard let top = field.values.max(), top > 0, !values.isEmpty else { return 0 }
        return values.reduce(0, +) / Double(values.count) / top
    }

    /// Full widths at half maximum through the brightest voxel, which a skewed PSF has beside its center; as those of beads, from
    /// what is smoothed by half a width, and without what that adds.
    private static func widths(_ field: PSFField, _ width: [Double]) -> [Double?] {
        let smoothed = SmoothedStack(
            field.values.map { Float($0) },
            shape: field.shape,
            deviations: BeadSearch.deviations(width)
        )
        let peak = smoothed.values.indices.max { smoothed.values[$0] < smoothed.values[$1] } ?? 0
        return (0..<3).map { axis in
            smoothed.width(through: field.index(of: peak), axis: axis, above: 0)
                .map { max($0 * $0 - 0.25 * width[axis] * width[axis], 0.25).squareRoot() }
        }
    }

    private func spotsOf(
        _ field: BeadField,
        _ number: Int,
        _ width: [Double]
    ) throws(DeconvolutionError) -> [BeadSpot] {
        let voxels = try voxels(of: field)
        return BeadSearch(voxels, shape: field.shape, width: width)
            .spots(field: number, voxels: voxels, largest: field.source.image.pixelType.largestInteger)
    }

    private func voxels(of field: BeadField) throws(DeconvolutionError) -> [Float] {
        let voxels = try field.read(Region(field.shape))
        if let offset = voxels.firstIndex(where: { !$0.isFinite }) {
            let place = PSFField(shape: field.shape, values: []).index(of: offset)
            throw DeconvolutionError(
                .invalidData,
                "\(field.name): holds \(voxels[offset]) at \(place); every voxel must be finite"
            )
        }
        return voxels
    }

    /// The width of a bead: the median over the brightest spots of each stack, and of these over the stacks.
    private func typicalWidth(_ fields: [BeadField]) throws(DeconvolutionError) -> [Double] {
        var widths: [[Double?]] = []
        var darkest = (level: 0.0, noise: 0.0)
        for field in fields {
            let voxels = try voxels(of: field)
            // As for beads that are sampled as coarsely as they should be; then as for those that are there.
            var width: [Double] = [3, 3, 3]
            var isKnown = false
            for _ in 0..<3 {
                let search = BeadSearch(voxels, shape: field.shape, width: width)
                darkest = (search.level, search.noise)
                let found = search.widthsOfTheBrightest()
                guard !found.isEmpty else { break }
                width = Self.medians(found)
                isKnown = true
            }
            if isKnown { widths.append(width) }
        }
        guard !widths.isEmpty else {
            throw DeconvolutionError(
                .invalidData,
                "\(fields[0].name): no bead stands out of the background of \(Self.rounded(darkest.level)) with noise of "
                    + "\(Self.rounded(darkest.noise)) (smoothed); record brighter beads, or give the stack that they are in"
            )
        }
        return Self.medians(widths)
    }

    /// Medians by axis; a voxel where nothing is known.
    private static func medians(_ widths: [[Double?]]) -> [Double] {
        (0..<3).map { axis in
            let known = widths.compactMap { $0[axis] }
            return known.isEmpty ? 1 : max(leastWidth, MeasuredBackground.quantile(known, 0.5))
        }
    }

    private static func box(_ width: [Double], _ shape: VolumeShape) -> VolumeShape {
        VolumeShape { shape[$0] == 1 ? 1 : 2 * Int((boxReach * width[$0]).rounded(.up)) + 1 }
    }

    private func commonSpacing(_ fields: [BeadField]) throws(DeconvolutionError) -> VoxelSpacing? {
        if let spacing { return spacing }
        let first = fields[0].source.image.spacing
        for field in fields.dropFirst() {
            let isSame = field.source.image.spacing.map { other in first.map { $0.matches(other) } ?? false }
            guard isSame ?? (first == nil) else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(field.name): has voxels of \(field.source.image.spacing.map(\.description) ?? "unknown size"), and "
                        + "\(fields[0].name) of \(first.map(\.description) ?? "unknown size"); beads of one PSF are recorded "
                        + "alike, or give \(.spacing)"
                )
            }
        }
        return first
    }

    private func check(_ fields: [BeadField], _ spacing: VoxelSpacing?) throws(DeconvolutionError) {
        if let spacing, !spacing.isValid {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.spacing, "\(spacing.z),\(spacing.y),\(spacing.x)"): give three positive sizes in micrometers, as z,y,x"
            )
        }
        if let beadDiameter {
            guard beadDiameter > 0, beadDiameter <= 100 else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.beadDiameter, beadDiameter): give the diameter in micrometers, above 0 and up to 100"
                )
            }
            guard spacing != nil else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.beadDiameter, beadDiameter): \(fields[0].name) does not say how large its voxels are; give "
                        + "\(.spacing)"
                )
            }
        }
        for field in fields {
            let shape = field.shape
            guard shape.y > 2, shape.x > 2 else {
                throw DeconvolutionError(.invalidData, "\(field.name): \(shape) voxels are no image of beads")
            }
            guard (shape.z == 1) == (fields[0].shape.z == 1) else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(field.name): is \(shape), and \(fields[0].name) is \(fields[0].shape); give stacks, or images of one "
                        + "plane"
                )
            }
            if let box, (0..<3).contains(where: { box[$0] < 1 || box[$0] > shape[$0] || box[$0] < 3 && shape[$0] > 1 })
            {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.box, "\(box.z),\(box.y),\(box.x)"): does not fit into \(field.name), which is \(shape); give at least "
                        + "3 voxels an axis and at most these"
                )
            }
        }
    }

    private func noBead(_ fields: [BeadField], _ spots: [BeadSpot], _ box: VolumeShape) -> DeconvolutionError {
        let place = fields.count == 1 ? fields[0].name : "\(fields[0].name) and \(fields.count - 1) more"
        let reasons = BeadVerdict.rejections.compactMap { verdict -> String? in
            let count = spots.filter { $0.verdict == verdict }.count
            return count == 0 ? nil : "\(count) \(verdict.meaning)"
        }
        let isClipped = spots.contains { $0.verdict == .clipped }
        return DeconvolutionError(
            .invalidData,
            "\(place): no bead can be used: of \(spots.count) spots \(reasons.joined(separator: ", ")); record single, "
                + "bright, unsaturated beads"
                + (isClipped
                    ? ", or give a \(.box) smaller than \("\(box.z),\(box.y),\(box.x)")" as Message : "" as Message)
        )
    }

    private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

extension PixelType {
    /// The largest value of an integer type of 8 or 16 bits; nil for types that no camera fills.
    fileprivate var largestInteger: Float? {
        switch self {
        case .uint8: 255
        case .int8: 127
        case .uint16: 65535
        case .int16: 32767
        case .uint32, .int32, .float32, .float64: nil
        }
    }
}
