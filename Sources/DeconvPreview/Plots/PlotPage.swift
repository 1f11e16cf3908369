/// A picture of panels one below the other, with a title above all of them and lines of text above each.
struct PlotPage {
    /// What has been drawn.
    private(set) var picture: ColorImage

    /// Size of a panel, pixels.
    static let (width, height) = (640, 300)
    /// From one line of text to the next, pixels.
    static let line = BitmapFont.height * 2 + 6
    private static let (left, gap) = (72, 24)

    private let headingLines: Int

    /// An empty page.
    /// - Parameters:
    ///   - title: what stands above all.
    ///   - panelCount: panels.
    ///   - headingLines: lines of text above each.
    ///   - hasFooter: whether there is a line below all.
    init(title: String, panelCount: Int, headingLines: Int, hasFooter: Bool) {
        let (gap, line) = (Self.gap, Self.line)
        self.headingLines = headingLines
        picture = ColorImage(
            width: Self.left + Self.width + 2 * gap,
            height: gap + line + panelCount * Self.pitch(headingLines) + (hasFooter ? line : 0),
            color: PlotInk.paper
        )
        picture.write(
            BitmapFont.standard.fitted(title, width: (Self.width + Self.left) / 2),
            x: gap,
            y: gap,
            scale: 2,
            color: PlotInk.text
        )
    }

    /// From one panel to the next, pixels.
    private static func pitch(_ headingLines: Int) -> Int { headingLines * line + height + 2 * line + gap }

    /// Draws a panel with its text.
    /// - Parameters:
    ///   - number: which one, from 0 at the top.
    ///   - heading: as many lines as the page has room for.
    ///   - panel: draws into the frame.
    mutating func add(
        _ number: Int,
        heading: [(text: String, color: PictureColor)],
        _ panel: (PixelFrame, inout ColorImage) -> Void
    ) {
        let top = Self.gap + Self.line + number * Self.pitch(headingLines)
        for (row, line) in heading.enumerated() {
            picture.write(
                BitmapFont.standard.fitted(line.text, width: (Self.width + Self.left) / 2),
                x: Self.gap,
                y: top + row * Self.line,
                scale: 2,
                color: line.color
            )
        }
        let y = top + headingLines * Self.line
        panel(PixelFrame(x: Self.left, y: y, width: Self.width, height: Self.height), &picture)
    }

    /// Draws a line below all that says what lines of a thickness are.
    mutating func addFooter(_ entries: [(text: String, thickness: Int)]) {
        let y = picture.height - Self.line - Self.gap / 4
        var x = Self.left
        for (text, thickness) in entries {
            picture.fill(PixelFrame(x: x, y: y + 7 - thickness / 2, width: 36, height: thickness), color: PlotInk.text)
            picture.write(text, x: x + 46, y: y, scale: 2, color: PlotInk.note)
            x += 46 + BitmapFont.standard.width(of: text) * 2 + 2 * Self.gap
        }
    }
}
