import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What other programs write beside voxels, and find again in what is written of it here.
@Suite struct CarriedMetadataTests {
    private let folder = try! TemporaryFolder()

    /// Writes a file again, as a result of which nothing was computed.
    private func copy(
        _ source: any ImageFileSource,
        to name: String,
        _ format: TIFFSink.Format,
        _ compression: TIFFSink.Compression = .none
    ) throws -> String {
        let image = source.image
        let sink = try TIFFSink(path: folder.path(name), image: image, format: format, compression: compression)
        for t in 0..<image.timepointCount {
            for z in 0..<image.shape.z {
                var plane = Region(image.shape)
                (plane.origin.z, plane.shape.z) = (z, 1)
                for c in 0..<image.channelCount {
                    let voxels = try source.read(plane, channel: c, timepoint: t).floats
                    try voxels.withUnsafeBufferPointer { try sink.append($0) }
                }
            }
        }
        try sink.finish()
        return folder.path(name)
    }

    // MARK: ImageJ

    private struct ImageJFile: Decodable {
        var channels, slices, frames: Int
        var spacing: [Double]
        var interval: Double
        var ranges: [[Double]]
        var tables: [String]
        var labels: [String?]
        var info: String?
        var mode: String
        var invertsTable: Bool
    }

    @Test func colorsLabelsInfoAndModeOfImageJComeBackInIt() throws {
        let names = ["composite", "composite-luts", "color-luts", "grayscale"].map { folder.path("\($0).tif") }
        try TestJava.write(names, by: .imageJ)
        let sources = try names.map { try TIFFSource(path: $0) }
        #expect(sources[0].image.annotations.channelColors == [0xFF_0000, 0x00_FF00])
        #expect(sources[1].image.annotations.channelColors == [0xFF_8000, 0x55_FFFF])
        #expect(sources[2].image.annotations.channelMode == .color)
        #expect(sources[3].image.annotations.channelColors == [])
        #expect(sources[1].image.annotations.planeLabels[7] == "t1 z0 c1 µ")
        #expect(sources[1].image.acquisition?.numericalAperture?.value == 1.3)
        let results = try sources.enumerated().map { number, source in
            try copy(source, to: "result\(number).tif", .imageJ, number % 2 == 0 ? .none : .deflate)
        }
        let before = try TestJava.open(names, in: .imageJ, as: ImageJFile.self)
        let after = try TestJava.open(results, in: .imageJ, as: ImageJFile.self)
        for (number, (one, other)) in zip(before, after).enumerated() {
            #expect(other.channels == 2 && other.slices == 3 && other.frames == 2)
            #expect(one.info == other.info && one.mode == other.mode)
            // Of files with a directory for each plane ImageJ reads no labels.
            #expect(other.labels == (number % 2 == 0 ? one.labels : one.labels.map { _ in nil }))
            #expect(one.spacing == other.spacing && one.interval == other.interval)
            // In grey there are no colors to keep.
            if number < 3 { #expect(one.tables == other.tables, "\(names[number])") }
            // Largest along z are the voxels of the last plane: of two time points from 286 and from 1144 on, 143 each.
            let windows: [[Double]] = [[287, 1286], [716, 1715]]
            for (range, window) in zip(other.ranges, windows) {
                #expect(abs(range[0] - window[0]) <= 1 && abs(range[1] - window[1]) <= 1, "\(range), not \(window)")
            }
            let voxels = try [names[number], results[number]].map {
                try Data(contentsOf: URL(filePath: $0 + ".imagej"))
            }
            #expect(voxels[0] == voxels[1])
        }
        // A channel and a time point by themselves have what is theirs.
        let part = SelectedSource(sources[1], channels: [1], timepoints: [1]).image.annotations
        #expect(part.channelColors == [0x55_FFFF] && part.colorTables.count == 1)
        #expect(part.planeLabels == ["t1 z0 c1 µ", "t1 z1 c1 µ", "t1 z2 c1 µ"])
    }

    /// Pages numbered in their order; ImageJ reads `zct` where directories are between the planes, and takes any other order for `czt`;
    /// tifffile reads them all.
    @Test func theOrderInImageJsTextIsHeeded() throws {
        let extents: [Character: Int] = ["c": 2, "z": 3, "t": 4]
        let orders = ["czt", "ctz", "zct", "ztc", "tcz", "tzc", "XYZCT", "between-zct"]
        let between = try TestPython.run(Fixtures.url("TIFF/make_order.py"), [folder.path("between-zct.tif")])
        try #require(between.status == 0, "\(between.output)")
        for order in orders.dropLast() {
            let text = "ImageJ=1.53t\nchannels=2\nslices=3\nframes=4\nhyperstack=true\norder=\(order)\n"
            try Data(TinyTIFF.bytes(pages: 24, description: text)).write(to: folder.url.appending(path: "\(order).tif"))
        }
        let paths = orders.map { folder.path("\($0).tif") }
        let inImageJ = try TestJava.open(paths, in: .imageJ, as: ImageJFile.self)
        let tifffile = try TestPython.run(Fixtures.url("TIFF/first_voxels_tzc.py"), paths)
        // tifffile says of `XYZCT` that it does not know it.
        let lines = tifffile.output.split(separator: "\n").filter { $0.first?.isNumber == true }
        try #require(tifffile.status == 0 && lines.count == orders.count, "\(tifffile.output)")
        for (number, order) in orders.enumerated() {
            let source = try TIFFSource(path: paths[number])
            let image = source.image
            #expect(image.channelCount == 2 && image.shape.z == 3 && image.timepointCount == 4)
            let letters = order.lowercased().suffix(3)
            var (found, wanted): ([Int], [Int]) = ([], [])
            for t in 0..<4 {
                for z in 0..<3 {
                    for c in 0..<2 {
                        let index: [Character: Int] = ["c": c, "z": z, "t": t]
                        var (page, stride) = (0, 1)
                        for letter in letters {
                            page += index[letter]! * stride
                            stride *= extents[letter]!
                        }
                        wanted.append(page)
                        found.append(Int(try source.readVolume(channel: c, timepoint: t).floats[2 * z]))
                    }
                }
            }
            #expect(found == wanted, "\(order)")
            // tifffile knows no letters before these.
            if order != "XYZCT" { #expect(lines[number] == wanted.map(String.init).joined(separator: " "), "\(order)") }
            let shown = inImageJ[number]
            #expect(shown.channels == 2 && shown.slices == 3 && shown.frames == 4)
            let planes = try Data(contentsOf: URL(filePath: paths[number] + ".imagej"))
            let ofImageJ = stride(from: 0, to: planes.count, by: 8).map { start in
                Int(planes[start..<start + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) })
            }
            #expect(ofImageJ == (order == "between-zct" ? wanted : Array(0..<24)), "\(order)")
            // Whether it is said that ImageJ sees something else.
            #expect(source.diagnostics.isEmpty == (order == "czt" || order.hasSuffix("zct")), "\(order)")
        }
        let text = "ImageJ=1.53t\nchannels=2\nslices=3\nframes=4\norder=zzt\n"
        try Data(TinyTIFF.bytes(pages: 24, description: text)).write(to: folder.url.appending(path: "bad.tif"))
        let error = #expect(throws: DeconvolutionError.self) { try TIFFSource(path: folder.path("bad.tif")) }
        #expect(error?.message.contains("order=zzt, which is none of czt, ctz, zct, ztc, tcz, tzc") == true)
    }

    // MARK: Bio-Formats

    private struct BioFormatsFile: Decodable, Equatable {
        var names: [String?]
        var colors: [Int?]
        var emissions, excitations: [Double?]
        var description: String?
        var aperture, magnification, refractiveIndex: Double?
        var immersion: String?
        var planes: [String: String]
        var spacing: [Double]
        var interval: Double?
    }

    @Test func whatBioFormatsWritesIsReadAndComesBackInIt() throws {
        let flavors = [
            "XYZCT", "XYTCZ_big", "XYCTZ_tiles_LZW", "XYCZT_zlib_bigendian", "XYZTC_tiles_big",
            "XYTZC_bigendian_tiles_zlib",
        ]
        let names = flavors.map { folder.path("\($0).ome.tif") }
        let refused = folder.path("XYZCT_JPEG-2000.ome.tif")
        try TestJava.write(names + [refused], by: .bioFormats)
        for name in names {
            let source = try TIFFSource(path: name)
            for t in 0..<2 {
                for c in 0..<2 {
                    let wanted = TIFFFixture.voxels(.uint16, Region(source.image.shape), t: t, c: c)
                    #expect(try source.readVolume(channel: c, timepoint: t).floats == wanted, "\(name)")
                }
            }
            #expect(source.diagnostics.isEmpty)
        }
        let error = #expect(throws: DeconvolutionError.self) { try TIFFSource(path: refused) }
        #expect(error?.message.contains("(JPEG 2000), which this build of libtiff cannot decode") == true)

        let source = try TIFFSource(path: names[1])
        let result = try copy(source, to: "result.ome.tif", .ome)
        let found = try TestJava.open([names[1], result], in: .bioFormats, as: BioFormatsFile.self)
        #expect(found[0].names == ["DAPI", "β-tubulin"] && found[0].planes.count == 12)
        var copied = found[1]
        // Micrometers became nanometers.
        for (one, other) in zip(found[0].emissions, copied.emissions) { #expect(abs((one ?? 0) - (other ?? 1)) < 1e-9) }
        copied.emissions = found[0].emissions
        #expect(found[0] == copied)

        // ImageJ has labels, info and tables for it.
        let forImageJ = try copy(source, to: "result.tif", .imageJ)
        let shown = try TestJava.open([forImageJ], in: .imageJ, as: ImageJFile.self)[0]
        #expect(shown.labels == (0..<6).flatMap { _ in ["DAPI", "β-tubulin"] })
        #expect(shown.tables.map { String($0.suffix(2)) } == ["fa", "00"])
        #expect(shown.info?.contains("EmissionWavelength #2 = 525.3") == true, "\(shown.info ?? "")")
        #expect(shown.interval == 1.5)
        let again = try TIFFSource(path: forImageJ).image
        #expect(again.channelNames == source.image.channelNames)
        #expect(again.annotations.channelColors == source.image.annotations.channelColors)
        #expect(again.acquisition?.channels.map { $0.emission?.value } == [461, 525.3])
        #expect(again.acquisition?.refractiveIndex?.value == 1.47)

        // OME-Zarr has them for viewers.
        let image = source.image
        let plan = try ZarrOutputPlan(
            path: folder.path("result.zarr"),
            content: source.storageTemplate(for: image),
            options: ZarrOutputOptions(version: .two, ome: true)
        )
        let sink = try ZarrSink(plan, job: SinkCase.job)
        for volume in image.volumes {
            let voxels = try source.readVolume(channel: volume.channel, timepoint: volume.timepoint).floats
            let planeCount = image.shape.planeVoxelCount
            try sink.write(channel: volume.channel, timepoint: volume.timepoint) { (take) throws(DeconvolutionError) in
                try voxels.withUnsafeBufferPointer { (all) throws(DeconvolutionError) in
                    for z in 0..<image.shape.z {
                        try take(UnsafeBufferPointer(rebasing: all[z * planeCount..<(z + 1) * planeCount]))
                    }
                }
            } figures: {
                VolumeFigures()
            }
        }
        try sink.finish()
        let stored = try ImageFile.open(path: folder.path("result.zarr")).image
        #expect(stored.channelNames == image.channelNames)
        #expect(stored.annotations.channelColors == image.annotations.channelColors)
        #expect(stored.acquisition?.channels.map { $0.emission?.value } == [461, 525.3])

        // Of a channel by itself the info has its own numbers first.
        let part = SelectedSource(try TIFFSource(path: forImageJ), channels: [1], timepoints: [0, 1])
        let channel = try TIFFSource(path: copy(part, to: "channel.tif", .imageJ)).image
        #expect(channel.acquisition?.channels.map { $0.emission?.value } == [525.3])
    }

    // MARK: Masks

    @Test func masksAreReadAsProgramsStoreThem() throws {
        let python = try TestPython.run(Fixtures.url("TIFF/make_masks.py"), [folder.url.path])
        try #require(python.status == 0, "\(python.output)")
        let imageJMask = folder.path("imagej-mask.tif")
        try TestJava.write([imageJMask], by: .imageJ)
        let names = folder.contents.filter { $0.hasSuffix(".tif") }
        #expect(names.count == 12, "\(names)")
        let inImageJ = ["bool", "bool-minisblack", "pillow", "inverting", "imagej-mask"].map {
            folder.path("\($0).tif")
        }
        let shown = try TestJava.open(inImageJ, in: .imageJ, as: Shown.self)
        // White on black or black on white: 255 is what ImageJ selects.
        #expect(shown.map(\.invertsTable) == [true, false, false, true, true])
        for name in names {
            let source = try ImageFile.open(path: folder.path(name), options: ImageFile.Options(isMask: true))
            let isVolume = source.image.shape.z == 3
            #expect(isVolume || source.image.shape.z == 1)
            let wanted = (0..<source.image.shape.z).flatMap { z in
                (0..<11).flatMap { y in (0..<13).map { x in (x + y + z) % 3 == 0 } }
            }
            #expect(try source.readVolume().floats.map { $0 != 0 } == wanted, "\(name)")
            let part = Region(origin: VolumeIndex(z: 0, y: 2, x: 3), shape: VolumeShape(z: 1, y: 4, x: 9))
            let wantedPart = (2..<6).flatMap { y in (3..<12).map { x in (x + y) % 3 == 0 } }
            #expect(try source.read(part, channel: 0, timepoint: 0).floats.map { $0 != 0 } == wantedPart, "\(name)")
            if inImageJ.contains(folder.path(name)) {
                let planes = try Data(contentsOf: URL(filePath: folder.path(name) + ".imagej"))
                let values = stride(from: 0, to: planes.count, by: 4).map { start in
                    planes[start..<start + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
                }
                #expect(values.map { $0 == 255 } == wanted, "\(name)")
            }
        }
        // An image must rise with light.
        for name in ["bool.tif", "inverting.tif", "labels64.tif", "pillow.tif"] {
            #expect(throws: DeconvolutionError.self, "\(name)") { try TIFFSource(path: folder.path(name)) }
        }
    }

    private struct Shown: Decodable {
        var invertsTable: Bool
    }
}
