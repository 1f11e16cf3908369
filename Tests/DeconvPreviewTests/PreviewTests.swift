import CPNG
import DeconvSimulation
import DeconvVolume
import Testing

@testable import DeconvPreview

@Suite struct PreviewTests {
    private static let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)

    /// Nothing but one bright voxel.
    private static func point(_ shape: VolumeShape, at place: VolumeIndex) -> MaximumProjections {
        var projections = MaximumProjections(shape: shape)
        for z in 0..<shape.z {
            var plane = [Float](repeating: 0, count: shape.planeVoxelCount)
            if z == place.z { plane[place.y * shape.x + place.x] = 1000 }
            projections.add(plane, z: z)
        }
        return projections
    }

    private static func preview(
        _ shape: VolumeShape,
        spacing: VoxelSpacing? = spacing,
        maximumSide: Int = 2000
    ) throws -> Preview {
        try Preview([.init(MaximumProjections(shape: shape))], spacing: spacing, maximumSide: maximumSide)
    }

    /// The middle of the brightest pixels of a frame, from 0 to 1 along both sides.
    private static func brightest(of picture: GrayImage, in frame: PixelFrame) -> (x: Double, y: Double, shade: UInt8) {
        var shade: UInt8 = 0
        var places: [(Int, Int)] = []
        for y in 0..<frame.height {
            for x in 0..<frame.width {
                let pixel = picture[frame.x + x, frame.y + y]
                if pixel > shade { (shade, places) = (pixel, []) }
                if pixel == shade { places.append((x, y)) }
            }
        }
        let count = Double(places.count)
        return (
            (places.reduce(0) { $0 + Double($1.0) } / count + 0.5) / Double(frame.width),
            (places.reduce(0) { $0 + Double($1.1) } / count + 0.5) / Double(frame.height), shade
        )
    }

    // MARK: Layout

    @Test func planesAreAsFarApartInThePictureAsInTheSample() throws {
        let layout = try Self.preview(VolumeShape(z: 60, y: 320, x: 400)).layout()
        let panel = layout.panels[0]
        #expect((panel.alongZ.width, panel.alongZ.height) == (400, 320))
        let front = try #require(panel.alongY)
        #expect((front.width, front.height) == (400, 180))
        #expect(front.x == panel.alongZ.x && front.y > panel.alongZ.y + panel.alongZ.height)
        let side = try #require(panel.alongX)
        #expect((side.width, side.height) == (180, 320))
        #expect(side.y == panel.alongZ.y && side.x > panel.alongZ.x + panel.alongZ.width)
    }

    @Test func voxelsThatAreLongInThePlaneAreShownLong() throws {
        let layout = try Self.preview(
            VolumeShape(z: 1, y: 300, x: 400),
            spacing: VoxelSpacing(z: 1, y: 0.2, x: 0.1)
        ).layout()
        #expect((layout.panels[0].alongZ.width, layout.panels[0].alongZ.height) == (400, 600))
    }

    @Test func aFlatImageHasNoSideViews() throws {
        let layout = try Self.preview(VolumeShape(z: 1, y: 300, x: 400)).layout()
        #expect(layout.panels[0].alongX == nil && layout.panels[0].alongY == nil)
    }

    @Test(arguments: [
        VolumeShape(z: 4, y: 9, x: 11), VolumeShape(z: 20, y: 100, x: 130), VolumeShape(z: 1, y: 64, x: 64),
    ])
    func smallImagesGrowInWholeSteps(shape: VolumeShape) throws {
        let layout = try Self.preview(shape).layout()
        let (step, rest) = layout.panels[0].alongZ.width.quotientAndRemainder(dividingBy: shape.x)
        #expect(step >= 2 && rest == 0)
        #expect(layout.panels[0].alongZ.height == step * shape.y)
        #expect(max(layout.width, layout.height) <= 900)
    }

    @Test(arguments: [
        VolumeShape(z: 1, y: 1, x: 100_000), VolumeShape(z: 500, y: 2048, x: 2048), VolumeShape(z: 3000, y: 20, x: 20),
        VolumeShape(z: 10, y: 5000, x: 700),
    ])
    func largeImagesShrinkIntoTheLimit(shape: VolumeShape) throws {
        for side in [200, 1000, 2000] {
            let projections = MaximumProjections(shape: shape)
            let preview = try Preview(
                [.init(projections), .init(projections)],
                spacing: Self.spacing,
                maximumSide: side
            )
            let layout = preview.layout()
            #expect(max(layout.width, layout.height) <= side)
            #expect(max(layout.width, layout.height) > side * 9 / 10)
        }
    }

    // MARK: Scale bar

    @Test(arguments: [
        (0.1, 400, "10 µm", 100), (0.1, 399, "5 µm", 50), (0.022, 800, "2 µm", 91), (0.01, 480, "1 µm", 100),
        (0.001, 840, "200 nm", 200), (20, 800, "2 mm", 100), (0.5, 900, "100 µm", 200),
    ])
    func theBarHasARoundLengthThatItsPixelsMakeUp(
        micrometersPerPixel: Double,
        width: Int,
        label: String,
        pixelCount: Int
    ) {
        let bar = ScaleBar(width: width, unitsPerPixel: micrometersPerPixel, isMicrometres: true)
        #expect(bar.label == label)
        #expect(bar.pixelCount == pixelCount)
    }

    @Test func theBarIsDrawnAsLongAsItSays() throws {
        let preview = try Self.preview(VolumeShape(z: 60, y: 320, x: 400))
        let layout = preview.layout()
        let picture = preview.draw()
        #expect(layout.scaleBar.label == "10 µm")
        #expect(layout.scaleBar.length == 10)
        let row = layout.bar.y + layout.bar.height / 2
        let run = (0..<picture.width).drop { picture[$0, row] != 240 }.prefix { picture[$0, row] == 240 }
        // 10 µm at 0.1 µm a pixel.
        #expect(run.count == 100)
        #expect(run.first == layout.panels[0].alongZ.x)
    }

    @Test func withoutASpacingTheBarCountsVoxels() throws {
        let layout = try Self.preview(VolumeShape(z: 32, y: 64, x: 64), spacing: nil).layout()
        #expect(layout.scaleBar.label == "10 voxels")
        #expect(layout.bar.width == 10 * layout.panels[0].alongZ.width / 64)
        #expect(ScaleBar(width: 4, unitsPerPixel: 1, isMicrometres: false).label == "1 voxel")
    }

    // MARK: Pictures

    @Test func aPointIsFoundStraightAcrossAndStraightDown() throws {
        let shape = VolumeShape(z: 20, y: 60, x: 80)
        let place = VolumeIndex(z: 4, y: 45, x: 20)
        let preview = try Preview([.init(Self.point(shape, at: place))], spacing: Self.spacing)
        let picture = preview.draw()
        let panel = preview.layout().panels[0]
        let above = Self.brightest(of: picture, in: panel.alongZ)
        let front = Self.brightest(of: picture, in: try #require(panel.alongY))
        let side = Self.brightest(of: picture, in: try #require(panel.alongX))
        let (x, y, z) = (20.5 / 80, 45.5 / 60, 4.5 / 20)
        #expect(abs(above.x - x) < 0.01 && abs(above.y - y) < 0.01)
        #expect(abs(front.x - x) < 0.01 && abs(front.y - z) < 0.01)
        #expect(abs(side.x - z) < 0.01 && abs(side.y - y) < 0.01)
        // Between planes the light falls off in a straight line, and no pixel is quite in the middle of a plane.
        #expect(above.shade == 255 && front.shade > 220 && side.shade > 220)
    }

    @Test func aSinglePointSurvivesShrinking() throws {
        let shape = VolumeShape(z: 2, y: 1501, x: 2999)
        let preview = try Preview(
            [.init(Self.point(shape, at: VolumeIndex(z: 1, y: 777, x: 1234)))],
            spacing: nil,
            maximumSide: 500
        )
        let found = Self.brightest(of: preview.draw(), in: preview.layout().panels[0].alongZ)
        #expect(found.shade == 255)
        #expect(abs(found.x - 1234.5 / 2999) < 0.003 && abs(found.y - 777.5 / 1501) < 0.006)
    }

    @Test func gammaBelowOneLiftsWhatIsDim() throws {
        var projections = MaximumProjections(shape: VolumeShape(z: 1, y: 1, x: 3))
        projections.add([0, 25, 100], z: 0)
        for (gamma, shade) in [(1.0, 64 as UInt8), (0.5, 128), (2, 16)] {
            let preview = try Preview(
                [.init(projections)],
                spacing: nil,
                contrast: .range(0, 100),
                gamma: gamma
            )
            let frame = preview.layout().panels[0].alongZ
            let picture = preview.draw()
            #expect(picture[frame.x, frame.y] == 0)
            #expect(picture[frame.x + frame.width / 2, frame.y] == shade)
            #expect(picture[frame.x + frame.width - 1, frame.y] == 255)
        }
    }

    @Test func percentilesLeaveOutTheFewHotPixels() {
        let values = (0..<10_000).map { Float($0 % 1000) } + [1e6, 1e6]
        let limits = Contrast.standard.limits(of: values)
        #expect(abs(limits.black - 10) <= 1 && abs(limits.white - 998) <= 1)
    }

    @Test func darkAndEvenImagesKeepARange() {
        #expect(Contrast.standard.limits(of: [Float](repeating: 5, count: 100)) == (5, 10))
        #expect(Contrast.standard.limits(of: [Float](repeating: -.infinity, count: 100)) == (0, 1))
        let point = Contrast.standard.limits(of: [Float](repeating: 0, count: 10_000) + [7])
        #expect(point == (0, 7))
    }

    @Test func twoImagesStandSideBySideEachWithItsOwnContrast() throws {
        let shape = VolumeShape(z: 8, y: 100, x: 120)
        var faint = MaximumProjections(shape: shape)
        for z in 0..<8 { faint.add((0..<12000).map { Float($0 % 120) / 1000 }, z: z) }
        var bright = MaximumProjections(shape: shape)
        for z in 0..<8 { bright.add((0..<12000).map { Float($0 % 120) * 1000 }, z: z) }
        let preview = try Preview(
            [.init(caption: "before", faint), .init(caption: "after", bright)],
            spacing: Self.spacing
        )
        let layout = preview.layout()
        let picture = preview.draw()
        let (left, right) = (layout.panels[0].alongZ, layout.panels[1].alongZ)
        #expect(right.x > (try #require(layout.panels[0].alongX)).x)
        #expect((left.width, left.height, left.y) == (right.width, right.height, right.y))
        for x in stride(from: 0, to: left.width, by: 7) {
            #expect(picture[left.x + x, left.y] == picture[right.x + x, right.y])
        }
        for panel in layout.panels {
            let line = panel.caption
            #expect(
                (line.x..<line.x + line.width / 2).contains { x in
                    (line.y..<line.y + line.height).contains { picture[x, $0] == 240 }
                }
            )
        }
    }

    // MARK: File

    @Test func libpngReadsBackWhatWasDrawn() throws {
        let cell = try CellPhantom(shape: VolumeShape(z: 8, y: 40, x: 50), spacing: Self.spacing).render()
        let preview = try Preview(
            [.init(caption: "cell", try MaximumProjections(of: ArraySource(cell)))],
            spacing: cell.spacing
        )
        let file = try preview.png()
        #expect(file.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        #expect(file.suffix(8).prefix(4) == [0x49, 0x45, 0x4E, 0x44])
        let picture = preview.draw()
        var pixels = [UInt8](repeating: 0, count: picture.width * picture.height)
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        // libpng keeps both addresses from the first call to the second.
        try withUnsafeMutablePointer(to: &image) { image in
            try file.withUnsafeBytes { bytes in
                try #require(png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0)
                #expect(image.pointee.format == png_uint_32(PNG_FORMAT_GRAY))
                #expect((Int(image.pointee.width), Int(image.pointee.height)) == (picture.width, picture.height))
                try #require(png_image_finish_read(image, nil, &pixels, png_int_32(picture.width), nil) != 0)
            }
        }
        #expect(pixels == picture.pixels)
    }

    @Test func aPictureThatCannotBeCompressedFitsItsFile() throws {
        var stream = RandomStream(seed: 1)
        var picture = GrayImage(width: 700, height: 300)
        picture.place(
            (0..<210_000).map { _ in UInt8(truncatingIfNeeded: stream.next()) },
            in: PixelFrame(x: 0, y: 0, width: 700, height: 300)
        )
        #expect(try picture.png().count > 210_000)
    }

    @Test func optionsOutsideTheirRangesAreRefused() {
        let panel = Preview.Panel(MaximumProjections(shape: VolumeShape(z: 1, y: 2, x: 2)))
        #expect(throws: DeconvolutionError.self) { try Preview([panel], spacing: nil, gamma: 0) }
        #expect(throws: DeconvolutionError.self) { try Preview([panel], spacing: nil, gamma: .nan) }
        #expect(throws: DeconvolutionError.self) { try Preview([panel], spacing: nil, maximumSide: 100) }
        #expect(throws: DeconvolutionError.self) { try Preview([panel], spacing: VoxelSpacing(z: 1, y: -1, x: 1)) }
        for contrast in [
            Contrast.percentiles(low: 0.5, high: 0.5), .percentiles(low: -0.1, high: 1), .range(2, 1), .range(.nan, 1),
        ] {
            #expect(throws: DeconvolutionError.self) { try Preview([panel], spacing: nil, contrast: contrast) }
        }
    }
}
