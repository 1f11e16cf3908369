import DeconvVolume
import Testing

@testable import DeconvPreview

@Suite struct PreviewColorTests {
    private static func volume(_ shape: VolumeShape, _ value: (Int, Int, Int) -> Float) -> Volume {
        var voxels: [Float] = []
        for z in 0..<shape.z { for y in 0..<shape.y { for x in 0..<shape.x { voxels.append(value(z, y, x)) } } }
        return Volume(shape: shape, voxels: voxels)
    }

    private static func views(_ volume: Volume) throws -> VolumeViews {
        VolumeViews(try MaximumProjections(of: ArraySource(volume)))
    }

    @Test func channelsAddUpInTheirColors() throws {
        let shape = VolumeShape(z: 1, y: 1, x: 3)
        let left = try Self.views(Self.volume(shape) { _, _, x in x < 2 ? 100 : 0 })
        let right = try Self.views(Self.volume(shape) { _, _, x in x > 0 ? 100 : 0 })
        var preview = try Preview(
            [.init(caption: "", channels: [left, right])],
            spacing: nil,
            contrast: .range(0, 100)
        )
        preview.legend = [("a", PictureColor(rgb: 0x00FF00)), ("b", PictureColor(rgb: 0xFF0080))]
        let picture = preview.drawInColor()
        let frame = preview.layout().panels[0].alongZ
        let step = frame.width / 3
        let colors = (0..<3).map { picture[frame.x + $0 * step + step / 2, frame.y] }
        #expect(colors[0] == PictureColor(rgb: 0x00FF00))
        #expect(colors[1] == PictureColor(rgb: 0xFFFF80))
        #expect(colors[2] == PictureColor(rgb: 0xFF0080))
    }

    /// Each is counted from its own background, and twice the light is twice as bright.
    @Test func aCommonScaleShowsAsManyCountsInBoth() throws {
        let shape = VolumeShape(z: 1, y: 1, x: 5)
        let before = try Self.views(Self.volume(shape) { _, _, x in 100 + 10 * Float(x) })
        let after = try Self.views(Self.volume(shape) { _, _, x in 20 * Float(x) })
        var preview = try Preview(
            [.init(caption: "", channels: [before]), .init(caption: "", channels: [after])],
            spacing: nil,
            contrast: .percentiles(low: 0, high: 1)
        )
        preview.isCommonScale = true
        let picture = preview.draw()
        let frames = preview.layout().panels.map(\.alongZ)
        let ends = frames.map { picture[$0.x + $0.width - 1, $0.y] }
        #expect(ends[1] == 255 && abs(Int(ends[0]) - 128) <= 1)
        #expect(frames.allSatisfy { picture[$0.x, $0.y] == 0 })
    }

    @Test func sectionsAreThoseOfTheVoxel() throws {
        let shape = VolumeShape(z: 3, y: 4, x: 5)
        func value(_ z: Int, _ y: Int, _ x: Int) -> Float { Float(100 * z + 10 * y + x) }
        let volume = Self.volume(shape, value)
        let views = try VolumeViews(through: VolumeIndex(z: 2, y: 1, x: 3), of: ArraySource(volume))
        var (above, front, side): ([Float], [Float], [Float]) = ([], [], [])
        for y in 0..<4 { for x in 0..<5 { above.append(value(2, y, x)) } }
        for z in 0..<3 { for x in 0..<5 { front.append(value(z, 1, x)) } }
        for y in 0..<4 { for z in 0..<3 { side.append(value(z, y, 3)) } }
        #expect(views.alongZ == above && views.alongY == front && views.alongX == side)
    }

    @Test func aHotPixelIsNotTheBrightestPlace() throws {
        let volume = Self.volume(VolumeShape(z: 1, y: 20, x: 20)) { _, y, x in
            y == 3 && x == 3 ? 500 : (abs(y - 12) < 3 && abs(x - 14) < 3 ? 100 : 0)
        }
        let place = try MaximumProjections(of: ArraySource(volume)).brightestColumn()
        #expect(abs(place.y - 12) < 3 && abs(place.x - 14) < 3)
    }
}
