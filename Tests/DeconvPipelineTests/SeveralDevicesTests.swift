import DeconvDevice
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@testable import DeconvPipeline

/// Several devices on one data set: each takes the next volume, one that fails is left out, and no result depends on which took what.
@Suite struct SeveralDevicesTests {
    private static let shape = VolumeShape(z: 12, y: 20, x: 24)
    private static let psfs = [[0.7, 0.9, 1.1], [0.9, 1.2, 0.8]].map { sigma in
        GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: sigma)
    }

    private static func series(_ count: Int, channelCount: Int = 1, failingAt failure: Int? = nil) -> TestSeries {
        let volumes = (1...count).map { number in
            var generator = SeededGenerator(seed: UInt64(number))
            return VoxelData.uint16((0..<shape.voxelCount).map { _ in UInt16(10 + 900 * generator.uniform()) })
        }
        return TestSeries(volumes, shape: shape, channelCount: channelCount, failingAt: failure)
    }

    private func job(
        _ source: TestSeries,
        _ backends: [any ComputeBackend],
        overlapping: Bool = true,
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.iterationCount = 3
        options.psfAsIs = true
        options.overlapsVolumes = overlapping
        return DeconvolutionJob(
            source: source,
            psfs: Self.psfs.prefix(source.image.channelCount).map {
                MeasuredPSF(name: "psf", volume: $0)
            },
            options: options,
            backends: { _ throws(DeconvolutionError) in
                backends.enumerated().map { NumberedBackend(number: $0.offset, backend: $0.element) }
            },
            progress: progress
        )
    }

    private static var cpu: CPUBackend { CPUBackend(threadCount: 1) }

    /// Two devices that are alike: of PoCL, or twice the CPU.
    private static let pairs: [[any ComputeBackend]] = {
        let openCL = (OpenCLDevice.all.first).flatMap { try? OpenCLBackend($0, TransformSelection(.vkfft)) }
        return [[cpu, cpu], openCL.map { [$0, $0] }].compactMap { $0 }
    }()

    @Test(arguments: pairs.indices, [1, 2])
    func resultsAreBitForBitThoseOfOneDevice(pair: Int, channelCount: Int) throws {
        let pair = Self.pairs[pair]
        let source = Self.series(8, channelCount: channelCount)
        let (alone, together) = (TestSink(), TestSink())
        _ = try job(source, [pair[0]]).run(into: alone)
        let report = try job(source, pair).run(into: together)
        #expect(alone.voxels == together.voxels)
        #expect(together.isFinished && together.planeCount == 8 * Self.shape.z)
        #expect(report.devices.map(\.number) == [0, 1])
        #expect(report.devices.reduce(0) { $0 + $1.volumeCount } == 8)
        #expect(report.devices.allSatisfy { $0.failure == nil })
        #expect(report.convergence.count == 8)

        let collection = TestCollection()
        _ = try job(source, pair).run(into: collection, writeBytes: 0)
        let inOrder = source.image.volumes.flatMap { collection.volumes[[$0.channel, $0.timepoint]] ?? [] }
        #expect(collection.isFinished)
        // A sink gets the channels of a plane together, a collection volume by volume.
        if channelCount == 1 { #expect(inOrder == alone.voxels) }
        #expect(Set(collection.order).count == 8)
    }

    @Test(arguments: [0, 1, 4, 7], [true, false])
    func aDeviceThatBreaksIsLeftOutAndItsVolumesAreComputedElsewhere(steps: Int, overlapping: Bool) throws {
        let source = Self.series(8)
        let (alone, together) = (TestCollection(), TestCollection())
        _ = try job(source, [Self.cpu]).run(into: alone, writeBytes: 0)
        let broken = FailingBackend(Self.cpu, after: steps)
        let sound = FailingBackend(Self.cpu, waitingFor: broken)
        let report = try job(source, [broken, sound], overlapping: overlapping).run(into: together, writeBytes: 0)
        #expect(alone.volumes == together.volumes && together.isFinished)
        #expect(report.devices[0].failure == "the test device broke")
        #expect(report.devices[1].volumeCount >= 5)
        #expect(
            report.warnings.contains {
                $0.text(.flag).contains("device 0") && $0.text(.flag).contains("the test device broke")
            }
        )
    }

    @Test func whereAllDevicesBreakTheRunFails() throws {
        let sink = TestSink()
        let broken = [FailingBackend(Self.cpu, after: 4), FailingBackend(Self.cpu, after: 7)]
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(Self.series(8), broken).run(into: sink)
        }
        #expect(error?.code == .deviceFailed)
        #expect(!sink.isFinished)
    }

    @Test func resultsThatAreNoNumbersAreTheDevicesFailureAndAreNotWritten() throws {
        let collection = TestCollection()
        let spoiling = FailingBackend(spoiling: Self.cpu)
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(Self.series(3), [spoiling], overlapping: false).run(into: collection, writeBytes: 0)
        }
        #expect(error?.code == .deviceFailed)
        #expect(error?.text(.flag).contains("not numbers in plane 0 of channel 0, time point 0") == true)
        #expect(collection.volumes.isEmpty && !collection.isFinished)

        // Another device computes them.
        let whole = TestCollection()
        let report = try job(Self.series(3), [spoiling, Self.cpu], overlapping: false).run(into: whole, writeBytes: 0)
        #expect(whole.volumes.count == 3 && whole.volumes.values.allSatisfy { $0.allSatisfy(\.isFinite) })
        #expect(report.devices[1].volumeCount == 3)
    }

    @Test func theOnlyDeviceThatBreaksFailsTheRun() throws {
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(Self.series(8), [FailingBackend(Self.cpu, after: 4)]).run(into: TestSink())
        }
        #expect(error?.code == .deviceFailed)
    }

    @Test func ofAllDevicesOneWithoutAContextIsLeftOutWithAWarning() throws {
        func backends(_ numbers: [Int], leavingOut isTolerant: Bool) throws -> [NumberedBackend] {
            try Devices.backends(numbers, leavingOut: isTolerant) { (number) throws(DeconvolutionError) in
                guard number.isMultiple(of: 2) else {
                    throw DeconvolutionError(.deviceFailed, "device \(number) gives no context")
                }
                return Self.cpu
            }
        }
        let left = try backends([1, 2, 3, 4], leavingOut: true)
        #expect(left.map(\.number) == [2, 4])
        let report = try DeconvolutionJob(
            source: Self.series(3),
            psfs: [MeasuredPSF(name: "psf", volume: Self.psfs[0])],
            options: DeconvolutionOptions(),
            backends: { _ throws(DeconvolutionError) in left }
        ).run(into: TestSink())
        #expect(report.devices.map(\.number) == [2, 4])
        let messages = report.warnings.map { $0.text(.flag) }
        #expect(messages.contains("device 1 cannot be used and was left out: device 1 gives no context"))
        #expect(messages.contains("device 3 cannot be used and was left out: device 3 gives no context"))
        // Where none is left, or a person has named them.
        for (numbers, isTolerant) in [([1, 3], true), ([2, 3], false)] {
            let error = #expect(throws: DeconvolutionError.self) { try backends(numbers, leavingOut: isTolerant) }
            #expect(error?.text(.flag) == "device \(isTolerant ? 1 : 3) gives no context")
        }
    }

    @Test(arguments: pairs.indices)
    func devicesThatDifferAreSaidToShowInTheLastDigits(pair: Int) throws {
        let source = Self.series(4)
        let alike = try job(source, Self.pairs[pair]).plans()
        #expect(alike.allSatisfy { !$0.warnings.contains { $0.text(.flag).contains("last digits") } })
        let other = try #require(Self.pairs.last)[0]
        let plans = try job(source, [Self.cpu, other, Self.cpu]).plans()
        let warnings = plans.flatMap(\.warnings).map { $0.text(.flag) }.filter { $0.contains("last digits") }
        let device = other.device
        #expect(
            warnings == [
                "the last digits of a volume depend on which of \(Self.cpu.device.name) and \(device.name) (\(device.driver)) "
                    + "took it; for results that are the same every time, name devices of one kind with --device"
            ]
        )
    }

    @Test func anErrorOfTheInputEndsAllDevices() throws {
        let sink = TestSink()
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(Self.series(30, failingAt: 5), [Self.cpu, Self.cpu]).run(into: sink)
        }
        #expect(error?.text(.flag) == "series.tif: volume 5 is gone")
        #expect(!sink.isFinished && sink.planeCount <= 12 * Self.shape.z)
    }

    @Test func whatIsHeldIsNotComputedAgain() throws {
        let source = Self.series(6)
        let whole = TestCollection()
        _ = try job(source, [Self.cpu]).run(into: whole, writeBytes: 0)
        let held = whole.volumes.filter { [1, 2, 4].contains($0.key[1]) }
        let rest = TestCollection(holding: held)
        let seen = Mutex<[DeconvolutionProgress]>([])
        let report = try job(source, [Self.cpu]) { progress in seen.withLock { $0.append(progress) } }
            .run(into: rest, writeBytes: 0)
        #expect(rest.volumes == whole.volumes)
        #expect(Set(rest.order) == [[0, 0], [0, 3], [0, 5]])
        #expect(report.resumedVolumeCount == 3)
        #expect(report.devices[0].volumeCount == 3)
        let progress = seen.withLock { $0 }
        #expect(progress[0].completedIterations == 9 && progress[0].totalIterations == 18)
        #expect(progress.allSatisfy { $0.resumedVolumeCount == 3 })
        #expect(progress.last?.completedIterations == 18)
        let finished = TestCollection(holding: whole.volumes)
        let nothing = try job(source, [Self.cpu]).run(into: finished, writeBytes: 0)
        #expect(finished.isFinished && finished.order.isEmpty && nothing.resumedVolumeCount == 6)
    }

    @Test func aVolumeThatCannotBeWrittenEndsTheRunAndTheOthersStay() throws {
        let collection = TestCollection(failingAt: [0, 3])
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try job(Self.series(60), [Self.cpu, Self.cpu]).run(into: collection, writeBytes: 0)
        }
        #expect(error?.code == .inputOutput)
        #expect(!collection.isFinished && collection.volumes.count < 50)
        #expect(collection.volumes.keys.contains([0, 0]))
    }

    @Test func devicesThatShareMemoryPlanWithAShareEach() throws {
        let source = Self.series(2)
        let one = try job(source, [Self.cpu]).plans()
        let two = try job(source, [Self.cpu, Self.cpu]).plans()
        #expect(one.count == 1 && two.count == 2)
        #expect(two[0].waitingVolumeCount == 5 && one[0].waitingVolumeCount == 0)
        #expect(two[0].tiles == one[0].tiles)
        // Of one volume the second device has nothing.
        #expect(try job(Self.series(1), [Self.cpu, Self.cpu]).plans().count == 1)
    }
}

