import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// PSFs that vary from place to place against plain sums in double precision, in one piece and in tiles.
@Suite struct VaryingPSFTests {
    /// A problem whose PSF has two modes beside its mean, with weights of either sign that vary along all axes.
    private struct Varying {
        let item: MethodCase
        let variations: [(psf: Volume, weights: WeightGrid)]

        /// Nodes between voxels, and voxels beyond the outermost nodes.
        private static let nodes = [[-1, 3.5, 8], [2, 6.25, 13.5], [4, 11]]

        init(_ boundary: BoundaryMode, weights scale: Float = 1) {
            item = MethodCase(boundary)
            let psf = item.psf
            variations = (0..<2).map { number in
                // The difference of two PSFs sums to 0.
                let other = TestImage.psf(psf.shape, seed: UInt64(20 + number))
                let difference = zip(other.voxels, psf.voxels).map { 0.5 * ($0 - $1) }
                let count = Self.nodes.reduce(1) { $0 * $1.count }
                let values = TestImage.random(count, seed: UInt64(30 + number)).map { scale * (2 * $0 - 1) }
                return (Volume(shape: psf.shape, voxels: difference), WeightGrid(nodes: Self.nodes, values: values))
            }
        }

        func engine(_ backend: TestBackend, core: VolumeShape? = nil) throws -> TestEngine {
            try TestEngine(
                backend.make(),
                image: item.shape,
                psf: item.psf,
                variations: variations,
                boundary: item.boundary,
                core: core
            )
        }

        /// The modes as sums, each with its weights on the domain.
        func modes(_ engine: TestEngine) -> [(blur: DirectConvolution, weights: [Double])] {
            let frame = engine.geometry.frame.shape
            let domain = engine.geometry.domain.shape
            let origin = engine.plan.imageInWhole.origin
            func blur(_ psf: Volume) -> DirectConvolution {
                DirectConvolution(psf, frame: frame, boundary: item.boundary)
            }
            var modes = [(blur: blur(item.psf), weights: [Double](repeating: 1, count: domain.voxelCount))]
            for (psf, grid) in variations {
                var weights: [Double] = []
                for z in 0..<domain.z {
                    for y in 0..<domain.y {
                        for x in 0..<domain.x {
                            weights.append(weight(of: grid, [z - origin.z, y - origin.y, x - origin.x]))
                        }
                    }
                }
                modes.append((blur(psf), weights))
            }
            return modes
        }

        /// The sum over all nodes of their values times a hat function of each axis.
        private func weight(of grid: WeightGrid, _ voxel: [Int]) -> Double {
            var sum = 0.0
            let shape = Self.nodes.map(\.count)
            for (index, value) in grid.values.enumerated() {
                let node = [index / (shape[1] * shape[2]), index / shape[2] % shape[1], index % shape[2]]
                sum += (0..<3).reduce(Double(value)) { $0 * hat(Self.nodes[$1], node[$1], at: Double(voxel[$1])) }
            }
            return sum
        }

        /// 1 at a node and beyond it where it is the last, 0 at the others, straight lines between.
        private func hat(_ nodes: [Double], _ node: Int, at voxel: Double) -> Double {
            let place = min(max(voxel, nodes[0]), nodes.last!)
            if node > 0, place < nodes[node] {
                return max(0, (place - nodes[node - 1]) / (nodes[node] - nodes[node - 1]))
            }
            if node < nodes.count - 1, place > nodes[node] {
                return max(0, (nodes[node + 1] - place) / (nodes[node + 1] - nodes[node]))
            }
            return 1
        }
    }

    private static let core = VolumeShape(z: 6, y: 10, x: 12)

