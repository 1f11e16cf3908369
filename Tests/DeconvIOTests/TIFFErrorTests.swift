import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Runs the body and gives the code and message of what it throws, the path in it written as `FILE`.
private func failure(
    _ path: String,
    _ body: () throws(DeconvolutionError) -> Void
) -> (code: DeconvolutionError.Code, message: String)? {
    do throws(DeconvolutionError) {
        try body()
        return nil
    } catch {
        return (error.code, error.message.replacingOccurrences(of: path, with: "FILE"))
    }
}

@Suite struct TIFFErrorTests {
    private let folder = try! TemporaryFolder()

    private func open(_ path: String) -> (code: DeconvolutionError.Code, message: String)? {
        failure(path) { () throws(DeconvolutionError) in _ = try ImageFile.open(path: path) }
    }

    private func open(bytes: [UInt8]) throws -> (code: DeconvolutionError.Code, message: String)? {
        let path = folder.path(UUID().uuidString)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return open(path)
    }

    @Test(arguments: [
        (
            "bad-rgb.tif",
            "FILE: page 1 is in color (3 samples per pixel); split the channels and save them as one stack of grey pages"
        ),
        ("bad-palette.tif", "FILE: page 1 is in color by a palette; save it as a grey image of intensities"),
        (
            "bad-two-samples.tif",
            "FILE: page 1 is not a grey image (2 samples per pixel); split the channels and save them as one stack of "
                + "grey pages"
        ),
        (
            "bad-white-is-zero.tif",
            "FILE: page 1 stores bright as low (MinIsWhite); invert it and save it as MinIsBlack, so that intensities "
                + "rise with light"
        ),
        (
            "bad-float16.tif",
            "FILE: page 1 holds 16-bit floating point, which are not read; save it as 8 or 16-bit integers or 32-bit "
                + "floating point"
        ),
        (
            "bad-uint64.tif",
            "FILE: page 1 holds 64-bit unsigned integers, which are not read; save it as 8 or 16-bit integers or 32-bit "
                + "floating point"
        ),
        (
            "bad-complex.tif",
            "FILE: page 1 holds 64-bit complex numbers, which are not read; save it as 8 or 16-bit integers or 32-bit "
                + "floating point"
        ),
        (
            "bad-12-bit.tif",
            "FILE: page 1 holds 12-bit unsigned integers, which are not read; save it as 8 or 16-bit integers or 32-bit "
                + "floating point"
        ),
        (
            "bad-bilevel.tif",
            "FILE: page 1 holds 1-bit unsigned integers, which are not read; save it as 8 or 16-bit integers or 32-bit "
                + "floating point"
        ),
        (
            "bad-jpeg2000.tif",
            "FILE: page 1 has compression 34712 (JPEG 2000), which this build of libtiff cannot decode; save it "
                + "uncompressed or with deflate"
        ),
        (
            "bad-two-sizes.tif",
            "FILE: page 2 is 8 x 9 uint8 but page 1 is 9 x 8 uint8; save the stack alone in a file, with pages of one "
                + "size and type"
        ),
        (
            "bad-two-types.tif",
            "FILE: page 2 is 9 x 8 uint16 but page 1 is 9 x 8 uint8; save the stack alone in a file, with pages of one "
                + "size and type"
        ),
        (
            "bad-shaped-no-axes.tif",
            "FILE: its description has the shape [2, 3, 8, 9] without axes; write it with tifffile's "
                + "metadata={'axes': 'CZYX'} or the like"
        ),
        (
            "bad-imagej-count.tif",
            "FILE: its ImageJ description claims 30 images but it holds 3 pages; save it again from ImageJ"
        ),
        (
            "bad-depth.tif",
            "FILE: page 1 holds a volume in one page (ImageDepth); save one page per plane"
        ),
    ])
    func whatCannotBeDeconvolvedIsRefusedWithItsRemedy(file: String, message: String) throws {
        let error = try #require(open(TIFFFixture.path(file)))
        #expect(error.message == message)
        #expect(error.code == .invalidData)
    }

