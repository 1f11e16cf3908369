import DeconvVolume
import Testing

@Suite struct RegionTests {
    @Test func croppingKeepsTheVoxelsOfTheBoxInOrder() {
        let shape = VolumeShape(z: 3, y: 4, x: 5)
        let voxels = (0..<shape.voxelCount).map { $0 }
        let box = Region(origin: VolumeIndex(z: 1, y: 2, x: 3), shape: VolumeShape(z: 2, y: 1, x: 2))
        // Voxel (z, y, x) holds z·20 + y·5 + x.
        #expect(voxels.cropped(from: shape, to: box) == [33, 34, 53, 54])
    }

    @Test func aRegionContainsItselfAndNothingBeyondItsEnd() {
        let whole = Region(VolumeShape(z: 2, y: 3, x: 4))
        #expect(whole.contains(whole))
        #expect(!whole.contains(Region(origin: VolumeIndex(z: 0, y: 0, x: 1), shape: whole.shape)))
        #expect(!whole.contains(Region(origin: VolumeIndex(z: -1, y: 0, x: 0), shape: VolumeShape(z: 1, y: 1, x: 1))))
    }

    @Test func spacingMatchesWithinARoundedHeaderAndNotBeyond() {
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        #expect(spacing.matches(VoxelSpacing(z: 0.30001, y: 0.1, x: 0.1)))
        #expect(!spacing.matches(VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)))
        #expect(!VoxelSpacing(z: 0, y: 1, x: 1).isValid)
        #expect(!VoxelSpacing(z: 1, y: .nan, x: 1).isValid)
    }

    @Test func onlySmallUnsignedIntegersStayAsStored() {
        #expect(PixelType.allCases.filter { $0.inMemory != .float32 } == [.uint8, .uint16])
    }
}
