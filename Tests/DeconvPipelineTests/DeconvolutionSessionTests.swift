import DeconvDevice
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Dispatch
import Synchronization
import Testing

@testable import DeconvPipeline

/// What a session keeps changes no result, and is used by one run at a time.
@Suite struct DeconvolutionSessionTests {
    private static let shape = VolumeShape(z: 12, y: 20, x: 24)

    private static func psf(_ sigma: Double) -> Volume {
        GaussianPSF.normalized(shape: VolumeShape(z: 3, y: 5, x: 5), sigma: [sigma, sigma, sigma])
    }

    private static func image(_ seed: UInt64, shape: VolumeShape = shape) -> [UInt16] {
        var generator = SeededGenerator(seed: seed)
        return (0..<shape.voxelCount).map { _ in UInt16(10 + 900 * generator.uniform()) }
    }

    /// A back end that counts the workspaces that were made.
    private final class CountingBackend: ComputeBackend {
        private let backend: any ComputeBackend
        private let counter = Atomic(0)

        init(_ backend: any ComputeBackend) { self.backend = backend }

        var count: Int { counter.load(ordering: .relaxed) }
        var device: DeviceDescription { backend.device }
        var freeMemory: MemoryBudget { backend.freeMemory }
        var padding: FFTPadding { backend.padding }
        func transformBytes(_ geometry: WorkGeometry) -> TransformBytes { backend.transformBytes(geometry) }

        func measureCopyRate() throws(DeconvolutionError) -> Double { try backend.measureCopyRate() }

