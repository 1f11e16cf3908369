/// Planes inside a stack that show nothing at all while those around them do, as where a camera dropped frames.
package enum EmptyPlanes {
    /// What is known of one plane.
    package struct Plane: Hashable, Sendable {
        /// Its darkest voxel.
        package var smallest: Float
        /// Its brightest voxel.
        package var largest: Float
        /// Mean of its voxels.
        package var mean: Double

        /// A plane from its figures.
        package init(smallest: Float, largest: Float, mean: Double) {
            self.smallest = smallest
            self.largest = largest
            self.mean = mean
        }

        /// Whether all of its voxels are the same.
        package var isConstant: Bool { smallest == largest }
    }

    /// Planes beside a gap that are darker than this part of all are the end of an image, and what follows may well be dark.
    private static let leastLight = 0.05

    /// The numbers of those that are empty, from 0, ascending.
    /// - Parameter planes: in their order; those of which no voxel counts are nil.
    package static func find(_ planes: [Plane?]) -> [Int] {
        let lit = planes.indices.filter { planes[$0].map { !$0.isConstant } ?? false }
        guard let first = lit.first, let last = lit.last else { return [] }
        let mean = lit.reduce(0) { $0 + planes[$1]!.mean } / Double(lit.count)
        return (first..<last).filter { index in
            guard let plane = planes[index], plane.isConstant,
                let before = lit.last(where: { $0 < index }), let after = lit.first(where: { $0 > index })
            else { return false }
            let level = Double(plane.smallest)
            let least = leastLight * (mean - level)
            return planes[before]!.mean - level > least && planes[after]!.mean - level > least
        }
    }
}