    @Test func whatIsNoFileIsNotFound() throws {
        let missing = folder.path("missing.tif")
        #expect(try #require(open(missing)) == (.inputNotFound, "FILE: no such file; check the path"))
        #expect(
            try #require(open(folder.url.path)) == (
                .inputNotFound,
                "FILE: is a folder without TIFF files and no Zarr store; name an image file, a folder of stacks, or a store"
            )
        )
        #expect(
            try #require(open("/dev/null"))
                == (.inputNotFound, "FILE: is a pipe or device, not a file; save the image to a file first")
        )
        let inside = TIFFFixture.path("u8-le-imagej.tif") + "/x.tif"
        #expect(try #require(open(inside)) == (.inputNotFound, "FILE: no such file; check the path"))
    }

    @Test func aFileThatMayNotBeReadIsNotFound() async throws {
        let path = folder.path("secret.tif")
        try Data([0]).write(to: URL(fileURLWithPath: path))
        chmod(path, 0)
        // Root may read every file, so a child of the test becomes nobody.
        await #expect(processExitsWith: .success) { [path = path as String] in
            if geteuid() == 0 { try #require(seteuid(65534) == 0) }
            let error = failure(path) { () throws(DeconvolutionError) in _ = try ImageFile.open(path: path) }
            try #require(error! == (.inputNotFound, "FILE: may not be read; check its permissions"))
        }
    }

    @Test func otherFilesAreNamedForWhatTheyAre() throws {
        #expect(try open(bytes: [])! == (.invalidData, "FILE: is empty; copy it again from its source"))
        #expect(
            try open(bytes: Array("no image at all".utf8))!
                == (.invalidData, "FILE: is not a TIFF file; convert it to TIFF, for example with Fiji")
        )
        #expect(
            try open(bytes: [0x49, 0x49, 42, 0, 8])!
                == (.invalidData, "FILE: is truncated: it ends after 5 bytes; copy it again from its source")
        )
    }

    @Test(
        arguments: [
            ("a.czi", Array("ZISRAWFILE".utf8), "a Zeiss CZI file"),
            ("a.nd2", [0xDA, 0xCE, 0xBE, 0x0A], "a Nikon ND2 file"),
            ("a.lif", [0x70, 0, 0, 0], "a Leica LIF file"),
            ("a.ims", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "an Imaris IMS file"),
            ("a.oib", [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1], "an Olympus OIB file"),
            ("a.oir", Array("OLYMPUSRAWFORMAT".utf8), "an Olympus OIR file"),
        ] as [(String, [UInt8], String)]
    )
    func aMicroscopesFormatIsNamedWithAWayOutThatKeepsSizes(name: String, start: [UInt8], format: String) throws {
        let path = folder.path(name)
        try Data(start + [UInt8](repeating: 0, count: 600)).write(to: URL(fileURLWithPath: path))
        let error = try #require(open(path))
        #expect(error.code == .invalidData)
        #expect(error.message.hasPrefix("FILE: is \(format), which is not read; convert it with bfconvert"))
    }

    @Test func containersWithoutAFixedOrderAreNamed() throws {
        let hdf5 = try open(bytes: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
        #expect(try #require(hdf5).message.hasPrefix("FILE: is an HDF5 file, which is not read"))
        let n5 = folder.path("a.n5")
        try FileManager.default.createDirectory(atPath: n5, withIntermediateDirectories: false)
        try Data("{\"n5\":\"2.5.1\"}".utf8).write(to: URL(fileURLWithPath: "\(n5)/attributes.json"))
        #expect(
            try #require(open(n5)).message.hasPrefix("FILE: is an N5 container, which is not read; convert it to Zarr")
        )
    }

    @Test func aLineBreakInANameDoesNotBreakTheMessage() throws {
        let error = try #require(open(folder.path("two\nlines.tif")))
        #expect(!error.message.contains("\n"))
    }

    /// A classic little-endian TIFF of one directory from (tag, type, count, value) rows.
    private func tiff(_ entries: [(UInt16, UInt16, UInt32, UInt32)], next: UInt32 = 0, tail: Int = 64) -> [UInt8] {
        var bytes: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0]
        func add(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        add(UInt16(entries.count))
        for (tag, type, count, value) in entries {
            add(tag)
            add(type)
            add(count)
            add(value)
        }
        add(next)
        return bytes + [UInt8](repeating: 7, count: tail)
    }

    @Test func aHeaderThatClaimsMoreThanTheFileHoldsAllocatesNothing() throws {
        // 2^20 x 2^20 voxels in one uncompressed, then in one Zstandard strip of 64 bytes.
        for (compression, problem) in [
            (1, "too few for 1099511627776"), (50000, "too few for 1099511627776"), (5, "too few for 1099511627776"),
        ] {
            let bytes = tiff([
                (256, 4, 1, 1 << 20), (257, 4, 1, 1 << 20), (258, 3, 1, 8), (259, 3, 1, UInt32(compression)),
                (262, 3, 1, 1), (273, 4, 1, 122), (277, 3, 1, 1), (278, 4, 1, 1 << 20), (279, 4, 1, 64),
            ])
            let error = try #require(try open(bytes: bytes))
            #expect(error.code == .invalidData)
            #expect(error.message.contains(problem), "\(error.message)")
        }
    }

    @Test func aHeaderWithMoreStripsThanBytesIsDamaged() throws {
        let bytes = tiff([
            (256, 4, 1, 1 << 30), (257, 4, 1, 1 << 30), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1 << 30, 8),
            (278, 4, 1, 1), (279, 4, 1 << 30, 8),
        ])
        let error = try #require(try open(bytes: bytes))
        #expect(error.code == .invalidData)
        #expect(
            error.message
                == "FILE: is truncated or damaged: page 1 claims 1073741824 x 1073741824 pixels in 162 bytes; copy it "
                + "again from its source"
        )
    }

    @Test func directoriesThatLeadBackAreDamaged() throws {
        let page: [(UInt16, UInt16, UInt32, UInt32)] = [
            (256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 80), (278, 4, 1, 8),
            (279, 4, 1, 64),
        ]
        let error = try #require(try open(bytes: tiff(page, next: 8)))
        #expect(error == (.invalidData, "FILE: is damaged: its page 2 leads back to an earlier one; save it again"))
    }

    @Test func aDirectoryBeyondTheEndIsTruncated() throws {
        let error = try #require(try open(bytes: [0x49, 0x49, 42, 0, 0xFF, 0xFF, 0, 0, 0, 0]))
        #expect(
            error
                == (
                    .invalidData,
                    "FILE: is truncated or damaged: a directory should be at byte 65535 of 10; copy it again from its "
                        + "source"
                )
        )
    }

    @Test func aStripThatWasNeverWrittenIsAnErrorAndNotZeros() throws {
        let bytes = tiff([
            (256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 0),
            (278, 4, 1, 8), (279, 4, 1, 0),
        ])
        #expect(
            try open(bytes: bytes)!
                == (
                    .invalidData,
                    "FILE: strip 1 of page 1 was never written; save the file again from its source"
                )
        )
    }

    @Test func damagedCompressedDataIsAnErrorThatNamesThePlane() throws {
        let name = "u16-le-big-tiles-deflate.ome.tif"
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: TIFFFixture.path(name))))
        let middle = bytes.count / 2
        for index in middle..<middle + 64 { bytes[index] = 0xFF }
        let path = folder.path(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let source = try TIFFSource(path: path)
        var messages: [String] = []
        for timepoint in 0..<2 {
            for channel in 0..<2 {
                let error = failure(path) { () throws(DeconvolutionError) in
                    _ = try source.readVolume(channel: channel, timepoint: timepoint)
                }
                if let error { messages.append(error.message) }
            }
        }
        // Between the colon and the semicolon are libtiff's words, which differ between its versions.
        #expect(messages.count == 1)
        #expect(
            messages[0].hasPrefix("FILE: tile 1 of plane 1 of channel 1 at time point 2 (deflate) cannot be decoded: ")
        )
        #expect(messages[0].hasSuffix("; copy the file again from its source"))
    }

    @Test func libtiffNeverPrints() async throws {
        // A tag that libtiff warns about, and data that it reports as an error.
        let unknownTag = TIFFFixture.path("u16-le-imagej-deflate.tif")
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: unknownTag)))
        for index in bytes.count / 2..<bytes.count / 2 + 64 { bytes[index] = 0xFF }
        let damaged = folder.path("damaged.tif")
        try Data(bytes).write(to: URL(fileURLWithPath: damaged))
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            [unknownTag = unknownTag as String, damaged = damaged as String] in
            let source = try TIFFSource(path: unknownTag)
            _ = try source.readVolume(channel: 1)
            #expect(throws: DeconvolutionError.self) {
                let source = try TIFFSource(path: damaged)
                for channel in 0..<2 { _ = try source.readVolume(channel: channel) }
            }
        }
        let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(!printed.contains("TIFF") && !printed.contains("ecod"), "\(printed)")
    }

    @Test(arguments: [
        "u8-le-imagej.tif", "u16-be-imagej-one-directory.tif", "u16-le-big-tiles-deflate.ome.tif", "u8-jpeg.tif",
        "i32-le-big-packbits.tif", "u16-le-tiles-lzma.tif", "i8-be-big-lzw.tif", "f32-le-zstd-predictor.tif",
        "u16-le-truncated-chain.tif",
    ])
    func aFileCutAnywhereIsAnErrorOrRight(name: String) throws {
        let fixture = try #require(TIFFFixture.all.first { $0.file == name })
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
        let path = folder.path(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let lengths = Set(0..<min(512, bytes.count)).union(stride(from: 1024, to: bytes.count, by: 1024))
            .union(bytes.count - 16..<bytes.count)
        var refused = 0
        for length in lengths.sorted(by: >) {
            truncate(path, length)
            let error = failure(path) { () throws(DeconvolutionError) in
                let source = try TIFFSource(path: path)
                for timepoint in 0..<source.image.timepointCount {
                    for channel in 0..<source.image.channelCount {
                        let data = try source.readVolume(channel: channel, timepoint: timepoint)
                        let wanted = fixture.voxels(Region(source.image.shape), t: timepoint, c: channel)
                        #expect(
                            zip(data.floats, wanted).allSatisfy { abs($0 - $1) <= (fixture.kind == "exact" ? 0 : 4) },
                            "cut to \(length) bytes"
                        )
                    }
                }
            }
            if let error {
                refused += 1
                #expect(error.code == .invalidData, "\(error.message)")
                #expect(error.message.hasPrefix("FILE: ") && !error.message.contains("\n"))
            }
        }
        #expect(refused >= lengths.count - 17, "only what follows the last voxel may be missed")
    }

    @Test(arguments: [
        "u8-le-imagej.tif", "u16-le-big-tiles-deflate.ome.tif", "u8-jpeg.tif", "i32-le-big-packbits.tif",
        "i8-be-big-lzw.tif", "f32-le-zstd-predictor.tif", "u16-le-pyramid.ome.tif",
    ])
    func randomDamageNeverCrashes(name: String) throws {
        let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: TIFFFixture.path(name))))
        let path = folder.path(name)
        var state: UInt64 = 42
        func random(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
        for _ in 0..<300 {
            var bytes = original
            for _ in 0...random(8) { bytes[random(bytes.count)] = UInt8(random(256)) }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            guard let source = try? TIFFSource(path: path), source.image.shape.voxelCount < 1 << 22 else { continue }
            _ = try? source.readVolume()
        }
    }
}
