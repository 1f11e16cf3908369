package import DeconvVolume
import Glibc

/// A volume in few voxels: the brightest of those that fall on one, so that no point is lost.
package struct ReducedVolume: Sendable {
    /// Voxels per axis.
    package let shape: VolumeShape
    /// `shape.voxelCount` values, x fastest.
    package let voxels: [Float]

    /// Reads a volume plane by plane.
    /// - Parameters:
    ///   - target: voxels afterwards; along z no more than the source has.
    ///   - channel: 0 ..< `source.image.channelCount`.
    ///   - timepoint: 0 ..< `source.image.timepointCount`.
    /// - Throws: what reading throws.
    package init(
        of source: some VolumeSource,
        to target: VolumeShape,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) {
        let shape = source.image.shape
        precondition(target.z <= shape.z, "planes are put together, not invented")
        let across = AxisResampling(from: shape.x, to: target.x, isSmooth: true)
        let down = AxisResampling(from: shape.y, to: target.y, isSmooth: true)
        var reduced = [Float](repeating: -.infinity, count: target.voxelCount)
        let planesPerSlab = max(1, Self.slabBytes / max(1, 4 * shape.planeVoxelCount))
        for start in stride(from: 0, to: shape.z, by: planesPerSlab) {
            let slab = Region(
                origin: VolumeIndex(z: start, y: 0, x: 0),
                shape: VolumeShape(z: min(planesPerSlab, shape.z - start), y: shape.y, x: shape.x)
            )
            let voxels = try source.read(slab, channel: channel, timepoint: timepoint).floats
            for z in slab.zRange {
                let plane = voxels[(z - start) * shape.planeVoxelCount..<(z - start + 1) * shape.planeVoxelCount]
                // Voxels that never came are as dark as can be, but a blend of them must stay a number.
                let finite = plane.map { $0.isFinite ? $0 : -.greatestFiniteMagnitude }
                let small = down.columns(across.rows(finite), width: target.x)
                let first = z * target.z / shape.z * target.planeVoxelCount
                for i in small.indices where small[i] > reduced[first + i] { reduced[first + i] = small[i] }
            }
        }
        self.shape = target
        voxels = reduced
    }

    /// About how much of a volume is in memory at once.
    private static let slabBytes = 256 << 20

    private init(shape: VolumeShape, voxels: [Float]) { (self.shape, self.voxels) = (shape, voxels) }

    /// The same with more planes, blends of those on both sides.
    func stretched(to planeCount: Int) -> ReducedVolume {
        guard planeCount > shape.z else { return self }
        let along = AxisResampling(from: shape.z, to: planeCount, isSmooth: true)
        return ReducedVolume(
            shape: VolumeShape(z: planeCount, y: shape.y, x: shape.x),
            voxels: along.columns(voxels, width: shape.planeVoxelCount)
        )
    }

    /// One plane: `shape.y` rows of `shape.x` values.
    func plane(_ z: Int) -> [Float] { Array(voxels[z * shape.planeVoxelCount..<(z + 1) * shape.planeVoxelCount]) }

    /// The columns from top to bottom one after the other, y fastest: what a turn about the vertical axis reads.
    func uprightColumns() -> [Float] {
        var columns = [Float](repeating: 0, count: voxels.count)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    columns[(z * shape.x + x) * shape.y + y] = voxels[(z * shape.y + y) * shape.x + x]
                }
            }
        }
        return columns
    }
}

/// Maximum projections of a volume of cubic voxels that turns about its vertical axis.
struct Turntable {
    private let shape: VolumeShape
    private let columns: [Float]
    /// Columns of a projection: the longest line through a plane of constant y.
    let width: Int

    init(_ volume: ReducedVolume) {
        shape = volume.shape
        columns = volume.uprightColumns()
        let (z, x) = (Double(shape.z), Double(shape.x))
        width = Int((z * z + x * x).squareRoot().rounded(.up))
    }

    /// The projection after a turn. Every voxel falls onto the column nearest to its place, so that none is lost; neighbors lie
    /// no more than a column apart, so that none stays empty between them.
    /// - Parameter turn: 0 … 1, a share of a whole turn; at 0 it is that along z.
    /// - Returns: `shape.y` rows of `width` values, −∞ where no voxel is in sight.
    func projection(turn: Double) -> [Float] {
        let angle = 2 * Double.pi * turn
        let (cosine, sine) = (cos(angle), sin(angle))
        let rows = shape.y
        var upright = [Float](repeating: -.infinity, count: width * rows)
        let middle = (z: Double(shape.z - 1) / 2, x: Double(shape.x - 1) / 2, u: Double(width - 1) / 2)
        columns.withUnsafeBufferPointer { columns in
            upright.withUnsafeMutableBufferPointer { upright in
                for z in 0..<shape.z {
                    let deep = (Double(z) - middle.z) * sine
                    for x in 0..<shape.x {
                        let place = middle.u + (Double(x) - middle.x) * cosine + deep
                        let from = (z &* shape.x &+ x) &* rows
                        let to = min(max(Int(place.rounded()), 0), width - 1) &* rows
                        for y in 0..<rows { upright[to &+ y] = max(upright[to &+ y], columns[from &+ y]) }
                    }
                }
            }
        }
        var result = [Float](repeating: 0, count: upright.count)
        for u in 0..<width {
            for y in 0..<rows { result[y * width + u] = upright[u * rows + y] }
        }
        return result
    }
}
