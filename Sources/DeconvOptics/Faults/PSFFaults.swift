import DeconvVolume
import Glibc

/// What is wrong with a measured PSF, beyond noise and an offset: found while it is prepared.
///
/// `Documentation/PSF.md` says of each what it means and what to do.
struct PSFFaults {
    /// What messages call the PSF.
    let name: String

    /// From this many peaks on it is an image of more than beads.
    private static let peaksOfImage = 8
    /// From this spread on light lies all over the box (`PSFPeaks.spread`).
    private static let spreadOfImage = 20.0
    /// A center farther from the middle than this share of the side leaves less than half of the tails on one side.
    private static let farOff = 0.25
    /// Below this share of what diffraction allows a width cannot be.
    private static let leastWidth = 0.8
    /// From this multiple of what diffraction allows on a width has other causes. A bead of 0.2 µm makes it 1.3 times as wide
    /// for light of 0.5 µm and an aperture of 1.4; spherical aberration up to twice along z.
    private static let mostWidth = 2.5
    /// Details shorter than two voxels are not recorded (Shannon 1949).
    private static let leastVoxels = 2.0

    /// Looks at where the light is.
    /// - Parameters:
    ///   - original: as measured.
    ///   - field: its background subtracted, and with it a slope. What belongs to other beads is emptied.
    func check(
        _ original: PSFField,
        _ field: inout PSFField,
        _ background: MeasuredBackground,
        report: inout PSFPreparationReport
    ) {
        let found = PSFPeaks(of: field, noise: background.noise)
        report.peakCount = found.peaks.count
        if found.peaks.count >= Self.peaksOfImage || found.spread >= Self.spreadOfImage {
            report.warn(
                .psfIsImage,
                "\(subject: name): the PSF looks like an image, for its light is spread all over; give the image of "
                    + "one bead, cropped around it",
                figures: found.peaks.count > 1
                    ? "\(found.peaks.count) peaks"
                    : "light in \(Int(found.spread.rounded())) times the volume of its peak"
            )
            return
        }
        checkPeaks(found.peaks, report: &report)
        field = found.withoutOthers(field)
        checkSlope(background, report: &report)
        if let count = PeakPlateau.voxelCount(
            in: original,
            background: background.level,
            isNoisy: background.noise > 0
        ) {
            report.warn(
                .psfClipped,
                "\(subject: name): the peak of the PSF is clipped, as where a camera saturates, so that it is too wide "
                    + "and results are too; record the bead with less light",
                figures: "a plateau of \(count) voxels at \(short(original.values.max() ?? 0))"
            )
        }
        checkZeros(background, original, report: &report)
    }

    private func checkPeaks(_ peaks: [PSFPeaks.Peak], report: inout PSFPreparationReport) {
        guard peaks.count > 1 else { return }
        let (first, second) = (peaks[0].index, peaks[1].index)
        let place = (0..<3).map { "\(second[$0] - first[$0])" }.joined(separator: ", ")
        let percent = Int((100 * peaks[1].height).rounded())
        let figures: Message =
            "\(peaks.count) peaks, the second with \(percent) % of the first, \(place) voxels (z, y, x) away from it"
        if peaks.count == 2 {
            report.warn(
                .psfSeveralPeaks,
                "\(subject: name): the PSF has a second peak, as of another bead; what is nearer to it is emptied, "
                    + "tails too, so better crop it around one bead",
                figures: figures
            )
        } else {
            report.warn(
                .psfSeveralPeaks,
                "\(subject: name): the PSF has several peaks, as a field of beads has; what is nearer to the others "
                    + "is emptied, tails too, so better crop it around one bead",
                figures: figures
            )
        }
    }

    private func checkSlope(_ background: MeasuredBackground, report: inout PSFPreparationReport) {
        guard let slope = background.slope else { return }
        let rises = slope.rises.map(short).joined(separator: ", ")
        let noise: Message = background.noise > 0 ? "; noise of \(short(slope.residual))" : ""
        let figures: Message = "rises by \(rises) counts across the box along z, y, x\(noise)"
        report.backgroundRise = slope.rises
        if background.subtractsSlope {
            report.warn(
                .psfSlope,
                "\(subject: name): the background of the PSF has a gradient, as uneven illumination or a bright "
                    + "neighbor makes; a plane is subtracted",
                figures: figures
            )
        } else {
            report.warn(
                .psfSlope,
                "\(subject: name): the background of the PSF has a gradient, which stays in it; without "
                    + "\(.psfBackground) a plane is subtracted",
                figures: figures
            )
        }
    }

