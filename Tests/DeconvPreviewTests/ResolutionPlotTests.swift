import DeconvPreview
import DeconvVolume
import Testing

/// Curves of Fourier shell correlations as a picture.
@Suite struct ResolutionPlotTests {
    private static func plot(_ results: [Double?], _ images: [Double?], end: Double?) -> ResolutionPlot {
        let curve = ResolutionPlot.Curve(
            axis: "x",
            frequencies: [0.5, 1.5, 2.5, 3.5],
            results: results,
            images: images,
            label: "0.4 µm",
            end: end
        )
        return ResolutionPlot(
            title: "out.tif",
            unit: "cycles/µm",
            threshold: 1.0 / 7,
            panels: [("Fourier shell correlation", [curve])]
        )
    }

    /// Rows of a column that have the color of x.
    private static func rows(_ picture: ColorImage, column: Int) -> [Int] {
        (0..<picture.height).filter { picture[column, $0] == PictureColor(rgb: 0x40D0A0) }
    }

    @Test func curvesAreWhereTheirValuesAre() throws {
        let picture = Self.plot([1, 1, 1, 1], [0.5, 0.5, 0.5, 0.5], end: nil).draw()
        // A third of the way from the left edge of the panel, beyond all text.
        let rows = Self.rows(picture, column: 72 + 640 / 3)
        #expect(rows.count == 4, "\(rows)")
        let (top, bottom) = (rows[1], rows[3])
        // From 1.05 down to −0.1 are 300 pixels.
        #expect(abs(Double(bottom - top) - 0.5 / 1.15 * 299) <= 1)
        // A shell that nobody knows is bridged.
        #expect(
            Self.rows(Self.plot([1, nil, 1, 1], [0, 0, 0, 0], end: nil).draw(), column: 72 + 640 / 3).first == rows[0]
        )
    }

    @Test func theEndIsMarkedOnTheThreshold() throws {
        let (without, with) = (
            Self.plot([1, 1, 0, 0], [1, 0, 0, 0], end: nil).draw(),
            Self.plot([1, 1, 0, 0], [1, 0, 0, 0], end: 3).draw()
        )
        let column = 72 + Int(3 / 3.5 * 639)
        #expect(Self.rows(with, column: column).count > Self.rows(without, column: column).count + 10)
        #expect(try with.png().count > 1000)
    }
}
