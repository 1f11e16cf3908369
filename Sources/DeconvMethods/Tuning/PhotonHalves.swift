package import DeconvDevice
package import DeconvVolume
import Dispatch

/// An image whose photons are parted into two halves, as if two cameras had shared its light.
///
///     first = g / 2 + N √V(g) / 2,   second = g − first
///
/// V is the variance of the noise, and N has mean 0 and variance 1: the noise of the halves is then uncorrelated, and each has V / 2 of
/// it (Gaussian thinning: Neufeld et al. 2024, J. Mach. Learn. Res. 25:57). N is normal; where that could make a half negative it is 1
/// or −1, so that a single photon goes to one of both. A voxel's N depends on its number and on the seed alone.
package struct PhotonHalves: Sendable {
    /// One of the two.
    package enum Half: Int, Sendable {
        case first, second
    }

    /// Standard deviations within which a normal number is expected to stay.
    private static let reach = 3.0

    private let noise: PhotonNoise
    private let random: Philox

    /// Halves of an image.
    /// - Parameter noise: how its noise grows with the counts.
    package init(noise: PhotonNoise, random: Philox) {
        self.noise = noise
        self.random = random
    }

    /// A half of some rows.
    /// - Parameters:
    ///   - voxels: counts, x fastest.
    ///   - width: voxels of a row.
    ///   - number: of the first voxel of a row, by the row; those behind it follow.
    ///   - limit: voxels of so many counts, and those that are no numbers, stay what they are in both halves.
    package func half(
        _ half: Half,
        of voxels: [Float],
        width: Int,
        limit: Float = .infinity,
        number: @Sendable (_ row: Int) -> UInt64
    ) -> [Float] {
        var result = voxels
        let rowCount = voxels.count / max(width, 1)
        let rowsOfJob = 64
        result.withUnsafeMutableBufferPointer { result in
            // Every row is written by one job.
            nonisolated(unsafe) let result = result
            DispatchQueue.concurrentPerform(iterations: (rowCount + rowsOfJob - 1) / rowsOfJob) { job in
                var normals = NormalNumbers(random)
                for row in job * rowsOfJob..<min((job + 1) * rowsOfJob, rowCount) {
                    let first = number(row)
                    for x in 0..<width {
                        let counts = voxels[row * width + x]
                        guard counts < limit, counts.isFinite else { continue }
                        let normal = normals[first + UInt64(x)]
                        result[row * width + x] = self.half(half, of: counts, normal)
                    }
                }
            }
        }
        return result
    }

    private func half(_ half: Half, of counts: Float, _ normal: Double) -> Float {
        let light = max(Double(counts), 0)
        let deviation = noise.variance(Double(counts)).squareRoot()
        let draw = Self.reach * deviation > light ? (normal < 0 ? -1 : 1) : normal
        let shift = min(max(draw * deviation / 2, -light / 2), light / 2)
        let first = Float(Double(counts) / 2 + shift)
        return half == .first ? first : counts - first
    }
}
