import DeconvVolume
import Glibc

/// How much of each frequency a PSF passes, on two planes through frequency 0.
package struct TransferSections: Sendable {
    /// Frequencies along each side, from −1/2 to 1/2 cycle a voxel: an odd number, with 0 in the middle.
    package let count: Int
    /// |OTF| at kz = 0: `count` rows of ky with `count` values of kx, 1 at frequency 0.
    package let lateral: [Float]
    /// |OTF| at ky = 0: `count` rows of kz with `count` values of kx.
    package let axial: [Float]

    /// The transforms of a PSF's projections: a section of a spectrum is the spectrum of a projection (Bracewell 1956,
    /// Australian Journal of Physics 9).
    ///
    /// The sums are made for the frequencies of a picture, which are not those of an FFT of the PSF's own size.
    package init(of psf: PointSpreadFunction, count: Int = 145) {
        precondition(count > 1 && count % 2 == 1, "frequency 0 is in the middle")
        self.count = count
        let shape = psf.shape
        var alongZ = [Double](repeating: 0, count: shape.y * shape.x)
        var alongY = [Double](repeating: 0, count: shape.z * shape.x)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let row = (z * shape.y + y) * shape.x
                for x in 0..<shape.x {
                    alongZ[y * shape.x + x] += Double(psf.voxels[row + x])
                    alongY[z * shape.x + x] += Double(psf.voxels[row + x])
                }
            }
        }
        lateral = Self.magnitudes(alongZ, rows: shape.y, columns: shape.x, count: count)
        axial = Self.magnitudes(alongY, rows: shape.z, columns: shape.x, count: count)
    }

    private static func magnitudes(_ values: [Double], rows: Int, columns: Int, count: Int) -> [Float] {
        // cos and sin of every frequency at every place along one axis.
        func waves(_ length: Int) -> (cosines: [Double], sines: [Double]) {
            let phases = (0..<count * length).map { index in
                let frequency = Double(index / length - count / 2) / Double(count - 1)
                return 2 * Double.pi * frequency * Double(index % length - length / 2)
            }
            return (phases.map { cos($0) }, phases.map { sin($0) })
        }
        let (across, down) = (waves(columns), waves(rows))
        var real = [Double](repeating: 0, count: rows * count)
        var imaginary = real
        for row in 0..<rows {
            for k in 0..<count {
                var (a, b) = (0.0, 0.0)
                for x in 0..<columns {
                    a += values[row * columns + x] * across.cosines[k * columns + x]
                    b -= values[row * columns + x] * across.sines[k * columns + x]
                }
                (real[row * count + k], imaginary[row * count + k]) = (a, b)
            }
        }
        var result: [Float] = []
        result.reserveCapacity(count * count)
        for j in 0..<count {
            for k in 0..<count {
                var (a, b) = (0.0, 0.0)
                for row in 0..<rows {
                    let (c, s) = (down.cosines[j * rows + row], down.sines[j * rows + row])
                    a += real[row * count + k] * c + imaginary[row * count + k] * s
                    b += imaginary[row * count + k] * c - real[row * count + k] * s
                }
                result.append(Float((a * a + b * b).squareRoot()))
            }
        }
        return result
    }
}
