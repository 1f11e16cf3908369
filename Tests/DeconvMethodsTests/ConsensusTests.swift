import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Gradient consensus against its formula in double precision, in one piece and in tiles.
@Suite struct ConsensusTests {
    private static let iterationCount = 6

    @Test(arguments: TestBackend.all)
    func estimateIsThatOfTheFormula(backend: TestBackend) throws {
        let cases = [(BoundaryMode.extend, false), (.extend, true), (.periodic, false)]
        for (boundary, hasSensitivity) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            for noise in [nil, PhotonNoise(gain: 2.5, level: 4, darkVariance: 3)] {
                let expected = Self.reference(item, engine, noise ?? PhotonNoise(gain: 1), channel: 2)
                let tuning = MethodTuning(stepCount: Self.iterationCount, noise: noise, channel: 2)
                for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                    let result = try item.deconvolve(
                        item.engine(backend, core: core),
                        item.method(.rlgc, iterationCount: Self.iterationCount),
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
            item.method(.rlgc, iterationCount: Self.iterationCount),
            tuning: MethodTuning(stepCount: Self.iterationCount, channel: 2)
        )
        let expected = Self.reference(item, engine, PhotonNoise(gain: 1), channel: 2)
        #expect(relativeRMSE(result.estimate, expected) <= 1e-4)
    }

    @Test func threadsChangeNoBitAndSeedsDo() throws {
        let item = MethodCase(.extend)
        func run(threads: Int, channel: Int = 0) throws -> [Float] {
            let engine = try TestEngine(
                CPUBackend(threadCount: threads),
                image: item.shape,
                psf: item.psf,
                boundary: .extend
            )
            let tuning = MethodTuning(stepCount: Self.iterationCount, channel: channel)
            return try item.deconvolve(engine, item.method(.rlgc), tuning: tuning).estimate
        }
        let one = try run(threads: 1)
        for threads in [2, 3] { #expect(try run(threads: threads) == one, "\(threads) threads") }
        #expect(try run(threads: 1, channel: 1) != one)
    }

    /// Halves have half of the photons and noise of their own: mean 0 and variance m / 4 of the excess, and for whole photons a count.
    @Test(arguments: [Float(0), 1, 3, 2.5, 40, 127, 127.5, 128, 5000])
    func halvesHaveTheNoiseOfHalfThePhotons(photons: Float) {
        let split = PhotonSplit(
            random: Philox(seed: 5),
            step: 3,
            origin: (z: 4, y: 5, x: 6),
            noise: PhotonNoise(gain: 1)
        )
        var (sum, square, count) = (0.0, 0.0, 0)
        for z in 0..<20 {
            for y in 0..<40 {
                for x in 0..<50 {
                    let excess = split.excess(photons: photons, z: z, y: y, x: x)
                    sum += Double(excess)
                    square += Double(excess * excess)
                    count += 1
                    if photons < 128, photons == photons.rounded() {
                        let half = photons / 2 + excess
                        #expect(half >= 0 && half <= photons && half == half.rounded())
                    }
                }
            }
        }
        let variance = Double(photons) / 4
        #expect(abs(sum / Double(count)) <= 4 * (variance / Double(count)).squareRoot())
        #expect(abs(square / Double(count) - variance) <= 0.04 * variance)
    }

    /// From the mean, on the frame.
    private static func reference(
        _ item: MethodCase,
        _ engine: TestEngine,
        _ noise: PhotonNoise,
        channel: UInt32
    ) -> [Float] {
        let (frame, domain) = (engine.geometry.frame, engine.geometry.domain.shape)
        let blur = DirectConvolution(item.psf, frame: frame.shape, boundary: item.boundary)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) } ?? observed.map { _ in 1 }
        let seen = blur.backward(weights)
        let normalization = seen.map { $0 > 0.01 * seen.max()! ? 1 / $0 : 0 }
        var estimate = [Double](repeating: item.light, count: domain.voxelCount)
        for iteration in 1...iterationCount {
            let light = blur.forward(estimate)
            func update(_ counts: [Double]) -> [Double] {
                let ratio = observed.indices.map { voxel in
                    weights[voxel] * counts[voxel] / max(weights[voxel] * light[voxel] + item.background, 1e-9)
                }
                return zip(blur.backward(ratio), normalization).map { $0 * $1 }
            }
            let half = observed.indices.map { voxel in
                let place = [
                    voxel % frame.shape.x, voxel / frame.shape.x % frame.shape.y,
                    voxel / (frame.shape.x * frame.shape.y),
                ]
                let words = Philox(seed: 0, stream: channel)
                    .block(SIMD4(UInt32(place[0]), UInt32(place[1]), UInt32(place[2]), UInt32(iteration)))
                return observed[voxel] / 2 + Self.excess(words, observed[voxel], noise)
            }
            let first = update(half.map { 2 * $0 })
            let second = update(zip(observed, half).map { 2 * ($0 - $1) })
            let product = estimate.indices.map { voxel in
                normalization[voxel] > 0 ? (first[voxel] - 1) * (second[voxel] - 1) : 0
            }
            let agreement = blur.backward(blur.forward(product))
            estimate = estimate.indices.map { voxel in
                guard normalization[voxel] > 0 else { return 0 }
                guard agreement[voxel] >= 0 else { return estimate[voxel] }
                return estimate[voxel] * max((first[voxel] + second[voxel]) / 2, 0)
            }
        }
        return estimate.part(frame, of: domain)
    }

    /// gain · ( Σ c + √φ c ) with coins of ±½, of which there are m = V / gain².
    private static func excess(_ words: SIMD4<UInt32>, _ counts: Double, _ noise: PhotonNoise) -> Double {
        let photons = noise.variance(counts) / (noise.gain * noise.gain)
        let coins = (0..<128).map { (words[$0 / 32] >> UInt32($0 % 32)) & 1 == 1 ? 0.5 : -0.5 }
        if photons >= 128 { return noise.gain * coins.reduce(0, +) * (photons / 128).squareRoot() }
        let whole = Int(photons)
        let sum = coins.prefix(whole).reduce(0, +)
        return noise.gain * (sum + (photons - Double(whole)).squareRoot() * coins[whole])
    }
}
