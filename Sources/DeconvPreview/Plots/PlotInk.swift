/// The colors of plots, on a dark ground.
enum PlotInk {
    /// The ground.
    static let paper = PictureColor(gray: 30)
    /// Titles.
    static let text = PictureColor(gray: 240)
    /// Numbers and names beside a panel.
    static let note = PictureColor(gray: 160)
    /// Lines of a grid.
    static let grid = PictureColor(gray: 70)
    /// What counts: a threshold, what was chosen.
    static let mark = PictureColor(rgb: 0xF0E442)
    /// Of curves, those of axes being z, y and x: colors that all eyes tell apart (Okabe and Ito 2008), lightened for a dark ground.
    static let curves = [0x56B4E9, 0xE69F00, 0x40D0A0, 0xE08CC0].map { PictureColor(rgb: $0) }
}
