package import DeconvVolume
import Glibc

/// How a measured PSF becomes one that can be deconvolved with.
///
/// In this order: the background is subtracted, what cannot be told from noise is emptied, the centre is moved onto
/// voxel n/2 of each axis, the voxels are given the size of the image's, mirror images or rotations are averaged
/// where `symmetry` asks for it, what is left negative is set to zero, what is empty is cropped, and the sum is made 1.
/// Without `symmetry` a noise-free PSF that is centered and has the image's spacing passes all of this unchanged but for
/// its scale and its empty edges. `Documentation/Decisions/psf-preparation.md` says why.
package struct PSFPreparation: Sendable, Hashable {
    /// What a PSF stands on.
    package enum Background: Sendable, Hashable {
        /// Found from the border of the PSF.
        case automatic
        /// A known level in the PSF's own counts; 0 subtracts nothing.
        case value(Double)
    }

    /// Where a PSF comes from.
    package enum Origin: String, CaseIterable, Sendable {
        /// From anywhere.
        case measured
        /// From images of beads, by `BeadMeasurement`: without its background, in a box of which was said what it cuts off.
        case beads
        /// From figures of a microscope, on voxel n/2 and without a background: it is neither moved nor searched for faults, and
        /// where its voxels have the image's size it is only normalised.
        case computed
    }

    /// The background to subtract.
    package var background: Background
    /// Whether the PSF is only checked and normalised; then `background` is not used.
    package var isAsIs: Bool
    /// Where the PSF comes from.
    package var origin: Origin
    /// What the PSF is averaged over once it is centered; not with `isAsIs`.
    package var symmetry: PSFSymmetry
    /// Whether there is a warning where neither image nor PSF says how large its voxels are: files do, arrays need not.
    package var warnsOfNoSpacing: Bool

    /// The full preparation, or with `isAsIs` only checks and normalisation.
    package init(
        background: Background = .automatic,
        isAsIs: Bool = false,
        origin: Origin = .measured,
        symmetry: PSFSymmetry = .none,
        warnsOfNoSpacing: Bool = true
    ) {
        self.background = background
        self.isAsIs = isAsIs
        self.origin = origin
        self.symmetry = symmetry
        self.warnsOfNoSpacing = warnsOfNoSpacing
    }

    /// A PSF that is ready, and what was done to it.
    /// - Parameters:
    ///   - measured: counts in any unit, with the spacing the file gave.
    ///   - name: what messages call the PSF, such as the path of its file.
    ///   - imageSpacing: voxel size of the image, or nil where unknown; then the PSF's voxels are taken to have it.
    ///   - imageName: what messages call the image.
    ///   - limit: how narrow the optics can make it, where somebody knows.
    /// - Throws: `invalidData` for a PSF without voxels, with NaN or infinity, without light, or without light
    ///   above its background; `invalidArgument` for a spacing that is not positive, or so different that the PSF
    ///   would not fit in memory, and for a symmetry with `isAsIs` or, if radial, with a PSF of one row or column.
    package func prepare(
        _ measured: Volume,
        name: String,
        imageSpacing: VoxelSpacing?,
        imageName: String = "the image",
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        try Self.check(measured, name: name)
        if let imageSpacing, !imageSpacing.isValid {
            throw DeconvolutionError(
                .invalidArgument,
                "\(imageName): the spacing \(imageSpacing) is not positive; give \(.spacing, "z,y,x") in micrometers"
            )
        }
        if case .value(let level) = background, !level.isFinite {
            throw DeconvolutionError(.invalidArgument, "\(.psfBackground, level) is not a number of counts")
        }
        try checkSymmetry(measured.shape, name: name)
        var report = PSFPreparationReport(inputShape: measured.shape, inputSpacing: measured.spacing)
        let isReady = isAsIs || isReady(measured, imageSpacing)
        report.isAsIs = isReady
        report.symmetry = symmetry
        let psf =
            isReady
            ? try normalizedOnly(measured, name: name, imageSpacing: imageSpacing, report: &report)
            : try fullyPrepared(
                measured,
                name: name,
                imageSpacing: imageSpacing,
                imageName: imageName,
                report: &report
            )
        report.describe(psf)
        report.diffractionLimitMicrometers = limit?.fullWidths
        if let limit, !report.isAnImage {
            PSFFaults(name: name)
                .check(report.fullWidthAtHalfMaximumMicrometers, against: limit, report: &report)
        }
        if let spacing = measured.spacing, measured.shape.z > 1, spacing.isDoubtful {
            report.warn(
                .spacingDoubtful,
                "\(subject: name): the voxels of the PSF are larger along x than along z and y, which no microscope "
                    + "makes; \(.psfSpacing) takes z,y,x",
                figures: "spacing of \(spacing)"
            )
        }
        if let spacing = measured.spacing, let words = spacing.implausibility(planeCount: measured.shape.z) {
            report.warn(
                .spacingDoubtful,
                "\(subject: name): the voxels of the PSF are \(words), as where a unit is wrong; check them, and give "
                    + "\(.psfSpacing) in µm",
                figures: "spacing of \(spacing)"
            )
        }
        return PreparedPSF(psf: psf, report: report)
    }

    /// Whether a computed PSF is what it has to become.
    private func isReady(_ measured: Volume, _ imageSpacing: VoxelSpacing?) -> Bool {
        guard origin == .computed, background == .automatic, symmetry == .none, let from = measured.spacing,
            let imageSpacing
        else { return false }
        return differingAxes(measured.shape, from, imageSpacing).isEmpty
    }

    private static func check(_ measured: Volume, name: String) throws(DeconvolutionError) {
        guard measured.shape.voxelCount > 0 else {
            throw DeconvolutionError(.invalidData, "\(name): a PSF of \(measured.shape) has no voxels")
        }
        if let spacing = measured.spacing, !spacing.isValid {
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): the spacing \(spacing) is not positive; give \(.psfSpacing, "z,y,x") in micrometers"
            )
        }
        if let offset = measured.voxels.firstIndex(where: { !$0.isFinite }) {
            let field = PSFField(shape: measured.shape, values: [])
            throw DeconvolutionError(
                .invalidData,
                "\(name): the PSF holds \(measured.voxels[offset]) at \(field.index(of: offset)); every voxel must be finite"
            )
        }
        guard measured.voxels.contains(where: { $0 != 0 }) else {
            throw DeconvolutionError(
                .invalidData,
                "\(name): every voxel of the PSF is 0; give a file with the image of a point"
            )
        }
    }

    private func checkSymmetry(_ shape: VolumeShape, name: String) throws(DeconvolutionError) {
        guard symmetry != .none else { return }
        let option = symmetry == .radial ? OptionName.radialAverage : .symmetrize
        if isAsIs {
            throw DeconvolutionError(
                .invalidArgument,
                "\(on: option) changes the PSF, which \(on: .psfAsIs) leaves as it is; give one of the two"
            )
        }
        if symmetry == .radial, min(shape.y, shape.x) == 1 {
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): a PSF of \(shape) voxels cannot be turned about the optical axis; leave out \(on: option)"
            )
        }
    }

    private func normalizedOnly(
        _ measured: Volume,
        name: String,
        imageSpacing: VoxelSpacing?,
        report: inout PSFPreparationReport
    ) throws(DeconvolutionError) -> PointSpreadFunction {
        let field = PSFField(measured)
        let sum = field.sum
        guard sum > 0 else {
            throw DeconvolutionError(
                .invalidData,
                "\(name): the PSF sums to \(sum), which cannot be scaled to 1; leave out \(on: .psfAsIs) to prepare it"
            )
        }
        report.negativeFraction = PSFNormalization.negativeShare(field)
        report.sumBeforeNormalization = sum
        if report.negativeFraction > 1e-3 {
            report.warn(
                .psfNegative,
                "\(subject: name): the PSF has negative voxels, which stay so; leave out \(on: .psfAsIs) to clip them",
                figures: "\(percent(report.negativeFraction))"
            )
        }
        if let from = measured.spacing, let to = imageSpacing, !differingAxes(measured.shape, from, to).isEmpty {
            report.warn(
                .psfNotResampled,
                "\(subject: name): the PSF has voxels of \(from), the image of \(to), and \(on: .psfAsIs) does not "
                    + "resample it"
            )
        }
        return PointSpreadFunction(
            shape: field.shape,
            voxels: PSFNormalization.normalized(field, sum: sum),
            spacing: measured.spacing ?? imageSpacing
        )
    }

    private func fullyPrepared(
        _ measured: Volume,
        name: String,
        imageSpacing: VoxelSpacing?,
        imageName: String,
        report: inout PSFPreparationReport
    ) throws(DeconvolutionError) -> PointSpreadFunction {
        var field = PSFField(measured)
        let standsOnNothing = origin == .computed && background == .automatic
        let (noise, noisy) =
            standsOnNothing ? (0, nil) : try removeBackground(from: &field, name: name, report: &report)

        let center = origin == .computed ? (0..<3).map { Double(field.shape[$0] / 2) } : PSFCentering.center(of: field)
        let ratios = spacingRatios(measured, name, imageSpacing, imageName, report: &report)
        let resampling = PSFResampling(
            shape: field.shape,
            box: field.boundingBox(above: 0) ?? Region(field.shape),
            center: center,
            ratios: ratios
        )
        guard resampling.outputShape != nil else {
            let counts = resampling.axes.map { "\($0.outputCount)" }.joined(separator: "x")
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): centered and resampled from \(measured.spacing.map(\.description) ?? "unknown spacing") to "
                    + "\(imageSpacing.map(\.description) ?? "unknown spacing") the PSF would have \(counts) voxels; "
                    + "check \(.spacing) and \(.psfSpacing)"
            )
        }
        report.center = center
        report.shift = (0..<3).map { axis in
            resampling.axes[axis].isIdentity ? 0 : Double(field.shape[axis] / 2) - resampling.axes[axis].center
        }
        PSFFaults(name: name).checkCenter(center, field.shape, report: &report)
        if let (from, to) = report.resampled {
            try refuseNarrow(field, center, ratios, name: name, from: from, to: to, report: &report)
            try refuseFlattened(field, ratios, name: name, from: from, to: to, report: &report)
        }
        field = resampling.apply(to: field)
        if symmetry != .none {
            var symmetric = symmetry.applied(to: field, spacing: imageSpacing ?? measured.spacing)
            report.symmetryChange = field.relativeDifference(to: symmetric)
            if symmetry == .radial, let noisy {
                symmetric =
                    skirted(noisy, center, ratios, noise, imageSpacing ?? measured.spacing) ?? symmetric
            }
            field = symmetric
        }

        report.negativeFraction = PSFNormalization.clipNegatives(&field)
        // The level at the faces of a box around beads was taken off.
        if report.negativeFraction > 0.01, origin != .beads {
            let isInterpolated = resampling.axes.contains { !$0.isCopy }
            report.warn(
                .psfNegative,
                "\(subject: name): part of the PSF was negative and is set to 0; check its background "
                    + "(\(.psfBackground))"
                    + (isInterpolated
                        ? ", or if it is sampled too coarsely to be moved by part of a voxel, give \(on: .psfAsIs)"
                        : ""),
                figures: "\(percent(report.negativeFraction)), with a background of \(rounded(report.background))"
            )
        }

        let tolerance = noise > 0 ? PSFCropping.toleranceWithNoise : PSFCropping.toleranceWithoutNoise
        let whole = field.sum
        guard whole > 0 else { throw noLight(name, report.background) }
        report.croppedFrom = field.shape
        field = field.cropped(to: PSFCropping.box(around: field, tolerance: tolerance))
        let sum = field.sum
        if !report.warnings.contains(where: { $0.kind == .psfNarrow }),
            (field.values.max() ?? 0) > Self.shareOfPoint * sum
        {
            report.warn(
                .psfNarrow,
                "\(subject: name): the PSF has its light in one voxel, so that there is no blur to take out; check its file, "
                    + "\(.spacing) and \(.psfSpacing)"
            )
        }
        report.croppedFraction = max(0, 1 - sum / whole)
        report.sumBeforeNormalization = sum
        return PointSpreadFunction(
            shape: field.shape,
            voxels: PSFNormalization.normalized(field, sum: sum),
            spacing: imageSpacing ?? measured.spacing
        )
    }

    /// A PSF with more of its light than this in one voxel takes nothing out of an image.
    private static let shareOfPoint = 0.999

    /// Voxels that differ by more than this from the PSF's have another unit: no microscope samples beads so finely.
    private static let mostRatio = 30.0

    /// Looks whether a PSF has a width on the image's grid.
    /// - Parameters:
    ///   - center: in voxels as measured, z, y, x.
    ///   - ratios: the image's voxel size over the PSF's, z, y, x.
    /// - Throws: `invalidData` where it is narrower than a voxel along all of its axes, or along one for want of the right unit.
    private func refuseNarrow(
        _ field: PSFField,
        _ center: [Double],
        _ ratios: [Double],
        name: String,
        from: VoxelSpacing,
        to: VoxelSpacing,
        report: inout PSFPreparationReport
    ) throws(DeconvolutionError) {
        let middle = VolumeIndex { min(max(Int(center[$0].rounded()), 0), field.shape[$0] - 1) }
        let axes = (0..<3).filter { field.shape[$0] > 1 }
        let widths = (0..<3).map { axis in
            field.halfMaximum(through: middle, axis: axis).width.map { $0 / ratios[axis] }
        }
        // A point has a width of 1 voxel by the lines that are drawn between voxels.
        let narrow = axes.filter { axis in widths[axis].map { $0 < 1 || $0 == 1 && ratios[axis] == 1 } ?? false }
        PSFFaults(name: name).checkSampling(widths, ratios: ratios, report: &report)
        guard narrow.contains(where: { ratios[$0] > 1 }) else { return }
        let words = narrow.map { "\(significant(widths[$0]!)) along \(["z", "y", "x"][$0])" }.joined(separator: ", ")
        let place = narrow == axes ? "" : " along that axis"
        let isUnit = narrow.contains { ratios[$0] > Self.mostRatio }
        guard narrow == axes || isUnit else {
            report.warn(
                .psfNarrow,
                "\(subject: name): the PSF, of voxels of \(from), is narrower than a voxel of \(to) along an axis, "
                    + "so that "
                    + "little is deconvolved there; smaller voxels along it would show more",
                figures: "voxels: \(words)"
            )
            return
        }
        throw DeconvolutionError(
            .invalidData,
            "\(name): the PSF, of voxels of \(from), is narrower than a voxel of \(to) (\(words)), so that nothing would be "
                + "deconvolved\(place); check the units of both, with \(.spacing) and \(.psfSpacing) in µm, or give "
                + "\(on: .psfAsIs)"
        )
    }

    /// Looks whether the box of a PSF shrinks to one voxel along an axis, whatever the width of the PSF in it.
    /// - Throws: `invalidData` where voxels differ by so much that a unit is wrong.
    private func refuseFlattened(
        _ field: PSFField,
        _ ratios: [Double],
        name: String,
        from: VoxelSpacing,
        to: VoxelSpacing,
        report: inout PSFPreparationReport
    ) throws(DeconvolutionError) {
        let flat = (0..<3).filter { axis in
            field.shape[axis] > 1 && Double(field.shape[axis]) <= ratios[axis]
        }
        guard let axis = flat.first, !report.warnings.contains(where: { $0.kind == .psfNarrow }) else { return }
        let names = flat.map { ["z", "y", "x"][$0] }.joined(separator: ", ")
        guard ratios[axis] <= Self.mostRatio else {
            throw DeconvolutionError(
                .invalidData,
                "\(name): the PSF, of voxels of \(from), would be a single voxel of \(to) along \(names), so that nothing would be "
                    + "deconvolved along that axis; check the units of both, with \(.spacing) and \(.psfSpacing) in µm, or give "
                    + "\(on: .psfAsIs)"
            )
        }
        report.warn(
            .psfNarrow,
            "\(subject: name): the box of the PSF is no more than one voxel of the image along an axis, so that little is "
                + "deconvolved there; check \(.spacing) and \(.psfSpacing), or measure the PSF in a larger box",
            figures: "along \(names): voxels of \(from), and of \(to) in the image"
        )
    }

    /// The radial average of a noisy PSF, with the skirt that only rings show.
    /// - Parameters:
    ///   - whole: the PSF with its noise, less its background, and the box in which it was measured.
    ///   - center: in voxels as measured, z, y, x.
    ///   - ratios: the image's voxel size over the PSF's, z, y, x.
    ///   - noise: of a voxel as measured.
    ///   - spacing: of the image.
    /// - Returns: nil where it is so near to a side that there are no rings but the core's.
    private func skirted(
        _ whole: (field: PSFField, box: Region),
        _ center: [Double],
        _ ratios: [Double],
        _ noise: Double,
        _ spacing: VoxelSpacing?
    ) -> PSFField? {
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let resampling = PSFResampling(shape: whole.field.shape, box: whole.box, center: center, ratios: ratios)
        guard resampling.outputShape != nil else { return nil }
        // Two voxels of each face are left out: deskewing spoils them.
        let reaches = (1..<3).map { axis in
            let before = center[axis] - Double(whole.box.origin[axis]) - 2
            let after = Double(whole.box.origin[axis] + whole.box.shape[axis]) - 3 - center[axis]
            return min(before, after) * size[axis] / ratios[axis]
        }
        let reach = min(reaches[0], reaches[1])
        guard reach > 8 * max(size.y, size.x) else { return nil }
        let average = RadialAverage(
            resampling.apply(to: whole.field),
            rowSize: size.y,
            columnSize: size.x,
            reach: reach
        )
        // Voxels that become larger are means.
        let left = noise / ratios.reduce(1) { $0 * max(1, $1) }.squareRoot()
        return RingSupport(average.average, noise: left, rowSize: size.y, columnSize: size.x, reach: reach).light
    }

    /// Subtracts the background and empties what is noise.
    /// - Returns: the standard deviation of the noise, 0 where there is none; and where there is, the field with its noise and the
    ///   box in which it was measured.
    private func removeBackground(
        from field: inout PSFField,
        name: String,
        report: inout PSFPreparationReport
    ) throws(DeconvolutionError) -> (noise: Double, whole: (field: PSFField, box: Region)?) {
        var given: Double?
        if case .value(let level) = background { given = level }
        guard var found = MeasuredBackground.measured(in: field, level: given) else {
            report.background = given ?? 0
            report.backgroundMethod = given == nil ? .tooSmall : .given
            // Where the outermost voxels are dark, there is no background to speak of.
            if given == nil, field.hasLightOnItsFaces {
                report.warn(
                    .psfBackgroundUnknown,
                    "\(subject: name): the PSF is too small to tell background from light, so none is subtracted; "
                        + "\(.psfBackground) says how much there is",
                    figures: "\(field.shape)"
                )
            }
            if report.background != 0 { field.values = field.values.map { $0 - report.background } }
            guard field.sum > 0 else { throw noLight(name, report.background) }
            return (0, nil)
        }
        let measured = field
        let faults = PSFFaults(name: name)
        report.backgroundMethod = found.method
        report.noise = found.noise
        if found.noise > 0 {
            let original = found.flattened(field)
            var support: PSFSupport?
            // Twice: the level is better known once it is known where the light is, and the light once the level is.
            for pass in 0..<2 {
                field = found.subtracted(from: original)
                guard let light = PSFSupport(of: field, background: found) else {
                    throw DeconvolutionError(
                        .invalidData,
                        "\(name): nothing in the PSF stands out of its background of \(rounded(found.level)) with noise of "
                            + "\(rounded(found.noise)); give another level with \(.psfBackground), or \(on: .psfAsIs)"
                    )
                }
                support = light
                if pass == 0 { found = found.refined(in: original, outside: light) }
            }
            report.background = found.level
            faults.check(measured, &field, found, report: &report)
            if report.peakCount ?? 1 > 1 { support = PSFSupport(of: field, background: found) ?? support }
            let whole = (field, found.measuredBox)
            if let support {
                report.lightVoxelCount = support.voxelCount
                if support.touchesEdge, origin != .beads {
                    report.warn(
                        .psfCutOff,
                        "\(subject: name): the light of the PSF reaches the edge of its box, so its tails are cut "
                            + "off; a larger crop "
                            + "around the bead would hold them",
                        figures: "\(field.shape)"
                    )
                }
                field = support.lightOnly(field, noise: found.noise)
            }
            guard field.sum > 0 else { throw noLight(name, found.level) }
            return (found.noise, whole)
        } else {
            report.background = found.level
            field = found.subtracted(from: found.flattened(field))
            faults.check(measured, &field, found, report: &report)
        }
        guard field.sum > 0 else { throw noLight(name, found.level) }
        return (0, nil)
    }

    private func noLight(_ name: String, _ level: Double) -> DeconvolutionError {
        DeconvolutionError(
            .invalidData,
            level == 0
                ? "\(name): the PSF sums to 0 or less, which cannot be scaled to 1; give the image of a point"
                : "\(name): nothing is left of the PSF once its background of \(rounded(level)) is subtracted; "
                    + "\(.psfBackground, 0) subtracts none"
        )
    }

    /// Voxel size of the image over that of the PSF, per axis; 1 where they agree or one of them is unknown.
    private func spacingRatios(
        _ measured: Volume,
        _ name: String,
        _ imageSpacing: VoxelSpacing?,
        _ imageName: String,
        report: inout PSFPreparationReport
    ) -> [Double] {
        guard let from = measured.spacing, let to = imageSpacing else {
            switch (measured.spacing, imageSpacing) {
            case (nil, nil) where !warnsOfNoSpacing: break
            case (nil, nil):
                report.warn(
                    .spacingUnknown,
                    "neither \(imageName) nor \(name) says how large its voxels are, so they are taken as equal; "
                        + "\(.spacing) and \(.psfSpacing) give them"
                )
            case (nil, _):
                report.warn(
                    .spacingUnknown,
                    "\(subject: name) does not say how large its voxels are, so they are taken as the image's; "
                        + "\(.psfSpacing) "
                        + "gives them"
                )
            default:
                report.warn(
                    .spacingUnknown,
                    "\(subject: imageName) does not say how large its voxels are, so they are taken as the PSF's; "
                        + "\(.spacing) "
                        + "gives them"
                )
            }
            return [1, 1, 1]
        }
        let differing = differingAxes(measured.shape, from, to)
        if !differing.isEmpty { report.resampled = (from, to) }
        return (0..<3).map { differing.contains($0) ? to[$0] / from[$0] : 1 }
    }

    /// Axes of more than one voxel on which two spacings do not match.
    private func differingAxes(_ shape: VolumeShape, _ from: VoxelSpacing, _ to: VoxelSpacing) -> [Int] {
        (0..<3).filter { axis in
            func alone(_ spacing: VoxelSpacing) -> VoxelSpacing {
                VoxelSpacing(z: spacing[axis], y: spacing[axis], x: spacing[axis])
            }
            return shape[axis] > 1 && !alone(from).matches(alone(to))
        }
    }
}

/// A PSF that is ready, and what was done to it.
package struct PreparedPSF: Sendable {
    /// Centered on voxel n/2, sum 1.
    package let psf: PointSpreadFunction
    /// Every step with its figures.
    package let report: PSFPreparationReport
}

/// Two digits are enough for a message.
private func percent(_ fraction: Double) -> String { "\((fraction * 1000).rounded() / 10) %" }

/// Two digits that are not 0.
private func significant(_ value: Double) -> String {
    let scale = pow(10, floor(log10(max(value, 1e-300))) - 1)
    return "\(((value / scale).rounded() * scale * 1e9).rounded() / 1e9)"
}

private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
