import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// The iterations against plain sums in double precision, in one piece and in tiles.
@Suite struct LandweberTests {
    @Test(arguments: TestBackend.all, BoundaryMode.allCases)
    func estimateIsThatOfTheFormula(backend: TestBackend, boundary: BoundaryMode) throws {
        for hasSensitivity in [false, true] {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            let expected = Self.reference(item, engine)
            for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                let result = try item.deconvolve(item.engine(backend, core: core), item.method(.landweber))
                #expect(relativeRMSE(result.estimate, expected.estimate) <= 1e-5, "\(core as Any), \(hasSensitivity)")
                #expect(result.divergence.count == 10)
                for (ours, theirs) in zip(result.divergence, expected.divergence) {
                    #expect(abs(ours - theirs) <= 1e-4 * theirs)
                }
            }
        }
    }

    @Test(arguments: TestBackend.withPasses)
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        let item = MethodCase(.extend, isFlat: true)
        let engine = try item.engine(backend)
        let result = try item.deconvolve(engine, item.method(.landweber))
        #expect(relativeRMSE(result.estimate, Self.reference(item, engine).estimate) <= 1e-5)
    }

    /// x ← P₊(x + τ H'(f(g − y))) from the mean, on the frame, and D(g‖y) over the frame before each update.
    private static func reference(
        _ item: MethodCase,
        _ engine: TestEngine
    ) -> (estimate: [Float], divergence: [Double]) {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        let most = item.psf.voxels.reduce(0) { $0 + Double($1) } * weights.max()!
        let step = 1.9 / (most * most)
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        var divergence: [Double] = []
        for _ in 0..<10 {
            let expected = zip(blur.forward(estimate), weights).map { $0 * $1 + item.background }
            divergence.append(
                observed.indices.filter { weights[$0] > 0 }.reduce(0) { sum, voxel in
                    let (g, y) = (observed[voxel], max(expected[voxel], 1e-9))
                    return sum + (g > 0 ? g * log(g / y) : 0) - g + y
                }
            )
            let change = blur.backward(observed.indices.map { weights[$0] * (observed[$0] - expected[$0]) })
            estimate = zip(estimate, change).map { max($0 + step * $1, 0) }
        }
        var result: [Float] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange { result.append(Float(estimate[(z * domain.y + y) * domain.x + x])) }
            }
        }
        return (result, divergence)
    }
}
