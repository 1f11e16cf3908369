import Glibc

/// An 8-bit gray picture that can be drawn on; what falls outside it is left out.
package struct GrayImage: Sendable, Equatable {
    /// Pixels of a row.
    package let width: Int
    /// Number of rows.
    package let height: Int
    /// `width · height` values, x fastest, 0 black.
    package private(set) var pixels: [UInt8]

    /// A picture of one shade.
    package init(width: Int, height: Int, shade: UInt8 = 0) {
        precondition(width > 0 && height > 0, "a picture of \(width)x\(height) pixels has none")
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: shade, count: width * height)
    }

    /// The pixel at a position inside the picture.
    package subscript(x: Int, y: Int) -> UInt8 { pixels[y * width + x] }

    /// Fills a rectangle with one shade.
    mutating func fill(_ frame: PixelFrame, shade: UInt8) {
        let columns = (frame.x..<frame.x + frame.width).clamped(to: 0..<width)
        for y in (frame.y..<frame.y + frame.height).clamped(to: 0..<height) {
            for x in columns { pixels[y * width + x] = shade }
        }
    }

    /// Copies a picture into a frame of the same size.
    mutating func place(_ shades: [UInt8], in frame: PixelFrame) {
        precondition(shades.count == frame.width * frame.height, "the picture and its frame differ in size")
        for row in 0..<frame.height where (0..<height).contains(frame.y + row) {
            for column in 0..<frame.width where (0..<width).contains(frame.x + column) {
                pixels[(frame.y + row) * width + frame.x + column] = shades[row * frame.width + column]
            }
        }
    }

    /// Copies another picture to where its upper left corner is given.
    mutating func place(_ picture: GrayImage, x: Int, y: Int) {
        place(picture.pixels, in: PixelFrame(x: x, y: y, width: picture.width, height: picture.height))
    }

    /// Draws a circle of one pixel's width.
    /// - Parameters:
    ///   - centerX: its center, pixels.
    ///   - centerY: the same down the picture.
    ///   - radius: pixels, above 0.
    mutating func circle(centerX: Double, centerY: Double, radius: Double, shade: UInt8) {
        // Steps of less than a pixel leave no gaps.
        let steps = max(8, Int(8 * radius))
        for step in 0..<steps {
            let angle = 2 * Double.pi * Double(step) / Double(steps)
            let (x, y) = (centerX + radius * cos(angle), centerY + radius * sin(angle))
            fill(PixelFrame(x: Int(x.rounded()), y: Int(y.rounded()), width: 1, height: 1), shade: shade)
        }
    }

    /// Writes a line of text.
    /// - Parameters:
    ///   - x: left edge of the first character.
    ///   - y: top of the capitals.
    ///   - scale: pixels of a dot of the font. At 2 the stairs of slanted strokes are smoothed.
    mutating func write(_ text: String, x: Int, y: Int, scale: Int, shade: UInt8, font: BitmapFont = .standard) {
        var left = x
        for character in text {
            let glyph = font.glyph(character)
            for row in 0..<BitmapFont.height * scale {
                for column in 0..<glyph.width * scale where glyph.isInk(x: column, y: row, scale: scale) {
                    fill(PixelFrame(x: left + column, y: y + row, width: 1, height: 1), shade: shade)
                }
            }
            left += (glyph.width + 1) * scale
        }
    }
}

/// A rectangle of a picture, pixels, counted from the upper left corner.
package struct PixelFrame: Hashable, Sendable {
    /// Left edge.
    package var x: Int
    /// Upper edge.
    package var y: Int
    /// Columns.
    package var width: Int
    /// Rows.
    package var height: Int
}

extension BitmapFont.Glyph {
    /// Whether a pixel of the enlarged glyph has ink.
    ///
    /// At twice the size a quarter of a dot takes the shade of its two neighbors at a corner where those agree and the
    /// opposite ones do not: Scale2x (Mazzoleni 2001).
    fileprivate func isInk(x: Int, y: Int, scale: Int) -> Bool {
        let column = x / scale
        let row = y / scale
        let center = isInk(x: column, y: row)
        guard scale == 2 else { return center }
        let acrossStep = x % 2 == 0 ? -1 : 1
        let downStep = y % 2 == 0 ? -1 : 1
        let beside = isInk(x: column + acrossStep, y: row)
        let above = isInk(x: column, y: row + downStep)
        let otherSide = isInk(x: column - acrossStep, y: row)
        let below = isInk(x: column, y: row - downStep)
        return beside == above && beside != below && above != otherSide ? beside : center
    }
}