/// Which device gets which volume when.
@Suite struct VolumeAgendaTests {
    private func positions(_ count: Int, channelCount: Int = 1) -> [VolumePosition] {
        (0..<count).map { VolumePosition(channel: $0 % channelCount, timepoint: $0 / channelCount) }
    }

    @Test func volumesAreGivenOutInOrderAndThoseOfWhoLeavesAgain() {
        let agenda = VolumeAgenda(positions(4), channelCount: 1, lookAhead: nil)
        let (first, second) = (VolumeAgenda.Share(of: agenda), VolumeAgenda.Share(of: agenda))
        #expect(first.take()?.timepoint == 0)
        #expect(second.take()?.timepoint == 1)
        #expect(first.take()?.timepoint == 2)
        first.finish(VolumePosition(channel: 0, timepoint: 0))
        first.leave()
        #expect(first.take() == nil)
        #expect(second.take()?.timepoint == 2)
        #expect(second.take()?.timepoint == 3)
        for timepoint in 1...3 { second.finish(VolumePosition(channel: 0, timepoint: timepoint)) }
        #expect(second.take() == nil)
    }

    @Test func nobodyGetsFurtherAheadThanResultsMayWait() async {
        let agenda = VolumeAgenda(positions(8, channelCount: 2), channelCount: 2, lookAhead: 4)
        let share = VolumeAgenda.Share(of: agenda)
        let taken = (0..<4).map { _ in share.take()! }
        #expect(taken.map { $0.number(channelCount: 2) } == [0, 1, 2, 3])
        // The second time point is whole and the first is not: nothing more.
        let next = Task.detached { share.take() }
        share.finish(taken[2])
        share.finish(taken[3])
        share.finish(taken[0])
        usleep(20_000)
        share.finish(taken[1])
        #expect(await next.value?.number(channelCount: 2) == 4)
    }

    @Test func whoWaitsForOthersIsWokenByAFailure() async {
        let agenda = VolumeAgenda(positions(1), channelCount: 1, lookAhead: nil)
        let (first, second) = (VolumeAgenda.Share(of: agenda), VolumeAgenda.Share(of: agenda))
        _ = first.take()
        let waiting = Task.detached { second.take() }
        usleep(20_000)
        agenda.fail(DeconvolutionError(.inputOutput, "gone"))
        #expect(await waiting.value == nil)
        let error = #expect(throws: DeconvolutionError.self) { try agenda.check() }
        #expect(error?.text(.flag) == "gone")
    }
}
