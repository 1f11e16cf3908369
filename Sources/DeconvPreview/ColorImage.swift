/// A color: red, green and blue from 0 to 255.
package struct PictureColor: Hashable, Sendable {
    /// How much red.
    package let red: UInt8
    /// How much green.
    package let green: UInt8
    /// How much blue.
    package let blue: UInt8

    /// A color from its parts.
    package init(red: UInt8, green: UInt8, blue: UInt8) { (self.red, self.green, self.blue) = (red, green, blue) }

    /// A color as one number, red the highest byte of three: 0xFF0000 is red.
    package init(rgb: UInt32) {
        self.init(
            red: UInt8(truncatingIfNeeded: rgb >> 16),
            green: UInt8(truncatingIfNeeded: rgb >> 8),
            blue: UInt8(truncatingIfNeeded: rgb)
        )
    }

    /// A gray.
    package init(gray: UInt8) { self.init(red: gray, green: gray, blue: gray) }

    /// Colors of channels whose file names none: they add up to others, and those first that all eyes tell apart.
    package static let palette = [0x00FF00, 0xFF00FF, 0x00FFFF, 0xFFFF00, 0xFF0000, 0x0000FF].map {
        PictureColor(rgb: $0)
    }
}

/// A picture of 8 bits each of red, green and blue that can be drawn on; what falls outside it is left out.
package struct ColorImage: Sendable, Equatable {
    private var red: GrayImage
    private var green: GrayImage
    private var blue: GrayImage

    /// A gray picture, to be drawn on in color.
    package init(_ gray: GrayImage) { (red, green, blue) = (gray, gray, gray) }

    /// A picture of one color.
    package init(width: Int, height: Int, color: PictureColor) {
        red = GrayImage(width: width, height: height, shade: color.red)
        green = GrayImage(width: width, height: height, shade: color.green)
        blue = GrayImage(width: width, height: height, shade: color.blue)
    }

    /// Pixels of a row.
    package var width: Int { red.width }
    /// Number of rows.
    package var height: Int { red.height }

    /// The pixel at a position inside the picture.
    package subscript(x: Int, y: Int) -> PictureColor {
        PictureColor(red: red[x, y], green: green[x, y], blue: blue[x, y])
    }

    /// `3 · width · height` values: red, green, blue of one pixel after the other, x fastest.
    package var pixels: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(3 * red.pixels.count)
        for i in red.pixels.indices {
            result.append(red.pixels[i])
            result.append(green.pixels[i])
            result.append(blue.pixels[i])
        }
        return result
    }

    /// Fills a rectangle with one color.
    mutating func fill(_ frame: PixelFrame, color: PictureColor) {
        red.fill(frame, shade: color.red)
        green.fill(frame, shade: color.green)
        blue.fill(frame, shade: color.blue)
    }

    /// Copies pictures of channels into a frame of their size, each in its color; what they add up to beyond 255 is 255.
    mutating func place(_ channels: [(shades: [UInt8], color: PictureColor)], in frame: PixelFrame) {
        func sum(_ part: KeyPath<PictureColor, UInt8>) -> [UInt8] {
            var total = [Int](repeating: 0, count: frame.width * frame.height)
            for channel in channels {
                let weight = Int(channel.color[keyPath: part])
                guard weight > 0 else { continue }
                for i in total.indices { total[i] += Int(channel.shades[i]) * weight }
            }
            return total.map { UInt8(min(255, $0 / 255)) }
        }
        red.place(sum(\.red), in: frame)
        green.place(sum(\.green), in: frame)
        blue.place(sum(\.blue), in: frame)
    }

    /// Writes a line of text, as `GrayImage.write`.
    mutating func write(_ text: String, x: Int, y: Int, scale: Int, color: PictureColor) {
        red.write(text, x: x, y: y, scale: scale, shade: color.red)
        green.write(text, x: x, y: y, scale: scale, shade: color.green)
        blue.write(text, x: x, y: y, scale: scale, shade: color.blue)
    }

    /// Draws a straight line between two pixels, `width` pixels thick.
    mutating func draw(
        from start: (x: Double, y: Double),
        to end: (x: Double, y: Double),
        width: Int,
        color: PictureColor
    ) {
        let steps = max(1, Int(max(abs(end.x - start.x), abs(end.y - start.y)).rounded(.up)))
        for step in 0...steps {
            let share = Double(step) / Double(steps)
            let x = Int((start.x + (end.x - start.x) * share).rounded()) - (width - 1) / 2
            let y = Int((start.y + (end.y - start.y) * share).rounded()) - (width - 1) / 2
            fill(PixelFrame(x: x, y: y, width: width, height: width), color: color)
        }
    }
}
