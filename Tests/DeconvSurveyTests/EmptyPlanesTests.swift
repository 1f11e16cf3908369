import DeconvSurvey
import DeconvVolume
import Testing

/// Which planes were dropped, and which planes stand for all.
@Suite struct EmptyPlanesTests {
    private func plane(_ mean: Double) -> EmptyPlanes.Plane { .init(smallest: 0, largest: Float(3 * mean), mean: mean) }
    private let empty = EmptyPlanes.Plane(smallest: 0, largest: 0, mean: 0)

    @Test func thoseBetweenLitPlanesAreFound() {
        let lit = plane(100)
        #expect(EmptyPlanes.find([lit, empty, lit, lit, empty, empty, plane(40)]) == [1, 4, 5])
        let filled = EmptyPlanes.Plane(smallest: 7, largest: 7, mean: 7)
        #expect(EmptyPlanes.find([lit, filled, lit]) == [1])
    }

    @Test func theEndsOfAStackAndOfAnObjectAreNone() {
        let lit = plane(100)
        #expect(EmptyPlanes.find([empty, lit, lit, empty]).isEmpty)
        // Light that fades before it ends.
        #expect(EmptyPlanes.find([lit, plane(1), empty, empty, plane(1), lit]).isEmpty)
        #expect(EmptyPlanes.find([empty, empty]).isEmpty && EmptyPlanes.find([]).isEmpty)
    }

    @Test func planesOfWhichNoVoxelCountsAreLeftAlone() {
        let lit = plane(100)
        #expect(EmptyPlanes.find([lit, nil, empty, lit]) == [2])
    }

    @Test(arguments: [(1, 101, 512), (3, 1, 64), (500, 20, 256), (2, 40, 2048), (40, 1, 4096), (1, 1, 8)])
    func aSampleIsFewPlanesFromAllOver(timepoints: Int, planes: Int, side: Int) throws {
        let image = ImageDescription(
            shape: VolumeShape(z: planes, y: side, x: side),
            timepointCount: timepoints,
            pixelType: .uint16
        )
        let sample = SamplePlan(image).planes
        #expect(sample == SamplePlan(image).planes && Set(sample).count == sample.count)
        #expect(sample.count <= 24 && sample.count >= min(6, timepoints * planes))
        #expect(sample.allSatisfy { (0..<timepoints).contains($0.timepoint) && (0..<planes).contains($0.z) })
        if planes >= 40 {
            let z = sample.map(\.z)
            #expect(try #require(z.min()) < planes / 4 && (try #require(z.max())) > planes * 3 / 4)
        }
    }
}
