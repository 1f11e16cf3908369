import DeconvDevice
import DeconvMethods
import DeconvTestSupport
import DeconvVolume
import Testing

/// Photons that are parted into two halves.
@Suite struct PhotonHalvesTests {
    private static func halves(
        _ voxels: [Float],
        _ noise: PhotonNoise,
        seed: UInt32 = 3,
        limit: Float = .infinity
    ) -> (first: [Float], second: [Float]) {
        let halves = PhotonHalves(noise: noise, random: Philox(seed: seed))
        func half(_ half: PhotonHalves.Half) -> [Float] {
            halves.half(half, of: voxels, width: voxels.count, limit: limit) { _ in 0 }
        }
        return (half(.first), half(.second))
    }

    private static func moments(_ one: [Double], _ two: [Double]) -> (mean: Double, covariance: Double) {
        let count = Double(one.count)
        let means = (one.reduce(0, +) / count, two.reduce(0, +) / count)
        let product = zip(one, two).reduce(0) { $0 + ($1.0 - means.0) * ($1.1 - means.1) }
        return (means.0, product / count)
    }

    /// Of a camera with gain, offset and read noise, from a photon a voxel on: noise of half the variance that has nothing in common.
    @Test(arguments: [1.0, 4, 50, 2000])
    func halvesAreAsTwoCamerasWouldSeeThem(photons: Double) {
        var generator = SeededGenerator(seed: 8)
        let (gain, offset, deviation) = (2.0, photons < 50 ? 0 : 90.0, photons < 50 ? 0 : 3.0)
        let voxels = (0..<200_000).map { _ in
            Float(gain * generator.poisson(photons) + offset + deviation * generator.normal())
        }
        let noise = PhotonNoise(gain: gain, level: offset, darkVariance: deviation * deviation)
        let (first, second) = Self.halves(voxels, noise)
        #expect(zip(zip(first, second), voxels).allSatisfy { abs($0.0 + $0.1 - $1) <= 1e-3 * max($1, 1) })
        #expect((first + second).allSatisfy { $0 >= 0 })
        let (one, two) = (first.map(Double.init), second.map(Double.init))
        let half = (gain * gain * photons + deviation * deviation) / 2
        let (mean, variance) = Self.moments(one, one)
        #expect(abs(mean / ((gain * photons + offset) / 2) - 1) < 0.01)
        #expect(abs(variance / half - 1) < 0.02, "\(variance) of \(half)")
        #expect(abs(Self.moments(one, two).covariance) < 0.02 * half)
    }

    @Test func aSinglePhotonGoesToOneOfBoth() {
        let (first, second) = Self.halves([Float](repeating: 2, count: 1000), PhotonNoise(gain: 2))
        #expect(zip(first, second).allSatisfy { Set([$0, $1]) == [0, 2] })
        let count = first.count { $0 == 2 }
        #expect(abs(count - 500) < 80, "\(count)")
    }

    @Test func aVoxelIsPartedByItsNumberAlone() {
        let voxels = TestImage.random(6 * 50, seed: 4).map { 100 + 900 * $0 }
        let halves = PhotonHalves(noise: PhotonNoise(gain: 1.5), random: Philox(seed: 1))
        let all = halves.half(.first, of: voxels, width: 50) { UInt64($0 * 50) }
        let part = halves.half(.first, of: Array(voxels[103..<120]), width: 17) { _ in 103 }
        #expect(part == Array(all[103..<120]))
        let other = PhotonHalves(noise: PhotonNoise(gain: 1.5), random: Philox(seed: 2))
        #expect(other.half(.first, of: voxels, width: 50) { UInt64($0 * 50) } != all)
    }

    @Test func whatIsSaturatedOrNoNumberStays() {
        let (first, second) = Self.halves([100, 250, .nan, 300], PhotonNoise(gain: 1), limit: 250)
        #expect(first[1] == 250 && second[1] == 250 && first[3] == 300 && second[3] == 300)
        #expect(first[2].isNaN && second[2].isNaN && first[0] < 100)
    }
}
