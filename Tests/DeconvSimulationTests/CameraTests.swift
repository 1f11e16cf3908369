import DeconvVolume
import Testing

@testable import DeconvSimulation

@Suite struct CameraTests {
    private static let shape = VolumeShape(z: 5, y: 40, x: 50)

    private static func flat(_ photons: Float) -> Volume {
        Volume(shape: shape, voxels: [Float](repeating: photons, count: shape.voxelCount))
    }

    private static func moments(_ counts: [UInt16]) -> (mean: Double, variance: Double) {
        let count = Double(counts.count)
        let mean = counts.reduce(0) { $0 + Double($1) } / count
        return (mean, counts.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count)
    }

    @Test func offsetShiftsTheMeanAndReadNoiseAddsToTheVariance() throws {
        let recording = try Camera(offset: 100, readNoise: 3, seed: 5).record(Self.flat(20))
        let (mean, variance) = Self.moments(recording.counts)
        // Rounding adds 1/12 to the variance; 10 000 voxels.
        #expect(abs(mean - 120) < 5 * (29.0 / 10_000).squareRoot())
        #expect(abs(variance - (20 + 9 + 1.0 / 12)) < 5 * 29 * (2.0 / 10_000).squareRoot())
        #expect(recording.saturatedCount == 0)
    }

    @Test func planesInAnyOrderGiveTheWholeRecording() throws {
        let camera = try Camera(seed: 9)
        let expected = Self.flat(3)
        let whole = try camera.record(expected)
        for z in (0..<Self.shape.z).reversed() {
            let range = z * Self.shape.planeVoxelCount..<(z + 1) * Self.shape.planeVoxelCount
            let plane = try camera.record(plane: Array(expected.voxels[range]), index: z)
            #expect(plane.counts == Array(whole.counts[range]))
        }
        let later = try camera.record(expected, firstPlane: 2)
        #expect(later.counts.prefix(3 * 2000) == whole.counts.suffix(3 * 2000))
    }

    @Test func anotherSeedIsAnotherRecording() throws {
        let first = try Camera(seed: 1).record(Self.flat(50))
        #expect(try Camera(seed: 1).record(Self.flat(50)) == first)
        #expect(try Camera(seed: 2).record(Self.flat(50)) != first)
    }

    @Test func voxelsBeyondSixteenBitsSaturateAndAreCounted() throws {
        let recording = try Camera(offset: 0, readNoise: 0).record(
            plane: [1e9, 10, 70_000, .greatestFiniteMagnitude],
            index: 0
        )
        #expect(recording.saturatedCount == 3)
        #expect(recording.counts[0] == 65535 && recording.counts[2] == 65535 && recording.counts[3] == 65535)
        #expect(recording.counts[1] < 50)
    }

    @Test func readNoiseBelowZeroStopsAtZero() throws {
        let recording = try Camera(offset: 0, readNoise: 5).record(Self.flat(0))
        let zeros = recording.counts.filter { $0 == 0 }.count
        // Half of the noise is negative, and what is below one half rounds to zero: Φ(0.1) = 0.54.
        #expect(abs(Double(zeros) / 10_000 - 0.54) < 0.025)
    }

    @Test func lightThatIsNotFiniteIsAnErrorThatSaysWhere() throws {
        var expected = Self.flat(1)
        expected[3, 2, 1] = .nan
        let error = try #require(throws: DeconvolutionError.self) { try Camera().record(expected) }
        #expect(error.message == "the expected image holds nan at (z 3, y 2, x 1); it needs finite values")
        #expect(throws: DeconvolutionError.self) { try Camera().record(plane: [.infinity], index: 0) }
    }

    @Test func impossibleCamerasAreRefused() {
        #expect(throws: DeconvolutionError.self) { try Camera(offset: -1) }
        #expect(throws: DeconvolutionError.self) { try Camera(offset: .nan) }
        #expect(throws: DeconvolutionError.self) { try Camera(readNoise: -0.1) }
        #expect(throws: DeconvolutionError.self) { try Camera(readNoise: .infinity) }
    }
}
