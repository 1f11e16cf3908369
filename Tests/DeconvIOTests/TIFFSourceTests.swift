import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct TIFFSourceTests {
    @Test(arguments: TIFFFixture.all)
    func axesTypeAndSpacingAreWhatTheWritingProgramSaid(fixture: TIFFFixture) throws {
        let source = try TIFFSource(path: fixture.path)
        #expect(source.image.shape == fixture.volumeShape)
        #expect(source.image.channelCount == fixture.channels)
        #expect(source.image.timepointCount == fixture.timepoints)
        #expect(source.image.pixelType.rawValue == fixture.pixelType)
        #expect(source.image.channelNames == fixture.channelNames)
        #expect(source.image.timeInterval == fixture.timeInterval)
        #expect(source.diagnostics.count == fixture.diagnosticCount, "\(source.diagnostics)")
        if let spacing = fixture.spacing {
            let wanted = VoxelSpacing(z: spacing[0], y: spacing[1], x: spacing[2])
            let read = try #require(source.image.spacing)
            #expect(read.matches(wanted, relativeTolerance: 1e-6), "\(read)")
        } else {
            #expect(source.image.spacing == nil)
        }
    }

    @Test(arguments: TIFFFixture.all)
    func everyVoxelOfEveryVolumeIsRead(fixture: TIFFFixture) throws {
        let source = try ImageFile.open(path: fixture.path)
        for timepoint in 0..<fixture.timepoints {
            for channel in 0..<fixture.channels {
                let data = try source.readVolume(channel: channel, timepoint: timepoint)
                #expect(data.pixelType == source.image.pixelType.inMemory)
                let wanted = fixture.voxels(Region(source.image.shape), t: timepoint, c: channel)
                if fixture.kind == "exact" {
                    #expect(data.floats == wanted)
                } else {
                    #expect(zip(data.floats, wanted).allSatisfy { abs($0 - $1) <= 4 })
                }
            }
        }
    }

    @Test(arguments: TIFFFixture.all.filter { $0.kind == "exact" })
    func aRegionHoldsTheVoxelsOfItsBox(fixture: TIFFFixture) throws {
        let source = try TIFFSource(path: fixture.path)
        let shape = source.image.shape
        var random = SystemRandomNumberGenerator()
        func part(_ extent: Int) -> (Int, Int) {
            let start = Int.random(in: 0..<extent, using: &random)
            return (start, Int.random(in: 1...extent - start, using: &random))
        }
        for _ in 0..<12 {
            let (z, depth) = part(shape.z)
            let (y, height) = part(shape.y)
            let (x, width) = part(shape.x)
            let region = Region(
                origin: VolumeIndex(z: z, y: y, x: x),
                shape: VolumeShape(z: depth, y: height, x: width)
            )
            let t = fixture.timepoints - 1
            let c = fixture.channels - 1
            let data = try source.read(region, channel: c, timepoint: t)
            #expect(data.floats == fixture.voxels(region, t: t, c: c), "\(region)")
        }
    }

    @Test func manyThreadsReadOneFileAtOnce() async throws {
        for name in ["u16-le-big-tiles-deflate.ome.tif", "u16-be-imagej-hyperstack.tif"] {
            let fixture = try #require(TIFFFixture.all.first { $0.file == name })
            let source = try TIFFSource(path: fixture.path)
            await withTaskGroup(of: Bool.self) { group in
                for task in 0..<32 {
                    group.addTask {
                        let data = try? source.readVolume(channel: task % 2, timepoint: task / 2 % 2)
                        return data?.floats
                            == fixture.voxels(Region(source.image.shape), t: task / 2 % 2, c: task % 2)
                    }
                }
                for await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func anEmptyRegionHasNoVoxels() throws {
        let source = try TIFFSource(path: TIFFFixture.path("u8-le-imagej.tif"))
        let region = Region(origin: .zero, shape: VolumeShape(z: 2, y: 0, x: 3))
        #expect(try source.read(region, channel: 0, timepoint: 0) == .uint8([]))
    }

    @Test func assumptionsAreSaidInOneLineEach() throws {
        func diagnostics(_ name: String) throws -> [String] {
            try TIFFSource(path: TIFFFixture.path(name)).diagnostics.map {
                $0.text(.flag).replacingOccurrences(of: TIFFFixture.path(name), with: "FILE")
            }
        }
        #expect(
            try diagnostics("u16-le-imagej-nospacing.tif") == [
                "FILE: its ImageJ description gives no distance between planes, which means 1 micron; give --spacing "
                    + "if that is wrong"
            ]
        )
        #expect(
            try diagnostics("u16-le-two-images.ome.tif") == [
                "FILE: holds 2 images; image 0, cells, is used; --array picks one by number or name"
            ]
        )
        #expect(
            try diagnostics("u8-imagej-lut.tif") == [
                "FILE: its color table is left out; the stored 8-bit values are the intensities"
            ]
        )
    }

    @Test(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.skipReason)))
    func realStacksFromThreeMicroscopesOpen() throws {
        let cell = try TIFFSource(path: SharedData.path("lattice-cell/observed.tif"))
        #expect(cell.image.shape == VolumeShape(z: 88, y: 320, x: 481))
        #expect(cell.image.pixelType == .uint16)
        let psf = try TIFFSource(path: SharedData.path("confocal-grid/psf.tif"))
        #expect(psf.image.shape == VolumeShape(z: 45, y: 45, x: 45))
        #expect(psf.image.pixelType == .float64)
        let bars = try TIFFSource(path: SharedData.path("hollow-bars/observed.tif"))
        #expect(bars.image.shape == VolumeShape(z: 32, y: 64, x: 64))
        #expect((try psf.readVolume().floats.max() ?? 0) > 0)
        // Saved by ImageJ 1.53f itself: 45.527587 pixels per \u00B5m, planes 0.125 apart.
        let grid = try TIFFSource(path: SharedData.url("confocal-grid/observed.tif").path)
        #expect(grid.image.shape == VolumeShape(z: 21, y: 150, x: 150))
        let wanted = VoxelSpacing(z: 0.125, y: 1 / 45.527587, x: 1 / 45.527587)
        #expect(try #require(grid.image.spacing).matches(wanted, relativeTolerance: 1e-6))
        #expect(try grid.readVolume().floats.max() == 8)
    }
}
