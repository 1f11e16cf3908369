package import DeconvVolume
import Glibc

/// What there is to see of a PSF on one page: sections, tails, profiles with widths, and which frequencies it passes.
package struct PSFPicture: Sendable {
    /// What stands above it, such as the name of the file.
    package var title: String
    /// Lines below the title: what was measured and what was done.
    package var notes: [String] = []
    /// Lines at the bottom: what is wrong with it.
    package var faults: [String] = []
    /// Sections of the prepared PSF through its center.
    package var prepared: VolumeViews
    /// Sections of the PSF as measured through its center, and that center in voxels, z, y, x.
    package var measured: (views: VolumeViews, center: [Double], spacing: VoxelSpacing?)
    /// Voxel size of the prepared PSF, µm; nil where nobody said.
    package var spacing: VoxelSpacing?
    /// Full widths at half maximum along z, y, x in voxels.
    package var widths: [Double?]
    /// The narrowest that the objective can make, µm; nil where nobody said.
    package var leastWidths: [Double?] = [nil, nil, nil]
    /// |OTF| at kz = 0 and at ky = 0, from −1/2 to 1/2 cycle a voxel.
    package var transfer: (count: Int, lateral: [Float], axial: [Float])
    /// The edge of what the objective passes; nil where nobody said.
    package var support: TransferSupport?

    /// Where the transfer function of a widefield microscope ends.
    package struct TransferSupport: Sendable {
        /// NA / λ, cycles per µm.
        package let apertureFrequency: Double
        /// n / λ, cycles per µm.
        package let mediumFrequency: Double

        /// - Parameters:
        ///   - apertureFrequency: NA / λ.
        ///   - mediumFrequency: n / λ, larger.
        package init(apertureFrequency: Double, mediumFrequency: Double) {
            self.apertureFrequency = apertureFrequency
            self.mediumFrequency = mediumFrequency
        }

        /// The highest frequency along z beside one across: the edge of the torus that McCutchen (1964, Journal of the Optical
        /// Society of America 54) finds for an aperture.
        func axial(at lateral: Double) -> Double {
            let distance = abs(lateral) - apertureFrequency
            guard abs(lateral) <= 2 * apertureFrequency else { return 0 }
            let square = mediumFrequency * mediumFrequency
            return (square - distance * distance).squareRoot()
                - (square - apertureFrequency * apertureFrequency).squareRoot()
        }
    }

    /// A picture of sections and spectra; the rest is set afterwards.
    package init(
        title: String,
        prepared: VolumeViews,
        measured: (views: VolumeViews, center: [Double], spacing: VoxelSpacing?),
        spacing: VoxelSpacing?,
        widths: [Double?],
        transfer: (count: Int, lateral: [Float], axial: [Float])
    ) {
        self.title = title
        self.prepared = prepared
        self.measured = measured
        self.spacing = spacing
        self.widths = widths
        self.transfer = transfer
    }

    /// The picture as a PNG file.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] { try draw().png() }

    // MARK: Page

    /// Side of a cell, pixels.
    private static let side = 288
    private static let gap = 24
    private static let line = BitmapFont.height * 2 + 6
    private static let decades = 4.0

    /// The page as a picture.
    package func draw() -> ColorImage {
        let (side, gap, line) = (Self.side, Self.gap, Self.line)
        let width = 4 * side + 5 * gap
        let font = BitmapFont.standard
        let faultLines = faults.flatMap { Self.wrapped($0, width: (width - 2 * gap) / 2, font) }
        let head = gap + line + notes.count * line + gap / 2
        let row = line + side + gap
        let height =
            head + 2 * row + line + side + 3 * line + (faultLines.isEmpty ? 0 : gap / 2 + faultLines.count * line)
            + gap
        var page = ColorImage(width: width, height: height, color: Ink.paper)
        page.write(font.fitted(title, width: (width - 2 * gap) / 2), x: gap, y: gap, scale: 2, color: Ink.text)
        for (number, note) in notes.enumerated() {
            page.write(
                font.fitted(note, width: (width - 2 * gap) / 2),
                x: gap,
                y: gap + (number + 1) * line,
                scale: 2,
                color: Ink.note
            )
        }
        func cell(_ column: Int, _ row: Int, top: Int) -> PixelFrame {
            PixelFrame(x: gap + column * (side + gap), y: top, width: side, height: side)
        }
        let tops = (0..<3).map { head + $0 * row + line }
        drawSections(at: (0..<2).map { r in (0..<4).map { cell($0, r, top: tops[r]) } }, into: &page)
        drawProfiles(
            in: PixelFrame(x: gap, y: tops[2], width: 2 * side + gap, height: side),
            into: &page
        )
        drawTransfer(transfer.lateral, "OTF kx, ky", 1, in: cell(2, 2, top: tops[2]), into: &page)
        drawTransfer(transfer.axial, "OTF kx, kz", 0, in: cell(3, 2, top: tops[2]), into: &page)
        var y = tops[2] + side + 3 * line + gap / 2
        for text in faultLines {
            page.write(text, x: gap, y: y, scale: 2, color: Ink.fault)
            y += line
        }
        return page
    }

    private static func wrapped(_ text: String, width: Int, _ font: BitmapFont) -> [String] {
        var lines: [String] = []
        var current = ""
        for word in text.split(separator: " ") {
            let longer = current.isEmpty ? String(word) : current + " " + word
            if font.width(of: longer) > width, !current.isEmpty {
                lines.append(current)
                current = "  " + word
            } else {
                current = longer
            }
        }
        return lines + [current]
    }

    // MARK: Sections

    private func drawSections(at cells: [[PixelFrame]], into page: inout ColorImage) {
        let shape = prepared.shape
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let pixel = Self.pixel(shape, size)
        let top = Double(prepared.alongZ.max() ?? 1)
        let views = [
            ("x, y", prepared.alongZ, 2, 1), ("x, z", prepared.alongY, 2, 0), ("z, y", prepared.alongX, 0, 1),
        ]
        for (column, (name, values, across, down)) in views.enumerated() {
            for (row, cell) in [cells[0][column], cells[1][column]].enumerated() {
                let label = row == 0 ? "prepared \(name)" : "\(name), log"
                page.write(label, x: cell.x, y: cell.y - Self.line, scale: 2, color: Ink.text)
                let shades = values.map { value -> Float in
                    let share = Double(value) / top
                    guard row == 1 else { return Float(max(0, share)) }
                    return Float(share > 0 ? max(0, 1 + log10(share) / Self.decades) : 0)
                }
                let extent = (Double(shape[across]) * size[across] / pixel, Double(shape[down]) * size[down] / pixel)
                page.draw(shades, columns: shape[across], rows: shape[down], extent: extent, in: cell)
            }
        }
        let legend = "black 1e-\(Int(Self.decades)), white 1"
        let right = cells[1][2].x + Self.side - BitmapFont.standard.width(of: legend) * 2
        page.write(legend, x: right, y: cells[1][2].y - Self.line, scale: 2, color: Ink.note)
        let bar = ScaleBar(width: Self.side * 2, unitsPerPixel: pixel, isMicrometres: spacing != nil)
        page.draw(bar, in: cells[0][0])
        drawMeasured(at: [cells[0][3], cells[1][3]], into: &page)
    }

    /// Micrometers of a pixel, so that the longest side fills a cell.
    private static func pixel(_ shape: VolumeShape, _ size: VoxelSpacing) -> Double {
        (0..<3).map { Double(shape[$0]) * size[$0] }.max()! / Double(side)
    }

    private func drawMeasured(at cells: [PixelFrame], into page: inout ColorImage) {
        let (views, center, spacing) = measured
        let shape = views.shape
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let pixel = Self.pixel(shape, size)
        let finite = (views.alongZ + views.alongY).filter(\.isFinite)
        let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
        for (cell, name, values, down) in [
            (cells[0], "as measured x, y", views.alongZ, 1), (cells[1], "x, z", views.alongY, 0),
        ] {
            page.write(name, x: cell.x, y: cell.y - Self.line, scale: 2, color: Ink.text)
            // The square root shows a background that a thousandth of the peak would hide.
            let shades = values.map { $0.isFinite && high > low ? (($0 - low) / (high - low)).squareRoot() : 0 }
            let extent = (Double(shape.x) * size.x / pixel, Double(shape[down]) * size[down] / pixel)
            let frame = page.draw(shades, columns: shape.x, rows: shape[down], extent: extent, in: cell)
            let x = Double(frame.x) + (center[2] + 0.5) / Double(shape.x) * Double(frame.width)
            let y = Double(frame.y) + (center[down] + 0.5) / Double(shape[down]) * Double(frame.height)
            for (start, end) in [
                ((x - 16, y), (x - 6, y)), ((x + 6, y), (x + 16, y)), ((x, y - 16), (x, y - 6)),
                ((x, y + 6), (x, y + 16)),
            ] {
                page.draw(from: start, to: end, width: 2, color: Ink.mark)
            }
        }
        page.draw(ScaleBar(width: Self.side * 2, unitsPerPixel: pixel, isMicrometres: spacing != nil), in: cells[0])
    }

    // MARK: Profiles

    private func drawProfiles(in frame: PixelFrame, into page: inout ColorImage) {
        let shape = prepared.shape
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let middle = shape.z / 2 * shape.x
        let lines = [
            (0..<shape.z).map { prepared.alongY[$0 * shape.x + shape.x / 2] },
            (0..<shape.y).map { prepared.alongZ[$0 * shape.x + shape.x / 2] },
            Array(prepared.alongY[middle..<middle + shape.x]),
        ]
        let top = Double(lines.compactMap { $0.max() }.max() ?? 1)
        let widest = (0..<3).compactMap { axis in widths[axis].map { $0 * size[axis] } }.max()
        let reach = min(
            (0..<3).map { Double(shape[$0]) * size[$0] / 2 }.max()!,
            widest.map { 2.5 * $0 } ?? .infinity
        )
        let unit = spacing == nil ? "voxels" : "\u{B5}m"
        page.write("profiles through the center", x: frame.x, y: frame.y - Self.line, scale: 2, color: Ink.text)
        page.outline(frame)
        func place(_ distance: Double, _ share: Double) -> (x: Double, y: Double) {
            (
                Double(frame.x) + (distance / reach + 1) / 2 * Double(frame.width - 1),
                Double(frame.y) + (1.05 - share) / 1.1 * Double(frame.height - 1)
            )
        }
        for (share, name) in [(0.0, "0"), (0.5, "half"), (1.0, "1")] {
            let y = Int(place(0, share).y)
            page.fill(PixelFrame(x: frame.x, y: y, width: frame.width, height: 1), color: Ink.grid)
            if share > 0 { page.write(name, x: frame.x + 6, y: y + 4, scale: 2, color: Ink.note) }
        }
        let step = ScaleBar(width: frame.width, unitsPerPixel: 2 * reach / Double(frame.width), isMicrometres: false)
            .length
        for number in -10...10 where abs(Double(number) * step) < reach * 0.98 {
            let x = Int(place(Double(number) * step, 0).x)
            page.fill(PixelFrame(x: x, y: frame.y + frame.height - 8, width: 1, height: 8), color: Ink.note)
            let text = number == 0 ? "0 \(unit)" : ValueText.short(Double(number) * step)
            let half = BitmapFont.standard.width(of: text)
            page.write(text, x: x - half, y: frame.y + frame.height + 6, scale: 2, color: Ink.note)
        }
        for axis in 0..<3 where shape[axis] > 1 {
            let points = lines[axis].enumerated().map { index, value in
                place(Double(index - shape[axis] / 2) * size[axis], Double(value) / top)
            }
            for (start, end) in zip(points, points.dropFirst())
            where start.x >= Double(frame.x) && end.x < Double(frame.x + frame.width) {
                page.draw(from: start, to: end, width: 2, color: Ink.axes[axis])
            }
        }
        writeWidths(in: frame, size, into: &page)
    }

    private func writeWidths(in frame: PixelFrame, _ size: VoxelSpacing, into page: inout ColorImage) {
        var y = frame.y + 34
        let right = frame.x + frame.width - 10
        let font = BitmapFont.standard
        for (axis, name) in [(2, "x"), (1, "y"), (0, "z")] where prepared.shape[axis] > 1 {
            var lines = ["\(name): FWHM ?"]
            if let width = widths[axis] {
                lines =
                    spacing == nil
                    ? ["\(name): \(ValueText.short(width)) voxels"]
                    : ["\(name): \(ValueText.short(width * size[axis])) \u{B5}m", "\(ValueText.short(width)) voxels"]
                if let least = leastWidths[axis] { lines.append("least \(ValueText.short(least)) \u{B5}m") }
            }
            for (number, text) in lines.enumerated() {
                page.write(
                    text,
                    x: right - font.width(of: text) * 2,
                    y: y,
                    scale: 2,
                    color: number == 0 ? Ink.axes[axis] : Ink.note
                )
                y += Self.line - 4
            }
            y += 4
        }
        page.write("FWHM", x: right - font.width(of: "FWHM") * 2, y: frame.y + 8, scale: 2, color: Ink.text)
    }

    // MARK: Transfer function

    private func drawTransfer(
        _ magnitudes: [Float],
        _ name: String,
        _ down: Int,
        in cell: PixelFrame,
        into page: inout ColorImage
    ) {
        page.write(name + ", log", x: cell.x, y: cell.y - Self.line, scale: 2, color: Ink.text)
        guard prepared.shape[down] > 1 else {
            page.outline(cell)
            page.write("one plane", x: cell.x + 10, y: cell.y + 10, scale: 2, color: Ink.note)
            return
        }
        let shades = magnitudes.map { $0 > 0 ? Float(max(0, 1 + log10(Double($0)) / Self.decades)) : 0 }
        let side = Double(Self.side)
        page.draw(shades, columns: transfer.count, rows: transfer.count, extent: (side, side), in: cell)
        let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let unit = spacing == nil ? "/voxel" : "/\u{B5}m"
        let (across, along) = (0.5 / size.x, 0.5 / size[down])
        let axes = ["z", "y", "x"]
        for (number, text) in [
            "edges: k\(axes[2]) \u{B1}\(ValueText.short(across)) \(unit)",
            "k\(axes[down]) \u{B1}\(ValueText.short(along)) \(unit) (Nyquist)",
        ].enumerated() {
            page.write(text, x: cell.x, y: cell.y + Self.side + 6 + number * Self.line, scale: 2, color: Ink.note)
        }
        guard let support, spacing != nil else { return }
        func place(_ lateral: Double, _ other: Double) -> (x: Double, y: Double) {
            (
                Double(cell.x) + (lateral / across + 1) / 2 * (side - 1),
                Double(cell.y) + (other / along + 1) / 2 * (side - 1)
            )
        }
        let cutoff = 2 * support.apertureFrequency
        let edge = (0...360).map { step in
            let angle = Double(step) / 180 * Double.pi
            let lateral = cutoff * cos(angle)
            let other = down == 1 ? cutoff * sin(angle) : support.axial(at: lateral) * (sin(angle) < 0 ? -1 : 1)
            return place(lateral, other)
        }
        let box = (x: Double(cell.x)..<Double(cell.x) + side, y: Double(cell.y)..<Double(cell.y) + side)
        for (start, end) in zip(edge, edge.dropFirst())
        where box.x.contains(start.x) && box.x.contains(end.x) && box.y.contains(start.y) && box.y.contains(end.y) {
            page.draw(from: start, to: end, width: 1, color: Ink.mark)
        }
        page.write(
            "limit of the NA",
            x: cell.x + Self.side - BitmapFont.standard.width(of: "limit of the NA") * 2 - 6,
            y: cell.y + 6,
            scale: 2,
            color: Ink.mark
        )
    }

    private enum Ink {
        static let paper = PictureColor(gray: 30)
        static let text = PictureColor(gray: 240)
        static let note = PictureColor(gray: 160)
        static let grid = PictureColor(gray: 70)
        static let mark = PictureColor(rgb: 0xF0E442)
        static let fault = PictureColor(rgb: 0xFFA050)
        /// Along z, y and x: colors that all eyes tell apart (Okabe and Ito 2008), lightened for a dark ground.
        static let axes = [0x56B4E9, 0xE69F00, 0x40D0A0].map { PictureColor(rgb: $0) }
    }
}

