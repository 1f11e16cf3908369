import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A file to write, and in this form the job of `check_written.py`.
private struct Job: Encodable {
    var file: String
    var format: String
    var dtype: String
    var shape: [Int]
    var channels: Int
    var timepoints: Int
    var spacing: [Double]?
    var timeInterval: Double?
    var channelNames: [String]
    var compression: String
    var bigTIFF: Bool
    var offset: Float
    var gain: Float

    var image: ImageDescription {
        ImageDescription(
            shape: VolumeShape(z: shape[0], y: shape[1], x: shape[2]),
            channelCount: channels,
            timepointCount: timepoints,
            pixelType: .uint16,
            spacing: spacing.map { VoxelSpacing(z: $0[0], y: $0[1], x: $0[2]) },
            timeInterval: timeInterval,
            channelNames: channelNames
        )
    }

    func voxel(t: Int, c: Int, z: Int, y: Int, x: Int) -> Float {
        TIFFFixture.voxel(.uint16, t: t, c: c, z: z, y: y, x: x) * gain + offset
    }

    /// All planes as a file has them, channel fastest, then z, in the type that is written.
    var voxels: [Float] {
        var voxels: [Float] = []
        for t in 0..<timepoints {
            for z in 0..<shape[0] { for c in 0..<channels { voxels += plane(t: t, c: c, z: z) } }
        }
        return dtype == "float32"
            ? voxels : voxels.map { min(max($0.rounded(.toNearestOrEven), 0), dtype == "uint8" ? 255 : 65_535) }
    }

    func plane(t: Int, c: Int, z: Int) -> [Float] {
        (0..<shape[1]).flatMap { y in (0..<shape[2]).map { x in voxel(t: t, c: c, z: z, y: y, x: x) } }
    }

    func sink(calls: OutputCalls = .system, overwrite: Bool = false) throws(DeconvolutionError) -> TIFFSink {
        try TIFFSink(
            path: file,
            image: image,
            pixelType: PixelType(rawValue: dtype)!,
            format: TIFFSink.Format(rawValue: format)!,
            compression: compression == "NONE" ? .none : .deflate,
            overwrite: overwrite,
            alwaysBigTIFF: bigTIFF,
            calls: calls
        )
    }

    func write() throws(DeconvolutionError) {
        let sink = try sink()
        try append(to: sink)
        try sink.finish()
    }

    func append(to sink: TIFFSink) throws(DeconvolutionError) {
        for t in 0..<timepoints {
            for z in 0..<shape[0] {
                for c in 0..<channels {
                    try plane(t: t, c: c, z: z).withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in
                        try sink.append(plane)
                    }
                }
            }
        }
    }
}

extension Data {
    /// 32-bit numbers, the lowest byte first.
    fileprivate var floats: [Float] { floats(of: .float32) }

    /// Voxels of a type, the lowest byte first.
    fileprivate func floats(of type: PixelType) -> [Float] {
        let width = type.byteCount
        return (0..<count / width).map { index in
            var bits: UInt32 = 0
            for byte in (0..<width).reversed() { bits = bits << 8 | UInt32(self[startIndex + index * width + byte]) }
            return type == .float32 ? Float(bitPattern: bits) : Float(bits)
        }
    }
}

extension TIFFSink {
    fileprivate func append(plane: [Float]) throws(DeconvolutionError) {
        try plane.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try append(plane) }
    }
}

@Suite struct TIFFSinkTests {
    private let folder = try! TemporaryFolder()

    private func job(
        _ name: String = "out.tif",
        format: TIFFSink.Format = .imageJ,
        dtype: PixelType = .float32,
        compression: TIFFSink.Compression = .none,
        bigTIFF: Bool = false,
        shape: [Int] = [3, 19, 13],
        channels: Int = 1,
        timepoints: Int = 1,
        spacing: [Double]? = [0.3, 0.1625, 0.1083],
        timeInterval: Double? = nil,
        channelNames: [String] = [],
        offset: Float = -1000,
        gain: Float = 0.37
    ) -> Job {
        Job(
            file: folder.path(name),
            format: format.rawValue,
            dtype: dtype.rawValue,
            shape: shape,
            channels: channels,
            timepoints: timepoints,
            spacing: spacing,
            timeInterval: timeInterval,
            channelNames: channelNames,
            compression: compression == .none ? "NONE" : "ADOBE_DEFLATE",
            bigTIFF: bigTIFF,
            offset: offset,
            gain: gain
        )
    }

