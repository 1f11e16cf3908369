import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What is found out of a channel before its volumes are computed, from the image to the result.
@Suite struct TuningJobTests {
    private static let shape = VolumeShape(z: 12, y: 40, x: 48)
    private static let psf = GaussianPSF.normalized(shape: VolumeShape(z: 9, y: 13, x: 13), sigma: [1.2, 1.5, 1.5])

    /// What is there: blobs narrower than the PSF, in photons.
    private static let object: [Double] = {
        var light = [Double](repeating: 0, count: shape.voxelCount)
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<25 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: [1, 1.1, 1.1])
            for index in light.indices { light[index] += 400 * blob[index] }
        }
        return light
    }()

    private static let blurred = DirectConvolution(psf, frame: shape, boundary: .zero).forward(object)

    private static func recorded(_ scale: Double = 1, gain: Double = 1, offset: Double = 2, seed: UInt64 = 2) -> [Float]
    {
        var generator = SeededGenerator(seed: seed)
        return blurred.map { Float((gain * generator.poisson(scale * $0 + offset)).rounded()) }
    }

    private static func run(
        _ volumes: [VoxelData],
        channelCount: Int = 1,
        _ change: (inout DeconvolutionOptions) -> Void = { _ in }
    ) throws -> (voxels: [Float], report: RunReport) {
        var options = DeconvolutionOptions()
        options.method = .auto
        options.backend = .cpu
        options.psfAsIs = true
        options.background = 2
        options.divergenceInterval = 0
        change(&options)
        let sink = TestSink()
        let job = DeconvolutionJob(
            source: TestSeries(volumes, shape: shape, channelCount: channelCount),
            psfs: [MeasuredPSF(name: "psf", volume: psf, shouldHaveSpacing: false)],
            options: options
        )
        let report = try job.run(into: sink)
        return (sink.voxels, report)
    }

    private static func integers(_ voxels: [Float]) -> VoxelData { .uint16(voxels.map { UInt16($0) }) }

    private static func error(_ voxels: some Sequence<Float>, scale: Double) -> Double {
        zip(voxels, object).reduce(0) { $0 + pow(Double($1.0) - scale * $1.1, 2) }
    }

    /// A volume of a result whose planes come channel by channel.
    private static func volume(_ number: Int, of voxels: [Float], channelCount: Int) -> [Float] {
        let (timepoint, channel) = number.quotientAndRemainder(dividingBy: channelCount)
        let plane = shape.planeVoxelCount
        return (0..<shape.z).flatMap { z in
            let start = ((timepoint * shape.z + z) * channelCount + channel) * plane
            return voxels[start..<start + plane]
        }
    }

    /// Neither ten plain iterations nor a hundred accelerated ones come as near to what is there.
    @Test(arguments: [0.5, 20])
    func theResultIsNearerToWhatIsThereThanWithAnyFixedNumber(scale: Double) throws {
        let image = Self.integers(Self.recorded(scale))
        let auto = try Self.run([image])
        let tuning = try #require(auto.report.tunings.first)
        #expect(tuning.stop == "held-out" && tuning.gainOrigin == .spectrum && tuning.exception == nil)
        #expect(abs(tuning.gain! - 1) < 0.15, "\(tuning.gain!)")
        #expect(auto.report.iterationCount == tuning.tuning.stepCount && auto.report.method == "auto")
        #expect(tuning.curves.map(\.totalVariation) == [0, 0.075, 0.15])
        let error = Self.error(auto.voxels, scale: scale)
        for (count, acceleration) in [(10, Acceleration.none), (100, .heavyBall)] {
            let fixed = try Self.run([image]) {
                $0.method = .richardsonLucy
                $0.iterationCount = count
                $0.acceleration = acceleration
            }
            #expect(fixed.report.tunings.isEmpty)
            #expect(error < Self.error(fixed.voxels, scale: scale), "\(count)")
        }
    }

    /// Photons are held out by their place in the image, wherever and in whatever pieces it is computed.
    @Test func devicesTilesAndThreadsComeToTheSame() throws {
        let image = Self.integers(Self.recorded())
        let whole = try Self.run([image])
        let tuning = try #require(whole.report.tunings.first)
        func compare(_ what: String, _ change: (inout DeconvolutionOptions) -> Void) throws {
            let other = try Self.run([image], change)
            #expect(other.report.tunings.first?.tuning == tuning.tuning, "\(what)")
            #expect(relativeRMSE(other.voxels, whole.voxels.map(Double.init).map(Float.init)) <= 1e-4, "\(what)")
        }
        try compare("tiles") { $0.tileShape = VolumeShape(z: 12, y: 20, x: 24) }
        try compare("OpenCL") { $0.backend = .opencl }
        let one = try Self.run([image]) { $0.threadCount = 1 }
        #expect(one.voxels == whole.voxels)
        let seeded = try Self.run([image]) { $0.seed = 7 }
        let other = try #require(seeded.report.tunings.first)
        #expect(other.curves != tuning.curves && abs(other.tuning.stepCount - tuning.tuning.stepCount) <= 2)
    }

    /// What is noise is told by the photons, which both methods ask for; nobody has to say how long.
    @Test(arguments: [MethodName.gated, .rlgc])
    func methodsThatAskForPhotonsFindTheirIterations(name: MethodName) throws {
        let image = Self.integers(Self.recorded())
        func run(_ change: (inout DeconvolutionOptions) -> Void = { _ in }) throws -> (
            voxels: [Float], report: RunReport
        ) {
            try Self.run([image]) {
                $0.method = name
                change(&$0)
            }
        }
        let whole = try run()
        let tuning = try #require(whole.report.tunings.first)
        let curve = try #require(tuning.curves.first).values
        #expect(tuning.stop == (name == .rlgc ? "consensus" : "held-out") && tuning.exception == nil && !tuning.isCut)
        #expect(tuning.tuning.noise?.gain == tuning.gain && abs(tuning.gain! - 1) < 0.15)
        #expect(whole.report.iterationCount == tuning.tuning.stepCount)
        if name == .rlgc { #expect(curve.last! < 0.05 && curve.dropLast().allSatisfy { (0.05...1).contains($0) }) }
        let plain = try Self.run([image]) {
            $0.method = .richardsonLucy
            $0.iterationCount = tuning.tuning.stepCount
        }
        #expect(Self.error(whole.voxels, scale: 1) < Self.error(plain.voxels, scale: 1))
        // Photons are told apart by their place in the image, wherever and in whatever pieces it is computed.
        let tiled = try run { $0.tileShape = VolumeShape(z: 12, y: 20, x: 24) }
        let device = try run { $0.backend = .opencl }
        for other in [tiled, device] {
            #expect(other.report.tunings.first?.tuning == tuning.tuning)
            #expect(relativeRMSE(other.voxels, whole.voxels) <= 1e-3)
        }
        let one = try run { $0.threadCount = 1 }
        #expect(one.voxels == whole.voxels)
        let fixed = try run { ($0.stop, $0.iterationCount) = (.none, tuning.tuning.stepCount) }
        #expect(fixed.voxels == whole.voxels && fixed.report.tunings.first?.stop == "none")
    }

    @Test func countsAreTakenForPhotonsWhereNobodyCanTell() throws {
        let raw = Self.recorded()
        let smooth = raw.indices.map { $0 > 3 ? raw[$0 - 4...$0].reduce(0, +) / 5 : raw[$0] }
        let (voxels, report) = try Self.run([.float32(smooth)]) { $0.method = .rlgc }
        let said = report.warnings.first { $0.kind == .photonsUnknown }?.description(.flag) ?? ""
        #expect(said.contains("every count is taken for a photon; give --gain if you know it"), "\(said)")
        #expect(report.tunings.first?.stop == "consensus" && report.tunings.first?.tuning.noise == nil)
        #expect(voxels.allSatisfy { $0.isFinite && $0 >= 0 })
    }

    @Test func everyChannelHasItsOwnNumberForAllItsVolumes() throws {
        let volumes = [(0.3, 2), (30, 3), (0.3, 4), (30, 5)].map { Self.integers(Self.recorded($0.0, seed: $0.1)) }
        let all = try Self.run(volumes, channelCount: 2)
        let steps = all.report.tunings.map(\.tuning.stepCount)
        #expect(steps.count == 2 && steps[0] < steps[1])
        #expect(all.report.iterationCount == steps[1])
        // The second time point is computed as the first one was found to be best.
        let alone = try Self.run([volumes[2]]) {
            $0.method = .richardsonLucy
            $0.start = .flat
            $0.acceleration = .heavyBall
            $0.iterationCount = steps[0]
            let weight = all.report.tunings[0].weight
            $0.totalVariation = .weight(weight)
            if weight > 0 { $0.gain = all.report.tunings[0].gain }
        }
        // Its light sets the strength of total variation, which is near to that of the first.
        let part = Self.volume(2, of: all.voxels, channelCount: 2)
        #expect(relativeRMSE(part, alone.voxels) <= (all.report.tunings[0].weight > 0 ? 0.02 : 1e-6))
    }

    @Test func withoutPhotonsTheStepsAreThoseOfFast() throws {
        // Smoothed, and no whole numbers.
        let raw = Self.recorded()
        let smooth = raw.indices.map { $0 > 3 ? raw[$0 - 4...$0].reduce(0, +) / 5 : raw[$0] }
        let (voxels, report) = try Self.run([.float32(smooth)])
        let tuning = try #require(report.tunings.first)
        // Steps that need no photons.
        #expect(tuning.stop == "none" && tuning.exception != nil && tuning.tuning.signal != nil)
        #expect(report.iterationCount == 7 && report.tuningSentence?.contains("(fast)") == true)
        let said = report.warnings.first { $0.kind == .photonsUnknown }
        #expect(said?.description(.flag).contains("give --gain if you know it") == true)
        #expect(voxels.allSatisfy { $0.isFinite && $0 >= 0 })
        // Nobody is asked who knows.
        let known = try Self.run([.float32(smooth)]) { $0.gain = 1 }
        #expect(known.report.tunings.first?.stop == "held-out" && known.report.tunings.first?.gainOrigin == .given)
    }

    /// As a deskewing leaves it: weaker at high frequencies along x, so that the strong ones tell of the photons.
    @Test func noiseOfAMildInterpolationIsTakenAtItsStrongest() throws {
        let raw = Self.recorded()
        let mild = raw.indices.map { $0 > 0 ? 0.8 * raw[$0] + 0.2 * raw[$0 - 1] : raw[$0] }
        let tuning = try #require(try Self.run([.float32(mild)]).report.tunings.first)
        #expect(tuning.stop == "held-out" && tuning.gainOrigin == .spectrum)
        // Its mean power is that of 0.68 counts a photon.
        #expect(abs(tuning.gain! - 0.9) < 0.15, "\(tuning.gain!)")
    }

    @Test func aChannelWithoutLightTakesNoTuning() throws {
        let dark = [UInt16](repeating: 2, count: Self.shape.voxelCount)
        let (voxels, report) = try Self.run([.uint16(dark), Self.integers(Self.recorded())], channelCount: 2)
        #expect(report.tunings.map(\.stop) == ["none", "held-out"] && report.tunings[0].tuning.stepCount == 10)
        #expect(!report.warnings.contains { $0.kind == .photonsUnknown })
        #expect(Self.volume(0, of: voxels, channelCount: 2).allSatisfy { $0 == 0 })
        #expect(Self.volume(1, of: voxels, channelCount: 2).contains { $0 > 0 })
    }

    /// As from a camera whose frames were averaged: few counts, of many photons each.
    @Test func withTooManyPhotonsACountNoneAreHeldOut() throws {
        let image = Self.integers(Self.recorded(200).map { ($0 / 6).rounded() })
        let tuning = try #require(try Self.run([image]).report.tunings.first)
        #expect(tuning.stop != "held-out" && tuning.exception?.contains("photons a count") == true, "\(tuning)")
        #expect((2..<100).contains(tuning.tuning.stepCount))
    }

    /// What decides is where the photons are: not the middle, nor the first volume.
    @Test func aPartWithEnoughPhotonsDecides() throws {
        let image = Self.recorded()
        let expected = try #require(try Self.run([Self.integers(image)]).report.tunings.first)
        let faint = [Float](repeating: 2, count: image.count).enumerated().map { $0.offset == 9 ? 4 : $0.element }
        let series = try #require(try Self.run([faint, faint, image].map(Self.integers)).report.tunings.first)
        #expect(series.tuning == expected.tuning && series.exception == nil)

        let wide = VolumeShape(z: 12, y: 40, x: 600)
        var generator = SeededGenerator(seed: 4)
        var voxels = (0..<wide.voxelCount).map { _ in Float(generator.poisson(2)) }
        for row in 0..<12 * 40 {
            for x in 0..<Self.shape.x { voxels[row * 600 + 10 + x] = image[row * Self.shape.x + x] }
        }
        var options = DeconvolutionOptions()
        (options.method, options.backend, options.psfAsIs, options.background) = (.auto, .cpu, true, 2)
        let job = DeconvolutionJob(
            source: TestSeries([Self.integers(voxels)], shape: wide),
            psfs: [MeasuredPSF(name: "psf", volume: Self.psf, shouldHaveSpacing: false)],
            options: options
        )
        let tuning = try #require(try job.run(into: TestSink()).tunings.first)
        #expect(tuning.stop == "held-out" && tuning.curves.count == 3, "\(tuning)")
    }

    /// What cannot be found is said, and what was asked for is done all the same.
    @Test func fewPhotonsAreSaidToBeFew() throws {
        let (_, report) = try Self.run([Self.integers(Self.recorded(0.001, offset: 0.01))]) { $0.background = 0 }
        let said = report.warnings.first { $0.kind == .photonsUnknown }?.description(.flag) ?? ""
        #expect(said.contains("has few photons") && !said.contains("--gain"), "\(said)")
        #expect(report.iterationCount >= 3)
    }

    @Test func maximumEndsTheSearchAndIsSaid() throws {
        let (_, report) = try Self.run([Self.integers(Self.recorded(20))]) { $0.maximumIterationCount = 3 }
        #expect(report.iterationCount <= 3)
        #expect(report.warnings.contains { $0.kind == .iterationsCut })
    }
}
