package import DeconvVolume
import Glibc

/// What a search for the number of iterations saw after each of them, with what it chose: a panel a channel.
package struct StopPlot: Sendable {
    /// What was measured after each iteration.
    package enum Measure: Hashable, Sendable {
        /// The log-likelihood of photons that were held out, nats: the more the better.
        case likelihood
        /// What ends the search where it falls below a threshold; nil for what ends otherwise.
        case falling(name: String, threshold: Double?)
    }

    /// What was seen with one weight of total variation.
    package struct Curve: Sendable {
        /// What it is called, such as `TV 0.15`.
        package var name: String
        /// Of each iteration, the first being that of iteration 1.
        package var values: [Double]
        /// Whether the weight was chosen.
        package var isChosen: Bool

        /// A curve from its parts.
        package init(name: String, values: [Double], isChosen: Bool) {
            self.name = name
            self.values = values
            self.isChosen = isChosen
        }
    }

    /// What is known of one channel.
    package struct Panel: Sendable {
        /// What is called by it, such as `channel 1`; empty where there is only one.
        package var name: String
        /// What was decided.
        package var decision: String
        /// What was measured.
        package var measure: Measure
        /// One a weight that was tried; empty where nothing was searched for.
        package var curves: [Curve]
        /// Iterations that were chosen.
        package var iteration: Int

        /// A panel from its parts.
        package init(name: String, decision: String, measure: Measure, curves: [Curve], iteration: Int) {
            self.name = name
            self.decision = decision
            self.measure = measure
            self.curves = curves
            self.iteration = iteration
        }
    }

    /// What stands above it.
    package var title: String
    /// One a channel.
    package var panels: [Panel]

    /// A plot from its parts.
    package init(title: String, panels: [Panel]) {
        self.title = title
        self.panels = panels
    }

    /// The plot as a PNG file.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] { try draw().png() }

    /// The plot as a picture.
    package func draw() -> ColorImage {
        var page = PlotPage(title: title, panelCount: panels.count, headingLines: 2, hasFooter: false)
        for (number, panel) in panels.enumerated() {
            let heading = [(panel.decision, PlotInk.text), (panel.heading, PlotInk.note)]
            page.add(number, heading: heading) { frame, picture in panel.draw(in: frame, into: &picture) }
        }
        return page.picture
    }
}

extension StopPlot.Panel {
    /// What is plotted, in words.
    fileprivate var heading: String {
        let words =
            switch measure {
            case _ where curves.isEmpty: "nothing was searched for"
            case .likelihood: "held-out log-likelihood less its largest, nats"
            case .falling(let name, _): name
            }
        return name.isEmpty ? words : "\(name): \(words)"
    }

    fileprivate func draw(in frame: PixelFrame, into page: inout ColorImage) {
        guard !curves.isEmpty else { return }
        let reach = Double(max(curves.map(\.values.count).max() ?? 0, iteration)) + 0.5
        let scale = StopScale(measure, curves.flatMap(\.values))
        let axes = PlotAxes(frame: frame, reach: reach, lowest: scale.lowest, highest: scale.highest)
        axes.draw(scale.ticks, unit: "iterations", leastStep: 1, into: &page)
        if case .falling(_, let threshold?) = measure {
            axes.drawThreshold(scale.height(threshold), ValueText.short(threshold), into: &page)
        }
        let x = Int(axes.place(Double(iteration), 0).x)
        for y in stride(from: frame.y, to: frame.y + frame.height, by: 12) {
            page.fill(PixelFrame(x: x, y: y, width: 1, height: 7), color: PlotInk.mark)
        }
        // The chosen one last, above the others.
        let drawn = curves.enumerated().sorted { !$0.element.isChosen && $1.element.isChosen }
        for (number, curve) in drawn {
            let color = PlotInk.curves[number % PlotInk.curves.count]
            let points = curve.values.enumerated().map { axes.place(Double($0 + 1), scale.height($1)) }
            axes.drawCurve(points, width: curve.isChosen ? 3 : 1, color: color, into: &page)
            for point in points {
                page.fill(PixelFrame(x: Int(point.x) - 2, y: Int(point.y) - 2, width: 5, height: 5), color: color)
            }
            if curve.isChosen, points.indices.contains(iteration - 1) {
                let y = Int(points[iteration - 1].y)
                page.fill(PixelFrame(x: x - 5, y: y - 5, width: 11, height: 11), color: PlotInk.mark)
            }
        }
        // Of one curve the decision says all.
        guard curves.count > 1 else { return }
        let key = curves.enumerated().map { number, curve in
            (curve.name + (curve.isChosen ? ", chosen" : ""), PlotInk.curves[number % PlotInk.curves.count])
        }
        // A search ends soon after what it finds, so that the mark is often where the names would be.
        let isInTheWay = x > frame.x + frame.width * 3 / 5
        axes.drawKey(key, leftOf: isInTheWay ? x : nil, fromBelow: measure == .likelihood, into: &page)
    }
}

/// Heights of what is measured.
private struct StopScale {
    /// How high a value lies.
    let height: (Double) -> Double
    /// Heights of the lower and upper edge.
    let (lowest, highest): (Double, Double)
    /// Heights that are named.
    let ticks: [(value: Double, text: String)]

    /// Nats below which distances look as they are, and above which ten times as many are one step: so much better is a weight of total
    /// variation at least that is chosen.
    private static let clearly = 10.0

    init(_ measure: StopPlot.Measure, _ values: [Double]) {
        switch measure {
        case .likelihood:
            // The first steps are worse by thousands, and the last ones by a few.
            let best = values.max() ?? 0
            let height = { (value: Double) in -asinh((best - value) / Self.clearly) }
            let depth = -(values.map(height).min() ?? 0)
            let bottom = max(depth, asinh(1)) * 1.08
            self.height = height
            (lowest, highest) = (-bottom, 0.1 * bottom)
            let nats =
                [(0.0, "0"), (10, "-10"), (100, "-100"), (1000, "-1000")]
                + (4...15).map { (pow(10, Double($0)), "-1e\($0)") }
            // The first one where both lie close.
            let ticks = nats.map { (value: height(best - $0), text: $1) }.filter { $0.value >= -bottom }
            self.ticks = ticks.filter { $0.value == 0 || $0.value < -0.07 * bottom }
        case .falling(_, let threshold):
            let all = values + [0, threshold ?? 0]
            let (least, most) = (all.min()!, all.max()!)
            let range = most > least ? most - least : 1
            height = { $0 }
            (lowest, highest) = (least - 0.08 * range, most + 0.08 * range)
            let step = ScaleBar(width: 100, unitsPerPixel: range / 100, isMicrometres: false).length
            // Where the threshold is named there is no room for another number.
            let (nearest, room) = (threshold ?? -.infinity, 0.07 * (highest - lowest))
            ticks = (-20...20).map { Double($0) * step }
                .filter { (least...most).contains($0) && abs($0 - nearest) > room }
                .map { ($0, ValueText.short($0)) }
        }
    }
}