    private func jobs() -> [Job] {
        var jobs: [Job] = []
        for format in TIFFSink.Format.allCases {
            for dtype in [PixelType.float32, .uint16, .uint8] {
                for compression in TIFFSink.Compression.allCases {
                    for bigTIFF in [false, true] {
                        jobs.append(
                            job(
                                "\(format)-\(dtype)-\(compression)-\(bigTIFF).tif",
                                format: format,
                                dtype: dtype,
                                compression: compression,
                                bigTIFF: bigTIFF,
                                channels: jobs.count % 3 + 1,
                                timepoints: jobs.count % 2 + 1,
                                timeInterval: jobs.count % 2 == 1 ? 12.5 : nil,
                                channelNames: jobs.count % 3 == 1 ? ["<a> & \"b\"", "µ ☃ '"] : []
                            )
                        )
                    }
                }
            }
            jobs.append(job("\(format)-nospacing.tif", format: format, spacing: nil))
            jobs.append(job("\(format)-2d.tif", format: format, shape: [1, 19, 13]))
            jobs.append(job("\(format)-frames.tif", format: format, shape: [1, 19, 13], timepoints: 4))
            jobs.append(job("\(format)-constant.tif", format: format, offset: 7, gain: 0))
            // More than one strip when compressed: 1 MiB holds 174 rows of 1500.
            jobs.append(
                job("\(format)-strips.tif", format: format, compression: .deflate, shape: [2, 401, 1500])
            )
        }
        return jobs
    }

    @Test func otherReadersFindTheVoxelsAxesAndSpacingThatWereWritten() throws {
        try #require(TestPython.interpreter != nil, Comment(rawValue: TestPython.missing))
        let jobs = jobs() + manyPlanes()
        for job in jobs { try job.write() }
        try JSONEncoder().encode(jobs).write(to: folder.url.appendingPathComponent("jobs.json"))
        let result = try TestPython.run(
            Fixtures.url("TIFF/check_written.py"),
            [folder.path("jobs.json")]
        )
        #expect(result.status == 0, "\(result.output)")
    }

    /// What ImageJ says of a file.
    private struct ImageJFile: Decodable, Equatable {
        var opened: Bool
        var planes, bits, width, height, channels, slices, frames: Int?
        var spacing: [Double]?
        var unit: String?
        var interval: Double?
        var least, most: Double?
        var ranges: [[Double]]?
        var tables: [String]?
        var labels: [String?]?
        var mode: String?
    }

