import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct PlaneSetTests {
    private let files = FileSets()

    /// Three files of a time point each, with 2 channels of 5 planes; the value of a plane counts them in the order of the file.
    private static let runs: String = {
        var text = ""
        for time in 0..<3 {
            for channel in 0..<2 {
                for z in 0..<5 {
                    text +=
                        "<TiffData FirstC=\"\(channel)\" FirstZ=\"\(z)\" FirstT=\"\(time)\" IFD=\"\(channel * 5 + z)\">"
                    text += "<UUID FileName=\"a_\(time).ome.tif\">urn:uuid:\(time)</UUID></TiffData>"
                }
            }
        }
        return text
    }()
    private static let sizes = "SizeC=\"2\" SizeZ=\"5\" SizeT=\"3\""
    /// The values in the order in which planes are read.
    private static let values: [Int] = {
        var values: [Int] = []
        for time in 0..<3 { for z in 0..<5 { for channel in 0..<2 { values.append(time * 10 + channel * 5 + z) } } }
        return values
    }()

    private func writeSet(_ description: (Int) -> String) throws {
        for time in 0..<3 {
            try files.write("set/a_\(time).ome.tif", description(time), pages: 10, from: 10 * time)
        }
    }

    @Test func anImageInSeveralFilesIsReadFromAnyOfThemAndFromTheirFolder() throws {
        try writeSet { FileSets.ome(Self.sizes, Self.runs, uuid: "urn:uuid:\($0)") }
        for name in ["set/a_0.ome.tif", "set/a_1.ome.tif", "set/a_2.ome.tif", "set", "set/*.tif"] {
            let source = try files.open(name)
            #expect(files.counts(source) == [2, 5, 3])
            #expect(try files.values(source) == Self.values)
            #expect(source.paths.count == 3)
            #expect(source.wouldHold(files.folder.path("set/new.tif")) == !name.hasSuffix("ome.tif"))
        }
        #expect(try files.values(files.open("set/a_1.ome.tif", axes: "zctyx")).count == 30)
        // A file that was renamed is known by its number; one that is gone is named.
        let place = files.folder.url.appendingPathComponent("set")
        try FileManager.default.moveItem(
            at: place.appendingPathComponent("a_2.ome.tif"),
            to: place.appendingPathComponent("b.tif")
        )
        #expect(try files.values(files.open("set/a_0.ome.tif")) == Self.values)
        #expect(try files.values(files.open("set/b.tif")) == Self.values)
        try FileManager.default.removeItem(at: place.appendingPathComponent("b.tif"))
        #expect(
            files.problem { _ = try files.open("set/a_0.ome.tif") }
                == "DIR/set/a_0.ome.tif: is one of an OME set of 3 files, of which a_2.ome.tif is missing; copy the set whole into "
                + "one folder"
        )
    }

    @Test func aCompanionSaysWhatFilesWithoutATextAre() throws {
        try writeSet { time in
            "<OME xmlns=\"x\" UUID=\"urn:uuid:\(time)\"><BinaryOnly MetadataFile=\"x.companion.ome\" UUID=\"urn:uuid:\(time)\"/></OME>"
        }
        #expect(
            files.problem { _ = try files.open("set/a_1.ome.tif") }
                == "DIR/set/a_1.ome.tif: what it holds is said in x.companion.ome, which is missing; copy it into the same folder"
        )
        try Data(FileSets.ome(Self.sizes, Self.runs, uuid: "urn:uuid:9").utf8)
            .write(to: files.folder.url.appendingPathComponent("set/x.companion.ome"))
        for name in ["set/a_1.ome.tif", "set/x.companion.ome"] {
            let source = try files.open(name)
            #expect(try files.values(source) == Self.values)
            #expect(source.paths.contains { $0.hasSuffix("x.companion.ome") })
        }
    }

    @Test(arguments: [false, true])
    func ofAStoppedAcquisitionTheWholeTimePointsAreUsed(hasCount: Bool) throws {
        // Three time points of two planes are announced, and a page is missing.
        let data =
            hasCount
            ? "<TiffData IFD=\"0\" PlaneCount=\"6\"/>"
            : (0..<5).map { "<TiffData FirstT=\"\($0 / 2)\" FirstZ=\"\($0 % 2)\" IFD=\"\($0)\"/>" }.joined()
        try files.write("a.tif", FileSets.ome("SizeC=\"1\" SizeZ=\"2\" SizeT=\"3\"", data), pages: 5)
        try files.write("b.tif", "ImageJ=1.53t\nimages=6\nslices=2\nframes=3\n", pages: 5)
        for name in ["a.tif", "b.tif"] {
            let source = try files.open(name)
            #expect(files.counts(source) == [1, 2, 2])
            #expect(try files.values(source) == [0, 1, 2, 3])
            #expect(source.diagnostics.map(\.kind) == [.planesMissing])
            #expect(source.diagnostics[0].description.contains("2 of 3 time points"))
        }
    }

    @Test func anImageOfSeveralIsPickedByNumberOrName() throws {
        let images = (0..<2).map { number in
            "<Image ID=\"Image:\(number)\" Name=\"Pos\(number)\"><Pixels DimensionOrder=\"XYZCT\" SizeX=\"2\" SizeY=\"1\" SizeZ=\"2\" "
                + "SizeC=\"1\" SizeT=\"1\"><TiffData IFD=\"\(2 * number)\" PlaneCount=\"2\"/></Pixels></Image>"
        }
        try files.write("a.tif", "<OME xmlns=\"x\">\(images.joined())</OME>", pages: 4)
        #expect(try files.values(files.open("a.tif")) == [0, 1])
        for array in ["1", "Pos1"] {
            let source = try files.open("a.tif", array: array)
            #expect(try files.values(source) == [2, 3])
            #expect(source.imageNumber == 1)
        }
        #expect(
            files.problem { _ = try files.open("a.tif", array: "Pos7") }
                == "--array Pos7: DIR/a.tif has no image Pos7: it has 0 (Pos0), 1 (Pos1)"
        )
    }

    // LAS X, ZEN, Micro-Manager 2 and 1.4, MetaMorph.
    @Test(arguments: [
        "S_t%t_z%z_ch0%c.tif", "Img-01_c%cz%zt%t.tif", "img_channel00%c_position000_time00000000%t_z00%z.tif",
        "img_00000000%t_%n_00%z.tif", "ex_w%c%n_s1_z%z_t%t.TIF",
    ])
    func planesInFilesAreOneImageByTheCountersInTheirNames(pattern: String) throws {
        for time in 0..<3 {
            for z in 0..<5 {
                for channel in 0..<2 {
                    let name = pattern.replacing("%t", with: "\(time)").replacing("%z", with: "\(z)")
                        .replacing("%c", with: "\(channel)").replacing("%n", with: ["DAPI", "FITC"][channel])
                    try files.write("f/\(name)", from: 10 * time + 5 * channel + z)
                }
            }
        }
        let source = try files.open("f")
        #expect(files.counts(source) == [2, 5, 3])
        #expect(try files.values(source) == Self.values)
        #expect(source.paths.count == 30)
        #expect(source.wouldHold(files.folder.path("f/new.tif")))
        #expect(source.diagnostics.map(\.kind) == [.axesAssumed])
    }

    @Test func filesOfOnePlaneThatCouldBeEitherAreRefused() throws {
        for index in 0..<4 {
            try files.write("f/img\(index).tif", from: index, resolution: [(10, 1), (5, 1)], unit: 1)
        }
        #expect(
            files.problem { _ = try files.open("f") }
                == "DIR/f: 4 files of one plane each, whose names do not count them by z or t: they could be the planes of one stack "
                + "or time points of 2D images; say which with --axes zyx or --axes tyx"
        )
        #expect(files.counts(try files.open("f", axes: "zyx")) == [1, 4, 1])
        #expect(files.counts(try files.open("f/*.tif", axes: "tyx")) == [1, 1, 4])
        #expect(try files.values(files.open("f", axes: "z2c2yx")) == [0, 1, 2, 3])
        #expect(
            files.problem { _ = try files.open("f", axes: "tz3yx") }?
                .contains("has 4 pages, which is not the product of t, z3") ?? false
        )
    }

    @Test func namesThatLeaveSomethingOutAreRefusedAndSayWhat() throws {
        for z in [0, 1, 3] { try files.write("gap/a_z\(z).tif") }
        #expect(files.problem { _ = try files.open("gap") }?.contains("leave out z 2") ?? false)
        for z in 0..<2 {
            for name in ["a", "b"] { try files.write("two/\(name)_z\(z).tif") }
            for position in 0..<2 { try files.write("places/x_s\(position)_z\(z).tif") }
            for time in 0..<3 where (time, z) != (2, 1) {
                try files.write("stopped/x_t\(time)_z\(z).tif", from: 2 * time + z)
            }
        }
        #expect(files.problem { _ = try files.open("two") }?.contains("a_z0.tif and b_z0.tif") ?? false)
        #expect(files.counts(try files.open("two/a*.tif")) == [1, 2, 1])
        #expect(files.problem { _ = try files.open("places") }?.contains("count 2 positions (s)") ?? false)
        let stopped = try files.open("stopped")
        #expect(files.counts(stopped) == [1, 2, 2])
        #expect(stopped.diagnostics.map(\.kind).contains(.planesMissing))
    }

    @Test func stacksAreTimePointsUnlessTheirNamesSayChannels() throws {
        let text = "ImageJ=1.53t\nimages=3\nslices=3\nunit=um\nspacing=0.5\n"
        for index in 0..<2 {
            try files.write("c/x_ch\(index).tif", text, pages: 3, from: 3 * index)
            try files.write("t/x_\(index).tif", text, pages: 3, from: 3 * index)
        }
        #expect(files.counts(try files.open("c")) == [2, 3, 1])
        #expect(try files.values(files.open("c")) == [0, 3, 1, 4, 2, 5])
        #expect(files.counts(try files.open("t")) == [1, 3, 2])
        #expect(try files.open("t").diagnostics.isEmpty)
        // What counts something else than time is said to be taken for it.
        for names in [["x_s1", "x_s2"], ["x_z0", "x_z1"], ["x_t0", "x_t1", "x_t3"]] {
            for (index, name) in names.enumerated() {
                try files.write("\(names[1])/\(name).tif", text, pages: 3, from: 3 * index)
            }
            let series = try files.open(names[1])
            #expect(files.counts(series) == [1, 3, names.count])
            #expect(series.diagnostics.map(\.kind) == [.axesAssumed], "\(names)")
        }
        // Every file of a series is overruled alike.
        #expect(files.counts(try files.open("t", axes: "cyx")) == [3, 1, 2])
    }
}