        func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
            counter.add(1, ordering: .relaxed)
            return try backend.makeWorkspace(layout)
        }
    }

    /// True the first time.
    private final class Once: Sendable {
        private let isTaken = Atomic(false)

        func take() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
    }

    private func job(
        _ image: [UInt16],
        _ psf: Volume,
        on backend: any ComputeBackend,
        mask: Volume? = nil,
        tile: VolumeShape? = nil,
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.iterationCount = 3
        options.psfAsIs = true
        options.tileShape = tile
        return DeconvolutionJob(
            source: ArraySource(.uint16(image), shape: Self.shape),
            psfs: [MeasuredPSF(name: "psf", volume: psf)],
            sensitivity: Sensitivity(mask: mask),
            options: options,
            backends: { _ throws(DeconvolutionError) in [NumberedBackend(number: 0, backend: backend)] },
            progress: progress
        )
    }

    private func result(_ job: DeconvolutionJob, _ session: DeconvolutionSession?) throws -> [Float] {
        let collection = TestCollection()
        if let session {
            _ = try session.run(job, into: collection)
        } else {
            _ = try job.run(into: collection, writeBytes: 0)
        }
        return try #require(collection.volumes[[0, 0]])
    }

    /// With one library: `auto` may find out meanwhile that another one is faster.
    private static let backends: [any ComputeBackend] = {
        let openCL: (any ComputeBackend)? = OpenCLDevice.all.first.flatMap {
            try? OpenCLBackend($0, TransformSelection(.vkfft))
        }
        return [CPUBackend(threadCount: 1)] + (openCL.map { [$0] } ?? [])
    }()

    @Test(arguments: backends.indices)
    func resultsAreBitForBitThoseOfRunsAlone(backend: Int) throws {
        let backend = CountingBackend(Self.backends[backend])
        let session = DeconvolutionSession()
        for (seed, sigma) in [(1, 0.8), (2, 0.8), (3, 1.1), (4, 0.8)] {
            let (image, psf) = (Self.image(UInt64(seed)), Self.psf(sigma))
            let kept = try result(job(image, psf, on: backend), session)
            #expect(try result(job(image, psf, on: backend), nil) == kept)
        }
    }

    @Test func aRunLikeTheLastSetsNothingUp() throws {
        let backend = CountingBackend(CPUBackend(threadCount: 1))
        let session = DeconvolutionSession()
        for seed in 1...4 { _ = try result(job(Self.image(UInt64(seed)), Self.psf(0.8), on: backend), session) }
        #expect(backend.count == 1)
        // Another PSF of the same shape needs another transfer function only.
        _ = try result(job(Self.image(1), Self.psf(1.1), on: backend), session)
        #expect(backend.count == 1)
        session.clear()
        _ = try result(job(Self.image(1), Self.psf(1.1), on: backend), session)
        #expect(backend.count == 2)
    }

    /// Masks have no names to tell them apart by.
    @Test func masksOfEarlierRunsAreForgotten() throws {
        let session = DeconvolutionSession()
        let backend = CPUBackend(threadCount: 1)
        for bad in [0, 1000, 2000] {
            var mask = Volume(shape: Self.shape, voxels: [Float](repeating: 1, count: Self.shape.voxelCount))
            for voxel in bad..<bad + 300 { mask.voxels[voxel] = 0 }
            let (image, psf) = (Self.image(5), Self.psf(0.8))
            let kept = try result(job(image, psf, on: backend, mask: mask), session)
            #expect(try result(job(image, psf, on: backend, mask: mask), nil) == kept)
        }
    }

    /// Tiles hold on to the run that they were made for.
    @Test func aRunInTilesIsStoppedByItsOwnRequest() throws {
        let session = DeconvolutionSession()
        let backend = CPUBackend(threadCount: 1)
        let tile = VolumeShape(z: 6, y: 10, x: 12)
        let first = job(Self.image(6), Self.psf(0.8), on: backend, tile: tile)
        let expected = try result(first, session)
        first.description.cancellation.cancel()
        #expect(try result(job(Self.image(6), Self.psf(0.8), on: backend, tile: tile), session) == expected)
        let stopped = job(Self.image(6), Self.psf(0.8), on: backend, tile: tile)
        stopped.description.cancellation.cancel()
        let error = #expect(throws: DeconvolutionError.self) { _ = try result(stopped, session) }
        #expect(error?.code == .cancelled)
    }

    @Test func manyThreadsTakeTurns() throws {
        let session = DeconvolutionSession()
        let backend = CountingBackend(CPUBackend(threadCount: 1))
        let expected = try (1...4).map { try result(job(Self.image(UInt64($0)), Self.psf(0.8), on: backend), nil) }
        let made = backend.count
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 24) { number in
            let job = job(Self.image(UInt64(number % 4 + 1)), Self.psf(0.8), on: backend)
            if (try? result(job, session)) != expected[number % 4] { wrong.withLock { $0 += 1 } }
        }
        #expect(wrong.withLock { $0 } == 0)
        #expect(backend.count == made + 1)
    }

    @Test func whoWaitsCanBeStopped() throws {
        let session = DeconvolutionSession()
        let backend = CPUBackend(threadCount: 1)
        let holds = DispatchSemaphore(value: 0)
        let mayEnd = DispatchSemaphore(value: 0)
        let isFirst = Once()
        let first = job(Self.image(1), Self.psf(0.8), on: backend) { progress in
            guard progress.stage == .computing, isFirst.take() else { return }
            holds.signal()
            mayEnd.wait()
        }
        let done = DispatchGroup()
        DispatchQueue(label: "test").async(group: done) { _ = try? result(first, session) }
        holds.wait()
        let request = Cancellation()
        var options = DeconvolutionOptions()
        options.psfAsIs = true
        let second = DeconvolutionJob(
            source: ArraySource(.uint16(Self.image(2)), shape: Self.shape),
            psfs: [MeasuredPSF(name: "psf", volume: Self.psf(0.8))],
            options: options,
            cancellation: request,
            backends: { _ throws(DeconvolutionError) in [NumberedBackend(number: 0, backend: backend)] },
            progress: { if $0.stage == .waiting { request.cancel() } }
        )
        let error = #expect(throws: DeconvolutionError.self) { _ = try result(second, session) }
        #expect(error?.code == .cancelled)
        mayEnd.signal()
        done.wait()
    }

    /// A driver that fails once is asked for another context.
    @Test func aDeviceThatFailedIsOpenedAnew() throws {
        let session = DeconvolutionSession()
        let opened = Mutex(0)
        func job(failing: Bool) -> DeconvolutionJob {
            var options = DeconvolutionOptions()
            options.iterationCount = 3
            options.psfAsIs = true
            return DeconvolutionJob(
                source: ArraySource(.uint16(Self.image(1)), shape: Self.shape),
                psfs: [MeasuredPSF(name: "psf", volume: Self.psf(0.8))],
                options: options,
                backends: { _ throws(DeconvolutionError) in
                    opened.withLock { $0 += 1 }
                    let cpu = CPUBackend(threadCount: 1)
                    return [NumberedBackend(number: 0, backend: failing ? FailingBackend(cpu, after: 1) : cpu)]
                }
            )
        }
        let error = #expect(throws: DeconvolutionError.self) { _ = try result(job(failing: true), session) }
        #expect(error?.code == .deviceFailed)
        let after = try result(job(failing: false), session)
        #expect(opened.withLock { $0 } == 2)
        #expect(try result(job(failing: false), nil) == after)
    }
}
