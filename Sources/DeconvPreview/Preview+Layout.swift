import DeconvVolume

extension Preview {
    /// Where everything is in the picture, in pixels.
    package struct Layout: Sendable, Equatable {
        /// Places of one volume.
        package struct Panel: Sendable, Equatable {
            /// The line of the caption; its top is that of the capitals.
            package var caption: PixelFrame
            /// The view from above: x to the right, y down.
            package var alongZ: PixelFrame
            /// The view from the front: x to the right, z down; nil for a volume of one plane.
            package var alongY: PixelFrame?
            /// The view from the side: z to the right, y down; nil for a volume of one plane.
            package var alongX: PixelFrame?

            /// Columns from the left of the first to the right of the last view.
            var width: Int { (alongX.map { $0.x + $0.width } ?? alongZ.x + alongZ.width) - alongZ.x }
            /// Rows from the top of the first to the bottom of the last view.
            var height: Int { (alongY.map { $0.y + $0.height } ?? alongZ.y + alongZ.height) - alongZ.y }
        }

        /// Columns of the picture.
        package var width: Int
        /// Rows of the picture.
        package var height: Int
        /// One for each volume.
        package var panels: [Panel]
        /// The bar and its label.
        package var scaleBar: ScaleBar
        /// Where the bar is.
        package var bar: PixelFrame
        /// Micrometres of a pixel, or voxels where the spacing is unknown.
        package var unitsPerPixel: Double
        /// Pixels of a dot of the font.
        package var textScale: Int

        /// The top of capitals in the line of the scale bar.
        var footerTop: Int { bar.y + (bar.height - BitmapFont.capitalHeight * textScale) / 2 }
        /// Where something else may follow the label of the bar.
        var footerEnd: Int {
            bar.x + bar.width + (12 + BitmapFont.standard.width(of: scaleBar.label)) * textScale
        }
    }

    /// Picks the scale, and places everything.
    ///
    /// A pixel is the finest voxel distance in the plane where that fits, a whole fraction of it for small images, and more
    /// for large ones.
    package func layout() -> Layout {
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let finest = min(size.y, size.x)
        let natural = layout(unitsPerPixel: finest)
        let naturalSide = max(natural.width, natural.height)
        if naturalSide <= maximumSide {
            // Small images grow in whole steps until they fill half a screen.
            var best = natural
            for step in stride(from: 2, through: 16, by: 1) {
                let larger = layout(unitsPerPixel: finest / Double(step))
                if max(larger.width, larger.height) > min(maximumSide, Self.comfortableSide) { break }
                best = larger
            }
            return best
        }
        // What is not image does not shrink, so the scale is found by halving the interval.
        var low = 1.0
        var high = 2.0
        while exceeds(layout(unitsPerPixel: finest * high)) && high < 1e9 {
            low = high
            high *= 2
        }
        for _ in 0..<30 {
            let middle = (low + high) / 2
            if exceeds(layout(unitsPerPixel: finest * middle)) { low = middle } else { high = middle }
        }
        return layout(unitsPerPixel: finest * high)
    }

    private func exceeds(_ layout: Layout) -> Bool { max(layout.width, layout.height) > maximumSide }

    /// Small images are enlarged up to this many pixels.
    private static let comfortableSide = 900

    private func layout(unitsPerPixel: Double) -> Layout {
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        func pixels(_ axis: Int, of shape: VolumeShape) -> Int {
            // Far above any limit, and far below where sums overflow.
            max(1, Int(min(Double(shape[axis]) * size[axis] / unitsPerPixel, 1e12).rounded()))
        }
        let contentWidth = panels.map { panel in
            let shape = panel.shape
            return pixels(2, of: shape) + (shape.z > 1 ? pixels(0, of: shape) : 0)
        }.reduce(0, +)
        let textScale = contentWidth < 360 ? 1 : 2
        let margin = 6 * textScale
        let gap = 2 * textScale
        let captionHeight = BitmapFont.height * textScale + 2 * gap

        var left = margin
        var placed: [Layout.Panel] = []
        for panel in panels {
            let shape = panel.shape
            let view = PixelFrame(
                x: left,
                y: margin + captionHeight,
                width: pixels(2, of: shape),
                height: pixels(1, of: shape)
            )
            let caption = PixelFrame(x: left, y: margin, width: 0, height: BitmapFont.height * textScale)
            var place = Layout.Panel(caption: caption, alongZ: view)
            if shape.z > 1 {
                let depth = pixels(0, of: shape)
                place.alongX = PixelFrame(x: view.x + view.width + gap, y: view.y, width: depth, height: view.height)
                place.alongY = PixelFrame(x: view.x, y: view.y + view.height + gap, width: view.width, height: depth)
            }
            place.caption.width = place.width
            placed.append(place)
            left += place.width + 2 * margin
        }
        let views = (width: left - margin, height: placed.map(\.height).max() ?? 0)
        let scaleBar = ScaleBar(
            width: placed.map(\.alongZ.width).min() ?? 1,
            unitsPerPixel: unitsPerPixel,
            isMicrometres: spacing != nil
        )
        let footer = margin + captionHeight + views.height + gap * 2
        let barHeight = 3 * textScale
        let bar = PixelFrame(
            x: margin,
            y: footer + (BitmapFont.height * textScale - barHeight) / 2,
            width: scaleBar.pixelCount,
            height: barHeight
        )
        let labelWidth = BitmapFont.standard.width(of: scaleBar.label) * textScale
        return Layout(
            width: max(views.width, bar.x + bar.width + 4 * textScale + labelWidth + margin),
            height: footer + BitmapFont.height * textScale + margin,
            panels: placed,
            scaleBar: scaleBar,
            bar: bar,
            unitsPerPixel: unitsPerPixel,
            textScale: textScale
        )
    }
}
