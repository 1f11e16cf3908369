package import DeconvVolume
import Glibc

/// A few modes whose weighted sums are the PSFs of several places: their mean, and the directions in which they differ most.
///
///     psf_k = mean + Σ_i a_ki u_i,   u_i the singular vectors of psf_k − mean
///
/// Of all sums of so many modes these are nearest to the PSFs in the mean square (Eckart and Young 1936, Psychometrika 1:211).
/// The sum of the mean is 1 and those of the others are 0, so that every PSF that is made of them sums to 1.
package struct PSFModes: Sendable {
    /// The most modes that there are, each of which takes a transfer function and two transforms of a projection.
    package static let most = 8
    /// The error that modes may leave where nobody says how many there are to be.
    package static let largestError = 0.1

    /// The mean of the PSFs, sum 1.
    package let mean: Volume
    /// The other modes, each of sum 0, with a weight for each PSF.
    package let variations: [(psf: Volume, weights: [Float])]
    /// By how much the PSF that is described worst differs from what the modes make of it: √Σ(difference²) / √Σ psf².
    package let error: Double

    /// Modes of PSFs.
    /// - Parameters:
    ///   - psfs: at least one; smaller ones are 0 beyond their edges.
    ///   - count: how many, the mean among them; nil for as few as leave an error of `largestError`, but no more than `most`.
    package init(_ psfs: [PointSpreadFunction], count: Int? = nil) {
        let shape = VolumeShape { axis in psfs.map { $0.shape[axis] }.max()! }
        var deviations = psfs.map { $0.padded(to: shape) }
        var mean = [Double](repeating: 0, count: shape.voxelCount)
        for psf in deviations { for index in mean.indices { mean[index] += Double(psf[index]) } }
        for index in mean.indices { mean[index] /= Double(psfs.count) }
        let energies = deviations.map { Self.product($0, $0) }
        for number in deviations.indices {
            for index in mean.indices {
                deviations[number][index] = Float(Double(deviations[number][index]) - mean[index])
            }
        }
        let size = psfs.count
        var products = SymmetricMatrix(size: size, values: [Double](repeating: 0, count: size * size))
        for row in 0..<size {
            for column in row..<size {
                let product = Self.product(deviations[row], deviations[column])
                products.values[row * size + column] = product
                products.values[column * size + row] = product
            }
        }
        // Of k PSFs, k − 1 deviations from the mean are independent.
        let parts = products.eigenvectors().dropLast().filter { $0.value > 0 }
        /// What so many of them leave of the PSF that is described worst.
        func error(_ partCount: Int) -> Double {
            (0..<size).map { number in
                let left = parts.dropFirst(partCount).reduce(0) {
                    $0 + $1.value * $1.vector[number] * $1.vector[number]
                }
                return sqrt(left / energies[number])
            }.max()!
        }
        let mostParts = min(parts.count, (count ?? Self.most) - 1)
        let enough = count == nil ? (0..<mostParts).first { error($0) <= Self.largestError } : nil
        let partCount = enough ?? mostParts
        self.error = error(partCount)
        self.mean = Volume(shape: shape, voxels: mean.map { Float($0) }, spacing: psfs[0].spacing)
        variations = parts.prefix(partCount).map { value, vector in
            let length = sqrt(value)
            var voxels = [Double](repeating: 0, count: shape.voxelCount)
            for (weight, deviation) in zip(vector, deviations) {
                for index in voxels.indices { voxels[index] += weight / length * Double(deviation[index]) }
            }
            return (
                Volume(shape: shape, voxels: voxels.map { Float($0) }, spacing: psfs[0].spacing),
                vector.map { Float($0 * length) }
            )
        }
    }

    private static func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
