package import DeconvVolume

/// What was found in stacks of beads, and what became of it.
///
/// As JSON: lower camel case keys, axes as arrays in the order z, y, x, null for what is not known.
package struct BeadReport: Sendable, Encodable {
    /// One spot.
    package struct Bead: Sendable, Encodable {
        /// The number of its stack, from 0.
        package let stack: Int
        /// Its brightest voxel (z, y, x).
        package let position: [Int]
        /// `used`, or why it is not.
        package let verdict: BeadVerdict
        /// Its height over the noise of the smoothed stack.
        package let signalToNoise: Double
        /// Its full widths at half maximum, voxels (z, y, x).
        package let fullWidthAtHalfMaximum: [Double?]
    }

    /// Number of stacks, each time point of a series being one.
    package let stackCount: Int
    /// Spots that were found.
    package let found: Int
    /// Beads in the mean.
    package let used: Int
    /// Spots by the reason for which they are left out; every reason has its key.
    package let rejected: [String: Int]
    /// Voxels of the PSF (z, y, x).
    package let box: VolumeShape
    /// Size of a voxel, or nil where nobody said.
    package let spacing: VoxelSpacing?
    /// Diameter of the beads that was taken out, µm; nil where it is still in.
    package internal(set) var beadDiameter: Double?
    /// Standard deviation of the noise of the mean, over its peak, before a bead's size is taken out.
    package internal(set) var noise = 0.0
    /// Full widths at half maximum of the PSF, voxels (z, y, x).
    package internal(set) var fullWidthAtHalfMaximum: [Double?] = [nil, nil, nil]
    /// Mean of those of the used beads, which have their own size in them, voxels.
    package let beadWidths: [Double?]
    /// Standard deviation from bead to bead, voxels; nil for fewer than two beads.
    package let beadWidthDeviations: [Double?]
    /// All spots, in the order of stacks and then of height.
    package let beads: [Bead]
    /// What a person should know.
    package internal(set) var warnings: [Diagnostic] = []

    init(_ spots: [BeadSpot], fieldCount: Int, box: VolumeShape, spacing: VoxelSpacing?) {
        stackCount = fieldCount
        found = spots.count
        let used = spots.filter { $0.verdict == .used }
        self.used = used.count
        rejected = Dictionary(
            uniqueKeysWithValues: BeadVerdict.rejections.map { verdict in
                (verdict.rawValue, spots.filter { $0.verdict == verdict }.count)
            }
        )
        self.box = box
        self.spacing = spacing
        let widths = (0..<3).map { axis in used.compactMap { $0.widths[axis] } }
        let means = widths.map { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
        beadWidths = means
        beadWidthDeviations = (0..<3).map { axis in
            guard let mean = means[axis], widths[axis].count > 1 else { return nil }
            let squares = widths[axis].reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (squares / Double(widths[axis].count - 1)).squareRoot()
        }
        beads = spots.map { spot in
            Bead(
                stack: spot.field,
                position: [spot.position.z, spot.position.y, spot.position.x],
                verdict: spot.verdict,
                signalToNoise: spot.signalToNoise,
                fullWidthAtHalfMaximum: spot.widths
            )
        }
    }

    /// Widths in micrometers, where the spacing is known.
    package func micrometers(_ widths: [Double?]) -> [Double?] {
        (0..<3).map { axis in
            if let width = widths[axis], let spacing { width * spacing[axis] } else { nil }
        }
    }

    mutating func warn(_ kind: Diagnostic.Kind, _ line: Message, figures: Message? = nil) {
        warnings.append(Diagnostic(kind, line, figures: figures))
    }

    private enum CodingKeys: String, CodingKey {
        case stackCount, found, used, rejected, box, spacing, beadDiameter, noise
        case fullWidthAtHalfMaximum, fullWidthAtHalfMaximumMicrometers, beadWidths, beadWidthsMicrometers
        case beadWidthDeviations, beadWidthDeviationsMicrometers, beads, warnings
    }

    /// Encodes every key, with null for what is not known.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stackCount, forKey: .stackCount)
        try container.encode(found, forKey: .found)
        try container.encode(used, forKey: .used)
        try container.encode(rejected, forKey: .rejected)
        try container.encode(box.axes, forKey: .box)
        try container.encode(spacing?.axes, forKey: .spacing)
        try container.encode(beadDiameter, forKey: .beadDiameter)
        try container.encode(noise, forKey: .noise)
        try container.encode(fullWidthAtHalfMaximum, forKey: .fullWidthAtHalfMaximum)
        try container.encode(micrometers(fullWidthAtHalfMaximum), forKey: .fullWidthAtHalfMaximumMicrometers)
        try container.encode(beadWidths, forKey: .beadWidths)
        try container.encode(micrometers(beadWidths), forKey: .beadWidthsMicrometers)
        try container.encode(beadWidthDeviations, forKey: .beadWidthDeviations)
        try container.encode(micrometers(beadWidthDeviations), forKey: .beadWidthDeviationsMicrometers)
        try container.encode(beads, forKey: .beads)
        try container.encode(warnings.map(\.wholeLine), forKey: .warnings)
    }
}
