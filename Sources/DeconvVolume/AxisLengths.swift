/// Distances along each axis as far as they are known, µm.
package struct AxisLengths: Hashable, Sendable {
    /// Between planes.
    package var z: Double?
    /// Between rows.
    package var y: Double?
    /// Between the voxels of a row.
    package var x: Double?

    /// Distances; nil where nobody knows.
    package init(z: Double? = nil, y: Double? = nil, x: Double? = nil) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// All three of a spacing.
    package init(_ spacing: VoxelSpacing) { self.init(z: spacing.z, y: spacing.y, x: spacing.x) }

    /// The distance along one axis (0 is z, 1 is y, 2 is x), µm.
    package subscript(axis: Int) -> Double? { [z, y, x][axis] }

    /// Whether nothing is known.
    package var isEmpty: Bool { z == nil && y == nil && x == nil }

    /// Those that are positive and finite.
    package var valid: AxisLengths {
        func length(_ value: Double?) -> Double? { value.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } }
        return AxisLengths(z: length(z), y: length(y), x: length(x))
    }

    /// The spacing of a volume with `planeCount` planes, or nil where a distance is missing or not positive and finite.
    ///
    /// One plane has no distance to a next one: there the distance between rows stands in for it, so that a 2D
    /// image keeps its pixel size.
    package func spacing(planeCount: Int) -> VoxelSpacing? {
        guard let y, let x, let z = z ?? (planeCount == 1 ? y : nil) else { return nil }
        let spacing = VoxelSpacing(z: z, y: y, x: x)
        return spacing.isValid ? spacing : nil
    }

    /// Those that are not known, in words: `between planes (z)`; nil where all are.
    package var missing: String? {
        let names = ["between planes (z)", "between rows (y)", "along rows (x)"]
        let missing = (0..<3).filter { self[$0] == nil }.map { names[$0] }
        return missing.isEmpty ? nil : missing.joined(separator: " and ")
    }
}

extension AxisLengths: CustomStringConvertible {
    /// For example `unknown, 0.1, 0.1 µm`, along z, y and x.
    package var description: String {
        (0..<3).map { axis in self[axis].map { "\($0)" } ?? "unknown" }.joined(separator: ", ") + " µm"
    }
}
