import DeconvVolume

/// A background that rises along a direction: a plane through the border of a PSF.
struct BackgroundSlope {
    /// Counts per voxel along z, y and x.
    let perVoxel: [Double]
    /// Standard deviation of what is left beside the plane, counts.
    let residual: Double
    /// The voxels that it was measured in.
    let box: Region

    /// A rise across the box of this many standard deviations of the noise is subtracted.
    ///
    /// Measured: along the steepest axis beads in camera noise stay below 0.1. A rise of 0.6 costs an error of the OTF of 0.04,
    /// one of 3 of 0.09, one of 12 of 0.8, where without a rise there is 0.013. Of the real PSFs that were tried, one that is the
    /// mean of beads, so that neighboring voxels share their noise, has 1.8.
    private static let leastRise = 2.0
    /// A background that rises bulges little: measured, the rise of a gradient of 0.2 counts a voxel under a bead with a halo is
    /// five times its bulge, and that of the light of a confocal PSF half of it.
    private static let leastRisePerBulge = 2.0

    /// The least-squares plane through voxels of a box, those beyond three standard deviations left out.
    ///
    /// Solves the normal equations by Gauss and Seidel's sweeps: on a border that is nearly symmetric they are nearly diagonal.
    /// - Returns: nil where the plane does not rise by more than noise would explain.
    init?(in field: PSFField, at offsets: [Int], of box: Region) {
        let middle = (0..<3).map { Double(box.origin[$0]) + Double(box.shape[$0] - 1) / 2 }
        let places = offsets.map { offset in
            let index = field.index(of: offset)
            return (0..<3).map { Double(index[$0]) - middle[$0] }
        }
        let values = offsets.map { field.values[$0] }
        var kept = Array(values.indices)
        var level = 0.0
        var slope = [0.0, 0.0, 0.0]
        var spread = 0.0
        func rest(_ i: Int) -> Double {
            let place = places[i]
            return values[i] - level - slope[0] * place[0] - slope[1] * place[1] - slope[2] * place[2]
        }
        for _ in 0..<6 {
            guard kept.count >= 32 else { return nil }
            for _ in 0..<4 {
                level += kept.reduce(0) { $0 + rest($1) } / Double(kept.count)
                for axis in 0..<3 where box.shape[axis] > 1 {
                    var (product, square) = (0.0, 0.0)
                    for i in kept {
                        product += rest(i) * places[i][axis]
                        square += places[i][axis] * places[i][axis]
                    }
                    if square > 0 { slope[axis] += product / square }
                }
            }
            spread = RobustSpread.of(kept.map(rest))
            let limit = 3 * spread
            kept = values.indices.filter { abs(rest($0)) <= limit }
        }
        self.box = box
        residual = spread
        // What bulges more than it rises is light, which is not even on both sides.
        let bulges = (0..<3).map { axis in
            let reach = Double(box.shape[axis] - 1) / 2
            let squares = kept.map { places[$0][axis] * places[$0][axis] }
            let mean = squares.reduce(0, +) / Double(squares.count)
            let size = squares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let bend = zip(kept, squares).reduce(0) { $0 + rest($1.0) * ($1.1 - mean) } / max(size, 1e-300)
            return abs(bend) * reach * reach
        }
        let bulge = bulges.max() ?? 0
        perVoxel = (0..<3).map { axis in
            let rise = abs(slope[axis]) * Double(box.shape[axis] - 1)
            return rise > Self.leastRise * spread && rise > Self.leastRisePerBulge * bulge ? slope[axis] : 0
        }
        guard spread > 0, perVoxel.contains(where: { $0 != 0 }) else { return nil }
    }

    /// Part of the peak by which a background rises before it counts in a PSF without noise.
    private static let leastRiseOfPeak = 0.01
    /// Of the differences between opposite sides what a plane leaves of them. Measured: of computed PSFs, aberrated ones and crops of them
    /// too, it leaves half or more; of a rise of a fiftieth of the peak a hundredth.
    private static let mostLeft = 0.25
    /// In fewer voxels the cone of light of an aberrated PSF looks like a slope.
    private static let fewestVoxels = 12

    /// The plane through the differences between voxels and their mirror images about the center, of a PSF without noise: its light is
    /// nearly the same on opposite sides, and a slope is not.
    /// - Returns: nil where the differences are none of a plane.
    init?(mirroredIn field: PSFField, about center: [Double], at offsets: [Int], of box: Region) {
        let twice = center.map { Int((2 * $0).rounded()) }
        var places: [[Double]] = []
        var values: [Double] = []
        for offset in offsets {
            let here = field.index(of: offset)
            let there = VolumeIndex { twice[$0] - here[$0] }
            guard box.contains(Region(origin: there, shape: VolumeShape(z: 1, y: 1, x: 1))) else { continue }
            places.append((0..<3).map { Double(here[$0]) - Double(twice[$0]) / 2 })
            values.append((field.values[offset] - field[there]) / 2)
        }
        let axes = (0..<3).filter { box.shape[$0] >= Self.fewestVoxels }
        var kept = Array(values.indices)
        var slope = [0.0, 0.0, 0.0]
        func rest(_ i: Int) -> Double {
            values[i] - slope[0] * places[i][0] - slope[1] * places[i][1] - slope[2] * places[i][2]
        }
        for _ in 0..<6 {
            guard kept.count >= 32 else { return nil }
            for _ in 0..<4 {
                for axis in axes {
                    var (product, square) = (0.0, 0.0)
                    for i in kept {
                        product += rest(i) * places[i][axis]
                        square += places[i][axis] * places[i][axis]
                    }
                    if square > 0 { slope[axis] += product / square }
                }
            }
            let limit = 3 * RobustSpread.of(kept.map(rest))
            kept = values.indices.filter { abs(rest($0)) <= limit }
        }
        self.box = box
        residual = RobustSpread.of(values.indices.map(rest))
        let before = RobustSpread.of(values)
        let least = Self.leastRiseOfPeak * (field.values.max() ?? 0)
        perVoxel = (0..<3).map { abs(slope[$0]) * Double(box.shape[$0] - 1) > least ? slope[$0] : 0 }
        guard residual < Self.mostLeft * before, perVoxel.contains(where: { $0 != 0 }) else { return nil }
    }

    /// From one face of the box to the other along z, y and x, counts.
    var rises: [Double] { (0..<3).map { abs(perVoxel[$0]) * Double(box.shape[$0] - 1) } }

    /// A field less the plane, which is 0 in the middle of the box.
    /// - Parameter keepsZeros: whether voxels that are exactly 0 were not recorded, and stay 0.
    func subtracted(from field: PSFField, keepsZeros: Bool) -> PSFField {
        var result = field
        for z in box.zRange {
            let atZ = (Double(z - box.origin.z) - Double(box.shape.z - 1) / 2) * perVoxel[0]
            for y in box.yRange {
                let atY = atZ + (Double(y - box.origin.y) - Double(box.shape.y - 1) / 2) * perVoxel[1]
                let row = (z * field.shape.y + y) * field.shape.x
                for x in box.xRange where !(keepsZeros && field.values[row + x] == 0) {
                    let atX = (Double(x - box.origin.x) - Double(box.shape.x - 1) / 2) * perVoxel[2]
                    result.values[row + x] -= atY + atX
                }
            }
        }
        return result
    }
}
