import DeconvVolume
import Dispatch
import Glibc

/// A stack smoothed by a Gaussian, in single precision, so that it takes no more memory than the stack itself.
struct SmoothedStack {
    let shape: VolumeShape
    private(set) var values: [Float]

    /// A stack from its voxels.
    /// - Parameters:
    ///   - voxels: `shape.voxelCount` values; beyond the edges their outermost ones go on.
    ///   - deviations: standard deviations in voxels (z, y, x); an axis of one voxel is left alone.
    init(_ voxels: [Float], shape: VolumeShape, deviations: [Double]) {
        self.shape = shape
        values = voxels
        for axis in 0..<3 where shape[axis] > 1 { smooth(axis, Self.weights(deviations[axis])) }
    }

    /// What smoothing leaves of the standard deviation of white noise.
    static func noiseGain(_ deviations: [Double], shape: VolumeShape) -> Double {
        (0..<3).filter { shape[$0] > 1 }.reduce(1) { gain, axis in
            let weights = weights(deviations[axis])
            let squares = weights.reduce(0) { $0 + Double($1) * Double($1) }
            return gain * squares.squareRoot()
        }
    }

    subscript(index: VolumeIndex) -> Double { Double(values[(index.z * shape.y + index.y) * shape.x + index.x]) }

    /// Full width at half of the height above a level, on the line through a voxel; nil where it does not fall to half.
    func width(through voxel: VolumeIndex, axis: Int, above level: Double) -> Double? {
        guard shape[axis] > 1 else { return nil }
        let line = (0..<shape[axis]).map { i in self[VolumeIndex { $0 == axis ? i : voxel[$0] }] - level }
        let field = PSFField(shape: VolumeShape(z: 1, y: 1, x: line.count), values: line)
        return field.halfMaximum(through: VolumeIndex(z: 0, y: 0, x: voxel[axis]), axis: 2).width
    }

    /// The Gaussian up to three and a half standard deviations, with sum 1.
    private static func weights(_ deviation: Double) -> [Float] {
        let reach = Int((3.5 * deviation).rounded(.up))
        let weights = (-reach...reach).map { exp(-0.5 * Double($0 * $0) / max(deviation * deviation, 1e-12)) }
        let sum = weights.reduce(0, +)
        return weights.map { Float($0 / sum) }
    }

    private mutating func smooth(_ axis: Int, _ weights: [Float]) {
        let reach = weights.count / 2
        let count = shape[axis]
        let stride = [shape.planeVoxelCount, shape.x, 1][axis]
        let (rows, rowsPerPlane, columns) = (shape.z * shape.y, shape.y, shape.x)
        let source = values
        source.withUnsafeBufferPointer { source in
            values.withUnsafeMutableBufferPointer { result in
                // Every row of the result is written by one job.
                nonisolated(unsafe) let source = source
                nonisolated(unsafe) let result = result
                DispatchQueue.concurrentPerform(iterations: rows) { row in
                    let start = row * columns
                    for x in 0..<columns { result[start + x] = 0 }
                    if axis == 2 {
                        for x in 0..<columns {
                            var sum: Float = 0
                            for k in -reach...reach {
                                sum += weights[k + reach] * source[start + min(max(x + k, 0), columns - 1)]
                            }
                            result[start + x] = sum
                        }
                        return
                    }
                    let here = axis == 0 ? row / rowsPerPlane : row % rowsPerPlane
                    for k in -reach...reach {
                        let from = start + (min(max(here + k, 0), count - 1) - here) * stride
                        let weight = weights[k + reach]
                        for x in 0..<columns { result[start + x] += weight * source[from + x] }
                    }
                }
            }
        }
    }
}
