import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@testable import DeconvPipeline

/// Reading, computing and writing at once: the same results as one after another, in less time, with every error seen.
@Suite struct OverlapTests {
    /// With the PSF a transform that other tests have, so that its kernels are compiled already.
    private static let shape = VolumeShape(z: 12, y: 20, x: 24)
    private static let psfs = [[0.7, 0.9, 1.1], [0.9, 1.2, 0.8]].map { sigma in
        GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: sigma)
    }

    private static func volume(_ seed: UInt64) -> VoxelData {
        var generator = SeededGenerator(seed: seed)
        return .uint16((0..<shape.voxelCount).map { _ in UInt16(110 + 900 * generator.uniform()) })
    }

    private static let dark = VoxelData.uint16([UInt16](repeating: 90, count: shape.voxelCount))

    private func options(_ device: Int, overlapping: Bool = true) -> DeconvolutionOptions {
        var options = DeconvolutionOptions()
        options.device = "\(device)"
        options.iterationCount = 4
        options.divergenceInterval = 2
        options.background = 100
        options.psfAsIs = true
        options.overlapsVolumes = overlapping
        return options
    }

    private func job(
        _ source: TestSeries,
        _ options: DeconvolutionOptions,
        sensitivity: Sensitivity = Sensitivity(),
        cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) -> DeconvolutionJob {
        let psfs = Self.psfs.prefix(source.image.channelCount).enumerated().map { index, volume in
            MeasuredPSF(name: "psf \(index)", volume: volume)
        }
        return DeconvolutionJob(
            source: source,
            psfs: psfs,
            sensitivity: sensitivity,
            options: options,
            cancellation: cancellation,
            progress: progress
        )
    }

    @Test(arguments: 0..<Devices.all.count, [1, 2])
    func resultsAreBitForBitThoseOfOneAfterAnother(device: Int, channelCount: Int) throws {
        var volumes = (1...6).map { Self.volume(UInt64($0)) }
        volumes[3] = Self.dark
        var reports: [RunReport] = []
        var results: [[Float]] = []
        for overlapping in [false, true] {
            let source = TestSeries(volumes, shape: Self.shape, channelCount: channelCount)
            let job = job(source, options(device, overlapping: overlapping))
            #expect(try (job.plans()[0].overlap != nil) == overlapping)
            let sink = TestSink()
            reports.append(try job.run(into: sink))
            results.append(sink.voxels)
            #expect(sink.isFinished)
        }
        #expect(results[0].count == 6 * Self.shape.voxelCount)
        #expect(results[0] == results[1])
        #expect(reports[0].convergence == reports[1].convergence)
        #expect(reports[0].convergence.count == 5)
        #expect(reports[0].observedSum == reports[1].observedSum)
        #expect(reports[0].resultSum == reports[1].resultSum)
        #expect(reports[0].warnings == reports[1].warnings)
        #expect(reports[0].peakDeviceBytes < reports[1].peakDeviceBytes)
    }

    /// A mask for all volumes, and saturated voxels in some: f changes from volume to volume and back.
    @Test(arguments: 0..<Devices.all.count)
    func everyVolumeIsComputedWithItsOwnSensitivity(device: Int) throws {
        var volumes = (1...6).map { Self.volume(UInt64($0)) }
        for number in [1, 3] {
            guard case .uint16(var voxels) = volumes[number] else { continue }
            for index in stride(from: number, to: 2000, by: 97) { voxels[index] = 65535 }
            volumes[number] = .uint16(voxels)
        }
        volumes[4] = Self.dark
        let mask = Volume(
            shape: VolumeShape(z: 1, y: Self.shape.y, x: Self.shape.x),
            voxels: (0..<Self.shape.planeVoxelCount).map { $0 % 31 == 0 ? 0 : 1 }
        )
        var reports: [RunReport] = []
        var results: [[Float]] = []
        for overlapping in [false, true] {
            var options = options(device, overlapping: overlapping)
            options.saturation = 65535
            let source = TestSeries(volumes, shape: Self.shape)
            let job = job(source, options, sensitivity: Sensitivity(mask: mask))
            #expect(try (job.plans()[0].overlap != nil) == overlapping)
            let sink = TestSink()
            reports.append(try job.run(into: sink))
            results.append(sink.voxels)
        }
        #expect(results[0] == results[1])
        #expect(reports[0].saturatedInputVoxelCount > 20)
        #expect(reports[0].saturatedInputVoxelCount == reports[1].saturatedInputVoxelCount)
        #expect(reports[0].maskedVoxelCount == reports[1].maskedVoxelCount)
        #expect(reports[0].convergence == reports[1].convergence)
        #expect(reports[0].warnings == reports[1].warnings)
        // Each as if it were alone.
        var alone: [Float] = []
        for volume in volumes where volume != Self.dark {
            var options = options(device)
            options.saturation = 65535
            let sink = TestSink()
            _ = try job(TestSeries([volume], shape: Self.shape), options, sensitivity: Sensitivity(mask: mask))
                .run(into: sink)
            alone += sink.voxels
        }
        let count = 4 * Self.shape.voxelCount
        #expect(Array(results[1].prefix(count)) == Array(alone.prefix(count)))
    }

    @Test func whatIsDoneAtOnceIsReported() throws {
        let source = TestSeries((1...6).map { Self.volume(UInt64($0)) }, shape: Self.shape, delay: 0.1)
        let seconds = try job(source, options(0)).run(into: TestSink(delay: 0.1 / 12)).seconds
        #expect(seconds.read >= 0.6 && seconds.write >= 0.6)
        // Of 1.2 s of sleep, all but the first reading and the last writing can be saved, save for the waits between threads.
        #expect(seconds.overlapped > 0.3)
        #expect(seconds.overlapped <= seconds.read + seconds.write)
    }

    @Test func readingStaysWithinThreeVolumesOfWriting() throws {
        let source = TestSeries((1...8).map { Self.volume(UInt64($0)) }, shape: Self.shape)
        let most = Mutex(0)
        let sink = TestSink(delay: 0.004) { plane in
            let ahead = source.readCount - plane / Self.shape.z
            most.withLock { $0 = max($0, ahead) }
        }
        _ = try job(source, options(0)).run(into: sink)
        // One written, one computed, one on the device, one in host memory.
        #expect(most.withLock { $0 } <= 4)
    }

    @Test(arguments: [0, 1, 4])
    func aVolumeThatCannotBeReadEndsTheRun(volume: Int) throws {
        let source = TestSeries((1...5).map { Self.volume(UInt64($0)) }, shape: Self.shape, failingAt: volume)
        let sink = TestSink()
        let error = #expect(throws: DeconvolutionError.self) { _ = try job(source, options(0)).run(into: sink) }
        #expect(error?.message == "series.tif: volume \(volume) is gone")
        #expect(!sink.isFinished)
        // What was computed before is written, as it is one after another.
        #expect(sink.planeCount == volume * Self.shape.z)
    }

    @Test func aPlaneThatCannotBeWrittenEndsTheRun() throws {
        let source = TestSeries((1...30).map { Self.volume(UInt64($0)) }, shape: Self.shape)
        let sink = TestSink(failingAt: 15)
        let error = #expect(throws: DeconvolutionError.self) { _ = try job(source, options(0)).run(into: sink) }
        #expect(error?.message == "result.tif: plane 15 is lost")
        #expect(!sink.isFinished)
        #expect(source.readCount <= 6)
    }

    @Test func theErrorOfTheEarliestVolumeIsThrown() throws {
        let source = TestSeries((1...5).map { Self.volume(UInt64($0)) }, shape: Self.shape, failingAt: 2)
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(source, options(0)).run(into: TestSink(delay: 0.02, failingAt: 10))
        }
        #expect(error?.message == "result.tif: plane 10 is lost")
    }

    @Test func aCancelledRunEndsAllStages() throws {
        let source = TestSeries((1...30).map { Self.volume(UInt64($0)) }, shape: Self.shape)
        let cancellation = Cancellation()
        let sink = TestSink()
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(source, options(0), cancellation: cancellation) { progress in
                if progress.volume == 3, progress.stage == .computing { cancellation.cancel() }
            }.run(into: sink)
        }
        #expect(error?.code == .cancelled)
        #expect(!sink.isFinished)
        let (reads, planes) = (source.readCount, sink.planeCount)
        usleep(100_000)
        #expect(source.readCount == reads && sink.planeCount == planes)
    }

    @Test(arguments: 0..<Devices.all.count)
    func withoutRoomForTwoVolumesTheyComeOneAfterAnother(device: Int) throws {
        let source = TestSeries((1...3).map { Self.volume(UInt64($0)) }, shape: Self.shape)
        var options = options(device)
        let plan = try job(source, options).plans()[0]
        let overlap = try #require(plan.overlap)
        let footprint = plan.tiles.footprint
        let alone = footprint.deviceBytes + (device == 0 ? footprint.transferBytes : 0)
        options.memoryLimitBytes = alone + overlap.deviceBytes + (device == 0 ? overlap.hostBytes : 0)
        #expect(try job(source, options).plans()[0].overlap == overlap)
        options.memoryLimitBytes! -= 1
        let smaller = try job(source, options).plans()[0]
        #expect(smaller.overlap == nil && smaller.tiles.tile == nil)
        let (first, second) = (TestSink(), TestSink())
        _ = try job(source, options).run(into: first)
        _ = try job(source, self.options(device)).run(into: second)
        #expect(first.voxels == second.voxels)
    }

    @Test(arguments: [1, 2])
    func noPlaneComesTwiceWhenMemoryRunsOutWhileWriting(channelCount: Int) throws {
        let source = TestSeries(
            (1...4).map { Self.volume(UInt64($0)) },
            shape: Self.shape,
            channelCount: channelCount
        )
        let (whole, disturbed) = (TestSink(), TestSink(shortOfMemoryAt: Self.shape.z + 5))
        _ = try job(source, options(0)).run(into: whole)
        _ = try job(source, options(0)).run(into: disturbed)
        #expect(disturbed.planeCount == 4 * Self.shape.z && disturbed.isFinished)
        #expect(relativeRMSE(disturbed.voxels, whole.voxels) < 1e-5)
    }

    @Test func aSingleVolumeHasNothingToOverlapWith() throws {
        let source = TestSeries([Self.volume(1)], shape: Self.shape)
        #expect(try job(source, options(0)).plans()[0].overlap == nil)
        let sink = TestSink()
        #expect(try job(source, options(0)).run(into: sink).seconds.overlapped == 0)
        #expect(sink.planeCount == Self.shape.z)
    }

    @Test(arguments: 1..<Devices.all.count)
    func compilingForADeviceIsToldBeforeComputing(device: Int) throws {
        let stages = Mutex<[DeconvolutionProgress.Stage]>([])
        let programs = Mutex<[Int]>([])
        let source = TestSeries([Self.volume(1)], shape: Self.shape)
        let name = Devices.all[device].name
        _ = try job(source, options(device)) { progress in
            #expect(progress.device == name)
            stages.withLock { if $0.last != progress.stage { $0.append(progress.stage) } }
            if let number = progress.program {
                #expect(progress.stage == .compiling && number <= progress.programCount ?? 0)
                programs.withLock { $0.append(number) }
            }
        }.run(into: TestSink())
        // Plans for the trial, then for the PSF and the first iteration.
        #expect(
            stages.withLock { $0 } == [.reading, .preparing, .compiling, .preparing, .compiling, .computing, .writing]
        )
        let numbers = programs.withLock { $0 }
        #expect(numbers == Array(1...max(numbers.count, 1)) && numbers.count > 3)
    }
}

