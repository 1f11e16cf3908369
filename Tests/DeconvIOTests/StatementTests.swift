import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What TIFF files say of axes and sizes, by which of their statements it is decided, and what a person can say against it.
@Suite struct StatementTests {
    private let files = FileSets()

    private static let scifio = """
        SCIFIO=0.42.0
        axes=X,Y,Channel,Z
        lengths=2,1,2,3
        scales=0.1,0.1,1.0,0.3
        units=micron,micron,null,micron

        """

    @Test func theTextOfSCIFIOIsRead() throws {
        try files.write("a.tif", Self.scifio, pages: 6)
        let source = try files.open("a.tif")
        #expect(files.counts(source) == [2, 3, 1])
        #expect(try files.values(source) == [0, 1, 2, 3, 4, 5])
        #expect(source.image.spacing == VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        try files.write("b.tif", Self.scifio, pages: 5)
        #expect(files.problem { _ = try files.open("b.tif") }?.contains("its SCIFIO description has the axes") ?? false)
    }

    @Test func dimensionsOfLSMAreRead() throws {
        var bytes = [UInt8](repeating: 0, count: 500)
        func put(_ value: some BitwiseCopyable, at offset: Int) {
            withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
        }
        for (offset, value) in [(0, 0x0400_494C), (4, 500), (8, 2), (12, 1), (16, 3), (20, 1), (24, 2)] {
            put(Int32(value), at: offset)
        }
        for (offset, meters) in [(40, 1e-7), (48, 1e-7), (56, 3e-7)] { put(meters, at: offset) }
        put(UInt16(6), at: 88)
        try files.write("a.lsm", pages: 6, extra: (34412, bytes))
        let source = try files.open("a.lsm")
        #expect(files.counts(source) == [1, 3, 2])
        #expect(try #require(source.image.spacing).matches(VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)))
        // A scan along a line has no planes.
        put(UInt16(2), at: 88)
        try files.write("b.lsm", pages: 6, extra: (34412, bytes))
        #expect(
            files.problem { _ = try files.open("b.lsm") }?.contains("is a Zeiss LSM file of 2 time points") ?? false
        )
    }

    @Test(
        arguments: [
            (34361, "Olympus FluoView"), (51123, "Micro-Manager as NDTiff"), (34412, "Zeiss LSM software"),
            (305, "ScanImage"),
        ] as [(UInt16, String)]
    )
    func pagesOfOtherProgramsAreNotTakenForPlanes(tag: UInt16, program: String) throws {
        let bytes = Array("SI.VERSION_MAJOR = 5\nSI.LINE_FORMAT = 1\n".utf8)
        try files.write("a.tif", pages: 6, extra: (tag, bytes))
        let problem = try #require(files.problem { _ = try files.open("a.tif") })
        #expect(problem.contains("was written by \(program)"))
        #expect(problem.contains("bfconvert"))
        // A person may know better, and one page cannot be mistaken.
        #expect(files.counts(try files.open("a.tif", axes: "zyx")) == [1, 6, 1])
        try files.write("b.tif", pages: 1, extra: (tag, bytes))
        #expect(files.counts(try files.open("b.tif")) == [1, 1, 1])
    }

    @Test func theIndexOfNDTiffSaysWhatItsPagesAre() throws {
        // Channels by name, planes by number, in another order than that of the pages.
        let axes = [("B", 1), ("A", 0), ("B", 0), ("A", 1)]
        try files.write("d/NDTiffStack.tif", pages: 4, extra: (51123, Array("{\"PixelSizeUm\": 0.1}".utf8)))
        var index: [UInt8] = []
        func add(_ value: Int) { withUnsafeBytes(of: UInt32(value).littleEndian) { index += $0 } }
        func add(_ text: String) {
            add(text.utf8.count)
            index += Array(text.utf8)
        }
        for (page, (channel, z)) in axes.enumerated() {
            add("{\"channel\": \"\(channel)\", \"z\": \(z)}")
            add("NDTiffStack.tif")
            add(TinyTIFF.dataStart(description: "") + 2 * page)
            for value in [2, 1, 0, 0, 0, 0, 0] { add(value) }
        }
        try Data(index).write(to: files.folder.url.appendingPathComponent("d/NDTiff.index"))
        for name in ["d", "d/NDTiffStack.tif"] {
            let source = try files.open(name)
            #expect(files.counts(source) == [2, 2, 1])
            #expect(try files.values(source) == [1, 2, 3, 0])
            #expect(source.image.channelNames == ["A", "B"])
            #expect(source.image.spacing == nil)
        }
        try Data(index.dropLast(9)).write(to: files.folder.url.appendingPathComponent("d/NDTiff.index"))
        #expect(files.problem { _ = try files.open("d") }?.contains("is damaged at byte") ?? false)
    }

    // An ImageJ hyperstack of 6 channels, tifffile's array without axes, pages without a word, and OME-XML of 6 time points.
    @Test(arguments: [
        "ImageJ=1.53t\nimages=6\nchannels=6\n", "{\"shape\": [2, 3, 1, 2]}", "",
        FileSets.ome("SizeC=\"1\" SizeZ=\"1\" SizeT=\"6\"", "<TiffData/>"), Self.scifio,
    ])
    func whatAPersonSaysGoesBeforeWhatTheFileSays(description: String) throws {
        try files.write("a.tif", description, pages: 6)
        #expect(files.counts(try files.open("a.tif", axes: "zyx")) == [1, 6, 1])
        #expect(files.counts(try files.open("a.tif", axes: "z3c2yx")) == [2, 3, 1])
        #expect(try files.values(files.open("a.tif", axes: "cz3yx")) == [0, 3, 1, 4, 2, 5])
        #expect(try files.open("a.tif", axes: "zyx").axes == "zyx")
        let problem = files.problem { _ = try files.open("a.tif", axes: "z4yx") }
        #expect(problem == "--axes z4yx: DIR/a.tif has 6 pages, which is not the product of z4")
        for text in ["yxz", "zzyx", "qyx", "z0yx", "3zyx"] {
            #expect(
                files.problem { _ = try files.open("a.tif", axes: text) }?.hasPrefix("--axes \(text): the pages of")
                    ?? false
            )
        }
    }

    @Test func sizesThatTheFileSaysGoWithTheLettersOfAPerson() throws {
        try files.write("a.tif", "{\"shape\": [2, 3, 1, 2]}", pages: 6)
        #expect(files.counts(try files.open("a.tif", axes: "czyx")) == [2, 3, 1])
        try files.write("b.tif", "ImageJ=1.53t\nimages=6\nchannels=2\nframes=3\nhyperstack=true\n", pages: 6)
        #expect(try files.values(files.open("b.tif", axes: "zcyx")) == [0, 1, 2, 3, 4, 5])
        // By their letters where fewer axes are longer than 1 than a person names.
        try files.write("d.tif", "ImageJ=1.53t\nimages=6\nslices=6\n", pages: 6)
        for text in ["tczyx", "ctzyx", "tzcyx"] {
            #expect(files.counts(try files.open("d.tif", axes: text)) == [1, 6, 1])
        }
        // Where it says none, or only how many, they are not guessed.
        try files.write("c.tif", pages: 6)
        try files.write("e.tif", "{\"shape\": [6, 1, 2]}", pages: 6)
        for (name, text, remedy) in [
            ("c.tif", "tzyx", "t2z3yx"), ("c.tif", "tczyx", "t2c3z4yx"), ("e.tif", "ctzyx", "c2t3z4yx"),
        ] {
            let problem = files.problem { _ = try files.open(name, axes: text) }
            #expect(problem?.contains("add the sizes, as in \(remedy)") ?? false, "\(problem ?? "none")")
        }
    }

    @Test func pagesWithoutAWordAreSaidToBeTakenForPlanes() throws {
        for text in ["", "{\"shape\": [6, 1, 2]}", "{\"shape\": [6, 1, 2], \"axes\": \"QYX\"}"] {
            try files.write("a.tif", text, pages: 6)
            #expect(try files.open("a.tif").diagnostics.map(\.kind) == [.axesAssumed])
            #expect(try files.open("a.tif", axes: "zyx").diagnostics.isEmpty)
        }
        try files.write("a.tif", "{\"shape\": [6, 1, 2], \"axes\": \"ZYX\"}", pages: 6)
        #expect(try files.open("a.tif").diagnostics.isEmpty)
    }

    @Test func theUnitBesideANumberGoesBeforeThatOfATag() throws {
        // 10 pixels an inch, which is tifffile's default where nobody gives a unit.
        let text = "{\"shape\": [3, 1, 2], \"axes\": \"ZYX\", \"spacing\": 0.3, \"unit\": \"um\"}"
        try files.write("a.tif", text, pages: 3, resolution: [(10, 1), (10, 1)], unit: 2)
        #expect(try files.open("a.tif").image.spacing == VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
    }

    // Dots an inch of screens and printers, and the same in a centimeter.
    @Test(arguments: [(72, 2), (96, 2), (300, 2), (1200, 2), (118, 3)] as [(UInt32, UInt16)])
    func resolutionsOfPrintersAreNoSizeOfVoxels(dots: UInt32, unit: UInt16) throws {
        for text in ["ImageJ=1.53t\nimages=3\nslices=3\nspacing=0.3\n", "{\"shape\": [3, 1, 2], \"axes\": \"ZYX\"}"] {
            try files.write("a.tif", text, pages: 3, resolution: [(dots, 1), (dots, 1)], unit: unit)
            let source = try files.open("a.tif")
            #expect(source.image.lengths.isEmpty)
            #expect(source.diagnostics.map(\.kind) == [.spacingUnknown])
        }
        // With a unit beside it a number is what somebody meant.
        let text = "ImageJ=1.53t\nimages=3\nslices=3\nspacing=0.3\nunit=mm\n"
        try files.write("b.tif", text, pages: 3, resolution: [(dots, 1), (dots, 1)], unit: unit)
        #expect(try files.open("b.tif").image.spacing != nil)
    }

    @Test func whatIsKnownOfASizeIsKept() throws {
        let ome = FileSets.ome(
            "SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\"",
            "<TiffData/>",
            calibration: "PhysicalSizeX=\"0.1\" PhysicalSizeY=\"0.2\""
        )
        try files.write("a.tif", ome, pages: 3)
        let image = try files.open("a.tif").image
        #expect(image.spacing == nil)
        #expect(image.lengths == AxisLengths(y: 0.2, x: 0.1))
        #expect(image.lengths.missing == "between planes (z)")
        for name in ["out.ome.tif", "out.tif"] {
            let path = files.folder.path(name)
            let sink = try TIFFSink(path: path, image: image, format: name.contains("ome") ? .ome : .imageJ)
            for _ in 0..<3 { try [Float](repeating: 1, count: 2).withUnsafeBufferPointer { try sink.append($0) } }
            try sink.finish()
            #expect(try TIFFSource(path: path).image.lengths == image.lengths)
        }
    }
}
