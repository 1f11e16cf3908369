package import DeconvVolume

/// Fourier shell correlations over their frequencies, with the threshold and where each axis falls below it: a panel a channel.
package struct ResolutionPlot: Sendable {
    /// The correlations along one axis.
    package struct Curve: Sendable {
        /// `z`, `y` or `x`.
        package var axis: String
        /// Cycles per unit, ascending.
        package var frequencies: [Double]
        /// Of the results; nil where nothing is known.
        package var results: [Double?]
        /// Of the images that they were made from.
        package var images: [Double?]
        /// What stands beside the name of the axis, such as `0.41 µm`.
        package var label: String
        /// Where the axis ends to be resolved, cycles per unit; nil where there is no such place.
        package var end: Double?

        /// A curve from its parts.
        package init(
            axis: String,
            frequencies: [Double],
            results: [Double?],
            images: [Double?],
            label: String,
            end: Double?
        ) {
            self.axis = axis
            self.frequencies = frequencies
            self.results = results
            self.images = images
            self.label = label
            self.end = end
        }
    }

    /// What stands above it.
    package var title: String
    /// What frequencies are counted in, such as `cycles/µm`.
    package var unit: String
    /// The correlation that counts as the end.
    package var threshold: Double
    /// What each panel is called, and its curves.
    package var panels: [(name: String, curves: [Curve])]

    /// A plot from its parts.
    package init(title: String, unit: String, threshold: Double, panels: [(name: String, curves: [Curve])]) {
        self.title = title
        self.unit = unit
        self.threshold = threshold
        self.panels = panels
    }

    /// The plot as a PNG file.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] { try draw().png() }

    private static let (width, height) = (640, 300)
    private static let (left, gap) = (72, 24)
    private static let line = BitmapFont.height * 2 + 6
    /// Correlations at the lower and the upper edge of a panel.
    private static let (lowest, highest) = (-0.1, 1.05)

    /// The plot as a picture.
    package func draw() -> ColorImage {
        let (gap, line) = (Self.gap, Self.line)
        let panelHeight = line + Self.height + 2 * line + gap
        var page = ColorImage(
            width: Self.left + Self.width + 2 * gap,
            height: gap + line + panels.count * panelHeight + line,
            color: Ink.paper
        )
        let font = BitmapFont.standard
        page.write(
            font.fitted(title, width: (Self.width + Self.left) / 2),
            x: gap,
            y: gap,
            scale: 2,
            color: Ink.text
        )
        for (number, panel) in panels.enumerated() {
            let top = gap + line + number * panelHeight + line
            page.write(panel.name, x: Self.left, y: top - line, scale: 2, color: Ink.note)
            draw(
                panel.curves,
                in: PixelFrame(x: Self.left, y: top, width: Self.width, height: Self.height),
                into: &page
            )
        }
        let y = page.height - line - gap / 4
        var x = Self.left
        for (text, weight) in [("results of halves", 3), ("halves of the image", 1)] {
            page.fill(PixelFrame(x: x, y: y + 7 - weight / 2, width: 36, height: weight), color: Ink.text)
            page.write(text, x: x + 46, y: y, scale: 2, color: Ink.note)
            x += 46 + font.width(of: text) * 2 + 2 * gap
        }
        return page
    }

    private func draw(_ curves: [Curve], in frame: PixelFrame, into page: inout ColorImage) {
        let font = BitmapFont.standard
        let reach = curves.compactMap { $0.frequencies.last }.max() ?? 1
        func place(_ frequency: Double, _ value: Double) -> (x: Double, y: Double) {
            (
                Double(frame.x) + frequency / reach * Double(frame.width - 1),
                Double(frame.y) + (Self.highest - value) / (Self.highest - Self.lowest) * Double(frame.height - 1)
            )
        }
        for value in [0.0, 0.5, 1] {
            let y = Int(place(0, value).y)
            page.fill(PixelFrame(x: frame.x, y: y, width: frame.width, height: 1), color: Ink.grid)
            let text = ValueText.short(value)
            page.write(text, x: frame.x - 8 - 2 * font.width(of: text), y: y - 7, scale: 2, color: Ink.note)
        }
        let limit = Int(place(0, threshold).y)
        for x in stride(from: frame.x, to: frame.x + frame.width, by: 12) {
            page.fill(PixelFrame(x: x, y: limit, width: 7, height: 1), color: Ink.mark)
        }
        page.write("1/7", x: frame.x - 8 - 2 * font.width(of: "1/7"), y: limit - 7, scale: 2, color: Ink.mark)
        let step = ScaleBar(width: frame.width, unitsPerPixel: reach / Double(frame.width), isMicrometres: false).length
        for number in 0...20 where Double(number) * step <= reach * 1.0001 {
            let x = Int(place(Double(number) * step, 0).x)
            page.fill(PixelFrame(x: x, y: frame.y + frame.height - 8, width: 1, height: 8), color: Ink.note)
            let text = ValueText.short(Double(number) * step)
            page.write(text, x: x - font.width(of: text), y: frame.y + frame.height + 6, scale: 2, color: Ink.note)
        }
        page.write(
            unit,
            x: frame.x + frame.width - 2 * font.width(of: unit),
            y: frame.y + frame.height + 6 + Self.line,
            scale: 2,
            color: Ink.note
        )
        for edge in [frame.x - 1, frame.x + frame.width] {
            page.fill(PixelFrame(x: edge, y: frame.y, width: 1, height: frame.height), color: Ink.grid)
        }
        var y = frame.y + 8
        for (number, curve) in curves.enumerated() {
            let color = Ink.axes[(3 - curves.count + number) % 3]
            for (values, width) in [(curve.images, 1), (curve.results, 3)] {
                let points = zip(curve.frequencies, values).compactMap { frequency, value in
                    value.map { place(frequency, max($0, Self.lowest)) }
                }
                for (start, end) in zip(points, points.dropFirst()) {
                    page.draw(from: start, to: end, width: width, color: color)
                }
            }
            if let end = curve.end {
                let x = Int(place(min(end, reach), 0).x)
                page.fill(PixelFrame(x: x - 1, y: limit - 12, width: 3, height: 25), color: color)
            }
            let text = "\(curve.axis): \(curve.label)"
            page.write(
                text,
                x: frame.x + frame.width - 8 - 2 * font.width(of: text),
                y: y,
                scale: 2,
                color: color
            )
            y += Self.line
        }
    }

    private enum Ink {
        static let paper = PictureColor(gray: 30)
        static let text = PictureColor(gray: 240)
        static let note = PictureColor(gray: 160)
        static let grid = PictureColor(gray: 70)
        static let mark = PictureColor(rgb: 0xF0E442)
        /// Along z, y and x: colors that all eyes tell apart (Okabe and Ito 2008), lightened for a dark ground.
        static let axes = [0x56B4E9, 0xE69F00, 0x40D0A0].map { PictureColor(rgb: $0) }
    }
}
