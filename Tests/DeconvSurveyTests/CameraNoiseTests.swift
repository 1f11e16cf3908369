import DeconvSurvey
import DeconvTestSupport
import Testing

/// Gain and read noise, against those of the camera that took the image.
@Suite struct CameraNoiseTests {
    @Test(arguments: [(0.48, 1.5), (1, 1.6), (2.2, 2.5)])
    func gainAndReadNoiseAreThoseOfTheCamera(gain: Double, readNoise: Double) throws {
        let known = KnownScene(blobs: 40, spread: 3, peak: 400, seed: 4)
        let tiles = known.tiles(known.recorded(offset: 100, gain: gain, readNoise: readNoise))
        let found = try #require(CameraNoise(tiles, level: 100))
        #expect(abs(found.gain / gain - 1) < 0.15, "\(found.gain)")
        #expect(abs(found.readNoise / readNoise - 1) < 0.15, "\(found.readNoise)")
    }

    /// Voxels that were averaged have less noise than photons have.
    @Test func noiseThatWasAveragedAwayIsNoGain() {
        let known = KnownScene(blobs: 40, spread: 3, peak: 400, seed: 4)
        let planes = known.recorded(offset: 100).map { plane in
            plane.indices.map { index in
                let near = (-3...3).flatMap { dy in (-3...3).map { dx in index + dy * known.width + dx } }
                    .filter(plane.indices.contains)
                return near.reduce(0) { $0 + plane[$1] } / Float(near.count)
            }
        }
        #expect(CameraNoise(known.tiles(planes), level: 100) == nil)
    }

    @Test func aFlatImageSaysNothing() {
        let known = KnownScene(blobs: 0, spread: 1, peak: 0, seed: 1)
        let flat = known.light.map { $0.map { _ in Float(7) } }
        #expect(CameraNoise(known.tiles(flat), level: 7) == nil)
    }
}