    private func checkZeros(_ background: MeasuredBackground, _ field: PSFField, report: inout PSFPreparationReport) {
        let hasZeroFaces =
            background.measuredBox.shape != field.shape
            && UnrecordedVoxels.standsOnOffset(
                background.border.map { field.values[$0] }
            )
        guard background.unrecordedShare != nil || hasZeroFaces else { return }
        let count = field.values.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
        report.warn(
            .psfZeros,
            "\(subject: name): corners or faces of the PSF are exactly 0 though the rest stands on an offset, as after "
                + "deskewing or rotating; they are taken as not recorded, and tails that reach into them are cut off",
            figures: "\(short(100 * Double(count) / Double(field.values.count))) % of its voxels, beside an offset of "
                + "\(short(background.level))"
        )
    }

    /// Looks at where the center is, once it is known.
    func checkCenter(_ center: [Double], _ shape: VolumeShape, report: inout PSFPreparationReport) {
        let distances = (0..<3).map { center[$0] - Double(shape[$0] / 2) }
        // Of a few voxels a quarter is less than one.
        guard (0..<3).contains(where: { shape[$0] >= 8 && abs(distances[$0]) > Self.farOff * Double(shape[$0]) }) else {
            return
        }
        guard !report.isAnImage else { return }
        report.warn(
            .psfOffCenter,
            "\(subject: name): the PSF lies far off the middle of its box, so that its tails are cut off on one side; "
                + "crop it around the bead",
            figures: "\(distances.map(short).joined(separator: ", ")) voxels (z, y, x) off, of \(shape)"
        )
    }

    /// Looks at widths on the grid of the image.
    /// - Parameters:
    ///   - widths: voxels of the image along z, y and x.
    ///   - ratios: the image's voxel size over the PSF's.
    func checkSampling(_ widths: [Double?], ratios: [Double], report: inout PSFPreparationReport) {
        let coarse = (0..<3).filter { axis in
            ratios[axis] > 1 && widths[axis].map { $0 >= 1 && $0 < Self.leastVoxels } ?? false
        }
        guard !coarse.isEmpty, !report.isAnImage else { return }
        report.warn(
            .psfCoarse,
            "\(subject: name): the PSF is less than two voxels of the image wide, so that the image holds less detail "
                + "than the microscope shows; smaller voxels would hold it",
            figures: "\(coarse.map { "\(short(widths[$0]!)) voxels along \(Self.axes[$0])" }.joined(separator: ", "))"
        )
    }

    /// Looks at widths beside what the optics allow.
    /// - Parameter widths: µm along z, y and x.
    func check(_ widths: [Double?], against limit: DiffractionLimit, report: inout PSFPreparationReport) {
        func axes(where isOdd: (Double) -> Bool) -> Message? {
            let parts = (0..<3).compactMap { axis -> String? in
                guard let width = widths[axis], let least = limit.fullWidths[axis], isOdd(width / least) else {
                    return nil
                }
                return "\(short(width)) µm along \(Self.axes[axis]), where diffraction allows \(short(least))"
            }
            return parts.isEmpty ? nil : "\(parts.joined(separator: "; "))"
        }
        if let figures = axes(where: { $0 < Self.leastWidth }) {
            report.warn(
                .psfTooSharp,
                "\(subject: name): the PSF is narrower than the objective can make it; check \(.psfSpacing), the "
                    + "numerical aperture and the wavelength",
                figures: figures
            )
        }
        if let figures = axes(where: { $0 > Self.mostWidth }) {
            report.warn(
                .psfTooWide,
                "\(subject: name): the PSF is much wider than the objective makes it, as of a large bead, of several, "
                    + "or through a wrong refractive index; check \(.psfSpacing) and the bead",
                figures: figures
            )
        }
    }

    private static let axes = ["z", "y", "x"]

    /// Three digits.
    private func short(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return "\(value)" }
        let scale = pow(10, 2 - log10(abs(value)).rounded(.down))
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(Float(rounded))"
    }
}

extension PSFPreparationReport {
    /// Whether its light lies all over, so that widths and a center say nothing.
    var isAnImage: Bool { warnings.contains { $0.kind == .psfIsImage } }
}
