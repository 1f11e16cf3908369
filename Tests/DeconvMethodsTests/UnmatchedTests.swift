import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// Steps with another back projector than the adjoint, against their formula in double precision, in one piece and in tiles.
@Suite struct UnmatchedTests {
    private static let names: [MethodName] = [.fast, .wienerButterworth, .maskedWiener]
    private static let steps = 7
    private static let signal = SignalSpectrum(noise: 30, power: 6000)

    @Test(arguments: TestBackend.all, names)
    func estimateIsThatOfTheFormula(backend: TestBackend, name: MethodName) throws {
        for (boundary, hasSensitivity) in [(BoundaryMode.extend, false), (.extend, true), (.periodic, false)] {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let tuning = Self.tuning(name)
            let expected = Self.reference(item, try item.engine(backend), name, tuning)
            for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                let engine = try item.engine(backend, core: core)
                let method = try item.method(name, iterationCount: Self.steps)
                let result = try item.deconvolve(engine, method, tuning: tuning)
                let error = relativeRMSE(result.estimate, expected.estimate)
                #expect(error <= 1e-4, "\(core as Any), \(hasSensitivity)")
                #expect(abs(result.divergence[0] - expected.divergence) <= 1e-4 * expected.divergence)
                #expect(result.estimate.allSatisfy { $0 >= 0 })
            }
        }
    }

    @Test(arguments: TestBackend.withPasses)
    func estimateInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        let item = MethodCase(.extend, isFlat: true)
        let engine = try item.engine(backend)
        let tuning = Self.tuning(.fast)
        let result = try item.deconvolve(engine, item.method(.fast, iterationCount: Self.steps), tuning: tuning)
        #expect(relativeRMSE(result.estimate, Self.reference(item, engine, .fast, tuning).estimate) <= 1e-4)
    }

    /// What the image does not show above its noise is amplified less.
    @Test func moreSignalIsSharper() throws {
        let item = MethodCase(.extend)
        func variance(_ power: Double) throws -> Double {
            let tuning = MethodTuning(stepCount: Self.steps, signal: SignalSpectrum(noise: 30, power: power))
            let method = try item.method(.fast, iterationCount: Self.steps)
            let estimate = try item.deconvolve(item.engine(.cpu), method, tuning: tuning).estimate
            let mean = estimate.reduce(0.0) { $0 + Double($1) } / Double(estimate.count)
            return estimate.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        }
        #expect(try variance(6e6) > 1.2 * variance(600))
    }

    /// Independent voxels have the same power at all frequencies.
    @Test func lightAndNoiseAreToldApart() throws {
        let shape = VolumeShape(z: 24, y: 48, x: 48)
        let values = GaussianPSF.voxels(shape: VolumeShape(z: 11, y: 11, x: 11), sigma: [1.6, 1.6, 1.6])
        let sum = values.reduce(0, +)
        let psf = Volume(shape: VolumeShape(z: 11, y: 11, x: 11), voxels: values.map { Float($0 / sum) })
        let light = TestImage.random(shape.voxelCount, seed: 3).map { 400 * Double($0) }
        let blurred = DirectConvolution(psf, frame: shape, boundary: .periodic).forward(light)
        let deviation = 3.0
        // Box and Muller 1958.
        let (radii, angles) = (TestImage.random(light.count, seed: 7), TestImage.random(light.count, seed: 8))
        let voxels = blurred.indices.map { voxel in
            let radius = (-2 * log(max(Double(radii[voxel]), 1e-9))).squareRoot()
            return Float(blurred[voxel] + deviation * radius * cos(2 * .pi * Double(angles[voxel])))
        }
        let signal = try SignalSpectrum(voxels, shape, weights: nil, psf: psf, gain: 1)
        #expect(abs(signal.noise / (deviation * deviation) - 1) < 0.05)
        let power = 400.0 * 400 / 12
        for radius in [0.3, 0.5, 0.7] {
            let ratio = signal.noiseToSignal(radius) * power / signal.noise
            #expect(abs(ratio - 1) < 0.25, "\(radius): \(ratio)")
        }
    }

    private static func tuning(_ name: MethodName) -> MethodTuning? {
        name == .fast
            ? MethodTuning(stepCount: steps, totalVariation: 0.05, rates: [0.4, 1, 1], signal: signal) : nil
    }

    /// The estimate on the frame, and the divergence of where it starts.
    private static func reference(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ name: MethodName,
        _ tuning: MethodTuning?
    ) -> (estimate: [Float], divergence: Double) {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let filter = DirectConvolution(kernel(name, item.psf), frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        var normalization = [Double](repeating: 1, count: domain.voxelCount)
        if item.boundary == .extend {
            let seen = blur.backward(weights)
            normalization = seen.map { $0 > 0.01 * seen.max()! ? 1 / $0 : 0 }
        }
        func smoothing(_ estimate: [Double]) -> [Double] {
            guard let tuning else { return estimate.map { _ in 1 } }
            return TotalVariationReference.weight(
                of: estimate,
                domain,
                strength: tuning.totalVariation,
                smoothing: 1e-3 * item.light,
                rates: tuning.rates.map(Double.init)
            )
        }
        let above = observed.indices.map { weights[$0] > 0 ? observed[$0] - item.background : 0 }
        let first = blur.backward(zip(above, weights).map { $0 * $1 })
        var estimate = zip(first, normalization).map { $1 <= 0 ? 0 : max($0 * $1, 1e-3 * item.light) }
        var divergence = 0.0
        for step in 1...steps {
            let projection = zip(blur.forward(estimate), weights).map { $0 * $1 }
            if step == 1 {
                divergence = observed.indices.filter { weights[$0] > 0 }.reduce(0) { sum, voxel in
                    let (g, y) = (observed[voxel], projection[voxel] + item.background)
                    return sum + (g > 0 ? g * log(g / y) : 0) - g + y
                }
            }
            if name == .fast, step == steps {
                let ratio = observed.indices.map { weights[$0] * observed[$0] / (projection[$0] + item.background) }
                let factor = zip(zip(blur.backward(ratio), normalization), smoothing(estimate)).map { $0.0 * $0.1 * $1 }
                estimate = zip(estimate, factor).map { $0 * max($1, 0) }
                continue
            }
            let isKept = name == .fast && step > 1
            let scale = isKept ? above.reduce(0, +) / projection.reduce(0, +) : 1
            let difference = observed.indices.map { voxel in
                let y = scale * projection[voxel] + item.background
                return weights[voxel] * (observed[voxel] - y) / y
            }
            let change = zip(filter.backward(difference), smoothing(estimate)).map { (1 + $0) * $1 }
            estimate = zip(estimate, change).map { scale * $0 * max($1, 0.01) }
        }
        var result: [Float] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange { result.append(Float(estimate[(z * domain.y + y) * domain.x + x])) }
            }
        }
        return (result, divergence)
    }

    /// F⁻¹ of ĥ·F(|ĥ|, k) on a grid twice as long, cut to the PSF's size: its adjoint is the projector.
    private static func kernel(_ name: MethodName, _ psf: Volume) -> Volume {
        let grid = VolumeShape { psf.shape[$0] == 1 ? 1 : 2 * psf.shape[$0] }
        var spectrum = DirectTransform(psf: psf, shape: grid)
        let widths = widths(psf)
        func place(_ index: Int) -> [Int] { [index / grid.x / grid.y, index / grid.x % grid.y, index % grid.x] }
        func frequency(_ index: Int) -> [Double] {
            zip(place(index), grid.axes).map { Double(2 * $0 > $1 ? $0 - $1 : $0) / Double($1) }
        }
        func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let transfers = spectrum.real.indices.map { length([spectrum.real[$0], spectrum.imaginary[$0]]) }
        let radii = transfers.indices.map { length(zip(frequency($0), widths).map { $0 * $1 }) }
        var factors: [Double]
        switch name {
        case .fast: factors = transfers.map { 1 / ($0 * $0 + 0.05 + 16 * 30 / 6000) }
        case .wienerButterworth:
            let nearest = radii.map { abs($0 - 1) }.min()!
            let shell = radii.indices.filter { abs(radii[$0] - 1) < max(0.05, 1.5 * nearest) }
            let edge = max(shell.reduce(0) { $0 + transfers[$1] } / Double(shell.count), 1e-3)
            let height = edge / (edge * edge + 0.05)
            let ripple = max(height * height / edge / edge - 1, 0)
            factors = zip(transfers, radii).map { 1 / ($0 * $0 + 0.05) / (1 + ripple * pow($1, 20)).squareRoot() }
        default:
            let sorted = transfers.sorted(by: >)
            var sum = 0.0
            let all = sorted.reduce(0, +)
            let least = max(
                sorted.first {
                    sum += $0; return sum >= 0.9 * all
                }!,
                1e-3
            )
            // Of frequencies with nearly the same transfer any may be the first beyond.
            let inside = transfers.indices.filter { transfers[$0] > least * (1 + 1e-6) }
            let ends = (0..<3).map { axis in max(inside.map { abs(frequency($0)[axis]) }.max()!, 1e-3) }
            factors = transfers.indices.map { index in
                let radius = length(zip(frequency(index), ends).map { $0 / $1 })
                let edge = (radius - 0.8) / 0.2
                let mask = edge <= 0 ? 1 : edge < 1 ? cos(.pi / 2 * edge) * cos(.pi / 2 * edge) : 0
                return mask / (transfers[index] * transfers[index] + 0.05)
            }
        }
        factors[0] = 1 / transfers[0]
        for index in factors.indices {
            spectrum.real[index] *= factors[index]
            spectrum.imaginary[index] *= factors[index]
        }
        let values = spectrum.inverse
        var voxels = [Float](repeating: 0, count: psf.voxels.count)
        for index in voxels.indices {
            let shape = psf.shape
            let place = [index / shape.x / shape.y, index / shape.x % shape.y, index % shape.x]
            let source = (0..<3).map { (place[$0] - shape[$0] / 2 + grid[$0]) % grid[$0] }
            voxels[index] = Float(values[(source[0] * grid.y + source[1]) * grid.x + source[2]])
        }
        return Volume(shape: psf.shape, voxels: voxels)
    }

    private static func widths(_ psf: Volume) -> [Double] {
        let shape = psf.shape
        let brightest = psf.voxels.firstIndex(of: psf.voxels.max()!)!
        let peak = [brightest / shape.x / shape.y, brightest / shape.x % shape.y, brightest % shape.x]
        return (0..<3).map { axis in
            let line = (0..<shape[axis]).map { place -> Double in
                var index = peak
                index[axis] = place
                return Double(psf.voxels[(index[0] * shape.y + index[1]) * shape.x + index[2]])
            }
            let moment = line.indices.reduce(0.0) { $0 + line[$1] * pow(Double($1 - peak[axis]), 2) }
            return max(1, 2.355 * (moment / line.reduce(0, +)).squareRoot())
        }
    }
}
