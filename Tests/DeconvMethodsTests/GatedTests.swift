import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The gated method against its formula in double precision, in one piece and in tiles.
@Suite struct GatedTests {
    private static let iterationCount = 8

    @Test(arguments: TestBackend.all)
    func estimateIsThatOfTheFormula(backend: TestBackend) throws {
        let cases = [(BoundaryMode.extend, false), (.extend, true), (.periodic, false), (.periodic, true)]
        for (boundary, hasSensitivity) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            for noise in [nil, PhotonNoise(gain: 2.5, level: 4, darkVariance: 3)] {
                let expected = Self.reference(item, engine, noise ?? PhotonNoise(gain: 1))
                let tuning = MethodTuning(stepCount: Self.iterationCount, noise: noise)
                for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                    let result = try item.deconvolve(
                        item.engine(backend, core: core),
                        item.method(.gated, iterationCount: Self.iterationCount),
                        tuning: tuning
                    )
                    let error = relativeRMSE(result.estimate, expected)
                    #expect(error <= 1e-4, "\(core as Any), \(boundary), \(hasSensitivity), \(noise as Any)")
                    #expect(result.divergence.count == Self.iterationCount)
                }
            }
        }
    }

    @Test(arguments: TestBackend.withPasses)
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        let item = MethodCase(.extend, isFlat: true)
        let engine = try item.engine(backend)
        let result = try item.deconvolve(
            engine,
            item.method(.gated, iterationCount: Self.iterationCount),
            tuning: MethodTuning(stepCount: Self.iterationCount)
        )
        #expect(relativeRMSE(result.estimate, Self.reference(item, engine, PhotonNoise(gain: 1))) <= 1e-4)
    }

    /// Where every change is noise nothing changes, and where none is the method is Richardson-Lucy's.
    @Test func theGateShutsAndOpens() throws {
        let item = MethodCase(.extend)
        func run(_ method: any DeconvolutionMethod, gain: Double) throws -> [Float] {
            func run(_ method: some DeconvolutionMethod) throws -> [Float] {
                let tuning = MethodTuning(stepCount: Self.iterationCount, noise: PhotonNoise(gain: gain))
                return try item.deconvolve(item.engine(.cpu), method, tuning: tuning).estimate
            }
            return try run(method)
        }
        let shut = try run(item.method(.gated), gain: 1e6)
        #expect(shut.allSatisfy { abs(Double($0) - item.light) <= 1e-5 * item.light })
        let plain = RichardsonLucy(
            iterationCount: Self.iterationCount,
            background: item.background,
            start: .flat,
            acceleration: .heavyBall
        )
        #expect(try relativeRMSE(run(item.method(.gated), gain: 1e-9), run(plain, gain: 1)) <= 1e-4)
    }

    @Test func theNumberOfThreadsChangesNoBit() throws {
        let item = MethodCase(.extend, hasSensitivity: true)
        func run(threads: Int) throws -> [Float] {
            let engine = try TestEngine(
                CPUBackend(threadCount: threads),
                image: item.shape,
                psf: item.psf,
                boundary: .extend
            )
            return try item.deconvolve(engine, item.method(.gated)).estimate
        }
        let one = try run(threads: 1)
        for threads in [2, 3] { #expect(try run(threads: threads) == one, "\(threads) threads") }
    }

    /// From the mean, on the frame.
    private static func reference(_ item: MethodCase, _ engine: TestEngine, _ noise: PhotonNoise) -> [Float] {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        let seen = blur.backward(weights)
        let normalization = seen.map { $0 > 0.01 * seen.max()! ? 1 / $0 : 0 }
        var squared = item.psf
        squared.voxels = squared.voxels.map { $0 * $0 }
        let spread = DirectConvolution(squared, frame: frame.shape, boundary: item.boundary).backward(weights)
        let sizes = Self.boxSizes(item.psf)
        /// The place of the nearest voxel of the frame, in the frame.
        func nearest(_ voxel: Int) -> Int {
            let place = [voxel / (domain.y * domain.x), voxel / domain.x % domain.y, voxel % domain.x]
            let near = (0..<3).map { min(max(place[$0] - frame.origin[$0], 0), frame.shape[$0] - 1) }
            return (near[0] * frame.shape.y + near[1]) * frame.shape.x + near[2]
        }
        func update(_ point: [Double]) -> [Double] {
            let light = blur.forward(point)
            let ratio = observed.indices.map { voxel in
                weights[voxel] * observed[voxel] / max(weights[voxel] * light[voxel] + item.background, 1e-9)
            }
            let change = zip(blur.backward(ratio), normalization).map { $1 > 0 ? max($0 * $1, 0) - 1 : 0 }
            let variance = point.indices.map { voxel in
                let counts = light[nearest(voxel)] + item.background
                let square = normalization[voxel] * normalization[voxel]
                return square * spread[voxel] * max(noise.variance(counts), 0) / (counts * counts)
            }
            let means = (Self.box(variance, domain, sizes), Self.box(change.map { $0 * $0 }, domain, sizes))
            return point.indices.map { voxel in
                guard normalization[voxel] > 0 else { return 0 }
                let gate = min(max(1 - means.0[voxel] / max(means.1[voxel], 1e-20), 0), 1)
                return point[voxel] * (1 + gate * change[voxel])
            }
        }
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        var former = estimate
        for iteration in 0..<iterationCount {
            let momentum = max(0, Double(iteration - 1) / Double(iteration + 2))
            let point = zip(estimate, former).map { max($0 + momentum * ($0 - $1), 0) }
            former = estimate
            estimate = update(point)
        }
        return estimate.part(frame, of: domain)
    }

    /// 2 round(w / 2) + 1 along each axis, w of the Gaussian with the second moment of the line through the brightest voxel.
    private static func boxSizes(_ psf: Volume) -> [Int] {
        let peak = psf.voxels.firstIndex(of: psf.voxels.max()!)!
        let shape = psf.shape
        let strides = [shape.y * shape.x, shape.x, 1]
        return (0..<3).map { axis in
            let place = peak / strides[axis] % shape[axis]
            var (sum, square) = (0.0, 0.0)
            for other in 0..<shape[axis] {
                let value = Double(psf.voxels[peak + (other - place) * strides[axis]])
                sum += value
                square += value * Double((other - place) * (other - place))
            }
            let width = max(2.355 * (square / sum).squareRoot(), 1)
            return 2 * Int((width / 2).rounded(.toNearestOrEven)) + 1
        }
    }

    /// The mean over a box around each voxel, 0 outside.
    private static func box(_ values: [Double], _ shape: VolumeShape, _ sizes: [Int]) -> [Double] {
        let strides = [shape.y * shape.x, shape.x, 1]
        var result = values
        for axis in 0..<3 {
            let source = result
            for voxel in source.indices {
                let place = voxel / strides[axis] % shape[axis]
                var sum = 0.0
                for step in -(sizes[axis] / 2)...(sizes[axis] / 2) where (0..<shape[axis]).contains(place + step) {
                    sum += source[voxel + step * strides[axis]]
                }
                result[voxel] = sum / Double(sizes[axis])
            }
        }
        return result
    }
}

extension [Double] {
    /// The values of a region of a volume.
    func part(_ region: Region, of shape: VolumeShape) -> [Float] {
        region.zRange.flatMap { z in
            region.yRange.flatMap { y in
                region.xRange.map { x in Float(self[(z * shape.y + y) * shape.x + x]) }
            }
        }
    }
}
