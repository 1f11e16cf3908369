/// What is taken to lie outside the recorded frame.
public enum BoundaryMode: String, CaseIterable, Sendable {
    /// Light from outside is estimated along with the frame (Bertero and Boccacci 2005, Astron. Astrophys. 437:369).
    case extend
    /// Nothing.
    case zero
    /// The nearest border voxel, repeated.
    case edge
    /// The mirror image, border voxel included.
    case reflect
    /// The opposite side of the frame.
    case periodic

    /// Where a coordinate outside `0 ..< extent` finds its voxel, or nil where there is none.
    ///
    /// Modes that estimate or ignore the outside have no voxel there.
    package func sourceIndex(_ index: Int, extent: Int) -> Int? {
        if (0..<extent).contains(index) { return index }
        switch self {
        case .extend, .zero:
            return nil
        case .edge:
            return min(max(index, 0), extent - 1)
        case .reflect:
            let period = 2 * extent
            let folded = ((index % period) + period) % period
            return folded < extent ? folded : period - 1 - folded
        case .periodic:
            return ((index % extent) + extent) % extent
        }
    }
}
