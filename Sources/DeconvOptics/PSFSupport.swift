import DeconvVolume

/// Where a noisy PSF has light that can be told from noise.
///
/// A million voxels of noise, cut at zero, hold several times the light of the PSF itself. So only voxels count that
/// stand out of the noise, by themselves or as a mean over their neighbourhood, and hang together with the peak.
struct PSFSupport {
    let shape: VolumeShape
    /// 1 where there is light, 0 elsewhere.
    private(set) var mask: [UInt8]

    /// Standard deviations above the background that count as light: three voxels in a million do by chance.
    private static let significance = 4.5
    /// Half widths of the neighbourhoods over which light is looked for: 1, 3 and 7 voxels a side.
    private static let radii = [0, 1, 3]

    /// The support of a field from which the background has been subtracted.
    /// - Returns: nil where nothing at the peak stands out of the noise.
    init?(of field: PSFField, background: MeasuredBackground) {
        shape = field.shape
        mask = [UInt8](repeating: 0, count: field.values.count)
        let peak = field.offset(of: field.peak())
        for radius in Self.radii {
            let mean = field.boxMean(radius: radius)
            let count = (0..<3).reduce(1) { $0 * (2 * min(radius, (field.shape[$1] - 1) / 2) + 1) }
            let noise = max(background.spread(of: mean), background.noise / Double(count).squareRoot())
            var candidates = mask
            for i in candidates.indices where mean.values[i] > Self.significance * noise { candidates[i] = 1 }
            let connected = Self.connected(Self.dilated(candidates, shape: shape), to: peak, shape: shape)
            for i in mask.indices where connected[i] & candidates[i] == 1 { mask[i] = 1 }
        }
        guard mask[peak] == 1 else { return nil }
        // The foot of the PSF lies just below significance: without this rim the tails end too early.
        mask = Self.dilated(mask, shape: shape)
    }

    /// Number of voxels with light.
    var voxelCount: Int { mask.reduce(0) { $0 + Int($1) } }

    /// Whether light reaches a face of the box.
    var touchesEdge: Bool {
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let row = (z * shape.y + y) * shape.x
                let isOuterRow =
                    (shape.z > 1 && (z == 0 || z == shape.z - 1)) || (shape.y > 1 && (y == 0 || y == shape.y - 1))
                if isOuterRow {
                    if mask[row..<row + shape.x].contains(1) { return true }
                } else if shape.x > 1, mask[row] == 1 || mask[row + shape.x - 1] == 1 {
                    return true
                }
            }
        }
        return false
    }

    /// Voxels of a box that are more than two away from the light.
    func voxelsWellOutside(in box: Region) -> [Int] {
        let grown = Self.dilated(Self.dilated(mask, shape: shape), shape: shape)
        var offsets: [Int] = []
        for z in box.zRange {
            for y in box.yRange {
                let row = (z * shape.y + y) * shape.x
                for x in box.xRange where grown[row + x] == 0 { offsets.append(row + x) }
            }
        }
        return offsets
    }

    /// The light alone: nothing outside the support, and inside it means where single voxels tell nothing.
    ///
    /// Voxels below three standard deviations become the mean of their likes among the 27 around them. Cutting them
    /// at zero one by one would keep the upper half of the noise: measured on a Gaussian of peak 100 over noise
    /// 2.8, the largest error of the OTF falls from 0.16 to 0.06 (0.96 without any support).
    func lightOnly(_ field: PSFField, noise: Double) -> PSFField {
        var result = field
        let (rows, columns) = (shape.y, shape.x)
        func isFaint(_ offset: Int) -> Bool { mask[offset] == 1 && field.values[offset] <= 3 * noise }
        for z in 0..<shape.z {
            for y in 0..<rows {
                for x in 0..<columns {
                    let here = (z * rows + y) * columns + x
                    if mask[here] == 0 {
                        result.values[here] = 0
                    } else if isFaint(here) {
                        var sum = 0.0
                        var count = 0
                        for w in max(0, z - 1)...min(shape.z - 1, z + 1) {
                            for v in max(0, y - 1)...min(rows - 1, y + 1) {
                                for u in max(0, x - 1)...min(columns - 1, x + 1) {
                                    let there = (w * rows + v) * columns + u
                                    if isFaint(there) {
                                        sum += field.values[there]
                                        count += 1
                                    }
                                }
                            }
                        }
                        result.values[here] = sum / Double(count)
                    }
                }
            }
        }
        return result
    }

    /// A mask grown by one voxel in all 26 directions.
    static func dilated(_ mask: [UInt8], shape: VolumeShape) -> [UInt8] {
        var result = mask
        for axis in 0..<3 where shape[axis] > 1 {
            let step = [shape.planeVoxelCount, shape.x, 1][axis]
            let period = step * shape[axis]
            let source = result
            for start in stride(from: 0, to: source.count, by: period) {
                for i in start..<start + period - step { result[i] |= source[i + step] }
                for i in start + step..<start + period { result[i] |= source[i - step] }
            }
        }
        return result
    }

    /// The part of a mask that can be reached from a voxel through faces.
    static func connected(_ mask: [UInt8], to seed: Int, shape: VolumeShape) -> [UInt8] {
        var reached = [UInt8](repeating: 0, count: mask.count)
        guard mask[seed] == 1 else { return reached }
        let (plane, row) = (shape.planeVoxelCount, shape.x)
        var open = [seed]
        reached[seed] = 1
        func visit(_ offset: Int) {
            if mask[offset] == 1, reached[offset] == 0 {
                reached[offset] = 1
                open.append(offset)
            }
        }
        while let offset = open.popLast() {
            let x = offset % row
            let inPlane = offset % plane
            if x > 0 { visit(offset - 1) }
            if x + 1 < row { visit(offset + 1) }
            if inPlane >= row { visit(offset - row) }
            if inPlane + row < plane { visit(offset + row) }
            if offset >= plane { visit(offset - plane) }
            if offset + plane < mask.count { visit(offset + plane) }
        }
        return reached
    }
}
