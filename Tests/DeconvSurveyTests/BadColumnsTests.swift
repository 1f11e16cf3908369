import DeconvSurvey
import DeconvTestSupport
import Foundation
import Testing

/// Pixels that are hot or dead, and those that only look so.
@Suite struct BadColumnsTests {
    private func found(_ planes: [[Float]], width: Int = 96) -> BadColumns {
        var search = BadColumnSearch(width: width, height: planes[0].count / width)
        for plane in planes { search.add(plane) }
        return search.result
    }

    /// Two of them lie side by side.
    private let pixels = [5 * 96 + 7, 40 * 96 + 20, 40 * 96 + 21, 80 * 96 + 90]

    @Test(arguments: DarkLevelTests.scenes)
    func thoseThatAreThereAreFoundAndNoOthers(scene: (blobs: Int, width: Double, peak: Double)) {
        let known = KnownScene(blobs: scene.blobs, spread: scene.width, peak: scene.peak, seed: 4)
        let good = known.recorded(offset: 100)
        #expect(found(good).isEmpty)
        var hot = good
        for z in hot.indices { for pixel in pixels { hot[z][pixel] += 3000 } }
        #expect(found(hot) == BadColumns(hot: pixels, dead: []))
        var dead = good
        for z in dead.indices { for pixel in pixels { dead[z][pixel] = 0 } }
        #expect(found(dead) == BadColumns(hot: [], dead: pixels))
    }

    @Test func whatIsHotInSomePlanesOnlyIsAnImage() {
        let known = KnownScene(blobs: 6, spread: 1.2, peak: 200, seed: 4)
        var planes = known.recorded(offset: 100)
        for z in 0..<12 { for pixel in pixels { planes[z][pixel] += 3000 } }
        #expect(found(planes).isEmpty)
    }

    /// A rod as narrow as a well sampled image has it, through all planes.
    @Test func aRodAlongZIsAnImage() {
        var generator = SeededGenerator(seed: 3)
        let planes = (0..<24).map { _ in
            (0..<64 * 64).map { index in
                let (y, x) = (Double(index / 64 - 30), Double(index % 64 - 33))
                return Float(generator.poisson(100 + 4000 * exp(-(y * y + x * x) / (2 * 0.85 * 0.85))))
            }
        }
        #expect(found(planes, width: 64).isEmpty)
    }

    @Test func aFewPlanesSayNothing() {
        let plane = (0..<100).map { Float($0 == 44 ? 1000 : 1) }
        #expect(found([[Float]](repeating: plane, count: 7), width: 10).isEmpty)
        #expect(found([[Float]](repeating: plane, count: 8), width: 10).hot == [44])
        #expect(found([[Float]](repeating: [1, 2, 3], count: 9), width: 3).isEmpty)
    }
}
