package import DeconvVolume

/// A picture of one or more volumes for a quick look: maximum projections along all three axes in their physical
/// proportions, captions, and a scale bar.
///
/// The projection along z is the large one; that along x stands to its right and that along y below it, so that a structure
/// is found again straight across or straight down. Images side by side share one scale.
package struct Preview: Sendable {
    /// One volume to show, in one channel or several.
    package struct Panel: Sendable {
        /// What stands above it, for example `before`; may be empty.
        package var caption: String
        /// What is shown, one for each channel, all of one shape.
        package var channels: [VolumeViews]

        /// A volume with its caption.
        package init(caption: String = "", channels: [VolumeViews]) {
            precondition(!channels.isEmpty, "a volume has at least one channel")
            self.caption = caption
            self.channels = channels
        }

        /// A volume of one channel by its projections.
        package init(caption: String = "", _ projections: MaximumProjections) {
            self.init(caption: caption, channels: [VolumeViews(projections)])
        }

        /// Voxels per axis.
        var shape: VolumeShape { channels[0].shape }
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
    /// Whether from black to white it is as many counts in all volumes, each counted from its own background.
    package var isCommonScale = false
    /// A name and a color for each channel; empty for a gray picture of the first.
    package var legend: [(name: String, color: PictureColor)] = []
    /// Where the sections are, which the picture marks; nil for projections.
    package var point: VolumeIndex?

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
            let sizes = spacing.axes
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

    /// The preview as a PNG file, gray or in color.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] {
        legend.isEmpty ? try draw().png() : try drawInColor().png()
    }

    /// The preview of the first channel as a gray picture.
    package func draw() -> GrayImage {
        let layout = layout()
        var picture = GrayImage(width: layout.width, height: layout.height, shade: Shade.paper)
        let limits = limits(ofChannel: 0)
        for (number, place) in layout.panels.enumerated() {
            for (frame, values) in views(of: panels[number].channels[0], at: place) {
                picture.place(shading.shades(values, limits[number]), in: frame)
            }
            let captionEnd = writeCaption(of: panels[number], at: place, layout.textScale, into: &picture)
            if legend.isEmpty {
                write(limits[number], behind: captionEnd, at: place.caption, layout.textScale, into: &picture)
            }
            mark(place, panels[number].shape, layout, into: &picture)
        }
        writeFooter(layout, into: &picture)
        return picture
    }

    /// The preview with each channel in its color.
    package func drawInColor() -> ColorImage {
        let layout = layout()
        var picture = ColorImage(draw())
        let limits = legend.indices.map { self.limits(ofChannel: $0) }
        for (number, place) in layout.panels.enumerated() {
            let channels = zip(panels[number].channels, legend).map { (views(of: $0, at: place), $1.color) }
            for (index, view) in channels[0].0.enumerated() {
                let layers = channels.enumerated().map { channel, drawn in
                    (shading.shades(drawn.0[index].values, limits[channel][number]), drawn.1)
                }
                picture.place(layers, in: view.frame)
            }
        }
        let font = BitmapFont.standard
        var right = layout.width - layout.bar.x
        for (name, color) in legend.reversed() {
            right -= font.width(of: name) * layout.textScale
            guard right > layout.footerEnd else { break }
            picture.write(name, x: right, y: layout.footerTop, scale: layout.textScale, color: color)
            right -= 8 * layout.textScale
        }
        return picture
    }

    private var shading: Shading { Shading(gamma: gamma) }

    /// What is black and white in each panel.
    private func limits(ofChannel channel: Int) -> [(black: Float, white: Float)] {
        contrast.limits(
            of: panels.map { $0.channels[min(channel, $0.channels.count - 1)].alongZ },
            isCommon: isCommonScale
        )
    }

    /// The three views of a channel as pixels of their frames.
    private func views(of views: VolumeViews, at place: Layout.Panel) -> [(frame: PixelFrame, values: [Float])] {
        let shape = views.shape
        func fitted(
            _ values: [Float],
            width: (count: Int, axis: Int),
            height: (count: Int, axis: Int),
            in frame: PixelFrame
        ) -> (PixelFrame, [Float]) {
            let across = AxisResampling(from: width.count, to: frame.width, isSmooth: isSmooth(width.axis))
            let down = AxisResampling(from: height.count, to: frame.height, isSmooth: isSmooth(height.axis))
            return (frame, down.columns(across.rows(values), width: frame.width))
        }
        var all = [fitted(views.alongZ, width: (shape.x, 2), height: (shape.y, 1), in: place.alongZ)]
        if let frame = place.alongY {
            all.append(fitted(views.alongY, width: (shape.x, 2), height: (shape.z, 0), in: frame))
        }
        if let frame = place.alongX {
            all.append(fitted(views.alongX, width: (shape.z, 0), height: (shape.y, 1), in: frame))
        }
        return all
    }

    /// - Returns: the column behind the caption.
    private func writeCaption(
        of panel: Panel,
        at place: Layout.Panel,
        _ textScale: Int,
        into picture: inout GrayImage
    ) -> Int {
        let line = place.caption
        let font = BitmapFont.standard
        let caption = font.fitted(panel.caption, width: line.width / textScale)
        picture.write(caption, x: line.x, y: line.y, scale: textScale, shade: Shade.text)
        return line.x + font.width(of: caption) * textScale
    }

    private func write(
        _ limits: (black: Float, white: Float),
        behind left: Int,
        at line: PixelFrame,
        _ textScale: Int,
        into picture: inout GrayImage
    ) {
        // What is a thousandth of white looks like 0, and so it reads.
        let black = abs(limits.black) < 1e-3 * abs(limits.white) ? 0 : limits.black
        let range = "\(ValueText.short(Double(black)))\u{2013}\(ValueText.short(Double(limits.white)))"
        let rangeLeft = line.x + line.width - BitmapFont.standard.width(of: range) * textScale
        if rangeLeft >= left + 8 * textScale {
            picture.write(range, x: rangeLeft, y: line.y, scale: textScale, shade: Shade.note)
        }
    }

    /// Ticks at the edges of the views where the other sections are.
    private func mark(_ place: Layout.Panel, _ shape: VolumeShape, _ layout: Layout, into picture: inout GrayImage) {
        guard let point else { return }
        let length = 2 * layout.textScale
        func offset(_ axis: Int, _ side: Int) -> Int {
            Int((Double(point[axis]) + 0.5) / Double(shape[axis]) * Double(side)) - layout.textScale / 2
        }
        func tick(above frame: PixelFrame, _ axis: Int) {
            let x = frame.x + offset(axis, frame.width)
            let tick = PixelFrame(x: x, y: frame.y - length, width: layout.textScale, height: length)
            picture.fill(tick, shade: Shade.text)
        }
        func tick(leftOf frame: PixelFrame, _ axis: Int) {
            let y = frame.y + offset(axis, frame.height)
            let tick = PixelFrame(x: frame.x - length, y: y, width: length, height: layout.textScale)
            picture.fill(tick, shade: Shade.text)
        }
        tick(above: place.alongZ, 2)
        tick(leftOf: place.alongZ, 1)
        if let side = place.alongX { tick(above: side, 0) }
        if let front = place.alongY { tick(leftOf: front, 0) }
    }

    private func writeFooter(_ layout: Layout, into picture: inout GrayImage) {
        picture.fill(layout.bar, shade: Shade.text)
        let left = layout.bar.x + layout.bar.width + 4 * layout.textScale
        picture.write(
            layout.scaleBar.label,
            x: left,
            y: layout.footerTop,
            scale: layout.textScale,
            shade: Shade.text
        )
        guard let point, legend.isEmpty else { return }
        let font = BitmapFont.standard
        let text = "sections at z, y, x: \(point.z), \(point.y), \(point.x)"
        let x = layout.width - layout.bar.x - font.width(of: text) * layout.textScale
        if x > layout.footerEnd {
            picture.write(text, x: x, y: layout.footerTop, scale: layout.textScale, shade: Shade.note)
        }
    }

    /// Where voxels are longer along one axis, steps between them would look like structure; along the finest axis a voxel
    /// stays what it is.
    private func isSmooth(_ axis: Int) -> Bool {
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        return size[axis] > 1.01 * min(size.y, size.x)
    }

    private enum Shade {
        /// Dark, but not the black of an empty voxel: the views keep their edges.
        static let paper: UInt8 = 30
        static let text: UInt8 = 240
        static let note: UInt8 = 150
    }
}
