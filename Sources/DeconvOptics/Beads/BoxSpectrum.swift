import DeconvVolume
import Glibc

/// The discrete Fourier transform of a small box, as one matrix an axis.
struct BoxSpectrum {
    private let shape: VolumeShape
    private var real: [Double]
    private var imaginary: [Double]

    /// The transform of a field with zeros behind it up to a shape.
    init(_ field: PSFField, padded shape: VolumeShape) {
        self.shape = shape
        real = [Double](repeating: 0, count: shape.voxelCount)
        imaginary = real
        for offset in field.values.indices {
            let place = field.index(of: offset)
            real[(place.z * shape.y + place.y) * shape.x + place.x] = field.values[offset]
        }
        for axis in 0..<3 { transform(axis, sign: -1) }
    }

    /// Multiplies by a real function of the frequency, which is in cycles per voxel (z, y, x), -1/2 to 1/2.
    mutating func multiply(_ factor: ([Double]) -> Double) {
        let frequencies = (0..<3).map { axis in
            let count = shape[axis]
            return (0..<count).map { Double($0 > count / 2 ? $0 - count : $0) / Double(count) }
        }
        var offset = 0
        for z in frequencies[0] {
            for y in frequencies[1] {
                for x in frequencies[2] {
                    let value = factor([z, y, x])
                    real[offset] *= value
                    imaginary[offset] *= value
                    offset += 1
                }
            }
        }
    }

    /// The inverse transform, from its first voxels on.
    func field(shape part: VolumeShape) -> PSFField {
        var inverse = self
        for axis in 0..<3 { inverse.transform(axis, sign: 1) }
        let scale = 1 / Double(shape.voxelCount)
        let values = inverse.real.cropped(from: shape, to: Region(part)).map { $0 * scale }
        return PSFField(shape: part, values: values)
    }

    private mutating func transform(_ axis: Int, sign: Double) {
        let count = shape[axis]
        guard count > 1 else { return }
        let stride = [shape.planeVoxelCount, shape.x, 1][axis]
        let angles = (0..<count).map { 2 * Double.pi * Double($0) / Double(count) }
        let (cosines, sines) = (angles.map { cos($0) }, angles.map { sign * sin($0) })
        let (fromReal, fromImaginary) = (real, imaginary)
        for start in Swift.stride(from: 0, to: real.count, by: count * stride) {
            for j in 0..<count {
                let to = start + j * stride
                for k in to..<to + stride { (real[k], imaginary[k]) = (0, 0) }
                for i in 0..<count {
                    let from = start + i * stride
                    let (c, s) = (cosines[i * j % count], sines[i * j % count])
                    for k in 0..<stride {
                        let (a, b) = (fromReal[from + k], fromImaginary[from + k])
                        real[to + k] += c * a - s * b
                        imaginary[to + k] += s * a + c * b
                    }
                }
            }
        }
    }
}
