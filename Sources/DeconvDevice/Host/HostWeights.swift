import DeconvVolume

/// The weights of a mode for the rows of a domain, computed as they are asked for.
package struct HostWeights: Sendable {
    private let nodes: VolumeShape
    private let values: [Float]
    private let planes: [WeightGrid.Place]
    private let rows: [WeightGrid.Place]
    private let columns: [WeightGrid.Place]

    init(_ grid: WeightGrid, on domain: VolumeShape) {
        nodes = grid.shape
        values = grid.values
        planes = grid.places(axis: 0, count: domain.z)
        rows = grid.places(axis: 1, count: domain.y)
        columns = grid.places(axis: 2, count: domain.x)
    }

    /// Gives some voxels of a row and their weights to `body`.
    @inline(__always)
    func forEach(_ z: Int, _ y: Int, _ range: Range<Int>, _ body: (_ x: Int, _ weight: Float) -> Void) {
        var node = 0
        var (first, last) = ends(z, y, node)
        if nodes.x == 1 {
            for x in range { body(x, first) }
            return
        }
        for x in range {
            let place = columns[x]
            if place.node != node {
                node = place.node
                (first, last) = ends(z, y, node)
            }
            body(x, first + place.fraction * (last - first))
        }
    }

    /// The weights of a row at a node along x and the next one.
    private func ends(_ z: Int, _ y: Int, _ node: Int) -> (Float, Float) {
        let (plane, row) = (planes[z], rows[y])
        func value(_ x: Int) -> Float {
            let near = mixed(plane.node, row, x)
            let far = mixed(min(plane.node + 1, nodes.z - 1), row, x)
            return near + plane.fraction * (far - near)
        }
        return (value(node), value(min(node + 1, nodes.x - 1)))
    }

    private func mixed(_ plane: Int, _ row: WeightGrid.Place, _ x: Int) -> Float {
        func value(_ y: Int) -> Float { values[(plane * nodes.y + y) * nodes.x + x] }
        let near = value(row.node)
        return near + row.fraction * (value(min(row.node + 1, nodes.y - 1)) - near)
    }
}
