package import DeconvVolume

/// A picture of beads: each stack from above with a circle around every bead that is used and a letter beside every other, and
/// below it the sections of the PSF.
package struct BeadPicture: Sendable {
    /// A place in a stack.
    package struct Mark: Sendable {
        /// Row of a bead.
        package let y: Int
        /// Its voxel in the row.
        package let x: Int
        /// What stands beside it; nil for a circle.
        package let letter: Character?

        /// A mark at a voxel.
        package init(y: Int, x: Int, letter: Character?) {
            self.y = y
            self.x = x
            self.letter = letter
        }
    }

    /// One stack.
    package struct Panel: Sendable {
        let caption: String
        let projections: MaximumProjections
        let marks: [Mark]

        /// A stack with its caption and its marks.
        package init(caption: String, _ projections: MaximumProjections, marks: [Mark]) {
            self.caption = caption
            self.projections = projections.flat
            self.marks = marks
        }
    }

    private let stacks: Preview
    private let marks: [[Mark]]
    private let psf: Preview
    private let radius: Double
    private let legend: [String]

    /// What is shown of a PSF is raised by this exponent, so that its feet are seen.
    private static let psfGamma = 0.5

    /// A picture of at least one stack.
    /// - Parameters:
    ///   - psf: with its center on voxel n/2.
    ///   - spacing: of stacks and PSF.
    ///   - radius: of the circles, voxels.
    ///   - legend: lines below the pictures.
    /// - Throws: `invalidArgument` for a voxel that cannot be shown.
    package init(
        panels: [Panel],
        psf: Volume,
        spacing: VoxelSpacing?,
        radius: Double,
        legend: [String]
    ) throws(DeconvolutionError) {
        stacks = try Preview(
            panels.map { Preview.Panel(caption: $0.caption, $0.projections) },
            spacing: spacing,
            gamma: Self.psfGamma
        )
        marks = panels.map(\.marks)
        let middle = VolumeIndex { psf.shape[$0] / 2 }
        let brightest = psf.voxels.max() ?? 1
        let source = ArraySource(psf, name: "the PSF")
        self.psf = try Preview(
            [Preview.Panel(caption: "PSF", channels: [VolumeViews(through: middle, of: source)])],
            spacing: spacing,
            contrast: .range(0, max(brightest, .leastNormalMagnitude)),
            gamma: Self.psfGamma,
            maximumSide: 500
        )
        self.radius = radius
        self.legend = legend
    }

    /// The picture as a PNG file.
    /// - Throws: `internalError` where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] { try draw().png() }

    /// The picture.
    package func draw() -> GrayImage {
        var beads = stacks.draw()
        let layout = stacks.layout()
        let scale = layout.textScale
        for ((panel, place), marks) in zip(zip(stacks.panels, layout.panels), marks) {
            let frame = place.alongZ
            let across = Double(frame.width) / Double(panel.shape.x)
            let down = Double(frame.height) / Double(panel.shape.y)
            for mark in marks {
                let x = Double(frame.x) + (Double(mark.x) + 0.5) * across
                let y = Double(frame.y) + (Double(mark.y) + 0.5) * down
                guard let letter = mark.letter else {
                    beads.circle(centerX: x, centerY: y, radius: max(3, radius * min(across, down)), shade: Shade.mark)
                    continue
                }
                // To the right of the bead, where the frame has room for it.
                let width = BitmapFont.standard.width(of: String(letter)) * scale
                let gap = Int(max(2, 0.4 * radius * across).rounded())
                let right = Int(x) + gap
                beads.write(
                    String(letter),
                    x: right + width > frame.x + frame.width ? Int(x) - gap - width : right,
                    y: Int(y) - BitmapFont.capitalHeight * scale / 2,
                    scale: scale,
                    shade: Shade.mark
                )
            }
        }
        let sections = psf.draw()
        let line = (BitmapFont.height + 3) * scale
        let margin = 6 * scale
        let text = legend.map { BitmapFont.standard.width(of: $0) * scale }.max() ?? 0
        var picture = GrayImage(
            width: max(beads.width, sections.width + text + 2 * margin),
            height: beads.height + max(sections.height, legend.count * line + 2 * margin),
            shade: Shade.paper
        )
        picture.place(beads, x: 0, y: 0)
        picture.place(sections, x: 0, y: beads.height)
        for (number, words) in legend.enumerated() {
            picture.write(
                words,
                x: sections.width + margin,
                y: beads.height + margin + number * line,
                scale: scale,
                shade: Shade.mark
            )
        }
        return picture
    }

    private enum Shade {
        /// That of a preview.
        static let paper: UInt8 = 30
        static let mark: UInt8 = 255
    }
}
