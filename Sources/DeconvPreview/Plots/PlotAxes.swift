/// Where values lie in a panel of a plot, and what stands beside it.
struct PlotAxes {
    /// The panel, pixels.
    let frame: PixelFrame
    /// What lies at the right edge; at the left one lies 0.
    let reach: Double
    /// What lies at the lower and at the upper edge.
    let (lowest, highest): (Double, Double)

    /// Where a point lies, pixels.
    func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
        (
            Double(frame.x) + x / reach * Double(frame.width - 1),
            Double(frame.y) + (highest - y) / (highest - lowest) * Double(frame.height - 1)
        )
    }

    /// Draws grid, numbers and what they count.
    /// - Parameters:
    ///   - heights: lines of the grid with what stands beside them.
    ///   - unit: of what is along x.
    ///   - leastStep: from one number along x to the next at least.
    func draw(
        _ heights: [(value: Double, text: String)],
        unit: String,
        leastStep: Double = 0,
        into page: inout ColorImage
    ) {
        let font = BitmapFont.standard
        for (value, text) in heights {
            let y = Int(place(0, value).y)
            page.fill(PixelFrame(x: frame.x, y: y, width: frame.width, height: 1), color: PlotInk.grid)
            page.write(text, x: frame.x - 8 - 2 * font.width(of: text), y: y - 7, scale: 2, color: PlotInk.note)
        }
        let bar = ScaleBar(width: frame.width, unitsPerPixel: reach / Double(frame.width), isMicrometres: false)
        let step = max(bar.length, leastStep)
        for number in 0...20 where Double(number) * step <= reach * 1.0001 {
            let x = Int(place(Double(number) * step, 0).x)
            page.fill(PixelFrame(x: x, y: frame.y + frame.height - 8, width: 1, height: 8), color: PlotInk.note)
            let text = ValueText.short(Double(number) * step)
            page.write(text, x: x - font.width(of: text), y: frame.y + frame.height + 6, scale: 2, color: PlotInk.note)
        }
        page.write(
            unit,
            x: frame.x + frame.width - 2 * font.width(of: unit),
            y: frame.y + frame.height + 6 + PlotPage.line,
            scale: 2,
            color: PlotInk.note
        )
        for edge in [frame.x - 1, frame.x + frame.width] {
            page.fill(PixelFrame(x: edge, y: frame.y, width: 1, height: frame.height), color: PlotInk.grid)
        }
    }

    /// Draws a broken line across, with what stands beside it.
    func drawThreshold(_ value: Double, _ text: String, into page: inout ColorImage) {
        let y = Int(place(0, value).y)
        for x in stride(from: frame.x, to: frame.x + frame.width, by: 12) {
            page.fill(PixelFrame(x: x, y: y, width: 7, height: 1), color: PlotInk.mark)
        }
        page.write(
            text,
            x: frame.x - 8 - 2 * BitmapFont.standard.width(of: text),
            y: y - 7,
            scale: 2,
            color: PlotInk.mark
        )
    }

    /// Draws lines from point to point.
    func drawCurve(_ points: [(x: Double, y: Double)], width: Int, color: PictureColor, into page: inout ColorImage) {
        for (start, end) in zip(points, points.dropFirst()) {
            page.draw(from: start, to: end, width: width, color: color)
        }
    }

    /// Writes what curves are, one below the other.
    /// - Parameters:
    ///   - column: where the lines end, pixels; nil for the right edge.
    ///   - fromBelow: whether they end at the lower edge, not begin at the upper one.
    func drawKey(
        _ entries: [(text: String, color: PictureColor)],
        leftOf column: Int? = nil,
        fromBelow: Bool = false,
        into page: inout ColorImage
    ) {
        let end = (column ?? frame.x + frame.width) - 8
        var y = fromBelow ? frame.y + frame.height - 12 - entries.count * PlotPage.line : frame.y + 8
        for (text, color) in entries {
            page.write(text, x: end - 2 * BitmapFont.standard.width(of: text), y: y, scale: 2, color: color)
            y += PlotPage.line
        }
    }
}
