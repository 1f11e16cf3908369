import DeconvSimulation
import DeconvVolume
import Testing

@Suite struct SyntheticVolumeTests {
    private static let shape = VolumeShape(z: 7, y: 30, x: 41)

    @Test func aVolumeIsItsSeed() {
        let first = SyntheticVolume(shape: Self.shape, seed: 3).render()
        let same = SyntheticVolume(shape: Self.shape, seed: 3).render()
        let other = SyntheticVolume(shape: Self.shape, seed: 4).render()
        #expect(first.voxels == same.voxels && first.mean == same.mean)
        #expect(first.voxels != other.voxels)
    }

    @Test func theMeanIsThatOfTheVoxels() {
        let (voxels, mean) = SyntheticVolume(shape: Self.shape, seed: 1).render()
        #expect(voxels.count == Self.shape.voxelCount)
        let sum = voxels.reduce(0) { $0 + Int($1) }
        #expect(mean == Double(sum) / Double(voxels.count))
        #expect(voxels.max()! > 100 && voxels.min()! < 20)
    }

    /// Over 4000 seeds, at a dark and a bright voxel: the variance of counts is their mean, to 3 standard errors (√(2/n)) and
    /// the 1/12 that rounding adds.
    @Test(arguments: [0, 10 * 36 * 16 + 15 * 36 + 17])
    func theNoiseHasTheVarianceOfCounts(voxel: Int) {
        let shape = VolumeShape(z: 11, y: 16, x: 36)
        let counts = (0..<4000).map { Double(SyntheticVolume(shape: shape, seed: $0).render().voxels[voxel]) }
        let mean = counts.reduce(0, +) / 4000
        let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3999
        #expect(abs(variance - mean - 1.0 / 12) < 3 * mean * (2.0 / 4000).squareRoot(), "\(mean), \(variance)")
    }
}
