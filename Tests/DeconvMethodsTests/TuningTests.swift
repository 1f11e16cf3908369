import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// What a method is tuned by: photons that are held out, noise, and rules to stop.
@Suite struct TuningTests {
    private static let shape = VolumeShape(z: 12, y: 40, x: 48)
    private static let psf = GaussianPSF.normalized(shape: VolumeShape(z: 9, y: 13, x: 13), sigma: [1.2, 1.5, 1.5])

    /// Photons that are expected of a few blobs on a background.
    private static func light(_ scale: Double) -> [Double] {
        var light = [Double](repeating: 2, count: shape.voxelCount)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<12 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: [1.7, 2, 2])
            for index in light.indices { light[index] += 800 * scale * blob[index] }
        }
        return light
    }

    /// The first block of the generator's authors' known answers (Random123, kat_vectors).
    @Test func philoxGivesTheKnownAnswer() {
        #expect(Philox(seed: 0).block(0) == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(Philox(seed: 0).block(1) != Philox(seed: 0).block(0))
        #expect(Philox(seed: 1).block(0) != Philox(seed: 0).block(0))
        #expect(Philox(seed: 0, stream: 1).block(0) != Philox(seed: 0).block(0))
    }

    @Test func normalNumbersAreNormal() {
        var numbers = NormalNumbers(Philox(seed: 3))
        let values = (0..<200_000).map { numbers[UInt64($0)] }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(values.count)
        #expect(abs(mean) < 0.01 && abs(variance - 1) < 0.02 && abs(fourth - 3) < 0.1)
        // In any order.
        #expect(numbers[77] == values[77] && numbers[3] == values[3])
    }

    /// What is held out of noise of 2.5 counts a photon has nothing to do with the noise that stays.
    @Test func bothPartsHaveNoiseOfTheirOwn() {
        var generator = SeededGenerator(seed: 8)
        let expected = Self.light(1)
        let observed = expected.map { Float(2.5 * generator.poisson($0) + 100) }
        let noise = PhotonNoise(gain: 2.5, level: 100, darkVariance: 0)
        let parts = Thinning(observed, numbers: { UInt64($0) }, noise: noise, random: Philox(seed: 0))
        #expect(zip(observed, zip(parts.kept, parts.heldOut)).allSatisfy { abs($0 - $1.0 - $1.1) <= 1e-4 * $0 })
        var (product, square, scale) = (0.0, 0.0, 0.0)
        for index in expected.indices {
            let whole = 2.5 * expected[index] + 100
            let kept = Double(parts.kept[index]) - 0.9 * whole
            let heldOut = Double(parts.heldOut[index]) - 0.1 * whole
            let variance = 2.5 * 2.5 * expected[index]
            product += kept * heldOut / variance
            square += heldOut * heldOut / (0.1 * variance)
            scale += kept * kept / (0.9 * variance)
        }
        let count = Double(expected.count)
        #expect(abs(product / count) < 0.01 && abs(square / count - 1) < 0.05 && abs(scale / count - 1) < 0.05)
        // A part of the image has the same photons.
        let box = Array(observed[1000..<1400])
        let part = Thinning(box, numbers: { UInt64($0 + 1000) }, noise: noise, random: Philox(seed: 0))
        #expect(part.kept == Array(parts.kept[1000..<1400]))
    }

    @Test(arguments: [0.4, 1, 2.2])
    func noiseIsSeenWhereThePSFLetsNoLightThrough(gain: Double) throws {
        for scale in [0.5, 50] {
            var generator = SeededGenerator(seed: 9)
            let observed = Self.light(scale).map { Float(gain * generator.poisson($0)) }
            let spectrum = try #require(
                try NoiseSpectrum(observed, Self.shape, weights: nil, psf: Self.psf)
            )
            #expect(abs(spectrum.variance / spectrum.mean / gain - 1) < 0.1, "\(spectrum), \(scale)")
            #expect(spectrum.slopes.allSatisfy { (0.8...1.25).contains($0) })
        }
        // Holes of a mask, of which the brightest voxels make many.
        var generator = SeededGenerator(seed: 9)
        var holed = Self.light(0.1).map { Float(gain * generator.poisson($0)) }
        let top = holed.sorted()[holed.count * 97 / 100]
        let weights: [Float] = holed.map { $0 > top ? 0 : 1 }
        for index in holed.indices where weights[index] == 0 { holed[index] = 0 }
        let masked = try #require(try NoiseSpectrum(holed, Self.shape, weights: weights, psf: Self.psf))
        #expect(abs(masked.variance / masked.mean / gain - 1) < 0.2, "\(masked)")
        // Neighbors that were averaged.
        generator = SeededGenerator(seed: 9)
        let white = Self.light(1).map { Float(gain * generator.poisson($0)) }
        let smooth = white.indices.map { $0 > 0 ? (white[$0] + white[$0 - 1]) / 2 : white[0] }
        let spectrum = try #require(try NoiseSpectrum(smooth, Self.shape, weights: nil, psf: Self.psf))
        #expect(spectrum.slopes[2] < 0.6 && spectrum.slopes[1] > 0.8)
        // A PSF of one voxel lets everything through.
        let point = Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [1])
        #expect(try NoiseSpectrum(white, Self.shape, weights: nil, psf: point) == nil)
    }

    private static func image(_ observed: [Float], heldOut: [Float]? = nil, weights: [Float]? = nil)
        -> [StopSearch.Image]
    {
        [
            StopSearch.Image(
                shape: shape,
                observed: observed,
                heldOut: heldOut,
                weights: weights,
                background: 0,
                floor: 1e-3,
                gain: 1
            )
        ]
    }

    /// Expectations that come nearer to the truth and then go away from it, and what the image holds on a bad voxel.
    @Test func photonsThatWereHeldOutAreForetoldBestByTheTruth() {
        var generator = SeededGenerator(seed: 10)
        let truth = Self.light(1)
        var heldOut = truth.map { Float(generator.poisson($0 / 9)) }
        var weights = [Float](repeating: 1, count: truth.count)
        (heldOut[7], weights[7]) = (.nan, 0)
        var search = StopSearch(.heldOut, Self.image(heldOut, heldOut: heldOut, weights: weights), mostSteps: 50)
        var steps = 0
        for contrast in [0.2, 0.5, 0.8, 1, 1.3, 1.7, 2] {
            steps += 1
            let expected = truth.map { Float(max(10 + contrast * ($0 - 10), 0.1)) }
            if !search.look([expected]) { break }
        }
        #expect(search.stepCount == 4 && steps == 6 && search.isFound)
        let values = search.values
        #expect(values[3] > values[2] && values[2] > values[1] && values[4] < values[3])
        // Σ s ln(y/9) − y/9, as it is written.
        let direct = truth.indices.reduce(0.0) { sum, index in
            let expected = Double(Float(max(10 + 0.5 * (truth[index] - 10), 0.1))) / 9
            return weights[index] == 0 ? sum : sum + Double(heldOut[index]) * log(expected) - expected
        }
        #expect(abs(values[1] - direct) <= 1e-9 * abs(direct))
    }

    @Test func whatIsLeftIsWhiteWhereTheExpectationIsTheTruth() {
        var generator = SeededGenerator(seed: 11)
        let truth = Self.light(5)
        let observed = truth.map { Float(generator.poisson($0)) }
        var search = StopSearch(.whiteness, Self.image(observed), mostSteps: 50)
        let mean = truth.reduce(0, +) / Double(truth.count)
        let goesOn = search.look([truth.map { Float(0.5 * ($0 + mean)) }])
        #expect(goesOn)
        #expect(search.values[0] > 0.1)
        // The truth itself is white to about 1 / √N; an expectation that follows the noise of both neighbors is less than that.
        _ = search.look([truth.map(Float.init)])
        #expect(abs(search.values[1]) < 0.03)
        let row = Self.shape.x
        let near = observed.indices.map { index in
            let neighbors = [index - 1, index + 1, index - row, index + row].filter { observed.indices.contains($0) }
            let noise = neighbors.reduce(0.0) { $0 + Double(observed[$1]) - truth[$1] } / 4
            return Float(max(truth[index] + noise, 0.1))
        }
        var other = StopSearch(.whiteness, Self.image(observed), mostSteps: 50)
        let goesOnNear = other.look([near])
        #expect(!goesOnNear && other.stepCount == 1 && other.isFound)
    }

    @Test func consensusEndsWhereLittleOfTheLightChanges() {
        var search = StopSearch(.consensus, Self.image([0]), mostSteps: 50)
        let more = [0.9, 0.3, 0.05, 0.049].map { search.look(share: $0) }
        #expect(more == [true, true, true, false] && search.stepCount == 4 && search.isFound)
        var cut = StopSearch(.consensus, Self.image([0]), mostSteps: 2)
        let goesOn = [0.9, 0.8].map { cut.look(share: $0) }
        #expect(goesOn == [true, false] && cut.stepCount == 2 && !cut.isFound)
    }

    @Test func theDivergenceEndsWhereItFallsNoMore() {
        let truth = Self.light(1).map { Float($0.rounded()) }
        var search = StopSearch(.divergence(0.05), Self.image(truth), mostSteps: 50)
        var steps = 0
        for offset in [Float(8), 4, 2, 1.96, 1.9] {
            steps += 1
            if !search.look([truth.map { $0 + offset }]) { break }
        }
        #expect(steps == 4 && search.stepCount == 4 && search.isFound)
        var cut = StopSearch(.divergence(0.05), Self.image(truth), mostSteps: 2)
        let first = cut.look([truth.map { $0 + 8 }])
        let second = cut.look([truth.map { $0 + 4 }])
        #expect(first && !second && !cut.isFound)
    }
}
