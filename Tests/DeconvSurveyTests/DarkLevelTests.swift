import DeconvSurvey
import DeconvTestSupport
import Testing

/// The level of the dark parts, against offsets that are known.
@Suite struct DarkLevelTests {
    /// Blurs of a light sheet, a confocal and a widefield microscope, in few and many objects, dim and bright.
    static let scenes: [(blobs: Int, width: Double, peak: Double)] = [1, 1.8, 3].flatMap { width in
        [6, 40].flatMap { blobs in [20.0, 2000].map { (blobs, width, $0) } }
    }

    @Test(arguments: scenes)
    func theOffsetIsFoundWithinACount(scene: (blobs: Int, width: Double, peak: Double)) throws {
        let known = KnownScene(blobs: scene.blobs, spread: scene.width, peak: scene.peak, seed: 4)
        for offset in [30.0, 100, 400] {
            let found = try #require(DarkLevel(known.tiles(known.recorded(offset: offset))))
            #expect(abs(found.level - offset) <= max(1, 0.01 * offset), "\(scene): \(found.level) for \(offset)")
            if scene.blobs < 10 { #expect(abs(found.noise - 1.63) < 0.2, "\(scene): \(found.noise)") }
        }
    }

    @Test func hazeEverywhereCounts() throws {
        let known = KnownScene(blobs: 10, spread: 2, peak: 2000, seed: 5)
        var generator = SeededGenerator(seed: 8)
        let hazy = known.light.map { $0.map { Float(generator.poisson($0 + 40) + 100) } }
        let found = try #require(DarkLevel(known.tiles(hazy)))
        #expect(abs(found.level - 140) <= 1.4, "\(found.level)")
    }

    @Test func withoutAnOffsetTheLevelIsZero() throws {
        for peak in [3.0, 300] {
            let known = KnownScene(blobs: 20, spread: 2, peak: peak, seed: 6)
            let found = try #require(DarkLevel(known.tiles(known.recorded(offset: 0, readNoise: 0))))
            #expect(found.level >= 0 && found.level < 0.1, "\(found.level)")
        }
    }

    /// As where a stack was sheared: nobody recorded the corners.
    @Test(arguments: [Float(0), 98, 130])
    func cornersThatNobodyRecordedDoNotCount(filling: Float) throws {
        let known = KnownScene(blobs: 20, spread: 2, peak: 500, seed: 7)
        var planes = known.recorded(offset: 100)
        for z in planes.indices {
            for y in 0..<known.height {
                for x in 0..<known.width where x + y < 50 + z { planes[z][y * known.width + x] = filling }
            }
        }
        let found = try #require(DarkLevel(known.tiles(planes)))
        #expect(abs(found.level - 100) <= 1, "\(found.level)")
    }

    @Test func aFewDeadPixelsChangeNothing() throws {
        let known = KnownScene(blobs: 20, spread: 2, peak: 500, seed: 9)
        var planes = known.recorded(offset: 100)
        for z in planes.indices { for pixel in [300, 4000, 7777] { planes[z][pixel] = 0 } }
        let found = try #require(DarkLevel(known.tiles(planes)))
        #expect(abs(found.level - 100) <= 1, "\(found.level)")
    }

    @Test func aLevelBelowZeroIsFoundToo() throws {
        let known = KnownScene(blobs: 20, spread: 2, peak: 500, seed: 3)
        let planes = known.recorded(offset: 100).map { $0.map { $0 - 130 } }
        let found = try #require(DarkLevel(known.tiles(planes)))
        #expect(abs(found.level + 30) <= 1, "\(found.level)")
    }

    @Test func aFewTilesSayNothing() {
        let known = KnownScene(planes: 1, height: 20, width: 20, blobs: 1, spread: 2, peak: 10, seed: 1)
        #expect(DarkLevel(known.tiles(known.recorded(offset: 100))) == nil)
    }

    @Test func valuesThatAreNoNumbersOrHugeDoNoHarm() throws {
        let known = KnownScene(blobs: 10, spread: 2, peak: 100, seed: 2)
        var planes = known.recorded(offset: 100)
        planes[3][10 * known.width + 10] = .nan
        planes[4][20 * known.width + 30] = 3e38
        let found = try #require(DarkLevel(known.tiles(planes)))
        #expect(abs(found.level - 100) <= 1, "\(found.level)")
        let huge = planes.map { $0.map { $0 * 1e30 } }
        // Their squares leave single precision.
        #expect(DarkLevel(known.tiles(huge)) == nil)
    }
}