extension ColorImage {
    /// A frame of one pixel around a rectangle.
    fileprivate mutating func outline(_ frame: PixelFrame) {
        let color = PictureColor(gray: 90)
        for y in [frame.y - 1, frame.y + frame.height] {
            fill(PixelFrame(x: frame.x - 1, y: y, width: frame.width + 2, height: 1), color: color)
        }
        for x in [frame.x - 1, frame.x + frame.width] {
            fill(PixelFrame(x: x, y: frame.y - 1, width: 1, height: frame.height + 2), color: color)
        }
    }

    /// Draws values from 0 to 1 as voxels in the middle of a cell.
    /// - Parameter extent: columns and rows of the picture.
    /// - Returns: where they are.
    @discardableResult
    fileprivate mutating func draw(
        _ shares: [Float],
        columns: Int,
        rows: Int,
        extent: (Double, Double),
        in cell: PixelFrame
    ) -> PixelFrame {
        let width = min(cell.width, max(1, Int(extent.0.rounded())))
        let height = min(cell.height, max(1, Int(extent.1.rounded())))
        let frame = PixelFrame(
            x: cell.x + (cell.width - width) / 2,
            y: cell.y + (cell.height - height) / 2,
            width: width,
            height: height
        )
        let across = AxisResampling(from: columns, to: width, isSmooth: false)
        let down = AxisResampling(from: rows, to: height, isSmooth: false)
        let pixels = down.columns(across.rows(shares), width: width)
        place([(pixels.map { UInt8(255 * min(1, max(0, $0))) }, PictureColor(gray: 255))], in: frame)
        outline(cell)
        return frame
    }

    /// A scale bar in the lower left corner of a cell.
    fileprivate mutating func draw(_ bar: ScaleBar, in cell: PixelFrame) {
        let y = cell.y + cell.height - 14
        fill(PixelFrame(x: cell.x + 10, y: y, width: bar.pixelCount, height: 4), color: PictureColor(gray: 255))
        write(bar.label, x: cell.x + 10, y: y - 22, scale: 2, color: PictureColor(gray: 255))
    }
}
