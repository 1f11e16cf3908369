import DeconvPreview
import DeconvVolume
import Testing

/// Searches for the number of iterations as a picture.
@Suite struct StopPlotTests {
    private static let (first, second) = (PictureColor(rgb: 0x56B4E9), PictureColor(rgb: 0xE69F00))
    private static let mark = PictureColor(rgb: 0xF0E442)

    private static func picture(
        _ measure: StopPlot.Measure,
        _ curves: [(values: [Double], isChosen: Bool)],
        iteration: Int
    ) -> ColorImage {
        let panel = StopPlot.Panel(
            name: "",
            decision: "3 iterations",
            measure: measure,
            curves: curves.enumerated().map { .init(name: "TV \($0)", values: $1.values, isChosen: $1.isChosen) },
            iteration: iteration
        )
        return StopPlot(title: "out.tif", panels: [panel]).draw()
    }

    /// Rows of a column that have a color.
    private static func rows(_ picture: ColorImage, _ color: PictureColor, column: Int) -> [Int] {
        (0..<picture.height).filter { picture[column, $0] == color }
    }

    /// The column of an iteration where there are four of them and half of one more.
    private static func column(_ iteration: Double) -> Int { 72 + Int(iteration / 4.5 * 639) }

    @Test func theBestStepIsOnTopAndMarked() throws {
        let picture = Self.picture(
            .likelihood,
            [([-1e6, -5000, -40, -60], false), ([-1e6, -4000, 0, -30], true)],
            iteration: 3
        )
        // Between two steps, where a line of two points is.
        let middles = [1.5, 2.5, 3.5].map { Self.rows(picture, Self.second, column: Self.column($0)).first ?? .max }
        #expect(middles[0] > middles[1] && middles[1] < middles[2] + 60, "\(middles)")
        let marked = Self.rows(picture, Self.mark, column: Self.column(3) + 4)
        #expect(marked.count == 11, "\(marked)")
        // The worse curve lies lower there, but 40 nats are not nothing beside a million.
        let worse = Self.rows(picture, Self.first, column: Self.column(3) + 8)
        #expect((worse.first ?? 0) > (marked.last ?? .max) + 20, "\(worse)")
        #expect(try StopPlot(title: "", panels: []).png().count > 50)
    }

    @Test func whatFallsIsLinearAndCrossesItsThreshold() {
        let picture = Self.picture(.falling(name: "", threshold: 0), [([0.9, 0.5, 0.1, -0.3], true)], iteration: 4)
        let points = (1...3).map { Self.rows(picture, Self.first, column: Self.column(Double($0))) }
        let middles = points.map { ($0[0] + $0[$0.count - 1]) / 2 }
        let bend: Int = middles[0] + middles[2] - 2 * middles[1]
        #expect(abs(bend) <= 2, "\(middles)")
        // From 0.9 + 8 % of 1.2 down to −0.3 − 8 % of it are 300 pixels.
        let (told, expected) = (Double(middles[1] - middles[0]), 0.4 / (1.2 * 1.16) * 299)
        #expect(abs(told - expected) <= 2, "\(middles)")
        #expect(!Self.rows(picture, Self.mark, column: 74).isEmpty)
    }

    @Test func aChannelWithoutASearchIsAnEmptyPanel() {
        let picture = Self.picture(.falling(name: "", threshold: 0), [], iteration: 7)
        #expect(picture.width == 760 && Self.rows(picture, Self.first, column: Self.column(3)).isEmpty)
    }
}