    @Test(arguments: TestBackend.all + TestBackend.withPasses, [BoundaryMode.extend, .zero, .reflect])
    func projectionsAreSumsOfModes(backend: TestBackend, boundary: BoundaryMode) throws {
        // Passes compile their kernels anew for every frame.
        if backend.usesPasses, boundary != .extend { return }
        let varying = Varying(boundary)
        let cores: [VolumeShape?] = backend.usesPasses ? [nil] : [nil, Self.core]
        for core in cores {
            let engine = try varying.engine(backend, core: core)
            let (frame, domain) = (engine.geometry.frame.shape, engine.geometry.domain.shape)
            let object = TestImage.random(domain.voxelCount, seed: 1)
            let data = TestImage.random(frame.voxelCount, seed: 2)
            var (image, back) = (
                [Double](repeating: 0, count: frame.voxelCount), [Double](repeating: 0, count: domain.voxelCount)
            )
            for (blur, weights) in varying.modes(engine) {
                let part = blur.forward(zip(object, weights).map { Double($0) * $1 })
                image = zip(image, part).map { $0 + $1 }
                let seen = blur.backward(data.map { Double($0) })
                back = zip(back, zip(seen, weights).map { $0 * $1 }).map { $0 + $1 }
            }
            let (projected, adjoint) = try (engine.forwardProject(object), engine.backProject(data))
            #expect(relativeRMSE(projected, image.map { Float($0) }) <= 2e-6, "forward, \(core as Any)")
            #expect(relativeRMSE(adjoint, back.map { Float($0) }) <= 2e-6, "back, \(core as Any)")
            func product(_ a: [Float], _ b: [Float]) -> Double {
                zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            let (left, right) = (product(projected, data), product(object, adjoint))
            #expect(abs(left - right) <= 1e-5 * left, "⟨Hx, y⟩ = ⟨x, H'y⟩, \(core as Any)")
        }
    }

    /// Modes without weight change nothing but the order of sums.
    @Test(arguments: TestBackend.all)
    func modesWithoutWeightAreAsOnePSF(backend: TestBackend) throws {
        let varying = Varying(.extend, weights: 0)
        let item = varying.item
        for core in [nil, Self.core] {
            let one = try item.deconvolve(item.engine(backend, core: core), item.method(.richardsonLucy))
            let modes = try item.deconvolve(varying.engine(backend, core: core), item.method(.richardsonLucy))
            #expect(relativeRMSE(modes.estimate, one.estimate) <= 1e-6)
            for (ours, theirs) in zip(modes.divergence, one.divergence) { #expect(abs(ours - theirs) <= 1e-5 * theirs) }
        }
    }

    /// x ← x · W · H'(g / y) and x ← P₊(x + τ H'(g − y)) with the sums of modes in place of convolutions.
    @Test(arguments: TestBackend.all, [MethodName.richardsonLucy, .landweber])
    func estimateIsThatOfTheFormula(backend: TestBackend, name: MethodName) throws {
        // Weights small enough for PSFs without negative voxels, for which y is above 0.
        let varying = Varying(.extend, weights: 0.3)
        let item = varying.item
        let engine = try varying.engine(backend)
        let modes = varying.modes(engine)
        func forward(_ object: [Double]) -> [Double] {
            modes.reduce([Double](repeating: 0, count: item.observed.count)) { sum, mode in
                zip(sum, mode.blur.forward(zip(object, mode.weights).map { $0 * $1 })).map { $0 + $1 }
            }
        }
        func back(_ data: [Double]) -> [Double] {
            modes.reduce([Double](repeating: 0, count: modes[0].weights.count)) { sum, mode in
                zip(sum, zip(mode.blur.backward(data), mode.weights).map { $0 * $1 }).map { $0 + $1 }
            }
        }
        let seen = back([Double](repeating: 1, count: item.observed.count))
        let least = 0.01 * seen.max()!
        let blur = Blur(mean: item.psf, variations: varying.variations)
        var options = DeconvolutionOptions()
        options.method = name
        options.start = .flat
        options.background = .value(item.background)
        let method = try Methods.method(options)
        var estimate = [Double](repeating: item.light, count: seen.count)
        for _ in 0..<method.stepCount {
            let expected = forward(estimate).map { $0 + item.background }
            if name == .landweber {
                let change = back(zip(item.observed, expected).map { Double($0) - $1 })
                let step = 1.9 / blur.largestSquaredGain
                estimate = zip(estimate, change).map { max($0 + step * $1, 0) }
            } else {
                let ratio = back(zip(item.observed, expected).map { Double($0) / $1 })
                estimate = estimate.indices.map { seen[$0] > least ? estimate[$0] * ratio[$0] / seen[$0] : 0 }
            }
        }
        let frame = engine.geometry.frame
        let reference = estimate.map { Float($0) }.cropped(from: engine.geometry.domain.shape, to: frame)
        #expect(relativeRMSE(try item.deconvolve(engine, method).estimate, reference) <= 1e-5)
    }

    /// The bound on ‖H‖² holds for the norm that power iteration finds, and is that of one PSF without weights.
    @Test func stepsStayBelowWhatConverges() throws {
        let varying = Varying(.extend, weights: 0.3)
        let engine = try varying.engine(.cpu)
        var object = TestImage.random(engine.geometry.domain.shape.voxelCount, seed: 3)
        var gain = 0.0
        for _ in 0..<30 {
            let next = try engine.backProject(engine.forwardProject(object))
            gain = next.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            object = next.map { Float(Double($0) / gain) }
        }
        let bound = Blur(mean: varying.item.psf, variations: varying.variations).largestSquaredGain
        #expect(gain <= bound * 1.0001 && gain > 0.2 * bound)
        let one = Blur(mean: varying.item.psf, variations: Varying(.extend, weights: 0).variations)
        #expect(abs(one.largestSquaredGain - 1) <= 1e-5)
    }
}
