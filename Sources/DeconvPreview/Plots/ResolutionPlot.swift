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

    /// The plot as a picture.
    package func draw() -> ColorImage {
        var page = PlotPage(title: title, panelCount: panels.count, headingLines: 1, hasFooter: true)
        for (number, panel) in panels.enumerated() {
            page.add(number, heading: [(panel.name, PlotInk.note)]) { frame, picture in
                draw(panel.curves, in: frame, into: &picture)
            }
        }
        page.addFooter([("results of halves", 3), ("halves of the image", 1)])
        return page.picture
    }

    private func draw(_ curves: [Curve], in frame: PixelFrame, into page: inout ColorImage) {
        let reach = curves.compactMap { $0.frequencies.last }.max() ?? 1
        let axes = PlotAxes(frame: frame, reach: reach, lowest: -0.1, highest: 1.05)
        axes.draw([0, 0.5, 1].map { ($0, ValueText.short($0)) }, unit: unit, into: &page)
        axes.drawThreshold(threshold, "1/7", into: &page)
        var key: [(text: String, color: PictureColor)] = []
        for (number, curve) in curves.enumerated() {
            let color = PlotInk.curves[(3 - curves.count + number) % 3]
            for (values, width) in [(curve.images, 1), (curve.results, 3)] {
                let points = zip(curve.frequencies, values).compactMap { frequency, value in
                    value.map { axes.place(frequency, max($0, axes.lowest)) }
                }
                axes.drawCurve(points, width: width, color: color, into: &page)
            }
            if let end = curve.end {
                let (x, y) = axes.place(min(end, reach), threshold)
                page.fill(PixelFrame(x: Int(x) - 1, y: Int(y) - 12, width: 3, height: 25), color: color)
            }
            key.append(("\(curve.axis): \(curve.label)", color))
        }
        axes.drawKey(key, into: &page)
    }
}
