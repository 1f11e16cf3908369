package import DeconvVolume
import Glibc

/// A picture of one or more volumes for a quick look: maximum projections along all three axes in their physical
/// proportions, captions, and a scale bar.
///
/// The projection along z is the large one; that along x stands to its right and that along y below it, so that a structure
/// is found again straight across or straight down. Images side by side share one scale.
package struct Preview: Sendable {
    /// One volume to show.
    package struct Panel: Sendable {
        /// What stands above it, for example `before`; may be empty.
        package var caption: String
        /// What is shown.
        package var projections: MaximumProjections

        /// A volume with its caption.
        package init(caption: String = "", _ projections: MaximumProjections) {
            self.caption = caption
            self.projections = projections
        }
    }

    /// The volumes, from left to right.
    package let panels: [Panel]
    /// Size of a voxel, or nil where nobody said: the bar then counts voxels, and voxels are shown as cubes.
    package let spacing: VoxelSpacing?
    /// Which values are black and which white; the figures stand beside each caption.
    package let contrast: Contrast
    /// A value v from 0 (black) to 1 (white) is shown as v^gamma: below 1 lifts what is dim.
    package let gamma: Double
    /// The most columns and rows of the picture.
    package let maximumSide: Int

    /// No microscope's voxels are longer along one axis than this many times their size along another.
    private static let mostElongation = 1e4

    /// A preview of at least one volume.
    /// - Parameters:
    ///   - panels: at least one; together they should differ little in size.
    ///   - spacing: of every panel.
    ///   - contrast: percentiles of each image, or one range for all.
    ///   - gamma: 0.05 … 20.
    ///   - maximumSide: 200 … 20000 pixels.
    /// - Throws: `DeconvolutionError` (`invalidArgument`) for a value outside its range.
    package init(
        _ panels: [Panel],
        spacing: VoxelSpacing?,
        contrast: Contrast = .standard,
        gamma: Double = 1,
        maximumSide: Int = 2000
    ) throws(DeconvolutionError) {
        precondition(!panels.isEmpty, "a preview shows at least one volume")
        if let spacing, !spacing.isValid {
            throw DeconvolutionError(
                .invalidArgument,
                "a voxel of \(spacing) cannot be shown; give three positive distances"
            )
        }
        if let spacing {
            let sizes = [spacing.z, spacing.y, spacing.x]
            guard sizes.max()! <= Self.mostElongation * sizes.min()! else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "a voxel of \(spacing) is too long and thin to be shown; check \(.spacing)"
                )
            }
        }
        guard gamma >= 0.05 && gamma <= 20 else {
            throw DeconvolutionError(.invalidArgument, "a gamma of \(gamma) is not within 0.05 and 20")
        }
        guard maximumSide >= 200 && maximumSide <= 20000 else {
            throw DeconvolutionError(
                .invalidArgument,
                "a preview of at most \(maximumSide) pixels is not within 200 and 20000"
            )
        }
        try contrast.validate()
        self.panels = panels
        self.spacing = spacing
        self.contrast = contrast
        self.gamma = gamma
        self.maximumSide = maximumSide
    }

    /// The preview as a PNG file.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] { try draw().png() }

    /// The preview as a picture.
    package func draw() -> GrayImage {
        let layout = layout()
        var picture = GrayImage(width: layout.width, height: layout.height, shade: Shade.paper)
        for (panel, place) in zip(panels, layout.panels) { draw(panel, at: place, layout.textScale, into: &picture) }
        picture.fill(layout.bar, shade: Shade.text)
        picture.write(
            layout.scaleBar.label,
            x: layout.bar.x + layout.bar.width + 4 * layout.textScale,
            y: layout.bar.y + (layout.bar.height - BitmapFont.capitalHeight * layout.textScale) / 2,
            scale: layout.textScale,
            shade: Shade.text
        )
        return picture
    }

    private func draw(_ panel: Panel, at place: Layout.Panel, _ textScale: Int, into picture: inout GrayImage) {
        let shape = panel.projections.shape
        let limits = contrast.limits(of: panel.projections.alongZ)
        func show(
            _ values: [Float],
            width: (count: Int, axis: Int),
            height: (count: Int, axis: Int),
            in frame: PixelFrame
        ) {
            let across = AxisResampling(from: width.count, to: frame.width, isSmooth: isSmooth(width.axis))
            let down = AxisResampling(from: height.count, to: frame.height, isSmooth: isSmooth(height.axis))
            // Planes that never came are black.
            let complete = values.map { $0.isFinite ? $0 : limits.black }
            picture.place(shades(down.columns(across.rows(complete), width: frame.width), limits), in: frame)
        }
        show(panel.projections.alongZ, width: (shape.x, 2), height: (shape.y, 1), in: place.alongZ)
        if let frame = place.alongY {
            show(panel.projections.alongY, width: (shape.x, 2), height: (shape.z, 0), in: frame)
        }
        if let frame = place.alongX {
            show(panel.projections.alongX, width: (shape.z, 0), height: (shape.y, 1), in: frame)
        }
        let line = place.caption
        let font = BitmapFont.standard
        let caption = font.fitted(panel.caption, width: line.width / textScale)
        picture.write(caption, x: line.x, y: line.y, scale: textScale, shade: Shade.text)
        // What is a thousandth of white looks like 0, and so it reads.
        let black = abs(limits.black) < 1e-3 * abs(limits.white) ? 0 : limits.black
        let range = "\(Self.short(black))\u{2013}\(Self.short(limits.white))"
        let rangeLeft = line.x + line.width - font.width(of: range) * textScale
        if rangeLeft >= line.x + (font.width(of: caption) + 8) * textScale {
            picture.write(range, x: rangeLeft, y: line.y, scale: textScale, shade: Shade.note)
        }
    }

    /// Where voxels are longer along one axis, steps between them would look like structure; along the finest axis a voxel
    /// stays what it is.
    private func isSmooth(_ axis: Int) -> Bool {
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        return size[axis] > 1.01 * min(size.y, size.x)
    }

    private func shades(_ values: [Float], _ limits: (black: Float, white: Float)) -> [UInt8] {
        let scale = 1 / (Double(limits.white) - Double(limits.black))
        // A table makes a power cheap: 4096 steps are finer than 256 shades need for any sensible gamma.
        let table = (0...4095).map { UInt8((255 * pow(Double($0) / 4095, gamma)).rounded()) }
        return values.map { value in
            let level = (Double(value) - Double(limits.black)) * scale
            return table[Int((min(max(level, 0), 1) * 4095).rounded())]
        }
    }

    /// A value in few characters: whole from 100 on, three digits below.
    private static func short(_ value: Float) -> String {
        let magnitude = abs(value)
        if magnitude >= 1e7 || (magnitude < 1e-3 && magnitude > 0) {
            let exponent = log10(Double(magnitude)).rounded(.down)
            return "\(short(Float(Double(value) / pow(10, exponent))))e\(Int(exponent))"
        }
        if magnitude >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
        let digits = pow(10, 2 - (magnitude > 0 ? log10(Double(magnitude)).rounded(.down) : 0))
        return "\(Float((Double(value) * digits).rounded() / digits))"
    }

    private enum Shade {
        /// Dark, but not the black of an empty voxel: the views keep their edges.
        static let paper: UInt8 = 30
        static let text: UInt8 = 240
        static let note: UInt8 = 150
    }
}
