import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// Accelerated and regularized Richardson-Lucy against its formula in double precision, in one piece and in tiles.
@Suite struct AccelerationTests {
    private static let iterationCount = 10
    private static let regularized = MethodTuning(stepCount: iterationCount, totalVariation: 0.05, rates: [0.4, 1, 1])

    @Test(arguments: TestBackend.all, Acceleration.allCases)
    func estimateIsThatOfTheFormula(backend: TestBackend, acceleration: Acceleration) throws {
        let cases = [(BoundaryMode.extend, false), (.extend, true), (.periodic, false)]
        for (boundary, hasSensitivity) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            for tuning in [nil, Self.regularized] {
                let expected = Self.reference(item, engine, acceleration, weight: Self.weight(item, tuning))
                for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                    let result = try item.deconvolve(
                        item.engine(backend, core: core),
                        Self.method(item, acceleration),
                        tuning: tuning
                    )
                    let tolerance = acceleration == .none && tuning == nil ? 1e-5 : 1e-4
                    let error = relativeRMSE(result.estimate, expected)
                    #expect(error <= tolerance, "\(core as Any), \(hasSensitivity), \(tuning as Any)")
                }
            }
        }
    }

    @Test(arguments: TestBackend.withPasses, [Acceleration.heavyBall, .biggsAndrews])
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend, acceleration: Acceleration) throws {
        let item = MethodCase(.extend, isFlat: true)
        let engine = try item.engine(backend)
        let expected = Self.reference(item, engine, acceleration, weight: Self.weight(item, Self.regularized))
        let result = try item.deconvolve(engine, Self.method(item, acceleration), tuning: Self.regularized)
        #expect(relativeRMSE(result.estimate, expected) <= 1e-4)
    }

    /// The divergence that fifty plain iterations come to, in eighteen; and it never rises on the way.
    @Test(arguments: [Acceleration.heavyBall, .biggsAndrews])
    func eighteenIterationsDoTheWorkOfFifty(acceleration: Acceleration) throws {
        let item = MethodCase(.extend)
        func divergence(_ acceleration: Acceleration, _ count: Int) throws -> [Double] {
            var method = Self.method(item, acceleration)
            method.loop.count = count
            return try item.deconvolve(item.engine(.cpu), method).divergence
        }
        let (plain, fast) = try (divergence(.none, 51), divergence(acceleration, 41))
        #expect(fast[18] <= plain[50])
        for (before, after) in zip(fast.dropFirst(2), fast.dropFirst(3)) { #expect(after <= before * (1 + 1e-6)) }
    }

    @Test func theNumberOfThreadsChangesNoBit() throws {
        let item = MethodCase(.extend)
        for acceleration in [Acceleration.heavyBall, .biggsAndrews] {
            func run(threads: Int) throws -> [Float] {
                let engine = try TestEngine(
                    CPUBackend(threadCount: threads),
                    image: item.shape,
                    psf: item.psf,
                    boundary: .extend
                )
                return try item.deconvolve(engine, Self.method(item, acceleration), tuning: Self.regularized).estimate
            }
            let one = try run(threads: 1)
            for threads in [2, 3, 5] { #expect(try run(threads: threads) == one, "\(threads) threads") }
        }
    }

    /// What an update is multiplied by for total variation.
    private static func weight(
        _ item: MethodCase,
        _ tuning: MethodTuning?
    ) -> (([Double], VolumeShape) -> [Double])? {
        guard let tuning else { return nil }
        return { point, domain in
            TotalVariationReference.weight(
                of: point,
                domain,
                strength: tuning.totalVariation,
                smoothing: 1e-3 * item.light,
                rates: tuning.rates.map(Double.init)
            )
        }
    }

    static func method(_ item: MethodCase, _ acceleration: Acceleration) -> RichardsonLucy {
        RichardsonLucy(
            iterationCount: iterationCount,
            background: item.background,
            start: .flat,
            acceleration: acceleration,
            divergenceInterval: 1
        )
    }

    /// From the mean, on the frame.
    static func reference(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ acceleration: Acceleration,
        weight: (([Double], VolumeShape) -> [Double])?
    ) -> [Float] {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let estimate = domainReference(item, engine, acceleration, weight: weight)
        var result: [Float] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange { result.append(Float(estimate[(z * domain.y + y) * domain.x + x])) }
            }
        }
        return result
    }

    /// From the mean, on the domain.
    /// - Parameter weight: gives what an update is multiplied by, from the field on the domain before it.
    static func domainReference(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ acceleration: Acceleration,
        weight: (([Double], VolumeShape) -> [Double])?
    ) -> [Double] {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        var normalization = [Double](repeating: 1, count: domain.voxelCount)
        if item.boundary == .extend {
            let seen = blur.backward(weights)
            normalization = seen.map { $0 > 0.01 * seen.max()! ? 1 / $0 : 0 }
        }
        func update(_ point: [Double]) -> [Double] {
            let expected = zip(blur.forward(point), weights).map { $0 * $1 + item.background }
            let ratio = observed.indices.map { weights[$0] * observed[$0] / max(expected[$0], 1e-9) }
            var factor = zip(blur.backward(ratio), normalization).map { max($0 * $1, 0) }
            if let weight { factor = zip(factor, weight(point, domain)).map { $0 * $1 } }
            return zip(point, factor).map { $0 * $1 }
        }
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        var former = estimate
        var changes: [[Double]] = []
        for iteration in 0..<iterationCount {
            var momentum = 0.0
            switch acceleration {
            case .none: break
            case .heavyBall: momentum = max(0, Double(iteration - 1) / Double(iteration + 2))
            case .biggsAndrews:
                if changes.count > 1 {
                    let (last, before) = (changes[changes.count - 1], changes[changes.count - 2])
                    let product = zip(last, before).reduce(0) { $0 + $1.0 * $1.1 }
                    momentum = min(max(product / before.reduce(0) { $0 + $1 * $1 }, 0), 1)
                }
            }
            let point = zip(estimate, former).map { max($0 + momentum * ($0 - $1), 0) }
            former = estimate
            estimate = update(point)
            changes.append(zip(estimate, point).map { $0 - $1 })
        }
        return estimate
    }
}
