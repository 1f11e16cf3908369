import DeconvVolume
import Testing

@Suite struct DisplayWindowTests {
    private func window(_ planes: [[Float]]) -> DisplayWindow? {
        var search = DisplayWindowSearch(planeVoxelCount: planes[0].count)
        for plane in planes { plane.withUnsafeBufferPointer { search.add($0) } }
        return search.takeWindow()
    }

    @Test func whatComesPlaneByPlaneHasTheWindowOfItsProjection() {
        var state: UInt32 = 7
        func next() -> Float {
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) / 100
        }
        // Of the larger ones every third pixel is looked at.
        for count in [1, 35, 1000, 3_000_017] {
            let planes = (0..<3).map { _ in (0..<count).map { _ in next() } }
            let projection = (0..<count).map { index in planes.map { $0[index] }.max()! }
            #expect(window(planes) == DisplayWindow(of: projection), "\(count) pixels")
        }
        var point = [Float](repeating: 2, count: 3_000_017)
        point[1_000_001] = 9
        point[5] = .nan
        point[8] = .infinity
        #expect(window([point]) == DisplayWindow(black: 2, white: 9))
        #expect(window([[.nan, .infinity]]) == nil)
    }

    @Test func aSearchForgetsTheVolumeBefore() {
        var search = DisplayWindowSearch(planeVoxelCount: 2)
        for values in [[100, 200], [1, 2]] as [[Float]] {
            values.withUnsafeBufferPointer { search.add($0) }
            #expect(search.takeWindow() == DisplayWindow(black: values[0], white: values[1]))
        }
        #expect(search.takeWindow() == nil)
    }

    @Test func windowsOfIntegersAreValuesThatTheyHave() {
        func rounded(_ black: Float, _ white: Float, _ type: PixelType) -> [Float] {
            let window = DisplayWindow(black: black, white: white).rounded(to: type)
            return [window.black, window.white]
        }
        #expect(rounded(-3.2, 70_000, .uint16) == [0, 65_535])
        #expect(rounded(1.4, 1.45, .uint16) == [1, 2])
        #expect(rounded(300, 900, .uint8) == [254, 255])
        #expect(rounded(0.25, 0.75, .float32) == [0.25, 0.75])
    }
}
