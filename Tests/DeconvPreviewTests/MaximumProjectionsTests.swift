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

    /// A source whose voxels nobody could hold.
    private struct Claim: VolumeSource {
        let name = "claim.zarr"
        let image: ImageDescription

        func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
            throw DeconvolutionError(.internalError, "read")
        }
    }

    @Test func whatMemoryCannotHoldIsAnErrorBeforeItIsMade() throws {
        for shape in [
            VolumeShape(z: 6, y: 1_000_000_000, x: 18), VolumeShape(z: 1, y: 65_536, x: 65_536),
            VolumeShape(z: 1 << 40, y: 8, x: 1 << 8), VolumeShape(z: 1, y: 1 << 40, x: 1 << 12),
        ] {
            let source = Claim(image: ImageDescription(shape: shape, pixelType: .uint8))
            let error = #expect(throws: DeconvolutionError.self) {
                try MaximumProjections(of: source, memoryLimit: 20_000_000_000)
            }
            #expect(error?.code == .outOfMemory)
            #expect(error?.message.hasPrefix("claim.zarr: projections of \(shape) voxels take ") == true)
            #expect(error?.message.hasSuffix(" GB of memory, but 20.0 GB are free; free some or crop it") == true)
        }
        let source = ArraySource(.float32(Self.voxels), shape: Self.shape)
        #expect(try MaximumProjections(of: source, memoryLimit: 1000).alongX == [3, 103, 13, 113, 23, 123])
        #expect(throws: DeconvolutionError.self) { try MaximumProjections(of: source, memoryLimit: 300) }
    }
}