/// The queue between two stages.
@Suite struct BoundedQueueTests {
    @Test func valuesComeInTheirOrderAndNoMoreThanItHoldsAreAhead() async {
        let queue = BoundedQueue<Int>(capacity: 2)
        let put = Counter()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await onThread {
                    for value in 0..<200 {
                        #expect(queue.put(value))
                        put.set(value + 1)
                    }
                    queue.close()
                }
            }
            group.addTask {
                await onThread {
                    var taken: [Int] = []
                    while let value = queue.take() {
                        taken.append(value)
                        // Two wait, and one more may have got in since this one was taken.
                        #expect(put.now <= value + 4)
                    }
                    #expect(taken == Array(0..<200))
                }
            }
        }
    }

    @Test func aClosedQueueGivesWhatItHasAndTakesNoMore() {
        let queue = BoundedQueue<Int>(capacity: 2)
        queue.put(1)
        queue.put(2)
        queue.close()
        #expect(!queue.put(3))
        #expect(queue.take() == 1)
        #expect(queue.take() == 2)
        #expect(queue.take() == nil)
    }

    @Test func cancellingWakesBothSides() async {
        let empty = BoundedQueue<Int>(capacity: 1)
        let full = BoundedQueue<Int>(capacity: 1)
        full.put(1)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await onThread { #expect(empty.take() == nil) } }
            group.addTask { await onThread { #expect(!full.put(2)) } }
            group.addTask {
                await onThread {
                    usleep(50_000)
                    empty.cancel()
                    full.cancel()
                }
            }
        }
        #expect(full.take() == nil)
    }
}

/// A number that threads share.
private final class Counter: Sendable {
    private let value = Atomic(0)
    func set(_ number: Int) { value.store(number, ordering: .sequentiallyConsistent) }
    var now: Int { value.load(ordering: .sequentiallyConsistent) }
}

/// Runs blocking work off the cooperative pool.
private func onThread(_ work: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            work()
            continuation.resume()
        }
    }
}
