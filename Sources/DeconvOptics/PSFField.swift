import DeconvVolume

/// The working copy of a PSF while it is prepared: double precision, in the order z, y, x with x fastest.
struct PSFField {
    var shape: VolumeShape
    var values: [Double]

    init(shape: VolumeShape, values: [Double]) {
        self.shape = shape
        self.values = values
    }

    init(_ volume: Volume) {
        self.init(shape: volume.shape, values: volume.voxels.map { Double($0) })
    }

    var sum: Double { values.reduce(0, +) }

    subscript(index: VolumeIndex) -> Double { values[offset(of: index)] }

    func offset(of index: VolumeIndex) -> Int { (index.z * shape.y + index.y) * shape.x + index.x }

    func index(of offset: Int) -> VolumeIndex {
        let (row, x) = offset.quotientAndRemainder(dividingBy: shape.x)
        let (z, y) = row.quotientAndRemainder(dividingBy: shape.y)
        return VolumeIndex(z: z, y: y, x: x)
    }

    /// Distance in memory between neighbours along an axis.
    func stride(_ axis: Int) -> Int { [shape.planeVoxelCount, shape.x, 1][axis] }

    func cropped(to region: Region) -> PSFField {
        region.shape == shape
            ? self : PSFField(shape: region.shape, values: values.cropped(from: shape, to: region))
    }

    /// The smallest box that holds every voxel beyond `threshold` in magnitude, or nil where there is none.
    func boundingBox(above threshold: Double) -> Region? {
        var low = [Int](repeating: .max, count: 3)
        var high = [Int](repeating: -1, count: 3)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let row = (z * shape.y + y) * shape.x
                guard let first = (0..<shape.x).first(where: { abs(values[row + $0]) > threshold }),
                    let last = (0..<shape.x).last(where: { abs(values[row + $0]) > threshold })
                else { continue }
                low = [min(low[0], z), min(low[1], y), min(low[2], first)]
                high = [max(high[0], z), max(high[1], y), max(high[2], last)]
            }
        }
        guard high[0] >= 0 else { return nil }
        return Region(
            origin: VolumeIndex(z: low[0], y: low[1], x: low[2]),
            shape: VolumeShape { high[$0] - low[$0] + 1 }
        )
    }

    /// Means over boxes of 2·radius + 1 voxels a side, with zeros beyond the edges; no axis is averaged beyond
    /// itself.
    func boxMean(radius: Int) -> PSFField {
        var result = self
        for axis in 0..<3 {
            let reach = min(radius, (shape[axis] - 1) / 2)
            guard reach > 0 else { continue }
            result.forEachLine(axis) { line in
                let width = Double(2 * reach + 1)
                var running = line[..<min(reach, line.count)].reduce(0, +)
                return line.indices.map { i in
                    if i + reach < line.count { running += line[i + reach] }
                    if i - reach - 1 >= 0 { running -= line[i - reach - 1] }
                    return running / width
                }
            }
        }
        return result
    }

    /// The field smoothed by 1, 2, 1 along each axis, with zeros beyond the edges.
    func binomialSmoothed() -> PSFField {
        var result = self
        for axis in 0..<3 where shape[axis] > 1 {
            result.forEachLine(axis) { line in
                line.indices.map { i in
                    let before = i > 0 ? line[i - 1] : 0
                    let after = i + 1 < line.count ? line[i + 1] : 0
                    return (before + 2 * line[i] + after) / 4
                }
            }
        }
        return result
    }

    /// The field convolved along each axis, with zeros beyond the edges.
    /// - Parameter lines: along z, y and x odd numbers of values that are symmetric about the middle one.
    func convolved(_ lines: [[Double]]) -> PSFField {
        var result = self
        for axis in 0..<3 where lines[axis].count > 1 {
            let taps = lines[axis], reach = taps.count / 2
            result.forEachLine(axis) { line in
                line.indices.map { i in
                    (max(i - reach, 0)...min(i + reach, line.count - 1)).reduce(0.0) {
                        $0 + taps[$1 - i + reach] * line[$1]
                    }
                }
            }
        }
        return result
    }

    /// Replaces every line along an axis by what a function makes of it.
    private mutating func forEachLine(_ axis: Int, _ transform: ([Double]) -> [Double]) {
        let step = stride(axis)
        let count = shape[axis]
        var line = [Double](repeating: 0, count: count)
        for outer in Swift.stride(from: 0, to: values.count, by: step * count) {
            for inner in 0..<step {
                for i in 0..<count { line[i] = values[outer + inner + i * step] }
                let replaced = transform(line)
                for i in 0..<count { values[outer + inner + i * step] = replaced[i] }
            }
        }
    }

    /// Whether an outermost voxel, along an axis of several, is not 0.
    var hasLightOnItsFaces: Bool {
        values.indices.contains { offset in
            guard values[offset] != 0 else { return false }
            let place = index(of: offset)
            return (0..<3).contains { shape[$0] > 1 && (place[$0] == 0 || place[$0] == shape[$0] - 1) }
        }
    }

    /// The brightest voxel of the smoothed field, so that a single hot pixel is not taken for the peak.
    func peak() -> VolumeIndex {
        let smoothed = binomialSmoothed().values
        let offset = smoothed.indices.max { smoothed[$0] < smoothed[$1] } ?? 0
        return index(of: offset)
    }

    /// Distances in voxels from a voxel to where the line through it along an axis has fallen to half of its value.
    ///
    /// Nil on a side where it does not fall to half inside the box.
    func halfMaximum(through voxel: VolumeIndex, axis: Int) -> HalfMaximum {
        let start = offset(of: voxel)
        let step = stride(axis)
        let top = values[start]
        func distance(_ direction: Int, _ available: Int) -> Double? {
            guard top > 0, available > 0 else { return nil }
            for i in 1...available {
                let here = values[start + direction * i * step]
                if here <= top / 2 {
                    let before = values[start + direction * (i - 1) * step]
                    return Double(i - 1) + (before - top / 2) / (before - here)
                }
            }
            return nil
        }
        return HalfMaximum(before: distance(-1, voxel[axis]), after: distance(1, shape[axis] - 1 - voxel[axis]))
    }
}

/// How far the half-maximum points lie to both sides of a voxel.
struct HalfMaximum {
    var before: Double?
    var after: Double?

    /// Distance between the two points; nil where one is missing.
    var width: Double? {
        if let before, let after { before + after } else { nil }
    }
}
