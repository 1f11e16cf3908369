import CSquareRoot
import DeconvVolume

/// Δ of a field, or of its roots, row by row on the host; see `CurvatureConstants`.
struct CurvedRows: Sendable {
    private let source: HostPlanes
    private let shape: VolumeShape
    private let squares: (z: Float, y: Float, x: Float)
    private let floor: Float?

    /// - Parameters:
    ///   - squares: of what differences along each axis are multiplied by.
    ///   - floor: what values count for at least where their roots are taken; nil for no roots.
    init(of field: HostField, squares: (z: Float, y: Float, x: Float), floor: Float? = nil) {
        (source, shape) = (field.planes, field.shape)
        (self.squares, self.floor) = (squares, floor)
    }

    /// Writes Δ of a row.
    /// - Parameters:
    ///   - target: not a row of the field.
    ///   - use: gets the row itself, or its roots.
    func curvature(
        _ z: Int,
        _ y: Int,
        into target: UnsafeMutablePointer<Float>,
        use: (UnsafePointer<Float>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 5 * shape.x) { scratch in
            let room = scratch.baseAddress!, count = shape.x
            let row = values(z, y, room)
            // The same row where there is none, to which there is then no difference.
            let nextZ = values(min(z + 1, shape.z - 1), y, room + count)
            let formerZ = values(max(z - 1, 0), y, room + 2 * count)
            let nextY = values(z, min(y + 1, shape.y - 1), room + 3 * count)
            let formerY = values(z, max(y - 1, 0), room + 4 * count)
            for x in 0..<count {
                let alongZ = (nextZ[x] - row[x]) + (formerZ[x] - row[x])
                let alongY = (nextY[x] - row[x]) + (formerY[x] - row[x])
                target[x] = squares.z * alongZ + squares.y * alongY
            }
            let nextX = row + 1, toNext = target + 1
            for x in 0..<count - 1 { target[x] += squares.x * (nextX[x] - row[x]) }
            for x in 0..<count - 1 { toNext[x] -= squares.x * (nextX[x] - row[x]) }
            use(row)
        }
    }

    /// A row: where it lies in the field, or its roots in `room`.
    private func values(_ z: Int, _ y: Int, _ room: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        let row = source.row(z, y)
        guard let floor else { return UnsafePointer(row) }
        for x in 0..<shape.x { room[x] = square_root(max(row[x], floor)) }
        return UnsafePointer(room)
    }
}
