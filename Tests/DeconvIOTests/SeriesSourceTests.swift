import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct SeriesSourceTests {
    private let folder = try! TemporaryFolder()

    /// What the body throws, with the test's folder written as `DIR`.
    private func failure(_ body: () throws -> Void) -> (code: DeconvolutionError.Code, message: String)? {
        do {
            try body()
            return nil
        } catch let error as DeconvolutionError {
            return (error.code, error.text(.flag).replacingOccurrences(of: folder.url.path, with: "DIR"))
        } catch {
            return (.internalError, "\(error)")
        }
    }

    /// A stack of `planes` planes of 2 x 1 voxels that hold `value`, and the number of the plane behind it.
    private func write(_ path: String, pages: Int = 3, description: String = "", value: UInt8 = 0) throws {
        var bytes = TinyTIFF.bytes(pages: pages, description: description)
        let start = TinyTIFF.dataStart(description: description)
        for page in 0..<pages { bytes[start + 2 * page] = value }
        let url = folder.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    private func first(_ source: any VolumeSource, _ timepoint: Int) throws -> UInt8? {
        guard case .uint8(let voxels) = try source.readVolume(timepoint: timepoint) else { return nil }
        return voxels.first
    }

    @Test func aFolderOfStacksOfOthersIsATimeSeriesInNaturalOrder() throws {
        let matrix = try StoreMatrix.get()
        for path in ["series", "series/", "series/t*.tif"] {
            let source = try ImageFile.open(path: matrix.folder.url.path + "/" + path)
            #expect(source.image.shape == VolumeShape(z: 3, y: 6, x: 7))
            #expect((source.image.timepointCount, source.image.channelCount) == (11, 1))
            #expect(source.image.spacing == VoxelSpacing(z: 0.5, y: 0.25, x: 0.25))
            #expect(source.diagnostics.isEmpty)
            let raw = [UInt8](try Data(contentsOf: URL(fileURLWithPath: matrix.folder.path("series.raw"))))
            var voxels: [UInt16] = []
            for timepoint in 0..<11 {
                guard case .uint16(let volume) = try source.readVolume(timepoint: timepoint) else { continue }
                voxels += volume
            }
            #expect(voxels.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } == raw)
        }
    }

    @Test func filesOfSeveralTimePointsFollowEachOther() throws {
        let matrix = try StoreMatrix.get()
        let source = try #require(try ImageFile.open(path: matrix.folder.path("parts")) as? SeriesSource)
        #expect((source.image.timepointCount, source.image.channelCount) == (6, 2))
        #expect((0..<6).map { source.place(ofTimepoint: $0).timepoint } == [0, 0, 1, 2, 0, 1])
        #expect(source.place(ofTimepoint: 4).path.hasSuffix("/part2.tif"))
        var bytes: [UInt8] = []
        for timepoint in 0..<6 {
            for channel in 0..<2 {
                guard case .uint16(let volume) = try source.readVolume(channel: channel, timepoint: timepoint) else {
                    continue
                }
                bytes += volume.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            }
        }
        #expect(bytes == [UInt8](try Data(contentsOf: URL(fileURLWithPath: matrix.folder.path("parts.raw")))))
    }

    @Test func namesAreOrderedByTheirNumbers() {
        let sorted = [
            "a", "a1", "a01", "a2", "a10", "a10b2", "a10b10", "a99999999999999999999", "a100000000000000000000", "b",
            "ba",
        ]
        var shuffled = sorted
        shuffled.shuffle()
        // Of names that differ by zeros only, bytes decide.
        #expect(
            shuffled.sorted(by: NaturalOrder.precedes) == sorted.map { $0 == "a1" ? "a01" : $0 == "a01" ? "a1" : $0 }
        )
    }

    @Test func thousandsOfFilesNeedFewDescriptors() throws {
        for index in 0..<1500 { try write("many/t\(index).tif", pages: 1, value: UInt8(index % 251)) }
        func openFiles() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
        let before = try openFiles()
        let source = try ImageFile.open(path: folder.path("many"))
        #expect(source.image.timepointCount == 1500)
        for timepoint in stride(from: 0, to: 1500, by: 7) {
            #expect(try first(source, timepoint) == UInt8(timepoint % 251))
        }
        // Other tests run at the same time and open files as well.
        #expect(try openFiles() - before < 400)
        try withExtendedLifetime(source) { _ = try openFiles() }
    }

    @Test func whatIsNoStackOfTheSeriesIsLeftOutOrNamed() throws {
        try write("frames/t1.tif", value: 1)
        try write("frames/t2.dat", value: 2)
        try write("frames/.t0.tif", value: 9)
        try write("frames/more/t3.tif", value: 9)
        try Data("text".utf8).write(to: folder.url.appendingPathComponent("frames/readme.txt"))
        let source = try ImageFile.open(path: folder.path("frames"))
        #expect(source.name == folder.path("frames"))
        #expect(try (0..<source.image.timepointCount).map { try first(source, $0) } == [1, 2])

        try Data().write(to: folder.url.appendingPathComponent("frames/t3.tif"))
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("frames")) } ?? (.internalError, "")
                == (
                    .invalidData,
                    "DIR/frames/t3.tif: is empty; copy it again from its source, or take it out of the folder"
                )
        )
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("frames/*.t*t")) }?.message
                == "DIR/frames/readme.txt: is not a TIFF file; convert it to TIFF, for example with Fiji"
        )
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("frames/*.png")) } ?? (.internalError, "")
                == (.inputNotFound, "DIR/frames/*.png: no file matches; check the pattern")
        )
        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: false)
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("empty")) } ?? (.internalError, "")
                == (
                    .inputNotFound,
                    "DIR/empty: is a folder without TIFF files and no Zarr store; name an image file, a folder of stacks, or a "
                        + "store"
                )
        )
    }

    @Test func theFirstFileThatDiffersIsNamed() throws {
        for index in 1...12 { try write("s/t\(index).tif") }
        try write("s/t3.tif", description: "ImageJ=1.53t\nimages=3\nslices=3\nunit=um\nspacing=0.5\n")
        try write("s/t11.tif", pages: 5)
        try write("s/t12.tif", pages: 4)
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("s/t*")) } ?? (.internalError, "")
                == (
                    .invalidData,
                    "DIR/s/t11.tif: is 5x1x2 voxels, not 3x1x2 as DIR/s/t1.tif; a series is made of stacks of one kind"
                )
        )
        try write("c/a.tif", pages: 4)
        try write("c/b.tif", pages: 8, description: "ImageJ=1.53t\nimages=8\nchannels=2\nslices=4\n")
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("c")) }?.message
                == "DIR/c/b.tif: has 2 channels, not 1 as DIR/c/a.tif; a series is made of stacks of one kind"
        )
    }

    @Test func spacingMustAgreeAndMayBeMissing() throws {
        let copy = { (name: String, target: String) throws in
            try FileManager.default.createDirectory(
                at: self.folder.url.appendingPathComponent(target).deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try FileManager.default.copyItem(
                at: URL(fileURLWithPath: name),
                to: self.folder.url.appendingPathComponent(target)
            )
        }
        let matrix = try StoreMatrix.get()
        try copy(matrix.folder.path("series/t0.tif"), "s/t0.tif")
        try copy(matrix.folder.path("series-plain.tif"), "s/t1.tif")
        try copy(matrix.folder.path("series-plain.tif"), "s/t2.tif")
        let source = try ImageFile.open(path: folder.path("s"))
        #expect(source.image.spacing == VoxelSpacing(z: 0.5, y: 0.25, x: 0.25))
        #expect(
            source.diagnostics.map { $0.description.replacingOccurrences(of: folder.url.path, with: "DIR") } == [
                "DIR/s/t1.tif: has no voxel size; that of the other files is taken (so it is with 1 other file)"
            ]
        )
        try copy(matrix.folder.path("series-wide.tif"), "s/t3.tif")
        #expect(
            failure { _ = try ImageFile.open(path: folder.path("s")) }?.message
                == "DIR/s/t3.tif: has voxels of 0.5, 0.5, 0.5 µm, not 0.5, 0.25, 0.25 µm as DIR/s/t0.tif; a series is made of stacks "
                + "of one kind"
        )
    }

    @Test func aFileThatChangesMeanwhileIsAnError() throws {
        for index in 0..<20 { try write("s/t\(index).tif") }
        let source = try SeriesSource(paths: (0..<20).map { folder.path("s/t\($0).tif") }, name: "s")
        try write("s/t0.tif", pages: 2)
        let error = failure { _ = try source.readVolume(timepoint: 0) }
        #expect(error?.message == "DIR/s/t0.tif: has changed since the series was opened; run it again")
    }

    @Test func aPatternIsExpandedUnlessAFileIsCalledSo() throws {
        for name in ["p10.tif", "p9.tif", "p[1].tif"] { try write(name) }
        #expect(
            try PathPattern.expand(folder.path("p*.tif")) == ["p9.tif", "p10.tif", "p[1].tif"].map(folder.path)
        )
        #expect(try PathPattern.expand(folder.path("p[1].tif")) == [folder.path("p[1].tif")])
        #expect(try PathPattern.expand(folder.path("p[0-9].tif")) == [folder.path("p9.tif")])
        #expect(try PathPattern.expand("missing.tif") == ["missing.tif"])
        #expect(failure { _ = try PathPattern.expand(folder.path("q?.tif")) }?.code == .inputNotFound)
        // One match is opened for what it is.
        #expect(try ImageFile.open(path: folder.path("p9.*")) is TIFFSource)
        #expect(try ImageFile.open(path: folder.path("p[1].tif")) is TIFFSource)
    }

    @Test(arguments: [
        ("a.tif", "DIR/a.tif is a TIFF file of one image"), ("s", "DIR/s is a folder or pattern of TIFF files"),
        ("s/*", "DIR/s/* is a folder or pattern of TIFF files"),
    ])
    func anImageIsNotPickedWhereThereIsOne(path: String, what: String) throws {
        for file in ["a.tif", "s/a.tif", "s/b.tif"] { try write(file) }
        let options = ImageFile.Options(array: "raw")
        let error = failure { _ = try ImageFile.open(path: folder.path(path), options: options) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "--array raw: \(what); leave --array out")
    }
}
