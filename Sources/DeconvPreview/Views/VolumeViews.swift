package import DeconvVolume

/// A volume from above, from the front and from the side.
package struct VolumeViews: Sendable {
    /// Voxels per axis.
    package let shape: VolumeShape
    /// Along z: `shape.y` rows of `shape.x` values.
    package let alongZ: [Float]
    /// Along y: `shape.z` rows of `shape.x` values.
    package let alongY: [Float]
    /// Along x: `shape.y` rows of `shape.z` values, so that it stands to the right of `alongZ` row for row.
    package let alongX: [Float]

    /// The brightest voxel along each line of sight.
    package init(_ projections: MaximumProjections) {
        shape = projections.shape
        (alongZ, alongY, alongX) = (projections.alongZ, projections.alongY, projections.alongX)
    }

    /// The three sections through a voxel.
    /// - Parameters:
    ///   - source: what is read.
    ///   - point: inside `source.image.shape`.
    ///   - channel: 0 ..< `source.image.channelCount`.
    ///   - timepoint: 0 ..< `source.image.timepointCount`.
    /// - Throws: what reading throws.
    package init(
        through point: VolumeIndex,
        of source: some VolumeSource,
        channel: Int = 0,
        timepoint: Int = 0
    ) throws(DeconvolutionError) {
        let shape = source.image.shape
        func section(_ axis: Int) throws(DeconvolutionError) -> [Float] {
            let region = Region(
                origin: VolumeIndex { $0 == axis ? point[axis] : 0 },
                shape: VolumeShape { $0 == axis ? 1 : shape[$0] }
            )
            return try source.read(region, channel: channel, timepoint: timepoint).floats
        }
        self.shape = shape
        alongZ = try section(0)
        alongY = try section(1)
        let side = try section(2)
        var turned = [Float](repeating: 0, count: side.count)
        for z in 0..<shape.z {
            for y in 0..<shape.y { turned[y * shape.z + z] = side[z * shape.y + y] }
        }
        alongX = turned
    }
}

extension MaximumProjections {
    /// The brightest voxel, sought where the projection along z is brightest over 3 x 3 pixels, so that a hot pixel is not taken
    /// for a structure.
    /// - Returns: its place in the plane; where along z the caller finds out, by a look at that column.
    package func brightestColumn() -> (y: Int, x: Int) {
        var best = (y: shape.y / 2, x: shape.x / 2)
        var most = -Float.infinity
        for y in 0..<shape.y {
            for x in 0..<shape.x {
                var (sum, count) = (Float(0), Float(0))
                for v in max(0, y - 1)...min(shape.y - 1, y + 1) {
                    for u in max(0, x - 1)...min(shape.x - 1, x + 1) where alongZ[v * shape.x + u].isFinite {
                        sum += alongZ[v * shape.x + u]
                        count += 1
                    }
                }
                if count > 0, sum / count > most { (most, best) = (sum / count, (y, x)) }
            }
        }
        return best
    }
}
