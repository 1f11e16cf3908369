package import DeconvVolume

/// The brightest voxel along each line of sight: what a volume looks like from above, from the front and from the side.
///
/// Planes come one at a time in any order, so a volume never has to be in memory. Voxels that are not finite are left out.
package struct MaximumProjections: Sendable {
    /// Voxels per axis.
    package let shape: VolumeShape
    /// Along z: `shape.y` rows of `shape.x` values.
    package private(set) var alongZ: [Float]
    /// Along y: `shape.z` rows of `shape.x` values.
    package private(set) var alongY: [Float]
    /// Along x: `shape.y` rows of `shape.z` values, so that it stands to the right of `alongZ` row for row.
    package private(set) var alongX: [Float]

    /// Projections of a volume of at least one voxel, none of whose planes has come yet; they hold −∞.
    package init(shape: VolumeShape) {
        precondition(shape.z > 0 && shape.y > 0 && shape.x > 0, "\(shape) voxels cannot be projected")
        self.shape = shape
        alongZ = [Float](repeating: -.infinity, count: shape.y * shape.x)
        alongY = [Float](repeating: -.infinity, count: shape.z * shape.x)
        alongX = [Float](repeating: -.infinity, count: shape.y * shape.z)
    }

    /// The view along z alone, as of a volume of one plane.
    var flat: MaximumProjections {
        var flat = MaximumProjections(shape: VolumeShape(z: 1, y: shape.y, x: shape.x))
        flat.add(alongZ, z: 0)
        return flat
    }

    /// Takes a plane of `shape.planeVoxelCount` voxels, x fastest.
    package mutating func add(_ plane: UnsafeBufferPointer<Float>, z: Int) {
        precondition(plane.count == shape.planeVoxelCount, "\(plane.count) voxels do not make a plane of \(shape)")
        precondition(z >= 0 && z < shape.z, "a volume of \(shape) has no plane \(z)")
        let width = shape.x
        for y in 0..<shape.y {
            var brightest = alongX[y * shape.z + z]
            for x in 0..<width {
                let value = plane[y * width + x]
                guard value.isFinite else { continue }
                if value > alongZ[y * width + x] { alongZ[y * width + x] = value }
                if value > alongY[z * width + x] { alongY[z * width + x] = value }
                brightest = max(brightest, value)
            }
            alongX[y * shape.z + z] = brightest
        }
    }

    /// Takes a plane of `shape.planeVoxelCount` voxels, x fastest.
    package mutating func add(_ plane: [Float], z: Int) {
        plane.withUnsafeBufferPointer { add($0, z: z) }
    }

    /// The projections of one volume of a file or array, read some planes at a time.
    /// - Parameters:
    ///   - source: has at least one voxel.
    ///   - channel: 0 ..< `source.image.channelCount`.
    ///   - timepoint: 0 ..< `source.image.timepointCount`.
    ///   - slabBytes: about how much of the volume is in memory at once.
    ///   - memoryLimit: the most bytes that these voxels, the projections and a picture of them may take.
    /// - Throws: `DeconvolutionError`: `invalidData` for a source without voxels, `outOfMemory` for one that takes more, and what
    ///   reading throws.
    package init(
        of source: some VolumeSource,
        channel: Int = 0,
        timepoint: Int = 0,
        slabBytes: Int = 256 << 20,
        memoryLimit: Int = .max
    ) throws(DeconvolutionError) {
        let shape = source.image.shape
        guard shape.z > 0 && shape.y > 0 && shape.x > 0 else {
            throw DeconvolutionError(.invalidData, "\(source.name) has no voxels to show (\(shape))")
        }
        // Its shape is only what a file claims. Products of that may be more than an Int holds.
        let (z, y, x) = (Double(shape.z), Double(shape.y), Double(shape.x))
        let slabVoxels = max(y * x, min(z * y * x, Double(slabBytes) / 4))
        // Voxels as they are stored and in float; the picture takes as much again as the projections, and percentiles as well.
        let bytes = slabVoxels * Double(source.image.pixelType.inMemory.byteCount + 4) + 3 * 4 * (y * x + z * x + z * y)
        guard bytes <= Double(memoryLimit) else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(source.name): projections of \(shape) voxels take \(Self.gigabytes(bytes)) GB of memory, but "
                    + "\(Self.gigabytes(Double(memoryLimit))) GB are free; free some or crop it"
            )
        }
        self.init(shape: shape)
        let planesPerSlab = max(1, slabBytes / max(1, 4 * shape.planeVoxelCount))
        for start in stride(from: 0, to: shape.z, by: planesPerSlab) {
            let slab = Region(
                origin: VolumeIndex(z: start, y: 0, x: 0),
                shape: VolumeShape(z: min(planesPerSlab, shape.z - start), y: shape.y, x: shape.x)
            )
            let voxels = try source.read(slab, channel: channel, timepoint: timepoint).floats
            voxels.withUnsafeBufferPointer { voxels in
                for z in slab.zRange {
                    let first = (z - start) * shape.planeVoxelCount
                    add(UnsafeBufferPointer(rebasing: voxels[first..<first + shape.planeVoxelCount]), z: z)
                }
            }
        }
    }

    /// With one decimal.
    private static func gigabytes(_ bytes: Double) -> Double { (bytes / 1e8).rounded() / 10 }
}
