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
    var predictor: Int
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
        let predictor = compression == .none || format == .imageJ ? 1 : dtype == .float32 ? 3 : 2
        return Job(
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
            predictor: predictor,
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
        let jobs = jobs()
        for job in jobs {
            let sink = try job.sink()
            try job.append(to: sink)
            try sink.finish()
        }
        try JSONEncoder().encode(jobs).write(to: folder.url.appendingPathComponent("jobs.json"))
        let result = try TestPython.run(
            Fixtures.url("TIFF/check_written.py"),
            [folder.path("jobs.json")]
        )
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        for job in jobs() {
            let sink = try job.sink()
            try job.append(to: sink)
            try sink.finish()
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
        #expect(error?.code == .inputOutput)
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
        #expect(error?.code == .inputOutput)
        #expect(folder.contents == [])
    }

    @Test func aFileBecomesBigTIFFWhereItCouldPassFourGigabytes() throws {
        // The version in the header that libtiff writes at once: 42 for classic TIFF, 43 for BigTIFF.
        for (planes, version) in [(1000, 42), (1100, 43)] {
            let sink = try job(shape: [planes, 1024, 1024]).sink()
            let file = try FileHandle(forReadingFrom: folder.url.appendingPathComponent(folder.contents[0]))
            #expect(try file.read(upToCount: 4)?[2] == UInt8(version))
            withExtendedLifetime(sink) {}
        }
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
        #expect(error?.code == .cannotCreateOutput)
        let sink = try job.sink(overwrite: true)
        #expect(try Data(contentsOf: URL(fileURLWithPath: job.file)) == Data([1, 2, 3]))
        try job.append(to: sink)
        try sink.finish()
        #expect(try TIFFSource(path: job.file).image.shape == job.image.shape)
    }
}
