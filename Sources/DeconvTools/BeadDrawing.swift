import DeconvOptics
import DeconvPreview
import DeconvVolume

/// The stacks with their beads marked, and the PSF that they gave.
struct BeadDrawing {
    /// Stacks that are shown at most; more would be too small to see anything.
    private static let mostFields = 4

    private let fields: [BeadField]
    private let beads: MeasuredBeads

    /// A drawing of what was measured in some stacks.
    init(_ fields: [BeadField], _ beads: MeasuredBeads) {
        self.fields = fields
        self.beads = beads
    }

    /// The drawing as a PNG file.
    /// - Throws: what reading and drawing throws.
    func png() throws(DeconvolutionError) -> [UInt8] {
        var panels: [BeadPicture.Panel] = []
        for (number, field) in fields.prefix(Self.mostFields).enumerated() {
            let projections = try MaximumProjections(
                of: field.source,
                channel: field.channel,
                timepoint: field.timepoint
            )
            let marks = beads.spots.filter { $0.field == number }.map { spot in
                BeadPicture.Mark(y: spot.position.y, x: spot.position.x, letter: spot.verdict.letter)
            }
            panels.append(BeadPicture.Panel(caption: Self.fileName(field.name), projections, marks: marks))
        }
        let report = beads.report
        let legend =
            ["\(report.used) used (circles)"]
            + BeadVerdict.rejections.compactMap { verdict in
                let count = report.rejected[verdict.rawValue] ?? 0
                return count == 0 ? nil : "\(verdict.letter ?? " ") \(count) \(verdict.meaning)"
            }
            + (fields.count > panels.count ? ["\(panels.count) of \(fields.count) stacks are shown"] : [])
        let picture = try BeadPicture(
            panels: panels,
            psf: beads.psf.volume,
            spacing: report.spacing,
            radius: Double(max(report.box.y, report.box.x)) / 2,
            legend: legend
        )
        return try picture.png()
    }

    private static func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}

extension BeadVerdict {
    /// What marks a bead that is left out; nil for one that is used.
    fileprivate var letter: Character? {
        switch self {
        case .used: nil
        case .faint: "F"
        case .saturated: "S"
        case .clipped: "E"
        case .crowded: "C"
        case .wide: "W"
        case .narrow: "N"
        case .unlike: "U"
        }
    }
}
