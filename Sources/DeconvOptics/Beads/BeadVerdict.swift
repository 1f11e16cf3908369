/// Whether a bead is used, or why it is not.
package enum BeadVerdict: String, Sendable, Hashable, CaseIterable, Encodable {
    /// It is part of the average.
    case used
    /// It hardly stands out of the noise.
    case faint
    /// Its top is flat, at the largest value of the data or of their type.
    case saturated
    /// Its box leaves the stack.
    case clipped
    /// Another bead is too near.
    case crowded
    /// It is wider than the others: two beads in one, or a clump.
    case wide
    /// It is narrower than the others: a hot pixel, or no light at all.
    case narrow
    /// It does not look like the mean of the others.
    case unlike

    /// The verdicts for which a bead is left out.
    package static let rejections = allCases.filter { $0 != .used }

    /// What is the matter, for people.
    package var meaning: String {
        switch self {
        case .used: "used"
        case .faint: "too faint"
        case .saturated: "saturated"
        case .clipped: "too near to the edge"
        case .crowded: "too near to another"
        case .wide: "wider than the others"
        case .narrow: "narrower than the others"
        case .unlike: "unlike the others"
        }
    }
}
