import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct ZarrSourceErrorTests {
    private let folder = try! TemporaryFolder()

    /// Code and message of what opening throws, with the test's folder written as `DIR`.
    private func failure(
        _ path: String,
        array: String? = nil,
        axes: String? = nil,
        offersOptions: Bool = true
    ) -> (code: DeconvolutionError.Code, message: String)? {
        do throws(DeconvolutionError) {
            let options = ImageFile.Options(array: array, axes: axes, offersOptions: offersOptions)
            _ = try ImageFile.open(path: folder.path(path), options: options)
            return nil
        } catch {
            return (error.code, error.text(.flag).replacingOccurrences(of: folder.url.path, with: "DIR"))
        }
    }

    private func write(_ text: String, _ path: String) throws {
        let url = folder.url.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func array(_ path: String, shape: [Int] = [4, 5, 6], type: String = "<u2") throws {
        let chunks = shape.map { min(max($0, 1), 4) }
        try write(
            """
            {"zarr_format": 2, "shape": \(shape), "chunks": \(chunks), "dtype": "\(type)", "compressor": {"id": "zlib", "level": 1}, \
            "fill_value": 7, "order": "C", "filters": null}
            """,
            "\(path)/.zarray"
        )
    }

    private func group(_ path: String, attributes: String = "{}") throws {
        try write(#"{"zarr_format": 2}"#, "\(path)/.zgroup")
        try write(attributes, "\(path)/.zattrs")
    }

    /// A group with one `multiscales` entry.
    private func image(_ path: String, _ entry: String) throws {
        try group(path, attributes: #"{"multiscales": [\#(entry)]}"#)
    }

    private static func entry(axes: String = #"["z", "y", "x"]"#, datasets: String = #"[{"path": "0"}]"#) -> String {
        #"{"version": "0.4", "axes": \#(axes), "datasets": \#(datasets)}"#
    }

    private static func scaled(_ transformations: String) -> String {
        #"{"version": "0.4", "axes": [{"name": "z", "type": "space"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}], "#
            + #""datasets": [{"path": "0", "coordinateTransformations": \#(transformations)}]}"#
    }

    @Test(arguments: [
        (entry(datasets: #"[{"path": "../../etc"}]"#), "the path ../../etc of its multiscales leads to no array in it"),
        (entry(datasets: #"[{"path": ""}]"#), "the path  of its multiscales leads to no array in it"),
        (entry(datasets: #"[{"path": "."}]"#), "the path . of its multiscales leads to no array in it"),
        (entry(datasets: #"[{"path": "1"}]"#), "its multiscales name the array 1, which is not there"),
        (entry(datasets: #"[{"path": "self"}]"#), "its multiscales name the array self, which is not there"),
        (entry(datasets: "[]"), "its multiscales name no datasets"),
        (entry(datasets: #"{"path": "0"}"#), "its multiscales name no datasets"),
        (entry(datasets: #"[0]"#), "its multiscales have a dataset without a path"),
        (
            entry(datasets: "[" + Array(repeating: #"{"path": "0"}"#, count: 100_000).joined(separator: ",") + "]"),
            "its multiscales have 100000 levels"
        ),
        (entry(axes: "7"), "the axes of its multiscales are no list"),
        (entry(axes: "[1, 2, 3]"), "its multiscales have an axis without a name"),
        (
            entry(axes: "[" + Array(repeating: #""x""#, count: 1_000_000).joined(separator: ",") + "]"),
            "its multiscales have 1000000 axes"
        ),
        (
            #"{"version": "0.6", "datasets": [{"path": "0"}]}"#,
            "is OME-Zarr of version 0.6; versions up to 0.5 are read"
        ),
        (
            scaled(#"[{"type": "scale", "scale": [1, 0, 1]}]"#),
            "the scale of the dataset 0 is 0.0 along y, which is no size"
        ),
        (
            scaled(#"[{"type": "scale", "scale": [1, 1, -1]}]"#),
            "the scale of the dataset 0 is -1.0 along x, which is no size"
        ),
        (
            scaled(#"[{"type": "scale", "scale": [1, 1]}]"#),
            "the scale of the dataset 0 is not 3 numbers, one for each axis"
        ),
        (scaled(#"[{"type": "scale", "scale": [1, 1, NaN]}]"#), "the scale of the dataset 0 is not 3 numbers"),
        (scaled(#"[{"type": "scale", "scale": [1, 1, 1e999]}]"#), "the scale of the dataset 0 is not 3 numbers"),
        (scaled(#"[{"type": "scale", "path": "scale"}]"#), "the scale of the dataset 0 is not 3 numbers"),
        (
            scaled(#"[{"type": "translation", "translation": "x"}]"#),
            "the translation of the dataset 0 is not 3 numbers"
        ),
        (scaled(#"[{"type": "affine"}]"#), "a coordinate transformation of the dataset 0 is affine, which is not read"),
        (scaled("7"), "the coordinateTransformations of the dataset 0 are no list of them"),
        (scaled(#"{"type": "scale"}"#), "the scale of the dataset 0 is not 3 numbers"),
        // Of a channel nobody knows the scale, but it is no 2.
        (scaled(#"[{"type": "scale", "scale": [2, 1, 1, 1]}]"#), "the scale of the dataset 0 is not 3 numbers"),
    ])
    func metadataThatContradictThemselvesAreRefused(entry: String, problem: String) throws {
        try image("a.zarr", entry)
        try array("a.zarr/0")
        try FileManager.default.createSymbolicLink(atPath: folder.path("a.zarr/self"), withDestinationPath: ".")
        let error = try #require(failure("a.zarr"))
        #expect(error.code == .invalidData)
        #expect(error.message.hasPrefix("DIR/a.zarr/.zattrs: \(problem)"), "\(error.message.prefix(300))")
        #expect(error.message.contains(";") && error.message.count < 400, "\(error.message.prefix(600))")
        // Who says what the axes are needs no metadata.
        #expect(failure("a.zarr", array: "0", axes: "zyx") == nil)
    }

    @Test(arguments: [
        (entry(axes: #"["y", "x"]"#), "DIR/a.zarr/0: has 3 axes (4, 5, 6) but its OME-Zarr metadata have 2; write the"),
        (
            #"{"datasets": [{"path": "0"}]}"#,
            "DIR/a.zarr/0: has 3 axes (4, 5, 6) but its OME-Zarr metadata have 5; write the"
        ),
        (entry(axes: #"["z", "y", "y"]"#), "DIR/a.zarr/0: its axes have y more than once; write the metadata again"),
        (entry(axes: #"["z", "c", "x"]"#), "DIR/a.zarr/0: its axes have no y; write the metadata again"),
        (
            entry(axes: #"[{"name": "q", "type": "space"}, "y", "x"]"#),
            "DIR/a.zarr/0: its axis of space q is none of z, y, x; write the metadata again"
        ),
    ])
    func axesThatDoNotFitTheArrayAreRefused(entry: String, problem: String) throws {
        try image("a.zarr", entry)
        try array("a.zarr/0")
        let error = try #require(failure("a.zarr"))
        #expect(error.code == .invalidData)
        #expect(error.message.hasPrefix(problem), "\(error.message)")
        #expect(failure("a.zarr", axes: "zyx") == nil)
    }

    private static let channelAxes =
        #"[{"name": "c", "type": "channel"}, "#
        + ["z", "y", "x"].map { #"{"name": "\#($0)", "type": "space", "unit": "micrometer"}"# }.joined(separator: ", ")
        + "]"

    private static func level(_ transformations: String, path: String = #""0""#) -> String {
        entry(axes: channelAxes, datasets: #"[{"path": \#(path), "coordinateTransformations": \#(transformations)}]"#)
    }

    /// Each with the voxel size that it can only mean, and what is said of it.
    @Test(arguments: [
        (
            level(#"[{"type": "scale", "scale": [0.3, 0.1, 0.2]}]"#),
            "the scale of the dataset 0 has 3 numbers for 4 axes, which were taken for z, y, x"
        ),
        (
            level(#"[{"type": "scale", "scale": [1, 1, 0.3, 0.1, 0.2]}]"#),
            "the scale of the dataset 0 has 5 numbers for 4 axes, of which the last ones were taken"
        ),
        (
            level(#"[{"type": "scale", "scale": [1, 0.3, 0.1, 0.2]}]"#, path: #""./0""#),
            "the path ./0 of its multiscales was taken for 0"
        ),
        (
            level(#"[{"type": "scale", "scale": [1, 0.3, 0.1, 0.2]}]"#, path: #""/0/""#),
            "the path /0/ of its multiscales was taken for 0"
        ),
        (
            level(#"[{"type": "scale", "scale": ["1", "0.3", "0.1", "0.2"]}]"#),
            "the scale of the dataset 0 has numbers in quotes, which were taken for numbers"
        ),
        (
            level(#"{"type": "scale", "scale": [1, 0.3, 0.1, 0.2]}"#),
            "the coordinateTransformations of the dataset 0 are no list, and were taken for one of one"
        ),
        (
            #"{"axes": \#(channelAxes), "datasets": ["0"], "coordinateTransformations": "#
                + #"[{"type": "scale", "scale": [1, 0.3, 0.1, 0.2]}]}"#,
            "the dataset 0 of its multiscales is only a path, and was taken for that"
        ),
    ])
    func whatCanOnlyMeanOneThingIsReadAndSaid(entry: String, repair: String) throws {
        try image("a.zarr", entry)
        try array("a.zarr/0", shape: [2, 4, 5, 6])
        for path in ["a.zarr", "a.zarr/0"] {
            let file = try ImageFile.open(path: folder.path(path))
            #expect(file.image.spacing == VoxelSpacing(z: 0.3, y: 0.1, x: 0.2) && file.image.channelCount == 2)
            #expect(file.diagnostics.map(\.kind) == [.metadataMended])
            #expect(file.diagnostics.map(\.message) == ["\(folder.path("a.zarr/0")): \(repair)"])
        }
        try group("one.zarr", attributes: #"{"multiscales": \#(Self.entry())}"#)
        try array("one.zarr/0")
        let one = try ImageFile.open(path: folder.path("one.zarr"))
        #expect(one.diagnostics.contains { $0.message.hasSuffix("no list, and were taken for one of one image") })
    }

    @Test(arguments: [#"{"multiscales": 7}"#, #"{"multiscales": [7]}"#])
    func multiscalesOfAnotherKindAreRefused(attributes: String) throws {
        try group("a.zarr", attributes: attributes)
        try array("a.zarr/0")
        let error = try #require(failure("a.zarr"))
        #expect(
            error.message.hasPrefix("DIR/a.zarr/.zattrs: its multiscales are no list of objects; write"),
            "\(error.message)"
        )
    }

    @Test func anArrayThatNeedsNoMetadataIsReadInSpiteOfOddOnes() throws {
        try group("a.zarr", attributes: #"{"multiscales": [], "omero": 7, "ome": 3}"#)
        try array("a.zarr/0")
        let source = try ImageFile.open(path: folder.path("a.zarr"))
        #expect(source.image.shape == VolumeShape(z: 4, y: 5, x: 6))
        // Nothing was ever written, so all is the fill value.
        #expect(try source.readVolume() == .uint16([UInt16](repeating: 7, count: 120)))
    }

    @Test func whereThereAreSeveralArraysTheyAreListed() throws {
        try group("a.zarr")
        try group("a.zarr/images")
        for number in [10, 2, 1] { try array("a.zarr/images/raw\(number)") }
        try array("a.zarr/x", shape: [6])
        try group("a.zarr/labels")
        try array("a.zarr/labels/nuclei")
        #expect(
            failure("a.zarr") ?? (.internalError, "")
                == (
                    .invalidArgument,
                    "DIR/a.zarr: has 3 images or arrays; name one with --array: images/raw1, images/raw2, images/raw10"
                )
        )
        #expect(failure("a.zarr", array: "images/raw2") == nil)
        #expect(failure("a.zarr/images/", array: "raw2/") == nil)
        #expect(failure("a.zarr/images/raw2") == nil)
        #expect(failure("a.zarr", array: "labels") == nil)
        #expect(
            failure("a.zarr", array: "images/raw3") ?? (.internalError, "")
                == (
                    .inputNotFound,
                    "DIR/a.zarr/images/raw3: has no Zarr array or group (no zarr.json, .zarray or .zgroup); DIR/a.zarr/images has "
                        + "raw1, raw10, raw2"
                )
        )
        #expect(failure("a.zarr/none")?.message.contains("; DIR/a.zarr has images, labels, x") ?? false)
    }

    /// PSFs, flat fields and masks have no --array and no --axes, and neither have `compare` and `preview`.
    @Test func whereThereAreNoOptionsAPathIsTheRemedy() throws {
        try group("a.zarr")
        for name in ["raw", "psf"] { try array("a.zarr/\(name)") }
        #expect(
            failure("a.zarr", offersOptions: false)?.message
                == "DIR/a.zarr: has 2 images or arrays; give the path of one: DIR/a.zarr/psf, DIR/a.zarr/raw"
        )
        #expect(failure("a.zarr/psf", offersOptions: false) == nil)
        try array("one.zarr", shape: [60])
        #expect(
            failure("one.zarr", offersOptions: false)?.message
                == "DIR/one.zarr: has 1 axis (60), which is no image; give the path of another array"
        )
        try image("gone.zarr", Self.entry())
        try image("odd.zarr", Self.entry(axes: "7"))
        try array("odd.zarr/0")
        for path in ["gone.zarr", "odd.zarr", "odd.zarr/0"] {
            let message = try #require(failure(path, offersOptions: false)?.message)
            #expect(!message.contains("--array") && !message.contains("--axes"), "\(message)")
            #expect(failure(path)?.message.contains("--array") == true)
        }
        try array("series.zarr", shape: [3, 4, 5, 6])
        let warnings = try ImageFile.open(path: folder.path("series.zarr")).diagnostics.map { $0.text(.flag) }
        #expect(warnings.count == 1 && warnings[0].hasSuffix("; if they are not, name them in its metadata"))
    }

    @Test func anArrayNameThatLeadsNowhereIsRefused() throws {
        try group("a.zarr")
        try array("a.zarr/raw")
        #expect(
            failure("a.zarr/raw", array: "raw")?.message.contains("is an array itself; leave --array out") ?? false
        )
        #expect(failure("a.zarr", array: "../a.zarr/raw")?.code == .invalidArgument)
        #expect(failure("a.zarr", array: "/")?.message.hasPrefix("--array names no array") ?? false)
        #expect(failure("a.zarr", array: "raw/.zarray")?.code == .invalidArgument)
        #expect(
            failure("a.zarr/raw/.zarray")?.message
                == "DIR/a.zarr/raw/.zarray: is the metadata of a Zarr store; name the folder that it is in"
        )
    }

    @Test func linksThatLeadInACircleAreFollowedOnce() throws {
        try group("a.zarr")
        try group("a.zarr/b")
        try array("a.zarr/b/raw")
        try FileManager.default.createSymbolicLink(atPath: folder.path("a.zarr/b/up"), withDestinationPath: "..")
        try FileManager.default.createSymbolicLink(atPath: folder.path("a.zarr/again"), withDestinationPath: "b")
        let source = try ImageFile.open(path: folder.path("a.zarr"))
        #expect(source.image.shape == VolumeShape(z: 4, y: 5, x: 6))
    }

    @Test func groupsInGroupsHaveAnEnd() throws {
        var path = "a.zarr"
        try group(path)
        for _ in 0..<40 {
            path += "/g"
            try group(path)
        }
        try array("\(path)/raw")
        #expect(
            failure("a.zarr")?.message
                == "DIR/a.zarr: has no array of two or more axes; name another group or store"
        )
        #expect(failure(path) == nil)
    }

    @Test func aGroupOfSomeoneElsesLinkedArrayIsOpenedByItsOwnPath() throws {
        try group("a.zarr")
        try array("elsewhere")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("a.zarr/raw"),
            withDestinationPath: "../elsewhere"
        )
        #expect(failure("a.zarr/raw") == nil)
        #expect(failure("a.zarr", array: "raw")?.message.contains("leads out of the store") ?? false)
    }

    @Test func foldersWithoutMetadataAreGroupsByWhatIsInThem() throws {
        try array("plain/deep/raw")
        try write("{}", "plain/deep/.zattrs")
        #expect(failure("plain/deep") == nil)
        try array("other/raw")
        #expect(failure("other") == nil)
    }

    @Test func anArrayThatIsNoImageSaysSo() throws {
        try array("one.zarr", shape: [60])
        #expect(
            failure("one.zarr")?.message
                == "DIR/one.zarr: has 1 axis (60), which is no image; name another array with --array"
        )
        try array("none.zarr", shape: [4, 0, 6])
        #expect(failure("none.zarr")?.message == "DIR/none.zarr: has no elements: 3 axes (4, 0, 6); write it again")
        try array("huge.zarr", shape: [1 << 40, 1 << 40])
        #expect(
            failure("huge.zarr")?.message.hasPrefix("DIR/huge.zarr: is damaged: it claims more elements") ?? false
        )
        try array("flat.zarr", shape: [Int](repeating: 1, count: 1_000_000))
        #expect(
            failure("flat.zarr")?.message.hasPrefix("DIR/flat.zarr: has 1000000 axes, which is no image") ?? false
        )
        try array("text.zarr/names", type: "|S8")
        try group("text.zarr")
        #expect(
            failure("text.zarr")?.message.contains("names/.zarray: its elements are |S8, which are not read")
                ?? false
        )
    }

    @Test(arguments: [
        ("zy", "2 axes, but DIR/a.zarr has 3 axes (4, 5, 6); give one letter for each"),
        ("zyxc", "4 axes, but DIR/a.zarr has 3 axes (4, 5, 6); give one letter for each"),
        ("zyy", "the axes have y more than once; give y and x once, and t, c, z at most once"),
        ("zyt", "the axes have no x; give y and x once, and t, c, z at most once"),
        ("z,y", "give one letter an axis, such as ctzyx, and * for one that is none of these"),
    ])
    func axesThatDoNotFitAreRefused(axes: String, problem: String) throws {
        try array("a.zarr")
        #expect(
            failure("a.zarr", axes: axes) ?? (.internalError, "") == (.invalidArgument, "--axes \(axes): \(problem)")
        )
    }

    @Test func aRegionOfAnAbsurdArrayTakesNoMemory() throws {
        try array("a.zarr", shape: [1 << 18, 1 << 18, 1 << 18])
        let source = try ImageFile.open(path: folder.path("a.zarr"))
        #expect(throws: DeconvolutionError.self) { try source.readVolume() }
        let region = Region(origin: VolumeIndex(z: 1 << 17, y: 5, x: 1 << 16), shape: VolumeShape(z: 2, y: 3, x: 4))
        #expect(try source.read(region, channel: 0, timepoint: 0) == .uint16([UInt16](repeating: 7, count: 24)))
    }

    @Test func theFirstDamagedChunkIsNamedWhateverTheNumberOfThreads() throws {
        try array("a.zarr", shape: [40, 8, 8])
        for z in 0..<10 {
            for y in 0..<2 { try write("damaged", "a.zarr/\(z).\(y).1") }
        }
        for threadCount in [1, 2, 5] {
            for _ in 0..<5 {
                let source = try ZarrSource(path: folder.path("a.zarr"), threadCount: threadCount)
                let error = #expect(throws: DeconvolutionError.self) { try source.readVolume() }
                #expect(error?.code == .invalidData)
                #expect(
                    error?.message.contains("a.zarr/0.0.1: is damaged") ?? false,
                    "\(String(describing: error))"
                )
            }
        }
        // A plane takes part of each chunk, so it goes through the cache.
        let source = try ZarrSource(path: folder.path("a.zarr"), threadCount: 3)
        let plane = Region(origin: VolumeIndex(z: 5, y: 0, x: 0), shape: VolumeShape(z: 1, y: 8, x: 8))
        for _ in 0..<2 {
            let error = #expect(throws: DeconvolutionError.self) { try source.read(plane, channel: 0, timepoint: 0) }
            #expect(error?.message.contains("a.zarr/1.0.1: is damaged") ?? false, "\(String(describing: error))")
        }
    }
}
