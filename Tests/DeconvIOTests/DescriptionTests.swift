import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A file of 2 x 1 pixels a page in a folder that goes with it.
private struct TinyFile {
    let folder = try! TemporaryFolder()
    let path: String

    init(
        pages: Int,
        _ description: String,
        name: String = "tiny.tif",
        resolution: [(UInt32, UInt32)] = [],
        unit: UInt16 = 1,
        auxiliary: Set<Int> = []
    ) throws {
        path = folder.path(name)
        let bytes = TinyTIFF.bytes(
            pages: pages,
            description: description,
            resolution: resolution,
            resolutionUnit: unit,
            auxiliary: auxiliary
        )
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func source() throws -> TIFFSource { try TIFFSource(path: path) }

    /// The page that holds each plane, channel fastest, then z, then time.
    func pages() throws -> [Int] {
        let source = try source()
        var pages: [Int] = []
        for timepoint in 0..<source.image.timepointCount {
            for z in 0..<source.image.shape.z {
                for channel in 0..<source.image.channelCount {
                    let plane = Region(
                        origin: VolumeIndex(z: z, y: 0, x: 0),
                        shape: VolumeShape(z: 1, y: 1, x: 2)
                    )
                    let data = try source.read(plane, channel: channel, timepoint: timepoint).floats
                    #expect(data[1] == data[0] + 100)
                    pages.append(Int(data[0]))
                }
            }
        }
        return pages
    }

    /// What opening it says, without the path.
    func problem() -> String? {
        do throws(DeconvolutionError) {
            _ = try TIFFSource(path: path)
            return nil
        } catch {
            return error.code == .invalidData
                ? error.message.replacingOccurrences(of: path + ": ", with: "") : "\(error.code)"
        }
    }
}

@Suite struct OMEXMLTests {
    private static let namespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06"

