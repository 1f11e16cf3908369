package import DeconvVolume
import Glibc

/// Discrete Fourier transforms of a volume as plain sums in double precision, axis after axis.
package struct DirectTransform {
    /// Real parts of the values, z, y, x.
    package var real: [Double]
    /// Imaginary parts.
    package var imaginary: [Double]
    private let shape: VolumeShape

    /// The transform of real values.
    package init(_ values: [Double], shape: VolumeShape) {
        precondition(values.count == shape.voxelCount)
        self.shape = shape
        real = values
        imaginary = values.map { _ in 0 }
        for axis in 0..<3 { transform(axis, sign: -1) }
    }

    /// The transform of a PSF with its center, voxel n/2 of each axis, on the first voxel of a shape, wrapped.
    package init(psf: Volume, shape: VolumeShape) {
        var values = [Double](repeating: 0, count: shape.voxelCount)
        for index in psf.voxels.indices {
            let (plane, row) = (index / psf.shape.x / psf.shape.y, index / psf.shape.x % psf.shape.y)
            let place = zip([plane, row, index % psf.shape.x], zip(psf.shape.axes, shape.axes)).map { voxel, lengths in
                (voxel - lengths.0 / 2 + lengths.1 * lengths.0) % lengths.1
            }
            values[(place[0] * shape.y + place[1]) * shape.x + place[2]] += Double(psf.voxels[index])
        }
        self.init(values, shape: shape)
    }

    /// The real parts of the values that have this transform.
    package var inverse: [Double] {
        var result = self
        for axis in 0..<3 { result.transform(axis, sign: 1) }
        return result.real.map { $0 / Double(shape.voxelCount) }
    }

    private mutating func transform(_ axis: Int, sign: Double) {
        let length = shape[axis]
        let stride = [shape.planeVoxelCount, shape.x, 1][axis]
        let angles = (0..<length).map { sign * 2 * .pi * Double($0) / Double(length) }
        let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
        let (re, im) = (real, imaginary)
        for first in re.indices where first / stride % length == 0 {
            for k in 0..<length {
                var sum = (0.0, 0.0)
                for n in 0..<length {
                    let (a, b, angle) = (re[first + n * stride], im[first + n * stride], k * n % length)
                    sum.0 += a * cosines[angle] - b * sines[angle]
                    sum.1 += a * sines[angle] + b * cosines[angle]
                }
                (real[first + k * stride], imaginary[first + k * stride]) = sum
            }
        }
    }
}
