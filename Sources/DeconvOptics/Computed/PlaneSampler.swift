import DeconvVolume

/// Voxels of a plane from a function of the distance from the axis, which is that of voxel n/2.
struct PlaneSampler {
    private let shape: VolumeShape
    /// Rows and columns of a quadrant, from the axis outwards.
    private let quadrant: (y: Int, x: Int)
    /// Distances in steps: for every voxel of the quadrant those at which it is sampled.
    private let positions: [Double]
    /// What each sample of a voxel counts; their sum is 1.
    private let weights: [Double]

    /// A sampler.
    /// - Parameters:
    ///   - nodes: samples a voxel along y and x; 1 is its middle, more are for the mean over its square.
    ///   - step: distance between the radii of a profile, µm.
    init(shape: VolumeShape, spacing: VoxelSpacing, nodes: (y: Int, x: Int), step: Double) {
        self.shape = shape
        quadrant = (shape.y / 2 + 1, shape.x / 2 + 1)
        let rules = (
            y: GaussLegendre(count: nodes.y, from: -0.5, to: 0.5), x: GaussLegendre(count: nodes.x, from: -0.5, to: 0.5)
        )
        weights = rules.y.weights.flatMap { a in rules.x.weights.map { a * $0 } }
        var positions: [Double] = []
        positions.reserveCapacity(quadrant.y * quadrant.x * weights.count)
        for y in 0..<quadrant.y {
            for x in 0..<quadrant.x {
                for v in rules.y.nodes {
                    let dy = (Double(y) + v) * spacing.y / step
                    for u in rules.x.nodes {
                        let dx = (Double(x) + u) * spacing.x / step
                        positions.append((dy * dy + dx * dx).squareRoot())
                    }
                }
            }
        }
        self.positions = positions
    }

    /// The largest distance from the axis at which voxels of a box are sampled, µm.
    static func reach(_ shape: VolumeShape, _ spacing: VoxelSpacing) -> Double {
        let y = (Double(shape.y / 2) + 0.5) * spacing.y
        let x = (Double(shape.x / 2) + 0.5) * spacing.x
        return (y * y + x * x).squareRoot()
    }

    /// The plane, (y, x) with x fastest.
    func plane(_ profile: [Double]) -> [Double] {
        var part = [Double](repeating: 0, count: quadrant.y * quadrant.x)
        profile.withUnsafeBufferPointer { profile in
            for voxel in part.indices {
                var sum = 0.0
                for (i, weight) in weights.enumerated() {
                    sum += weight * RadialInterpolation(at: positions[voxel &* weights.count &+ i])(profile)
                }
                // Interpolation undershoots by 1e-6 of the peak beside dark rings.
                part[voxel] = max(0, sum)
            }
        }
        var plane: [Double] = []
        plane.reserveCapacity(shape.planeVoxelCount)
        for y in 0..<shape.y {
            let row = abs(y - shape.y / 2) * quadrant.x
            for x in 0..<shape.x { plane.append(part[row + abs(x - shape.x / 2)]) }
        }
        return plane
    }
}
