/// A weight for every place of a volume: given at the nodes of a grid, linear between them along each axis, and beyond the
/// outermost nodes what it is at these.
package struct WeightGrid: Hashable, Sendable {
    /// Places of the nodes along z, y and x, ascending, in voxels; each axis has at least one.
    package private(set) var nodes: [[Double]]
    /// The weights at the nodes, in the order z, y, x with x fastest.
    package let values: [Float]

    /// A grid from its nodes and their weights.
    package init(nodes: [[Double]], values: [Float]) {
        precondition(nodes.count == 3 && nodes.allSatisfy { !$0.isEmpty }, "nodes along three axes")
        precondition(values.count == nodes.reduce(1) { $0 * $1.count }, "a weight for each node")
        self.nodes = nodes
        self.values = values
    }

    /// Nodes along z, y and x.
    package var shape: VolumeShape { VolumeShape { nodes[$0].count } }

    /// The same grid in a volume in which the first voxel of this one is that at `origin`.
    package func moved(to origin: VolumeIndex) -> WeightGrid {
        var moved = self
        moved.nodes = (0..<3).map { axis in nodes[axis].map { $0 + Double(origin[axis]) } }
        return moved
    }

    /// Where a voxel lies between two nodes that follow each other.
    package struct Place: Hashable, Sendable {
        /// The number of the node before it, or of the only one.
        package var node: Int
        /// The part of the way to the node after it, 0 ... 1.
        package var fraction: Float
    }

    /// Where the first `count` voxels of an axis lie.
    package func places(axis: Int, count: Int) -> [Place] {
        let nodes = nodes[axis]
        var next = 1
        return (0..<count).map { index in
            guard nodes.count > 1 else { return Place(node: 0, fraction: 0) }
            let voxel = Double(index)
            while next < nodes.count - 1, nodes[next] <= voxel { next += 1 }
            let (before, after) = (nodes[next - 1], nodes[next])
            return Place(node: next - 1, fraction: Float(min(max((voxel - before) / (after - before), 0), 1)))
        }
    }
}
