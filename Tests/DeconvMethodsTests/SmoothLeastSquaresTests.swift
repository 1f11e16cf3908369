import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// `ictm` and `fista` against plain sums in double precision, in one piece and in tiles.
@Suite struct SmoothLeastSquaresTests {
    private static let names: [MethodName] = [.ictm, .fista]
    private static let spacing = VoxelSpacing(z: 0.25, y: 0.1, x: 0.1)
    private static let iterationCount = 10

    @Test(arguments: TestBackend.all, names)
    func estimateIsThatOfTheFormula(backend: TestBackend, name: MethodName) throws {
        let cases = [(BoundaryMode.extend, false), (.extend, true), (.zero, false), (.periodic, true)]
        for (boundary, hasSensitivity) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            for weight in [0, 0.05] {
                let method = try Self.method(item, name, weight)
                let expected = Self.estimate(item, engine, name, weight)
                for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                    let result = try item.deconvolve(item.engine(backend, core: core), method)
                    #expect(
                        relativeRMSE(result.estimate, expected) <= 1e-5,
                        "\(core as Any), \(boundary), \(hasSensitivity), \(weight)"
                    )
                    #expect(result.divergence.count == Self.iterationCount)
                }
            }
        }
    }

    @Test(arguments: TestBackend.withPasses, names)
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend, name: MethodName) throws {
        let item = MethodCase(.extend, isFlat: true)
        let engine = try item.engine(backend)
        let result = try item.deconvolve(engine, Self.method(item, name, 0.05))
        #expect(relativeRMSE(result.estimate, Self.estimate(item, engine, name, 0.05)) <= 1e-5)
    }

    /// Steps of one length never lead up, and accelerated ones are further down after as many.
    @Test func theSumFallsAndFallsFasterWhereItIsAccelerated() throws {
        let item = MethodCase(.extend, hasSensitivity: true)
        let engine = try item.engine(.cpu)
        let fixed = Self.reference(item, engine, .ictm, 0.05, count: 40).sums
        for (before, after) in zip(fixed, fixed.dropFirst()) { #expect(after <= before) }
        let accelerated = Self.reference(item, engine, .fista, 0.05, count: 40).sums
        let least = Self.reference(item, engine, .fista, 0.05, count: 300).sums.min()!
        #expect(accelerated.last! - least < 0.5 * (fixed.last! - least))
    }

    private static func method(
        _ item: MethodCase,
        _ name: MethodName,
        _ weight: Double
    ) throws -> any DeconvolutionMethod {
        var options = DeconvolutionOptions()
        (options.method, options.iterationCount, options.divergenceInterval) = (name, iterationCount, 1)
        (options.background, options.regularization) = (.value(item.background), weight)
        options.spacing = spacing
        return try Methods.method(options)
    }

    private static func estimate(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ name: MethodName,
        _ weight: Double
    ) -> [Float] {
        reference(item, engine, name, weight, count: iterationCount).estimate
    }

    /// From the mean, on the frame; and the sum that is to fall, after each iteration.
    private static func reference(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ name: MethodName,
        _ weight: Double,
        count: Int
    ) -> (estimate: [Float], sums: [Double]) {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        let gain = item.psf.voxels.reduce(0) { $0 + Double($1) } * weights.max()!
        let rates = [0.4, 1, 1]
        let bound = gain * gain + 4 * weight * rates.reduce(0) { $0 + $1 * $1 }
        let step = (name == .ictm ? 1.9 : 1) / bound
        /// What is left of the image, and Δ.
        func look(_ estimate: [Double]) -> (rest: [Double], curvature: [Double]) {
            let light = blur.forward(estimate)
            let rest = observed.indices.map { voxel in
                weights[voxel] > 0 ? observed[voxel] - item.background - weights[voxel] * light[voxel] : 0
            }
            return (rest, CurvatureReference.laplacian(of: estimate, domain, rates: rates))
        }
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        var point = estimate
        var t = 1.0
        var sums: [Double] = []
        for _ in 0..<count {
            let former = estimate
            let (rest, curvature) = look(point)
            let change = blur.backward(zip(rest, weights).map { $0 * $1 })
            estimate = point.indices.map { max(point[$0] + step * (change[$0] + weight * curvature[$0]), 0) }
            point = estimate
            if name == .fista {
                let next = (1 + (1 + 4 * t * t).squareRoot()) / 2
                point = zip(estimate, former).map { max($0 + (t - 1) / next * ($0 - $1), 0) }
                t = next
            }
            let after = look(estimate)
            // Σ |∇x|² is −Σ x Δx.
            let roughness = zip(estimate, after.curvature).reduce(0) { $0 - $1.0 * $1.1 }
            sums.append(after.rest.reduce(0) { $0 + $1 * $1 } + weight * roughness)
        }
        var result: [Float] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange { result.append(Float(estimate[(z * domain.y + y) * domain.x + x])) }
            }
        }
        return (result, sums)
    }
}