    private static func ome(
        _ pixels: String = "SizeC=\"2\" SizeZ=\"3\" SizeT=\"2\"",
        order: String = "XYZCT",
        inside: String = "<TiffData/>",
        root: String = ""
    ) -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?><OME xmlns="\(namespace)" \(root)><Image ID="Image:0"><Pixels ID="Pixels:0" \
        DimensionOrder="\(order)" Type="uint8" SizeX="2" SizeY="1" \(pixels)>\(inside)</Pixels></Image></OME>
        """
    }

    // Two channels, three planes, two time points: where page p lies for each order, by counting in that order.
    @Test(arguments: [
        ("XYZCT", [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]),
        ("XYZTC", [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]),
        ("XYCZT", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        ("XYCTZ", [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]),
        ("XYTCZ", [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]),
        ("XYTZC", [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]),
    ])
    func everyDimensionOrderPutsPagesWhereItSays(order: String, pages: [Int]) throws {
        let file = try TinyFile(pages: 12, Self.ome(order: order))
        #expect(try file.source().image.channelCount == 2)
        #expect(try file.source().image.timepointCount == 2)
        #expect(try file.pages() == pages)
        // Without any TiffData the planes come in order as well.
        #expect(try TinyFile(pages: 12, Self.ome(order: order, inside: "")).pages() == pages)
    }

    @Test func tiffDataNamesPagesOneByOneInAnyOrder() throws {
        let inside = """
            <TiffData IFD="3" FirstZ="0"/><TiffData IFD="0" FirstZ="1" PlaneCount="2"/><TiffData FirstC="1" IFD="4"
            PlaneCount="2"/><TiffData IFD="2" FirstZ="2" FirstC="1"></TiffData>
            """
        let file = try TinyFile(pages: 6, Self.ome("SizeC=\"2\" SizeZ=\"3\" SizeT=\"1\"", inside: inside))
        #expect(try file.pages() == [3, 4, 0, 5, 1, 2])
    }

    @Test func theCountOfPlanesIsOneWhereAPageIsNamedAndTheRestWhereNoneIs() throws {
        let one = Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\"", inside: "<TiffData IFD=\"0\"/>")
        #expect(
            try TinyFile(pages: 3, one).problem()
                == "its OME-XML names no page for channel 1, plane 2, time point 1; save it again as OME-TIFF"
        )
        let rest = Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\"", inside: "<TiffData FirstZ=\"0\"/>")
        #expect(try TinyFile(pages: 3, rest).pages() == [0, 1, 2])
        // NumPlanes is the name of PlaneCount in schemas before 2008.
        let old = Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\"", inside: "<TiffData IFD=\"0\" NumPlanes=\"3\"/>")
        #expect(try TinyFile(pages: 3, old).pages() == [0, 1, 2])
    }

    @Test func prefixesAndOlderNamespacesAreUnderstood() throws {
        let text = """
            <?xml version="1.0"?><!-- a comment --><ome:OME xmlns:ome="http://www.openmicroscopy.org/Schemas/OME/2013-06" \
            xmlns:sa="http://www.openmicroscopy.org/Schemas/SA/2013-06"><ome:Image ID="Image:0"><ome:Pixels \
            DimensionOrder="XYCZT" SizeX="2" SizeY="1" SizeZ="2" SizeC="2" SizeT="1" PhysicalSizeX="0.1" \
            PhysicalSizeY="0.1" PhysicalSizeZ="0.5"><ome:Channel ID="Channel:0:0" Name="a"/><ome:Channel \
            ID="Channel:0:1" Name="b"/><ome:TiffData/></ome:Pixels></ome:Image><sa:StructuredAnnotations>\
            <sa:XMLAnnotation><sa:Value><Channel Name="not one"/></sa:Value></sa:XMLAnnotation>\
            </sa:StructuredAnnotations></ome:OME>
            """
        let source = try TinyFile(pages: 4, text).source()
        #expect(source.image.shape == VolumeShape(z: 2, y: 1, x: 2))
        #expect(source.image.channelNames == ["a", "b"])
        #expect(source.image.spacing == VoxelSpacing(z: 0.5, y: 0.1, x: 0.1))
    }

    @Test func escapedTextsComeBackAsTheyWere() throws {
        let inside = """
            <Channel Name="&lt;A &amp; B&gt;"/><Channel Name="&#181;m &quot;x&quot;"/><TiffData/>
            """
        let source = try TinyFile(pages: 2, Self.ome("SizeC=\"2\" SizeZ=\"1\" SizeT=\"1\"", inside: inside)).source()
        #expect(source.image.channelNames == ["<A & B>", "µm \"x\""])
    }

    // Factors of OME's own list of units (UnitsLength).
    @Test(
        arguments: [
            ("nm", 1e-3), ("\u{00B5}m", 1), ("\u{03BC}m", 1), ("mm", 1e3), ("cm", 1e4), ("m", 1e6), ("pm", 1e-6),
            ("Å", 1e-4),
            ("\u{212B}", 1e-4), ("km", 1e9), ("in", 25_400), ("ft", 304_800), ("yd", 914_400), ("pt", 25_400.0 / 72),
            ("thou", 25.4),
        ] as [(String, Double)]
    )
    func everyUnitOfLengthBecomesMicrometers(unit: String, micrometers: Double) throws {
        let size = ["X", "Y", "Z"].map { "PhysicalSize\($0)=\"2\" PhysicalSize\($0)Unit=\"\(unit)\"" }
            .joined(separator: " ")
        let source = try TinyFile(pages: 3, Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\" \(size)")).source()
        let wanted = VoxelSpacing(z: 2 * micrometers, y: 2 * micrometers, x: 2 * micrometers)
        #expect(try #require(source.image.spacing).matches(wanted, relativeTolerance: 1e-12))
    }

    @Test(arguments: ["0", "-1", "NaN", "abc", "inf"])
    func aSizeThatIsNoLengthIsLeftOutAndSaid(value: String) throws {
        let size = "PhysicalSizeX=\"\(value)\" PhysicalSizeY=\"1\" PhysicalSizeZ=\"1\""
        let source = try TinyFile(pages: 3, Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\" \(size)")).source()
        #expect(source.image.spacing == nil)
        #expect(source.diagnostics.count == 1)
        #expect(
            source.diagnostics[0].message.hasSuffix("PhysicalSizeX is \(value) µm, which is no length; it is ignored")
        )
    }

    @Test func pixelsAndReferenceFramesAreNoLengths() throws {
        for unit in ["pixel", "reference frame"] {
            let size = ["X", "Y", "Z"].map { "PhysicalSize\($0)=\"1\" PhysicalSize\($0)Unit=\"\(unit)\"" }
                .joined(separator: " ")
            let source = try TinyFile(pages: 3, Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\" \(size)")).source()
            #expect(source.image.spacing == nil)
            #expect(source.diagnostics.count == 3)
        }
    }

    @Test func aMissingPlaneDistanceLeavesTheSpacingUnknownButForASinglePlane() throws {
        let size = "PhysicalSizeX=\"0.1\" PhysicalSizeY=\"0.2\""
        let stack = Self.ome("SizeC=\"1\" SizeZ=\"3\" SizeT=\"1\" \(size)")
        #expect(try TinyFile(pages: 3, stack).source().image.spacing == nil)
        let plane = Self.ome("SizeC=\"1\" SizeZ=\"1\" SizeT=\"1\" \(size)")
        #expect(try TinyFile(pages: 1, plane).source().image.spacing == VoxelSpacing(z: 0.2, y: 0.2, x: 0.1))
    }

    @Test func thumbnailPagesCountInTheNumbersOfOME() throws {
        let inside = "<TiffData IFD=\"0\"/><TiffData IFD=\"2\" FirstZ=\"1\"/>"
        let text = Self.ome("SizeC=\"1\" SizeZ=\"2\" SizeT=\"1\"", inside: inside)
        #expect(try TinyFile(pages: 4, text, auxiliary: [1, 3]).pages() == [0, 2])
    }

    @Test func aSetOfSeveralFilesIsNoSingleFileAndARenamedFileIs() throws {
        func run(_ z: Int, _ file: String, _ id: String) -> String {
            "<TiffData FirstZ=\"\(z)\" IFD=\"0\"><UUID FileName=\"\(file)\">urn:uuid:\(id)</UUID></TiffData>"
        }
        let size = "SizeC=\"1\" SizeZ=\"2\" SizeT=\"1\""
        let set = Self.ome(
            size,
            inside: run(0, "a.ome.tif", "1") + run(1, "b.ome.tif", "2"),
            root: "UUID=\"urn:uuid:1\""
        )
        #expect(
            try TinyFile(pages: 2, set, name: "a.ome.tif").problem()
                == "it is part of an OME set of several files, with b.ome.tif; name it by itself"
        )
        let one = "<TiffData PlaneCount=\"2\"><UUID FileName=\"a.ome.tif\">urn:uuid:1</UUID></TiffData>"
        for root in ["UUID=\"urn:uuid:1\"", ""] {
            let file = try TinyFile(pages: 2, Self.ome(size, inside: one, root: root), name: "renamed.tif")
            #expect(try file.pages() == [0, 1])
        }
        let companion =
            "<OME xmlns=\"\(Self.namespace)\"><BinaryOnly MetadataFile=\"x.companion.ome\" UUID=\"u\"/></OME>"
        #expect(
            try TinyFile(pages: 2, companion).problem()
                == "it is part of an OME set of several files, with x.companion.ome; name it by itself"
        )
    }

    @Test func aFileOfAPositionSetGivesItsOwnPosition() throws {
        func image(_ number: Int, _ file: String) -> String {
            """
            <Image ID="Image:\(number)" Name="Pos\(number)"><Pixels DimensionOrder="XYZCT" SizeX="2" SizeY="1" SizeZ="2" \
            SizeC="1" SizeT="1"><TiffData PlaneCount="2"><UUID FileName="\(file)">urn:uuid:\(number)</UUID></TiffData>\
            </Pixels></Image>
            """
        }
        let text = "<OME xmlns=\"\(Self.namespace)\">\(image(0, "pos0.tif"))\(image(1, "pos1.tif"))</OME>"
        let file = try TinyFile(pages: 2, text, name: "pos1.tif")
        #expect(try file.pages() == [0, 1])
        #expect(
            try file.source().diagnostics[0].message.hasSuffix(
                "holds 2 images; image 1, Pos1, is used; .array picks one by number or name"
            )
        )
    }

    @Test(arguments: [
        ("<OME><Image>", "its OME-XML is broken at line 1; save it again as OME-TIFF"),
        ("<OME></OME>", "its OME-XML describes no image; save it again as OME-TIFF"),
        (
            "<!DOCTYPE x [<!ENTITY a \"b\">]><OME/>",
            "its OME-XML declares a document type, which OME-XML does not have; save it again"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"30\" SizeT=\"1\""),
            "its OME-XML claims 30 planes but it holds 4 pages; copy it again from its source"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"zero\" SizeT=\"1\""), "its OME-XML has SizeZ zero; save it again"
        ),
        (OMEXMLTests.ome("SizeC=\"1\" SizeT=\"1\""), "its OME-XML has SizeZ missing; save it again"),
        (
            OMEXMLTests.ome("SizeC=\"4611686018427387904\" SizeZ=\"8\" SizeT=\"1\""),
            "its OME-XML claims 8 x 4611686018427387904 x 1 planes; save it again"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"4\" SizeT=\"1\"", order: "XYZZT"),
            "its OME-XML has the dimension order XYZZT; save it again as OME-TIFF"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"4\" SizeT=\"1\"", inside: "<TiffData IFD=\"3\" PlaneCount=\"2\"/>"),
            "its OME-XML has a TiffData of 2 planes from page 4 of 4; copy it again from its source"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"4\" SizeT=\"1\"", inside: "<TiffData FirstC=\"1\"/>"),
            "its OME-XML has a TiffData with FirstC 1 of 1; save it again"
        ),
        (
            OMEXMLTests.ome("SizeC=\"1\" SizeZ=\"4\" SizeT=\"1\"", inside: "<TiffData/><TiffData IFD=\"1\"/>"),
            "its OME-XML names two pages for one plane; save it again as OME-TIFF"
        ),
    ])
    func brokenOMEXMLIsAnErrorAndNeverAPlainStack(text: String, problem: String) throws {
        #expect(try TinyFile(pages: 4, text).problem() == problem)
    }

    @Test func theSizeOfPagesMustBeWhatOMEXMLSays() throws {
        let text = Self.ome("SizeC=\"1\" SizeZ=\"2\" SizeT=\"1\"").replacingOccurrences(
            of: "SizeX=\"2\"",
            with: "SizeX=\"3\""
        )
        #expect(
            try TinyFile(pages: 2, text).problem()
                == "its description says 3 x 1 pixels but its pages are 2 x 1; save it again"
        )
    }
}

@Suite struct ImageJDescriptionTests {
    private func text(_ lines: String...) -> String { (["ImageJ=1.54f"] + lines).joined(separator: "\n") + "\n" }

    @Test func channelsAreFastestThenPlanesThenFrames() throws {
        let file = try TinyFile(pages: 12, text("images=12", "channels=2", "slices=3", "frames=2", "hyperstack=true"))
        #expect(try file.pages() == Array(0..<12))
        let image = try file.source().image
        #expect(image.shape.z == 3 && image.channelCount == 2 && image.timepointCount == 2)
    }

    // ImageJ's spellings, and those of tifffile's users. 4 pixels per unit, 0.5 units between planes.
    @Test(
        arguments: [
            ("micron", 1), ("microns", 1), ("um", 1), ("\\u00B5m", 1), ("µm", 1), ("\u{03BC}m", 1), ("micrometer", 1),
            ("nm", 1e-3), ("mm", 1e3), ("cm", 1e4), ("inch", 25_400),
        ] as [(String, Double)]
    )
    func everyUnitBecomesMicrometers(unit: String, micrometers: Double) throws {
        let description = text("images=3", "slices=3", "unit=\(unit)", "spacing=0.5")
        let source = try TinyFile(pages: 3, description, resolution: [(4, 1), (8, 2)]).source()
        let wanted = VoxelSpacing(z: 0.5 * micrometers, y: 0.25 * micrometers, x: 0.25 * micrometers)
        #expect(try #require(source.image.spacing).matches(wanted, relativeTolerance: 1e-12))
        #expect(source.diagnostics.isEmpty)
    }

    @Test func latin1MicrometersAreUnderstood() throws {
        var bytes = TinyTIFF.bytes(
            pages: 2,
            description: text("images=2", "slices=2", "unit=?m", "spacing=2"),
            resolution: [(1, 1), (1, 1)]
        )
        bytes[try #require(bytes.firstIndex(of: UInt8(ascii: "?")))] = 0xB5
        let folder = try TemporaryFolder()
        try Data(bytes).write(to: URL(fileURLWithPath: folder.path("latin1.tif")))
        let source = try TIFFSource(path: folder.path("latin1.tif"))
        #expect(source.image.spacing == VoxelSpacing(z: 2, y: 1, x: 1))
    }

    @Test(arguments: ["pixel", "pixels", " ", "furlong"])
    func otherUnitsLeaveTheSpacingUnknown(unit: String) throws {
        let description = text("images=3", "slices=3", "unit=\(unit)", "spacing=0.5")
        let source = try TinyFile(pages: 3, description, resolution: [(4, 1), (4, 1)], unit: 2).source()
        #expect(source.image.spacing == nil)
    }

    @Test func withoutAUnitInTheTextTheTagsUnitCounts() throws {
        let description = text("images=3", "slices=3", "spacing=0.0001")
        let source = try TinyFile(pages: 3, description, resolution: [(20_000, 1), (20_000, 1)], unit: 3).source()
        #expect(source.image.spacing == VoxelSpacing(z: 1, y: 0.5, x: 0.5))
        let unknown = try TinyFile(pages: 3, description, resolution: [(20_000, 1), (20_000, 1)]).source()
        #expect(unknown.image.spacing == nil)
    }

    @Test func axesMayHaveUnitsOfTheirOwn() throws {
        let description = text("images=3", "slices=3", "unit=um", "yunit=nm", "zunit=nm", "spacing=-300")
        let source = try TinyFile(pages: 3, description, resolution: [(10, 1), (1, 100)]).source()
        #expect(
            try #require(source.image.spacing).matches(VoxelSpacing(z: 0.3, y: 0.1, x: 0.1), relativeTolerance: 1e-12)
        )
    }

    @Test func countsThatDoNotFitArePointedOut() throws {
        #expect(
            try TinyFile(pages: 6, text("images=6", "channels=2", "slices=2")).problem()
                == "its ImageJ description claims 2 channels of 2 slices at 1 frames, but 6 images; set them in ImageJ under "
                + "Image > Properties and save it again"
        )
        #expect(
            try TinyFile(pages: 6, text("images=six")).problem()
                == "its ImageJ description has images=six; save it again from ImageJ"
        )
        #expect(
            try TinyFile(pages: 1, text("images=9000000000000", "slices=9000000000000")).problem()?.hasPrefix("is ")
                == true
        )
    }

    @Test func aStackBeyondFourGigabytesWithOneDirectoryIsReadToItsEnd() throws {
        // 2.5 billion planes of 2 bytes; all but the first and the last are a hole in the file.
        let planes = 2_500_000_000
        let file = try TinyFile(pages: 1, text("images=\(planes)", "slices=\(planes)"))
        let start = TinyTIFF.dataStart(description: text("images=\(planes)", "slices=\(planes)"))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
        try handle.seek(toOffset: UInt64(start + 2 * (planes - 1)))
        try handle.write(contentsOf: Data([42, 43]))
        let source = try file.source()
        #expect(source.image.shape == VolumeShape(z: planes, y: 1, x: 2))
        let last = Region(origin: VolumeIndex(z: planes - 1, y: 0, x: 0), shape: VolumeShape(z: 1, y: 1, x: 2))
        #expect(try source.read(last, channel: 0, timepoint: 0) == .uint8([42, 43]))
        try handle.truncate(atOffset: UInt64(start + 2 * planes - 1))
        #expect(
            file.problem()
                == "is truncated: its description claims 2500000000 planes of 2 bytes but it ends after "
                + "\(start + 2 * planes - 1); copy it again from its source"
        )
    }

    @Test func anIntensityCalibrationIsSaidToBeLeftOut() throws {
        let source = try TinyFile(pages: 1, text("cf=0", "c0=1.5", "c1=2.0", "vunit=OD")).source()
        #expect(source.diagnostics.count == 1)
        #expect(
            source.diagnostics[0].message.hasSuffix(
                "its intensity calibration is not applied; the stored values are used"
            )
        )
    }
}

@Suite struct ShapedDescriptionTests {
    @Test func axesMayComeInAnyOrder() throws {
        let text = "{\"shape\": [2, 3, 2, 1, 2], \"axes\": \"CTZYX\"}"
        // Page = (c·3 + t)·2 + z.
        #expect(try TinyFile(pages: 12, text).pages() == [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
    }

    @Test func oneLeadingDimensionWithoutAxesIsZ() throws {
        let source = try TinyFile(pages: 3, "{\"shape\": [1, 3, 1, 2]}").source()
        #expect(source.image.shape == VolumeShape(z: 3, y: 1, x: 2))
    }

    @Test(arguments: [
        (
            "{\"shape\": [6, 1, 2], \"axes\": \"ZYX\"}",
            "its description claims 6 planes but it holds 4 pages; write it again"
        ),
        (
            "{\"shape\": [2, 2, 1, 2], \"axes\": \"ZQYX\"}",
            "its axes are ZQYX, of which Z is not known or comes twice; write it with axes TZCYX"
        ),
        (
            "{\"shape\": [4, 1, 2], \"axes\": \"ZXX\"}",
            "its axes are ZXX, but rows and columns must come last; write it with axes TZCYX"
        ),
        (
            "{\"shape\": [4, 1, 2], \"axes\": \"YX\"}",
            "its description has 2 axes for 3 dimensions; write it again with tifffile"
        ),
        (
            "{\"shape\": [4, 0, 2], \"axes\": \"ZYX\"}",
            "its description has the shape [4, 0, 2]; write it again with tifffile"
        ),
    ])
    func aShapeThatDoesNotFitIsPointedOut(text: String, problem: String) throws {
        #expect(try TinyFile(pages: 4, text).problem() == problem)
    }

    @Test func anyOtherTextLeavesAPlainStackOfUnknownSpacing() throws {
        for text in ["", "hello", "{\"a\": 1}", "<xml/>", "BoundingBox 0 12.9 0 12.9 0 6"] {
            let source = try TinyFile(pages: 4, text, resolution: [(300, 1), (300, 1)], unit: 2).source()
            #expect(source.image.shape == VolumeShape(z: 4, y: 1, x: 2))
            #expect(source.image.spacing == nil)
        }
    }
}
