import COpenCL
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice
@testable import DeconvPipeline

/// What a run does after a device failed it: with less memory, in a new context, or with another FFT library.
@Suite struct RecoveryTests {
    private static let shape = VolumeShape(z: 12, y: 40, x: 48)
    private static let volumes = (1...3).map { number in
        var generator = SeededGenerator(seed: UInt64(number))
        return VoxelData.uint16((0..<shape.voxelCount).map { _ in UInt16(10 + 900 * generator.uniform()) })
    }
    private static var cpu: CPUBackend { CPUBackend(threadCount: 2) }

    private func run(
        _ backend: any ComputeBackend,
        overlapping: Bool = false,
        fft: FFTChoice = .auto,
        wanted: DeconvolutionOptions.Backend = .auto,
        method: MethodName = .richardsonLucy,
        count: Int = 1
    ) throws -> (volumes: [[Int]: [Float]], report: RunReport) {
        var options = DeconvolutionOptions()
        options.method = method
        if method == .richardsonLucy { options.iterationCount = 3 }
        options.psfAsIs = true
        options.fft = fft
        options.backend = wanted
        options.overlapsVolumes = overlapping
        let psf = GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: [0.7, 0.9, 1.1])
        let job = DeconvolutionJob(
            source: TestSeries(Array(Self.volumes.prefix(count)), shape: Self.shape, channelCount: 1),
            psfs: [MeasuredPSF(name: "psf", volume: psf)],
            options: options,
            backends: { _ throws(DeconvolutionError) in [NumberedBackend(number: 0, backend: backend)] }
        )
        let collection = TestCollection()
        let report = try job.run(into: collection, writeBytes: 0)
        return (collection.volumes, report)
    }

    private static func failure(_ call: String, _ status: Int32) -> DeconvolutionError {
        OpenCLError(call: call, status: OpenCLStatus(status)).deconvolutionError(on: "GPU")
    }

    /// A card of 150 GB of which others left next to nothing: half of what a plan takes is planned next, and not half of the card.
    @Test func whereMemoryRunsOutTheNextPlanTakesLessThanTheOneThatFailed() throws {
        let whole = try run(Self.cpu).volumes
        let crowded = FailingBackend(Self.cpu, saying: 150 << 30, holding: 12 << 10)
        let (tiled, report) = try run(crowded)
        for (key, voxels) in whole { #expect(relativeRMSE(try #require(tiled[key]), voxels) < 2e-6) }
        let messages = report.warnings.map(\.message).filter { $0.contains("ran out of memory") }
        // The first is of tiles that take the place of one piece, the others of smaller ones.
        #expect(messages.first?.contains("went on in tiles of ") == true)
        #expect(
            messages.count >= 2 && messages.dropFirst().allSatisfy { $0.contains("went on with smaller tiles, of ") }
        )
        #expect(Set(messages).count == messages.count)
    }

    @Test func noTileIsSaidToBeSmallerWhereVolumesOnlyCeaseToOverlap() throws {
        let error = DeconvolutionError(.outOfMemory, "the test device has too little memory")
        let once = FailingBackend(Self.cpu, after: 1, failing: error, times: 1)
        let (volumes, report) = try run(once, overlapping: true, count: 3)
        #expect(volumes == (try run(Self.cpu, count: 3).volumes))
        let messages = report.warnings.map(\.message).filter { $0.contains("ran out of memory") }
        #expect(messages == ["\(Self.cpu.device.name) ran out of memory; went on with one volume at a time"])
    }

    @Test func whereNothingSmallerFitsTheErrorIsTheDevices() throws {
        let full = FailingBackend(Self.cpu, saying: 150 << 30, holding: 1000)
        let error = #expect(throws: DeconvolutionError.self) { _ = try run(full) }
        #expect(error?.code == .outOfMemory)
        #expect(error?.message.contains("has no memory for") == true)
    }

    /// NVIDIA's drivers say these after a fault, at whichever call comes next, and the context is of no use any more.
    @Test(
        arguments: [
            ("clFinish", CL_OUT_OF_RESOURCES), ("clWaitForEvents", CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
            ("clEnqueueNDRangeKernel of take_ratio", CL_INVALID_COMMAND_QUEUE),
        ]
    )
    func aContextThatMayBeBrokenIsExchanged(call: String, status: Int32) throws {
        let once = FailingBackend(Self.cpu, after: 1, failing: Self.failure(call, status), times: 1)
        let (volumes, report) = try run(once)
        #expect(once.renewalCount == 1)
        #expect(volumes == (try run(Self.cpu).volumes))
        #expect(
            report.warnings.map(\.message).contains(
                "\(Self.cpu.device.name): \(call) returned \(OpenCLStatus(status)); went on in a new context"
            )
        )
        #expect(!report.warnings.contains { $0.message.contains("memory") })
    }

    /// Which number of iterations is best does not depend on where that is found out.
    @Test func whereADeviceFailsMeanwhileTheCPUFindsTheIterations() throws {
        let device = try #require(TestBackend.openCL.first).make()
        let error = DeconvolutionError(.deviceFailed, "the test device broke")
        let once = FailingBackend(device, after: 1, failing: error, times: 1)
        let (volumes, report) = try run(once, method: .auto)
        let (expected, onCPU) = try run(Self.cpu, method: .auto)
        #expect(report.tunings.map(\.tuning) == onCPU.tunings.map(\.tuning) && report.tunings.count == 1)
        for (key, voxels) in expected { #expect(relativeRMSE(try #require(volumes[key]), voxels) < 1e-4) }
        #expect(throws: DeconvolutionError.self) {
            let again = FailingBackend(device, after: 1, failing: error, times: 1)
            _ = try run(again, wanted: .opencl, method: .auto)
        }
    }

    @Test func aContextThatBreaksAgainIsGivenLessToDoAndThenUp() throws {
        let error = Self.failure("clFinish", CL_OUT_OF_RESOURCES)
        let twice = FailingBackend(Self.cpu, after: 1, failing: error, times: 2)
        let report = try run(twice).report
        #expect(twice.renewalCount == 2)
        #expect(report.warnings.contains { $0.message.contains("went on in a new context, in tiles of ") })

        let broken = FailingBackend(Self.cpu, after: 0, failing: error, times: 99, whenMade: true)
        let last = #expect(throws: DeconvolutionError.self) { _ = try run(broken) }
        #expect(last?.code == .deviceFailed)
        #expect(last?.description.hasSuffix(": clFinish returned CL_OUT_OF_RESOURCES") == true)
        #expect(last?.message.contains("too little free memory") == false)
        #expect((3...9).contains(broken.renewalCount))
    }

    /// Who leaves the choice to the program gets a result; who named the device is told.
    @Test func whereTheDeviceThatWasChosenDoesNotWorkTheCPUTakesOver() throws {
        let openCL = try OpenCLBackend(try #require(OpenCLDevice.all.first), TransformSelection(.vkfft))
        let (wanted, _) = try run(Self.cpu, count: 2)
        let (volumes, report) = try run(FailingBackend(openCL, after: 0), count: 2)
        #expect(volumes == wanted)
        #expect(report.device.backend == .cpu && report.devices.map(\.volumeCount) == [2] && report.fft == .fftw)
        #expect(report.warnings.map(\.kind) == [.deviceLeftOut])
        #expect(
            report.warnings.first?.message.hasSuffix("the CPU took over, which takes longer: the test device broke")
                == true
        )

        // Of three iterations a volume: the first volume is done.
        let later = try run(FailingBackend(openCL, after: 4), count: 2)
        for (key, voxels) in wanted { #expect(relativeRMSE(try #require(later.volumes[key]), voxels) < 2e-6) }
        #expect(later.report.devices.map(\.volumeCount) == [1, 1] && later.report.devices.map(\.number) == [0, 0])
        #expect(later.report.devices.first?.failure == "the test device broke")

        let error = #expect(throws: DeconvolutionError.self) {
            _ = try run(FailingBackend(openCL, after: 0), wanted: .opencl)
        }
        #expect(error?.message == "the test device broke")
    }

    @Test func wrongTransformsGiveWayToAnotherLibraryUnlessOneWasAskedFor() throws {
        let wrong = DeconvolutionError(
            .deviceFailed,
            "clFFT gives wrong results",
            cause: WrongTransforms(description: "clFFT gave 3 where 2 is right")
        )
        let once = FailingBackend(Self.cpu, after: 1, failing: wrong, times: 1)
        let (volumes, report) = try run(once)
        #expect(volumes == (try run(Self.cpu).volumes))
        #expect(
            report.warnings.contains {
                $0.message.contains("clFFT gave 3 where 2 is right; began anew with another FFT library")
            }
        )
        let named = FailingBackend(Self.cpu, after: 1, failing: wrong, times: 1)
        let error = #expect(throws: DeconvolutionError.self) { _ = try run(named, fft: .clfft) }
        #expect(error?.message == "clFFT gives wrong results")
    }
}
