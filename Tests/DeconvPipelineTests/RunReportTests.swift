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

/// What a run tells: the same whatever happened on the way, and in the numbers of the file.
@Suite struct RunReportTests {
    private static let shape = VolumeShape(z: 12, y: 20, x: 24)
    private static let psf = GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: [0.7, 0.9, 1.1])

    /// A volume with negative voxels, saturated ones, or no light, so that there are warnings and counts.
    private static func volume(_ number: Int) -> VoxelData {
        var generator = SeededGenerator(seed: UInt64(number + 1))
        var voxels = (0..<shape.voxelCount).map { _ in Float(20 + 900 * generator.uniform()) }
        if number % 3 == 1 { for index in 0..<number { voxels[7 * index] = -1 } }
        if number % 2 == 0 { for index in 0..<(5 + number) { voxels[11 * index + 1] = 4000 } }
        if number == 5 { voxels = voxels.map { _ in 3 } }
        return .float32(voxels)
    }

    private static func series(_ count: Int, channelCount: Int = 1) -> TestSeries {
        TestSeries((0..<count).map(volume), shape: shape, channelCount: channelCount)
    }

    private func job(
        _ source: any VolumeSource,
        _ backends: [any ComputeBackend] = [CPUBackend(threadCount: 1)],
        overlapping: Bool = true,
        saturation: ImageSaturation? = 4000,
        cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.iterationCount = 4
        options.divergenceInterval = 2
        options.background = 10
        options.saturation = saturation
        options.psfAsIs = true
        options.overlapsVolumes = overlapping
        let mask = Volume(
            shape: VolumeShape(z: 1, y: Self.shape.y, x: Self.shape.x),
            voxels: (0..<Self.shape.planeVoxelCount).map { $0 % 31 == 0 ? 0 : 1 }
        )
        return DeconvolutionJob(
            source: source,
            psfs: [MeasuredPSF(name: "psf", volume: Self.psf)],
            sensitivity: saturation == nil ? Sensitivity() : Sensitivity(mask: mask),
            options: options,
            cancellation: cancellation,
            backends: { _ throws(DeconvolutionError) in
                backends.enumerated().map { NumberedBackend(number: $0.offset, backend: $0.element) }
            },
            progress: progress
        )
    }

    /// The report as JSON, without what a clock, the memory or the share of this run decides.
    private func lasting(_ report: RunReport) throws -> NSDictionary {
        let data = try JSONEncoder().encode(report)
        var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        for key in [
            "seconds", "secondsPerIteration", "voxelsPerSecond", "bottleneck", "peakHostBytes", "peakDeviceBytes",
            "devices",
            "resumedVolumes",
        ] { object[key] = nil }
        return object as NSDictionary
    }

    @Test(arguments: [[0], [5], [1, 4, 7], [0, 1, 2, 3, 4, 6, 7]])
    func aResumedRunReportsWhatAnUndisturbedOneDoes(held: [Int]) throws {
        let source = Self.series(8, channelCount: 2)
        let whole = TestCollection()
        let undisturbed = try job(source).run(into: whole, writeBytes: 0)
        #expect(undisturbed.maskedVoxelCount > 0 && undisturbed.saturatedInputVoxelCount > 20)
        #expect(undisturbed.convergence.count == 7 && undisturbed.resultSum > 0)
        #expect(undisturbed.warnings.count { $0.text(.flag).contains("negative") } == 1)
        #expect(
            undisturbed.warnings.contains {
                $0.kind == .belowBackground
                    && $0.figures?.description.contains("channel 1, time point 2: a mean") == true
            }
        )

        let positions = Set(held.map { [$0 % 2, $0 / 2] })
        let rest = TestCollection(
            holding: whole.volumes.filter { positions.contains($0.key) },
            figures: whole.figures.filter { positions.contains($0.key) }
        )
        let resumed = try job(source).run(into: rest, writeBytes: 0)
        #expect(rest.volumes == whole.volumes && rest.figures == whole.figures)
        #expect(resumed.resumedVolumeCount == held.count)
        #expect(resumed.observedSum == undisturbed.observedSum && resumed.resultSum == undisturbed.resultSum)
        #expect(resumed.convergence == undisturbed.convergence)
        #expect(resumed.warnings == undisturbed.warnings)
        #expect(try lasting(resumed) == lasting(undisturbed))
    }

    @Test func ofVolumesWithoutFiguresItIsSaidThatTheyAreMissing() throws {
        let source = Self.series(4)
        let whole = TestCollection()
        let undisturbed = try job(source, saturation: nil).run(into: whole, writeBytes: 0)
        let rest = TestCollection(holding: whole.volumes.filter { $0.key[1] < 2 })
        let resumed = try job(source, saturation: nil).run(into: rest, writeBytes: 0)
        #expect(rest.volumes == whole.volumes)
        #expect(resumed.convergence == Array(undisturbed.convergence[2...]))
        #expect(resumed.resultSum > 0 && resumed.resultSum < 0.6 * undisturbed.resultSum)
        #expect(
            resumed.warnings.last?.description
                == "some volumes come from a run that kept no figures of them: sums, counts, convergence and warnings are "
                + "those of the others (2 of 4)"
        )
    }

    @Test(arguments: [true, false])
    func aVolumeThatIsComputedTwiceCountsOnce(overlapping: Bool) throws {
        let collection = TestCollection(shortOfMemoryAt: [0, 2])
        let report = try job(Self.series(5), overlapping: overlapping).run(into: collection, writeBytes: 0)
        #expect(collection.isFinished && report.devices[0].volumeCount == 5)
        #expect(report.convergence.count == 5)
        // Of all iterations that were done: those of six volumes at least.
        #expect(report.secondsPerIteration * 23.9 < report.seconds.compute)
    }

    @Test func everyDeviceHasItsOwnFFTLibrary() throws {
        let cpu = CPUBackend(threadCount: 1)
        let alone = try job(Self.series(3)).run(into: TestSink())
        #expect(alone.fft == .fftw && alone.devices.map(\.fft) == [.fftw])
        guard let device = OpenCLDevice.all.first else { return }
        let openCL = try OpenCLBackend(device, TransformSelection(.clfft))
        let broken = FailingBackend(openCL, after: 0)
        let both = try job(Self.series(6), [broken, FailingBackend(cpu, waitingFor: broken)]).run(into: TestSink())
        #expect(both.fft == .clfft && both.devices.map(\.fft) == [.clfft, .fftw])
        let data = try JSONEncoder().encode(both)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(object["fft"] as? String == "clfft")
        let devices = try #require(object["devices"] as? [[String: Any]])
        #expect(devices.compactMap { $0["fft"] as? String } == ["clfft", "fftw"])
        // With nothing to do there is no engine.
        let whole = TestCollection()
        _ = try job(Self.series(2)).run(into: whole, writeBytes: 0)
        #expect(try job(Self.series(2)).run(into: whole, writeBytes: 0).fft == nil)
    }

    // MARK: Names

    /// Of 4 time points in 2 channels, the second channel from the third time point on.
    private func selected(_ voxels: @escaping (Int) -> VoxelData = volume) -> SelectedSource {
        let series = TestSeries((0..<8).map(voxels), shape: Self.shape, channelCount: 2)
        return SelectedSource(series, channels: [1], timepoints: [2, 3])
    }

    @Test func warningsNameVolumesOfTheFile() throws {
        let report = try job(selected()).run(into: TestSink())
        let messages = report.warnings.map(\.description)
        #expect(messages.contains { $0.contains("(channel 1, time point 2: a mean of") }, "\(messages)")
        #expect(messages.contains { $0.contains("(channel 1, time point 3: 6 voxels") }, "\(messages)")
    }

    @Test func manyVolumesHaveOneWarningOfAKindWhoseTextHasNoNumbers() throws {
        func report(_ count: Int) throws -> RunReport {
            // Below the background each, by another amount.
            let volumes =
                (0..<count).map { VoxelData.float32([Float](repeating: 90 + Float($0), count: 64)) }
                + [VoxelData.float32([Float](repeating: 300, count: 64))]
            let series = TestSeries(volumes, shape: VolumeShape(z: 4, y: 4, x: 4), channelCount: 1)
            var options = DeconvolutionOptions()
            options.backend = .cpu
            options.psfAsIs = true
            options.background = 200
            options.iterationCount = 1
            let psf = Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [1])
            return try DeconvolutionJob(
                source: series,
                psfs: [MeasuredPSF(name: "psf", volume: psf, shouldHaveSpacing: false)],
                options: options
            ).run(into: TestSink())
        }
        let (few, many) = (try report(2), try report(20))
        #expect(few.warnings.map { $0.text(.flag) } == many.warnings.map { $0.text(.flag) } && few.warnings.count == 1)
        #expect(
            few.warnings.map { $0.description(.flag) } == [
                "series.tif: where the mean is not above --background 200 the result is 0 (channel 0, time point 0: a mean "
                    + "of 90 counts, and 1 volume more)"
            ]
        )
        #expect(many.warnings.first?.figures?.description.hasSuffix("and 19 volumes more") == true)
    }

    @Test func aVoxelThatIsNoNumberIsNamedByItsPlaceInTheFile() throws {
        let source = selected { number in
            guard number == 7, case .float32(var voxels) = Self.volume(number) else { return Self.volume(number) }
            voxels[Self.shape.planeVoxelCount + 25] = .nan
            return .float32(voxels)
        }
        let error = #expect(throws: DeconvolutionError.self) { _ = try job(source).run(into: TestSink()) }
        #expect(
            error?.text(.flag).hasPrefix("series.tif, channel 1, time point 3: the voxel at (z 1, y 1, x 1) is nan")
                == true,
            "\(error?.text(.flag) ?? "")"
        )
    }

    @Test func resultsThatAreNoNumbersAreNamedByTheirPlaceInTheFile() throws {
        let spoiling = FailingBackend(spoiling: CPUBackend(threadCount: 1))
        let source = SelectedSource(Self.series(8, channelCount: 2), channels: [1], timepoints: [3])
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(source, [spoiling], overlapping: false).run(into: TestSink())
        }
        #expect(error?.text(.flag).contains("in plane 0 of channel 1, time point 3: use another") == true)
    }

    // MARK: Stopping

    /// Asked to stop while the second volume is being written, slowly, and the third is computed.
    @Test(arguments: [true, false])
    func aVolumeThatIsComputedIsWrittenAfterARequestToStop(overlapping: Bool) throws {
        let cancellation = Cancellation()
        let collection = TestCollection(delay: 0.005) { if $0 == [0, 1] { cancellation.cancel() } }
        let job = job(Self.series(20), overlapping: overlapping, cancellation: cancellation)
        let error = #expect(throws: DeconvolutionError.self) { _ = try job.run(into: collection, writeBytes: 0) }
        #expect(error?.code == .cancelled && !collection.isFinished)
        // One more where it had been computed before the request came.
        #expect([2, 3].contains(collection.order.count), "\(collection.order)")
        #expect(collection.volumes.values.allSatisfy { $0.count == Self.shape.voxelCount })
        #expect(collection.figures.count == collection.order.count)
    }

    @Test func aVolumeWhoseLastIterationIsDoneIsComputed() throws {
        let cancellation = Cancellation()
        let collection = TestCollection()
        let job = job(Self.series(3), overlapping: false, cancellation: cancellation) { progress in
            if progress.stage == .computing, progress.completedIterations == 4 { cancellation.cancel() }
        }
        #expect(throws: DeconvolutionError.self) { _ = try job.run(into: collection, writeBytes: 0) }
        #expect(collection.order == [[0, 0]])
    }

    /// A file that does not get all of its planes is thrown away: no plane more is of use.
    @Test(arguments: [true, false])
    func aFileIsLeftAtOnceAfterARequestToStop(overlapping: Bool) throws {
        let cancellation = Cancellation()
        let sink = TestSink { if $0 == 15 { cancellation.cancel() } }
        let job = job(Self.series(20), overlapping: overlapping, cancellation: cancellation)
        let error = #expect(throws: DeconvolutionError.self) { _ = try job.run(into: sink) }
        #expect(error?.code == .cancelled)
        #expect(sink.planeCount == 16 && !sink.isFinished)
    }

    // MARK: Progress

    /// Writing takes longest: iterations are done long before volumes are.
    @Test func progressGoesOneWayAndEndsWithTheLastVolume() throws {
        let seen = Mutex<[DeconvolutionProgress]>([])
        let job = job(Self.series(5)) { progress in seen.withLock { $0.append(progress) } }
        _ = try job.run(into: TestCollection(delay: 0.003), writeBytes: 0)
        let told = seen.withLock { $0 }
        let stages = told.reduce(into: [DeconvolutionProgress.Stage]()) {
            if $0.last != $1.stage { $0.append($1.stage) }
        }
        #expect(
            stages.last == .writing && stages.count { $0 == .writing } == 1 && stages.count { $0 == .computing } == 1
        )
        #expect(stages.suffix(2) == [.computing, .writing], "\(stages)")
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.fraction <= $1.fraction })
        #expect(told.allSatisfy { ($0.fraction == 1) == ($0.finishedVolumeCount == 5) })
        #expect(told.allSatisfy { $0.completedIterations < 20 || $0.secondsLeft == nil })
        #expect(told.allSatisfy { $0.finishedVolumeCount > 0 || $0.bottleneck == nil })
        // Every finished volume is told at once, also after the last iteration.
        #expect(Set(told.map(\.finishedVolumeCount)) == Set(0...5))
    }

    @Test func volumesOneAfterAnotherTellWhatIsDone() throws {
        let seen = Mutex<[DeconvolutionProgress.Stage]>([])
        let job = job(Self.series(2), overlapping: false) { progress in
            seen.withLock { if $0.last != progress.stage { $0.append(progress.stage) } }
        }
        _ = try job.run(into: TestCollection(), writeBytes: 0)
        let volume: [DeconvolutionProgress.Stage] = [.reading, .preparing, .computing, .writing]
        #expect(seen.withLock { $0 } == volume + volume)
    }
}
