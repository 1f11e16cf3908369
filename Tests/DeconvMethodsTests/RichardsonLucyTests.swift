import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Properties of the method, and of the engines that run it.
@Suite struct RichardsonLucyTests {
    private static let shape = VolumeShape(z: 10, y: 18, x: 15)
    private static let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
    private static let flatShape = VolumeShape(z: 1, y: 29, x: 20)
    private static let flatPSF = TestImage.psf(VolumeShape(z: 1, y: 6, x: 7))

    /// The image that a boundary is tested with: a periodic one has the size of the transform.
    private static func shape(_ boundary: BoundaryMode, isFlat: Bool) -> VolumeShape {
        boundary == .periodic ? TestEngine.sharedWorkShape(isFlat: isFlat) : isFlat ? flatShape : shape
    }

    /// With W = 1 / H'1 an update never raises D(g‖Hx + b): Shepp and Vardi 1982. `zero` has W = 1 and promises nothing.
    @Test(
        arguments: TestBackend.all,
        [BoundaryMode.extend, .edge, .reflect, .periodic]
    )
    func divergenceNeverRisesFromAFlatStart(backend: TestBackend, boundary: BoundaryMode) throws {
        for (background, isFlat) in [(0, false), (12, false), (0, true), (12, true)] as [(Double, Bool)] {
            let shape = Self.shape(boundary, isFlat: isFlat)
            let psf = isFlat ? Self.flatPSF : Self.psf
            let observed = TestImage.observed(shape, psf: psf, background: background)
            let engine = try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary)
            for start in [StartingEstimate.flat, .observed] {
                let method = RichardsonLucy(
                    iterationCount: 40,
                    background: background,
                    start: start,
                    divergenceInterval: 1
                )
                let divergence = try engine.deconvolve(.float32(observed), method, part: .frame).divergence
                #expect(divergence.count == 40)
                expectFalling(divergence, "\(start), background \(background)")
            }
        }
    }

    /// The first three updates of a start from light have another aim, but end nearer to the image than a flat start.
    @Test(arguments: TestBackend.all, [BoundaryMode.extend, .edge, .reflect, .periodic])
    func divergenceFallsFromAStartFromLight(backend: TestBackend, boundary: BoundaryMode) throws {
        let shape = Self.shape(boundary, isFlat: false)
        let observed = TestImage.observed(shape, psf: Self.psf, background: 12)
        let engine = try TestEngine(backend.make(), image: shape, psf: Self.psf, boundary: boundary)
        func divergence(_ start: StartingEstimate) throws -> [Double] {
            let method = RichardsonLucy(iterationCount: 30, background: 12, start: start, divergenceInterval: 1)
            return try engine.deconvolve(.float32(observed), method, part: .frame).divergence
        }
        let (light, flat) = try (divergence(.light), divergence(.flat))
        expectFalling(light, "light")
        #expect(abs(light[0] - flat[0]) <= 1e-6 * flat[0])
        #expect(light[3] < flat[3])
    }

    private func expectFalling(_ divergence: [Double], _ what: String, _ location: SourceLocation = #_sourceLocation) {
        for (iteration, (before, after)) in zip(divergence, divergence.dropFirst()).enumerated() {
            #expect(
                after <= before * (1 + 1e-6),
                "\(what): \(before) then \(after) after iteration \(iteration + 1)",
                sourceLocation: location
            )
        }
        #expect(divergence.last! < divergence[0], sourceLocation: location)
    }

    /// From the first update on, whatever the start and however few the updates, and nowhere else.
    @Test(arguments: TestBackend.all, StartingEstimate.allCases)
    func nothingIsEstimatedWhereNothingIsSeen(backend: TestBackend, start: StartingEstimate) throws {
        let engine = try TestEngine(backend.make(), image: Self.shape, psf: Self.psf, boundary: .extend)
        let blur = DirectConvolution(Self.psf, frame: Self.shape, boundary: .extend)
        let sensitivity = blur.backward([Double](repeating: 1, count: Self.shape.voxelCount))
        let threshold = 0.01 * sensitivity.max()!
        #expect(sensitivity.filter { $0 < threshold }.count > 50)
        // Beside one bright point, the updates of a start from light would take the rest below 0.
        var observed = [Float](repeating: 10, count: Self.shape.voxelCount)
        observed[Self.shape.voxelCount / 2] = 1e4
        for iterationCount in [1, 2, 3, 4] {
            let method = RichardsonLucy(iterationCount: iterationCount, background: 9.5, start: start)
            let estimate = try engine.deconvolve(.float32(observed), method, part: .domain).estimate
            for (value, seen) in zip(estimate, sensitivity) where abs(seen / threshold - 1) > 1e-3 {
                #expect(seen > threshold ? value > 0 : value == 0)
            }
        }
    }

    @Test(arguments: TestBackend.openCL, [PixelType.uint8, .uint16, .float32])
    func devicesAgreeWithTheCPU(backend: TestBackend, type: PixelType) throws {
        for boundary in BoundaryMode.allCases {
            for isFlat in [false, true] {
                let shape = Self.shape(boundary, isFlat: isFlat)
                let psf = isFlat ? Self.flatPSF : Self.psf
                let observed = TestImage.observed(shape, psf: psf, background: 12)
                let stored: VoxelData =
                    switch type {
                    case .uint8: .uint8(observed.map { UInt8($0) })
                    case .uint16: .uint16(observed.map { UInt16($0 * 200) })
                    default: .float32(observed.map { $0 * 1.7 - 3 })
                    }
                let scale = type == .uint8 ? 1.0 : type == .uint16 ? 200 : 1.7
                let method = RichardsonLucy(
                    iterationCount: 10,
                    background: 10 * scale,
                    readNoise: 2 * scale,
                    divergenceInterval: 3
                )
                func run(_ backend: TestBackend) throws -> (estimate: [Float], divergence: [Double]) {
                    try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary, pixelType: type)
                        .deconvolve(stored, method)
                }
                let (device, cpu) = try (run(backend), run(.cpu))
                #expect(relativeRMSE(device.estimate, cpu.estimate) <= 1e-5, "\(boundary), flat \(isFlat)")
                #expect(device.divergence.count == 5)
                for (a, b) in zip(device.divergence, cpu.divergence) { #expect(abs(a - b) <= 1e-4 * b) }
            }
        }
    }

    @Test(arguments: BoundaryMode.allCases)
    func theNumberOfThreadsChangesNoBit(boundary: BoundaryMode) throws {
        let shape = Self.shape(boundary, isFlat: false)
        let observed = VoxelData.float32(TestImage.observed(shape, psf: Self.psf, background: 12))
        let method = RichardsonLucy(iterationCount: 10, background: 10, divergenceInterval: 1)
        func run(threads: Int) throws -> (estimate: [Float], divergence: [Double]) {
            let backend = CPUBackend(threadCount: threads)
            return try TestEngine(backend, image: shape, psf: Self.psf, boundary: boundary).deconvolve(observed, method)
        }
        let one = try run(threads: 1)
        for threads in [2, 3, 5] { #expect(try run(threads: threads) == one, "\(threads) threads") }
    }

    @Test(arguments: TestBackend.all, BoundaryMode.allCases)
    func tilesGiveWhatOnePieceGives(backend: TestBackend, boundary: BoundaryMode) throws {
        let shape = VolumeShape(z: boundary == .periodic ? 14 : 6, y: 20, x: 18)
        let psf = TestImage.psf(VolumeShape(z: 3, y: 4, x: 5))
        let observed = VoxelData.float32(TestImage.observed(shape, psf: psf, background: 12))
        func run(_ backend: TestBackend, core: VolumeShape?, _ start: StartingEstimate) throws -> [Float] {
            let method = RichardsonLucy(iterationCount: 5, background: 10, start: start)
            return try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary, core: core)
                .deconvolve(observed, method).estimate
        }
        for start in StartingEstimate.allCases {
            let tiled = try run(backend, core: VolumeShape(z: 5, y: 7, x: 9), start)
            #expect(tiled.allSatisfy { $0.isFinite && $0 >= 0 })
            #expect(try relativeRMSE(tiled, run(.cpu, core: nil, start)) <= 1e-5)
        }
    }

    // MARK: Sensitivity

    /// A flat field of 0.5 to 1.5 with one voxel in seven bad.
    private static func sensitivity(_ shape: VolumeShape) -> [Float] {
        TestImage.random(shape.voxelCount, seed: 21).enumerated().map { $0.offset % 7 == 3 ? 0 : $0.element + 0.5 }
    }

    @Test(arguments: TestBackend.all, BoundaryMode.allCases)
    func aSensitivityOfOneChangesNothing(backend: TestBackend, boundary: BoundaryMode) throws {
        let shape = Self.shape(boundary, isFlat: false)
        let observed = VoxelData.float32(TestImage.observed(shape, psf: Self.psf, background: 12))
        let ones = [Float](repeating: 1, count: shape.voxelCount)
        for start in StartingEstimate.allCases {
            let method = RichardsonLucy(
                iterationCount: 5,
                background: 10,
                readNoise: 2,
                start: start,
                divergenceInterval: 1
            )
            let engine = try TestEngine(backend.make(), image: shape, psf: Self.psf, boundary: boundary)
            let without = try engine.deconvolve(observed, method)
            let with = try engine.deconvolve(observed, sensitivity: ones, method, background: 10)
            #expect(relativeRMSE(with.estimate, without.estimate) <= 1e-6)
            for (a, b) in zip(with.divergence, without.divergence) { #expect(abs(a - b) <= 1e-5 * b) }
        }
    }

    /// W = 1 / (H'f) keeps the promise of the plain method where f is not 1.
    @Test(arguments: TestBackend.all, [BoundaryMode.extend, .edge, .reflect, .periodic])
    func divergenceNeverRisesWithBadVoxels(backend: TestBackend, boundary: BoundaryMode) throws {
        let shape = Self.shape(boundary, isFlat: false)
        let sensitivity = Self.sensitivity(shape)
        let observed = zip(TestImage.observed(shape, psf: Self.psf, background: 12), sensitivity).map { $0 * $1 }
        let engine = try TestEngine(backend.make(), image: shape, psf: Self.psf, boundary: boundary)
        for start in [StartingEstimate.flat, .observed] {
            let method = RichardsonLucy(iterationCount: 40, background: 9, start: start, divergenceInterval: 1)
            let result = try engine.deconvolve(
                .float32(observed),
                sensitivity: sensitivity,
                method,
                background: 9,
                part: .frame
            )
            #expect(result.divergence.count == 40)
            expectFalling(result.divergence, "\(start)")
        }
    }

    @Test(arguments: TestBackend.all, [PixelType.uint8, .uint16, .float32])
    func badVoxelsMayHoldAnything(backend: TestBackend, type: PixelType) throws {
        let sensitivity = Self.sensitivity(Self.shape)
        let voxels = TestImage.observed(Self.shape, psf: Self.psf, background: 12)
        func stored(_ filler: Float) -> VoxelData {
            let voxels = zip(voxels, sensitivity).map { $1 > 0 ? $0 : filler }
            return switch type {
            case .uint8: .uint8(voxels.map { UInt8($0) })
            case .uint16: .uint16(voxels.map { UInt16($0) })
            default: .float32(voxels)
            }
        }
        for start in StartingEstimate.allCases {
            let method = RichardsonLucy(iterationCount: 5, background: 10, start: start, divergenceInterval: 1)
            func run(_ filler: Float, core: VolumeShape?) throws -> (estimate: [Float], divergence: [Double]) {
                let engine = try TestEngine(
                    backend.make(),
                    image: Self.shape,
                    psf: Self.psf,
                    boundary: .extend,
                    pixelType: type,
                    core: core
                )
                return try engine.deconvolve(stored(filler), sensitivity: sensitivity, method, background: 10)
            }
            let dark = try run(0, core: nil)
            #expect(try run(255, core: nil) == dark)
            let tiled = try run(255, core: VolumeShape(z: 5, y: 7, x: 9))
            #expect(relativeRMSE(tiled.estimate, dark.estimate) <= 1e-5)
        }
    }
}
