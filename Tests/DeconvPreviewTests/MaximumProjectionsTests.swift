import DeconvPreview
import DeconvVolume
import Testing

@Suite struct MaximumProjectionsTests {
    private static let shape = VolumeShape(z: 2, y: 3, x: 4)
    /// Voxel (z, y, x) holds 100 z + 10 y + x.
    private static let voxels: [Float] = [
        0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23,
        100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123,
    ]

    @Test func eachAxisShowsTheLargestValueAlongIt() {
        var projections = MaximumProjections(shape: Self.shape)
        for z in [1, 0] { projections.add(Array(Self.voxels[z * 12..<(z + 1) * 12]), z: z) }
        #expect(projections.alongZ == [100, 101, 102, 103, 110, 111, 112, 113, 120, 121, 122, 123])
        #expect(projections.alongY == [20, 21, 22, 23, 120, 121, 122, 123])
        #expect(projections.alongX == [3, 103, 13, 113, 23, 123])
    }

    @Test func aSourceReadInSlabsGivesTheSame() throws {
        let source = ArraySource(.float32(Self.voxels), shape: Self.shape)
        let single = try MaximumProjections(of: source, slabBytes: 1)
        let whole = try MaximumProjections(of: source)
        #expect(single.alongZ == whole.alongZ && single.alongY == whole.alongY && single.alongX == whole.alongX)
        #expect(whole.alongX == [3, 103, 13, 113, 23, 123])
    }

    @Test func valuesThatAreNotNumbersAreLeftOut() {
        var projections = MaximumProjections(shape: VolumeShape(z: 1, y: 1, x: 3))
        projections.add([.nan, 2, .infinity], z: 0)
        #expect(projections.alongZ == [-.infinity, 2, -.infinity])
        #expect(projections.alongX == [2])
    }

    @Test func aSourceWithoutVoxelsIsAnError() {
        #expect(throws: DeconvolutionError.self) {
            try MaximumProjections(of: ArraySource(.float32([]), shape: VolumeShape(z: 0, y: 3, x: 3)))
        }
    }
}
