import DeconvDevice
import DeconvIO
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@testable import DeconvPipeline

/// What a plan counts beside the computation: reading, the chunks that are kept for it, and writing.
@Suite struct JobPlanTests {
    /// A black image whose reading takes memory.
    private final class Source: ImageFileSource {
        let name = "image.zarr"
        let diagnostics: [Diagnostic] = []
        let image: ImageDescription
        private let whole: ReadingMemory
        private let planes: ReadingMemory
        private let limit = Mutex(-1)

        init(
            timepointCount: Int = 1,
            whole: ReadingMemory = ReadingMemory(bufferBytes: 0),
            planes: ReadingMemory = ReadingMemory(bufferBytes: 0)
        ) {
            image = ImageDescription(
                shape: VolumeShape(z: 12, y: 20, x: 24),
                timepointCount: timepointCount,
                pixelType: .uint16
            )
            self.whole = whole
            self.planes = planes
        }

        /// Bytes of chunks that may be kept; -1 where nobody has said.
        var keptByteLimit: Int { limit.withLock { $0 } }

        func readingMemory(of part: VolumeShape) -> ReadingMemory { part == image.shape ? whole : planes }

        func limitKeptBytes(_ limit: (_ now: Int) -> Int) {
            self.limit.withLock { $0 = limit($0) }
        }

        func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
            .uint16([UInt16](repeating: 0, count: region.shape.voxelCount))
        }
    }

    private static let cpu = CPUBackend(threadCount: 1)

    private func job(
        _ source: Source,
        limit: Int? = nil,
        tile: VolumeShape? = nil,
        mask: Source? = nil,
        backends: [any ComputeBackend] = [cpu]
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.iterationCount = 1
        options.psfAsIs = true
        options.memoryLimitBytes = limit
        options.tileShape = tile
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: [0.7, 0.9, 1.1])
        return DeconvolutionJob(
            source: source,
            psfs: [MeasuredPSF(name: "psf", volume: psf)],
            sensitivity: Sensitivity(flatFieldSource: nil, maskSource: mask),
            options: options,
            backends: { _ throws(DeconvolutionError) in
                backends.enumerated().map { NumberedBackend(number: $0.offset, backend: $0.element) }
            }
        )
    }

    /// With as much as that it is one piece, and with a byte less it is not.
    private func needed(_ source: Source, writeBytes: Int = 0) throws -> Int {
        let results = JobPlan.Results.inAnyOrder(writeBytes: writeBytes)
        let plan = try job(source).plans(results: results)[0]
        let footprint = plan.tiles.footprint
        let needed = footprint.deviceBytes + footprint.transferBytes + plan.reading.byteCount + plan.writeBytes
        #expect(plan.tiles.tile == nil && plan.writeBytes == writeBytes)
        #expect(try job(source, limit: needed).plans(results: results)[0].tiles.tile == nil)
        let smaller = try job(source, limit: needed - 1).plans(results: results)[0]
        #expect(smaller.tiles.tile != nil)
        return needed
    }

    @Test func aVolumeInOnePieceNeedsRoomForBeingReadAndWritten() throws {
        let voxelBytes = 12 * 20 * 24 * 2
        let plain = try needed(Source())
        let plan = try job(Source()).plans()[0]
        #expect(plan.reading.byteCount == voxelBytes)
        #expect(try needed(Source(), writeBytes: 7000) == plain + 7000)
        #expect(try needed(Source(whole: ReadingMemory(bufferBytes: 900))) == plain + 900)
    }

    @Test func chunksThatAreWantedAgainAreKeptWhereThereIsRoom() throws {
        let whole = ReadingMemory(bufferBytes: 0, leastKeptBytes: 0, mostKeptBytes: 5000)
        let plan = try job(Source(whole: whole)).plans()[0]
        #expect(plan.reading.keptBytes == [5000])
        // Volumes are computed all the same where there is none.
        let needed = plan.tiles.footprint.deviceBytes + plan.tiles.footprint.transferBytes + plan.reading.byteCount
        #expect(try job(Source(whole: whole), limit: needed).plans()[0].reading.keptBytes == [5000])
        let without = try job(Source(whole: whole), limit: needed - 1).plans()[0]
        #expect(without.tiles.tile == nil && without.reading.keptBytes == [0])
    }

    @Test func tilesAreReadPlaneByPlaneFromAsFewChunksAsThereIsRoomFor() throws {
        let planes = ReadingMemory(bufferBytes: 300, leastKeptBytes: 1000, mostKeptBytes: 30_000)
        let tile = VolumeShape(z: 4, y: 8, x: 8)
        let image = Source(whole: ReadingMemory(bufferBytes: 1 << 40), planes: planes)
        let roomy = try job(image, tile: tile).plans()[0]
        #expect(roomy.reading.keptBytes == [30_000])
        // Two planes of voxels on their way.
        #expect(roomy.reading.bufferBytes == 300 + 2 * 24 * 20 * 2)
        #expect(try job(image, limit: 120_000, tile: tile).plans()[0].reading.keptBytes == [30_000])
        #expect(try job(image, limit: 119_999, tile: tile).plans()[0].reading.keptBytes == [1000])
        // So are maps, in any case.
        let mask = Source(whole: ReadingMemory(bufferBytes: 1 << 40), planes: planes)
        let masked = try job(image, tile: tile, mask: mask).plans()[0]
        #expect(masked.reading.keptBytes == [30_000, 30_000])
        let inOnePiece = try job(Source(), mask: mask).plans()[0]
        #expect(inOnePiece.tiles.tile == nil && inOnePiece.reading.keptBytes == [0, 30_000])
    }

    /// Where tiles alone would fit, they are not what is too large.
    @Test func whereReadingAndWritingLeaveTooLittleTheMessageSaysSo() throws {
        let image = Source(planes: ReadingMemory(bufferBytes: 400_000, leastKeptBytes: 100_000, mostKeptBytes: 100_000))
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(image, limit: 800_000, tile: VolumeShape(z: 4, y: 8, x: 8))
                .plans(results: .inAnyOrder(writeBytes: 300_000))
        }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.text(.flag)
                == "image.zarr: reading takes 502 kB and writing 300 kB of the 800 kB of memory that are allowed, which leaves too "
                + "little for a tile of 4x8x8 voxels: raise --memory-limit, or use smaller chunks (--chunks for the result)"
        )
        // And where they would not, they are.
        let tiny = #expect(throws: DeconvolutionError.self) {
            _ = try job(image, limit: 1000).plans(results: .inAnyOrder(writeBytes: 300_000))
        }
        #expect(tiny?.text(.flag).hasPrefix("the smallest tile takes ") == true)
        #expect(tiny?.text(.flag).hasSuffix("but 1.0 kB are allowed: raise --memory-limit or crop the PSF") == true)
    }

    @Test func aRunKeepsWhatThePlansOfAllDevicesHaveRoomFor() throws {
        let planes = ReadingMemory(bufferBytes: 300, leastKeptBytes: 1000, mostKeptBytes: 30_000)
        let image = Source(timepointCount: 3, planes: planes)
        let tile = VolumeShape(z: 4, y: 8, x: 8)
        _ = try job(image, tile: tile, backends: [Self.cpu, Self.cpu]).run(into: TestCollection(), writeBytes: 0)
        #expect(image.keptByteLimit == 60_000)
        let inOnePiece = Source(timepointCount: 3, planes: planes)
        _ = try job(inOnePiece).run(into: TestCollection(), writeBytes: 0)
        #expect(inOnePiece.keptByteLimit == 0)
    }
}
