import DeconvSurvey
import DeconvTestSupport
import Testing

/// Where cameras stop.
@Suite struct SaturationPlateauTests {
    private func found(_ planes: [[Float]]) -> SaturationPlateau? { SaturationPlateau(planes.compactMap { .init($0) }) }

    @Test(arguments: [Float(255), 4095, 60000])
    func clippedPeaksAreAPlateau(top: Float) throws {
        let known = KnownScene(blobs: 12, spread: 3, peak: Double(top) * 4, seed: 4)
        let planes = known.recorded(offset: 100).map { $0.map { min($0, top) } }
        let plateau = try #require(found(planes))
        let count = planes.joined().count { $0 == top }
        #expect(plateau.value == top && abs(plateau.share * Double(24 * 96 * 96) - Double(count)) < 0.5)
    }

    @Test func scaledToOneItIsOneToo() {
        let known = KnownScene(blobs: 12, spread: 3, peak: 5000, seed: 4)
        let planes = known.recorded(offset: 100).map { $0.map { min($0, 2000) / 2000 } }
        #expect(found(planes)?.value == 1)
    }

    /// The middle of objects that are brightest, few counts, and noise-free edges are none.
    @Test(arguments: DarkLevelTests.scenes)
    func imagesWithoutOneHaveNone(scene: (blobs: Int, width: Double, peak: Double)) {
        let known = KnownScene(blobs: scene.blobs, spread: scene.width, peak: scene.peak, seed: 4)
        #expect(found(known.recorded(offset: 100)) == nil)
        #expect(found(known.recorded(offset: 0, readNoise: 0)) == nil)
        #expect(found(known.light.map { $0.map { Float($0) } }) == nil)
    }

    @Test func planesOfOneValueSayNothing() {
        #expect(SaturationPlateau.Top([Float](repeating: 9, count: 64)) == nil)
        #expect(SaturationPlateau([]) == nil)
    }
}
