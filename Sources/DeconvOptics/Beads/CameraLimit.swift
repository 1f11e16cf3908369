import DeconvVolume

/// The value at which a camera or its file ends.
struct CameraLimit {
    /// Neighbors that share the largest value of the data before it counts as an end: one voxel has it in any stack, and
    /// two may by chance.
    private static let leastNeighbors = 3

    private let voxels: [Float]
    private let shape: VolumeShape
    private let brightest: Float
    private let isEndOfType: Bool

    /// Looks for the largest value of a stack.
    /// - Parameter largest: of its type, where that is an integer.
    init(_ voxels: [Float], shape: VolumeShape, largest: Float?) {
        self.voxels = voxels
        self.shape = shape
        let brightest = voxels.max() ?? 0
        self.brightest = brightest
        isEndOfType = largest.map { brightest >= $0 } ?? false
    }

    /// Whether the core of a bead is flat.
    /// - Parameter width: of a bead, voxels (z, y, x).
    func isReached(around place: VolumeIndex, width: [Double]) -> Bool {
        let core = (0..<3).map { axis in
            let reach = max(1, Int((width[axis] / 2).rounded()))
            return max(0, place[axis] - reach)...min(shape[axis] - 1, place[axis] + reach)
        }
        for z in core[0] {
            for y in core[1] {
                for x in core[2] where voxel(z, y, x) == brightest {
                    if isEndOfType || likes(z, y, x, core) >= Self.leastNeighbors { return true }
                }
            }
        }
        return false
    }

    private func voxel(_ z: Int, _ y: Int, _ x: Int) -> Float { voxels[(z * shape.y + y) * shape.x + x] }

    /// Voxels of the 3x3x3 around one that are as bright, itself included.
    private func likes(_ z: Int, _ y: Int, _ x: Int, _ core: [ClosedRange<Int>]) -> Int {
        var count = 0
        for w in max(core[0].lowerBound, z - 1)...min(core[0].upperBound, z + 1) {
            for v in max(core[1].lowerBound, y - 1)...min(core[1].upperBound, y + 1) {
                for u in max(core[2].lowerBound, x - 1)...min(core[2].upperBound, x + 1)
                where voxel(w, v, u) == brightest { count += 1 }
            }
        }
        return count
    }
}