    @Test func imageJFindsTheVoxelsAxesAndSpacingThatWereWritten() throws {
        // ImageJ itself opens no BigTIFF, and takes OME-TIFF for a plain one.
        let jobs = (jobs() + manyPlanes()).filter { !$0.bigTIFF }
        for job in jobs { try job.write() }
        let found = try TestJava.open(jobs.map(\.file), in: .imageJ, as: ImageJFile.self)
        for (job, file) in zip(jobs, found) {
            let (name, planes) = (job.file, job.shape[0] * job.channels * job.timepoints)
            #expect(file.opened && file.planes == planes, "\(name): \(file)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: name + ".imagej")).floats == job.voxels, "\(name)")
            #expect([file.height, file.width] == [job.shape[1], job.shape[2]], "\(name)")
            guard job.format == "imageJ" else { continue }
            #expect(
                [file.channels, file.slices, file.frames] == [job.channels, job.shape[0], job.timepoints],
                "\(name): \(file)"
            )
            #expect(file.bits == PixelType(rawValue: job.dtype)!.byteCount * 8, "\(name)")
            #expect(file.interval == job.timeInterval ?? 0, "\(name)")
            try check(file, of: job)
            guard let spacing = job.spacing else {
                #expect(file.unit == "pixel", "\(name)")
                continue
            }
            // A single plane has no distance to the next one, which ImageJ then has no word for.
            let axes = job.shape[0] > 1 ? [0, 1, 2] : [1, 2]
            for axis in axes {
                let value = try #require(file.spacing?[axis])
                #expect(abs(value - spacing[axis]) < 1e-5 * spacing[axis], "\(name), axis \(axis): \(value)")
            }
            #expect(["micron", "µm"].contains(file.unit), "\(name): \(file.unit ?? "")")
        }
    }

    /// Checks how ImageJ shows a file: each channel as it says, and in colors.
    private func check(_ file: ImageJFile, of job: Job) throws {
        let shown = try #require(job.channels == 1 ? [[file.least ?? 0, file.most ?? 0]] : file.ranges)
        let (stored, count) = (job.voxels, job.shape[1] * job.shape[2])
        for channel in 0..<job.channels {
            // The most that there is along z, of which few are brighter and few darker.
            let values = (0..<job.timepoints).map { t in
                (0..<count).map { pixel in
                    (0..<job.shape[0]).map { z in
                        Double(stored[((t * job.shape[0] + z) * job.channels + channel) * count + pixel])
                    }.max()!
                }
            }
            let isEven = job.gain == 0
            let outside = values.map { volume in volume.count { $0 < shown[channel][0] || $0 > shown[channel][1] } }
            #expect(outside.allSatisfy { $0 <= count / 50 }, "\(job.file): \(shown), \(outside)")
            let all = values.flatMap(\.self)
            let step = job.dtype == "float32" ? 1e-3 : 1
            let isWithin = shown[channel][0] >= all.min()! - step && shown[channel][1] <= all.max()! + step
            #expect(isWithin || isEven, "\(job.file): \(shown)")
        }
        guard job.channels > 1 else { return }
        #expect(file.mode == "composite", "\(job.file)")
        // Of files with a directory for each plane ImageJ reads no labels, and of U+2603 in others the lower byte.
        let names = job.compression == "NONE" ? job.channelNames.map { $0.replacing("☃", with: "\u{3}") } : []
        let labels = (0..<job.shape[0] * job.timepoints).flatMap { _ in names }
        #expect(file.labels?.compactMap(\.self) == labels, "\(job.file)")
        let tables = try #require(file.tables)
        let brightest = tables.map { table in [510, 1022, 1534].map { String(table.dropFirst($0).prefix(2)) } }
        let colors: [[String]] = [["00", "ff", "00"], ["ff", "00", "ff"], ["00", "ff", "ff"]]
        #expect(brightest == Array(colors.prefix(job.channels)), "\(job.file)")
    }

    /// What Bio-Formats says of a file.
    private struct BioFormatsFile: Decodable, Equatable {
        var format: String
        var images: Int
        var type: String
        var littleEndian: Bool
        var width, height, channels, slices, frames: Int
        var spacing: [Double?]
        var interval: Double?
        var names: [String?]
        var colors: [Int?]
    }

    @Test func bioFormatsFindsTheVoxelsAxesNamesColorsAndSpacingThatWereWritten() throws {
        let jobs = jobs() + manyPlanes()
        for job in jobs { try job.write() }
        let found = try TestJava.open(jobs.map(\.file), in: .bioFormats, as: BioFormatsFile.self)
        for (job, file) in zip(jobs, found) {
            let name = job.file
            let isOME = job.format == "ome"
            #expect(file.format == (isOME ? "OME-TIFF" : "Tagged Image File Format"), "\(name): \(file.format)")
            #expect(file.images == 1 && file.littleEndian, "\(name)")
            #expect(file.type == (job.dtype == "float32" ? "float" : job.dtype), "\(name): \(file.type)")
            #expect(
                [file.channels, file.slices, file.height, file.width, file.frames]
                    == [job.channels] + job.shape + [job.timepoints],
                "\(name): \(file)"
            )
            let voxels = try Data(contentsOf: URL(fileURLWithPath: name + ".bioformats"))
            #expect(voxels.floats(of: PixelType(rawValue: job.dtype)!) == job.voxels, "\(name)")
            for (axis, length) in (job.spacing ?? []).enumerated() where isOME || axis > 0 || job.shape[0] > 1 {
                let value = try #require(file.spacing[axis], "\(name), axis \(axis)")
                #expect(abs(value - length) < 1e-5 * length, "\(name), axis \(axis): \(value)")
            }
            guard isOME else { continue }
            #expect(file.interval == job.timeInterval, "\(name)")
            if !job.channelNames.isEmpty { #expect(file.names == job.channelNames, "\(name)") }
            #expect(file.colors.allSatisfy { ($0 == nil) == (job.channels == 1) }, "\(name): \(file.colors)")
            if job.channels == 2 { #expect(file.colors == [16_711_935, -16_711_681], "\(name)") }
        }
    }

    /// Files of 1 to 40 planes, of several channels of one plane, and hyperstacks, as the default is and as OME-TIFF.
    private func manyPlanes() -> [Job] {
        TIFFSink.Format.allCases.flatMap { format in
            [PixelType.float32, .uint16, .uint8].flatMap { type in
                [(1, 1, 1), (2, 1, 1), (3, 1, 1), (40, 1, 1), (1, 2, 1), (1, 1, 2), (3, 2, 1), (2, 3, 2)].map {
                    (planes, channels, timepoints) in
                    job(
                        "\(format)-\(type)-z\(planes)c\(channels)t\(timepoints).tif",
                        format: format,
                        dtype: type,
                        // An odd number of bytes a plane where a voxel has one.
                        shape: [planes, 19, 13],
                        channels: channels,
                        timepoints: timepoints
                    )
                }
            }
        }
    }

    @Test func whatIsWrittenIsReadBack() throws {
        for job in jobs() + manyPlanes() {
            try job.write()
            let source = try TIFFSource(path: job.file)
            #expect(source.image.shape == job.image.shape)
            #expect(source.image.channelCount == job.channels)
            #expect(source.image.timepointCount == job.timepoints)
            #expect(source.image.timeInterval == job.timeInterval)
            #expect(source.diagnostics.isEmpty)
            if let spacing = job.image.spacing {
                #expect(try #require(source.image.spacing).matches(spacing, relativeTolerance: 1e-6))
            } else {
                #expect(source.image.spacing == nil)
            }
            if job.dtype == "float32" {
                for t in 0..<job.timepoints {
                    for c in 0..<job.channels {
                        let wanted = (0..<job.shape[0]).flatMap { job.plane(t: t, c: c, z: $0) }
                        #expect(try source.readVolume(channel: c, timepoint: t) == .float32(wanted))
                    }
                }
            }
        }
        #expect(folder.contents.allSatisfy { !$0.hasSuffix(".partial") })
    }

    @Test func integersRoundToTheNearestEvenAndSaturate() throws {
        let values: [Float] = [-1, -0.5, -0.51, 0, 0.5, 1.5, 2.5, 254.5, 255, 255.5, 256, 1e30, -1e30, .infinity, .nan]
        let job = job(dtype: .uint8, shape: [1, 1, values.count])
        let sink = try job.sink()
        try sink.append(plane: values)
        try sink.finish()
        #expect(
            try TIFFSource(path: job.file).readVolume()
                == .uint8([0, 0, 0, 0, 0, 2, 2, 254, 255, 255, 255, 255, 0, 255, 0])
        )
        // −1, −0.51, 255.5, 256, 1e30, −1e30, ∞ and NaN; −0.5 rounds to −0, which fits.
        #expect(sink.saturatedVoxelCount == 8)
    }

    @Test func sixteenBitSaturationIsCountedOverAllPlanes() throws {
        let job = job(dtype: .uint16, shape: [2, 1, 2])
        let sink = try job.sink()
        try sink.append(plane: [65_535.4, 65_535.6])
        try sink.append(plane: [-3, 65_534.5])
        try sink.finish()
        #expect(sink.saturatedVoxelCount == 2)
        #expect(try TIFFSource(path: job.file).readVolume() == .uint16([65_535, 65_535, 0, 65_534]))
    }

    @Test func nothingIsVisibleBeforeTheEndAndNothingIsLeftWithoutIt() throws {
        let job = job()
        do {
            let sink = try job.sink()
            try sink.append(plane: job.plane(t: 0, c: 0, z: 0))
            #expect(folder.contents.count == 2)
            #expect(folder.contents.contains { $0.hasPrefix(".out.tif.") && $0.hasSuffix(".partial") })
            #expect(!FileManager.default.fileExists(atPath: job.file))
            withExtendedLifetime(sink) {}
        }
        #expect(folder.contents == [])
    }

    @Test func aFullDiskIsOneErrorAndLeavesNothing() throws {
        let job = job(shape: [3, 64, 64])
        let planeBytes = 64 * 64 * 4
        // The disk fills up in the middle of the second plane, as write(2) reports it.
        let calls = OutputCalls(
            write: { descriptor, bytes, count, offset in
                guard offset + count <= planeBytes + planeBytes / 2 else {
                    errno = ENOSPC
                    return -1
                }
                return pwrite(descriptor, bytes, count, off_t(offset))
            },
            synchronize: { fsync($0) }
        )
        let sink = try job.sink(calls: calls)
        let error = #expect(throws: DeconvolutionError.self) { try job.append(to: sink) }
        #expect(error?.code == .diskFull)
        let message = try #require(error?.message)
        #expect(message.hasPrefix("\(job.file): no space left in \(folder.url.path); free "))
        #expect(message.hasSuffix(" bytes or choose another folder"))
        #expect(folder.contents == [])
    }

    @Test func aDiskThatIsFullOnlyAtTheEndIsAnErrorToo() throws {
        let job = job()
        let calls = OutputCalls(
            write: { pwrite($0, $1, $2, off_t($3)) },
            synchronize: { _ in
                errno = ENOSPC
                return -1
            }
        )
        let sink = try job.sink(calls: calls)
        try job.append(to: sink)
        let error = #expect(throws: DeconvolutionError.self) { try sink.finish() }
        #expect(error?.code == .diskFull)
        #expect(folder.contents == [])
    }

    /// The version in the header that libtiff writes at once: 42 for classic TIFF, 43 for BigTIFF.
    private func version(_ format: TIFFSink.Format, planes: Int, _ compression: TIFFSink.Compression = .none) throws
        -> UInt8?
    {
        let sink = try job(format: format, compression: compression, shape: [planes, 1024, 1024]).sink()
        defer { withExtendedLifetime(sink) {} }
        let name = try #require(folder.contents.first { $0.hasSuffix(".partial") })
        return try FileHandle(forReadingFrom: folder.url.appendingPathComponent(name)).read(upToCount: 4)?[2]
    }

    @Test func aFileBecomesBigTIFFWhereItCouldPassFourGigabytes() throws {
        #expect(try version(.ome, planes: 1000) == 42)
        #expect(try version(.ome, planes: 1100) == 43)
        #expect(try version(.imageJ, planes: 1100, .deflate) == 43)
        // As ImageJ writes it: one directory, which reaches all planes.
        #expect(try version(.imageJ, planes: 1100) == 42)
    }

    /// The disk takes everything and keeps only what is not a plane: with holes, 4 GiB take no time.
    @Test func aFileForImageJAboveFourGibibytesHasOneDirectoryAndAllPlanesBehindIt() throws {
        let planes = 1100
        let job = job("large.tif", shape: [planes, 1024, 1024])
        let sink = try job.sink(
            calls: OutputCalls(
                write: { descriptor, bytes, count, offset in
                    let voxel = bytes.loadUnaligned(as: Float.self)
                    // Of a plane its first voxel is enough to tell it by.
                    return count < 1 << 20
                        ? pwrite(descriptor, bytes, count, off_t(offset))
                        : withUnsafeBytes(of: voxel) { pwrite(descriptor, $0.baseAddress!, 4, off_t(offset)) } == 4
                            ? count : -1
                },
                synchronize: { _ in 0 }
            )
        )
        var plane = [Float](repeating: 0, count: 1 << 20)
        for z in 0..<planes {
            plane[0] = Float(z + 1)
            try sink.append(plane: plane)
        }
        try sink.finish()
        // What the last plane would have, so that the file is as long as it says.
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: job.file))
        let end = try file.seekToEnd()
        try file.truncate(atOffset: end + (1 << 22))
        let source = try TIFFSource(path: job.file)
        #expect(source.image.shape == VolumeShape(z: planes, y: 1024, x: 1024))
        let first = try (0..<planes).map { z in
            let voxel = Region(origin: VolumeIndex(z: z, y: 0, x: 0), shape: VolumeShape(z: 1, y: 1, x: 1))
            return try source.read(voxel, channel: 0, timepoint: 0).floats[0]
        }
        let wanted = (1...planes).map { Float($0) }
        #expect(first == wanted)

        let imageJ = try TestJava.open([job.file], in: .imageJ, as: ImageJFile.self)[0]
        #expect(imageJ.planes == planes && imageJ.bits == 32 && imageJ.width == 1024, "\(imageJ)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: job.file + ".imagej")).floats == wanted)
        let bioFormats = try TestJava.open([job.file], in: .bioFormats, as: BioFormatsFile.self)[0]
        #expect(bioFormats.slices == planes && bioFormats.type == "float", "\(bioFormats)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: job.file + ".bioformats")).floats == wanted)
        let tifffile = try TestPython.run(Fixtures.url("TIFF/first_voxels.py"), [job.file])
        let words = wanted.map { "\(Int($0))" }.joined(separator: " ")
        #expect(tifffile.output == "(\(planes), 1024, 1024) float32 \(words)\n", "\(tifffile.output.prefix(500))")
    }

    @Test func aTypeThatIsNotWrittenIsRefused() throws {
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try TIFFSink(path: folder.path("x.tif"), image: job().image, pixelType: .int16)
        }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.message
                == "\(folder.path("x.tif")): TIFF is not written as int16; choose float32, uint16 or uint8"
        )
        #expect(folder.contents == [])
    }

    @Test func anExistingResultIsKeptUnlessItMayBeReplaced() throws {
        let job = job()
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: job.file))
        let error = #expect(throws: DeconvolutionError.self) { try job.sink() }
        #expect(error?.code == .outputExists)
        let sink = try job.sink(overwrite: true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: job.file)) == Data([1, 2, 3]))
        try job.append(to: sink)
        try sink.finish()
        #expect(try TIFFSource(path: job.file).image.shape == job.image.shape)
    }
}
