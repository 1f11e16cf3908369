import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Richardson-Lucy of two views of one object against its formula in double precision, in one piece and in tiles.
@Suite struct SecondViewTests {
    private static let iterationCount = 10
    private static let core = VolumeShape(z: 6, y: 10, x: 12)

    /// Another image of the same shape, with a PSF, a background and bad voxels of its own.
    private struct View {
        let psf: Volume
        let observed: [Float]
        let sensitivity: [Float]?
        let background: Double

        init(_ item: MethodCase) {
            // Seen from the other side.
            psf = Volume(shape: item.psf.shape, voxels: item.psf.voxels.reversed())
            background = 17
            var observed = TestImage.observed(item.shape, psf: psf, background: 20, seed: 9)
            if item.sensitivity != nil {
                let weights = TestImage.random(item.shape.voxelCount, seed: 6).map { $0 < 0.05 ? 0 : 0.8 + 0.4 * $0 }
                for index in observed.indices { observed[index] = (observed[index] * weights[index]).rounded() }
                sensitivity = weights
            } else {
                sensitivity = nil
            }
            self.observed = observed
        }
    }

    private static func engine(
        _ item: MethodCase,
        _ backend: TestBackend,
        second: Volume?,
        core: VolumeShape? = nil
    ) throws -> TestEngine {
        try TestEngine(
            backend.make(),
            image: item.shape,
            psf: item.psf,
            secondPSF: second,
            boundary: item.boundary,
            core: core
        )
    }

    private static func estimate(
        _ item: MethodCase,
        _ view: View,
        _ engine: TestEngine,
        _ acceleration: Acceleration
    ) throws -> (estimate: [Float], divergence: [Double]) {
        try engine.deconvolve(
            .float32(item.observed),
            sensitivity: item.sensitivity,
            second: TestEngine.SecondView(
                observed: view.observed,
                sensitivity: view.sensitivity,
                background: view.background
            ),
            AccelerationTests.method(item, acceleration),
            background: item.background,
            part: .frame
        )
    }

    @Test(arguments: TestBackend.all)
    func estimateIsThatOfTheFormula(backend: TestBackend) throws {
        let cases: [(BoundaryMode, Bool, Acceleration)] = [
            (.extend, false, .none), (.extend, true, .none), (.extend, true, .heavyBall), (.periodic, false, .none),
        ]
        for (boundary, hasSensitivity, acceleration) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let view = View(item)
            let whole = try Self.engine(item, backend, second: view.psf)
            let expected = Self.reference(item, view, whole, acceleration)
            for core in [nil, Self.core] {
                let engine = try Self.engine(item, backend, second: view.psf, core: core)
                let result = try Self.estimate(item, view, engine, acceleration)
                let error = relativeRMSE(result.estimate, expected)
                #expect(
                    error <= (acceleration == .none ? 1e-5 : 1e-4),
                    "\(error): \(boundary), \(hasSensitivity), \(core as Any)"
                )
                #expect(result.divergence.count == Self.iterationCount)
            }
        }
    }

    @Test(arguments: TestBackend.withPasses)
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        let item = MethodCase(.extend, isFlat: true)
        let view = View(item)
        let engine = try Self.engine(item, backend, second: view.psf)
        let expected = Self.reference(item, view, engine, .none)
        #expect(relativeRMSE(try Self.estimate(item, view, engine, .none).estimate, expected) <= 1e-5)
    }

    /// Their geometric mean is each of them.
    @Test func twoEqualViewsAreOne() throws {
        let item = MethodCase(.extend, hasSensitivity: true)
        let engine = try Self.engine(item, .cpu, second: item.psf)
        let method = AccelerationTests.method(item, .heavyBall)
        let two = try engine.deconvolve(
            .float32(item.observed),
            sensitivity: item.sensitivity,
            second: TestEngine.SecondView(
                observed: item.observed,
                sensitivity: item.sensitivity,
                background: item.background
            ),
            method,
            background: item.background,
            part: .frame
        )
        let one = try item.deconvolve(item.engine(.cpu), method)
        #expect(relativeRMSE(two.estimate, one.estimate) <= 1e-5)
        for (both, alone) in zip(two.divergence, one.divergence) { #expect(abs(both - 2 * alone) <= 1e-4 * both) }
    }

    /// x ← x √(W₁ H₁'(f₁ g₁ / y₁) · W₂ H₂'(f₂ g₂ / y₂)) from the mean of the first view, on the frame; where W of one is 0 the other alone.
    private static func reference(
        _ item: MethodCase,
        _ view: View,
        _ engine: TestEngine,
        _ acceleration: Acceleration
    ) -> [Float] {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let sides = [
            (item.psf, item.observed, item.sensitivity, item.background),
            (view.psf, view.observed, view.sensitivity, view.background),
        ]
        let factors = sides.map { psf, image, sensitivity, background -> ([Double]) -> [Double?] in
            let blur = DirectConvolution(psf, frame: frame.shape, boundary: item.boundary)
            let observed = item.onFrame(image, of: engine)
            let weights = sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
            var normalization = [Double](repeating: 1, count: domain.voxelCount)
            if item.boundary == .extend {
                let seen = blur.backward(weights)
                normalization = seen.map { $0 > 0.01 * seen.max()! ? 1 / $0 : 0 }
            }
            return { point in
                let expected = zip(blur.forward(point), weights).map { $0 * $1 + background }
                let ratio = observed.indices.map { weights[$0] * observed[$0] / max(expected[$0], 1e-9) }
                return zip(blur.backward(ratio), normalization).map { $1 > 0 ? max($0 * $1, 0) : nil }
            }
        }
        func factor(_ first: Double?, _ second: Double?) -> Double {
            guard let first else { return second ?? 0 }
            guard let second else { return first }
            return (first * second).squareRoot()
        }
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        var former = estimate
        for iteration in 0..<iterationCount {
            let momentum = acceleration == .none ? 0 : max(0, Double(iteration - 1) / Double(iteration + 2))
            let point = zip(estimate, former).map { max($0 + momentum * ($0 - $1), 0) }
            let both = factors.map { $0(point) }
            former = estimate
            estimate = point.indices.map { point[$0] * factor(both[0][$0], both[1][$0]) }
        }
        var result: [Float] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange { result.append(Float(estimate[(z * domain.y + y) * domain.x + x])) }
            }
        }
        return result
    }
}
