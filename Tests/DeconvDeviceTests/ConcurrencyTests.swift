import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Dispatch
import Synchronization
import Testing

@Suite struct ConcurrencyTests {
    /// Plans, contexts and kernels are made while others run; every workspace must give what it gives alone.
    @Test(arguments: TestBackend.all)
    func workspacesOnManyThreadsGiveWhatTheyGiveAlone(backend: TestBackend) throws {
        let cases: [(image: VolumeShape, psf: VolumeShape, boundary: BoundaryMode)] = [
            (VolumeShape(z: 10, y: 18, x: 15), VolumeShape(z: 5, y: 6, x: 7), .extend),
            (VolumeShape(z: 8, y: 16, x: 13), VolumeShape(z: 6, y: 7, x: 4), .zero),
            (VolumeShape(z: 1, y: 29, x: 20), VolumeShape(z: 1, y: 6, x: 7), .extend),
            (VolumeShape(z: 14, y: 24, x: 28), VolumeShape(z: 4, y: 5, x: 8), .periodic),
        ]
        @Sendable func project(_ number: Int) throws -> [Float] {
            let (image, psf, boundary) = cases[number % cases.count]
            // Half of them share a context, half have their own.
            let made = try number % 2 == 0 ? backend.make() : backend.makeNew()
            let engine = try TestEngine(made, image: image, psf: TestImage.psf(psf), boundary: boundary)
            var result: [Float] = []
            for seed in 1...3 as ClosedRange<UInt64> {
                let estimate = TestImage.random(engine.geometry.domain.shape.voxelCount, seed: seed)
                let blurred = try engine.forwardProject(estimate)
                result += blurred
                result += try engine.backProject(blurred.map { max($0, 0) })
            }
            return result
        }
        let alone = try (0..<cases.count).map { try project($0) }

        let outcomes = Mutex<[Int: Result<[Float], any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: 12) { number in
            let outcome = Result { try project(number) }
            outcomes.withLock { $0[number] = outcome }
        }
        for (number, outcome) in outcomes.withLock({ $0 }) {
            #expect(try outcome.get() == alone[number % cases.count], "workspace \(number)")
        }
    }

    /// A plane belongs to one thread and sums are taken in the order of planes, so the threads do not show.
    @Test(arguments: [2, 3, 5])
    func threadsOfTheCPUBackEndGiveTheSameBits(threadCount: Int) throws {
        func project(_ backend: CPUBackend) throws -> [Float] {
            let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
            let engine = try TestEngine(backend, image: VolumeShape(z: 10, y: 18, x: 15), psf: psf, boundary: .extend)
            let estimate = TestImage.random(engine.geometry.domain.shape.voxelCount, seed: 1)
            let blurred = try engine.forwardProject(estimate)
            return try blurred + engine.backProject(blurred.map { max($0, 0) })
        }
        #expect(try project(CPUBackend(threadCount: threadCount)) == project(CPUBackend(threadCount: 1)))
    }
}
