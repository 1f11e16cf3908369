import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What a look at the image finds before it is computed, from the image to the result.
@Suite struct SurveyTests {
    private static let shape = VolumeShape(z: 12, y: 40, x: 48)
    private static let psf = GaussianPSF.normalized(shape: VolumeShape(z: 7, y: 9, x: 9), sigma: [1.2, 1.3, 1.3])

    /// Blobs as an image of this PSF has them, in photons.
    private static let light: [Double] = {
        var light = [Double](repeating: 0, count: shape.voxelCount)
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<10 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            let blob = GaussianPSF.voxels(shape: shape, center: center, sigma: [1.6, 1.8, 1.8])
            for index in light.indices { light[index] += 1500 * blob[index] }
        }
        return light
    }()

    private static func recorded(offset: Double, light: [Double] = light, seed: UInt64 = 2) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return light.map { Float((generator.poisson($0) + offset + 1.6 * generator.normal()).rounded()) }
    }

    private static var options: DeconvolutionOptions {
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.psfAsIs = true
        options.iterationCount = 8
        return options
    }

    private func run(
        _ volumes: [[Float]],
        channelCount: Int = 1,
        psf: Volume = psf,
        mask: [Float]? = nil,
        _ change: (inout DeconvolutionOptions) -> Void
    ) throws -> (voxels: [Float], report: RunReport) {
        var options = Self.options
        change(&options)
        let sink = TestSink()
        let job = DeconvolutionJob(
            source: TestSeries(volumes.map { .float32($0) }, shape: Self.shape, channelCount: channelCount),
            psfs: [MeasuredPSF(name: "psf", volume: psf, shouldHaveSpacing: false)],
            sensitivity: Sensitivity(mask: mask.map { Volume(shape: Self.shape, voxels: $0) }),
            options: options
        )
        let report = try job.run(into: sink)
        return (sink.voxels, report)
    }

    private func said(_ report: RunReport, _ kind: Diagnostic.Kind) -> String? {
        report.warnings.first { $0.kind == kind }?.description(.flag)
    }

    // MARK: Background

    @Test func theBackgroundThatIsFoundIsUsedForEveryVolumeOfItsChannel() throws {
        // Two channels of two time points; by itself the last volume would be another level.
        let volumes = [
            Self.recorded(offset: 100), Self.recorded(offset: 40, seed: 3), Self.recorded(offset: 100, seed: 4),
            Self.recorded(offset: 40, seed: 5),
        ]
        let auto = try run(volumes, channelCount: 2) { $0.background = .auto }
        let found = auto.report.backgrounds
        #expect(found.count == 2 && abs(found[0] - 100) < 1 && abs(found[1] - 40) < 1, "\(found)")
        let given = try run(volumes, channelCount: 2) { $0.background = .values(found) }
        #expect(auto.voxels == given.voxels)
        let one = try run(volumes, channelCount: 2) { $0.background = 40 }
        let count = Self.shape.voxelCount
        #expect(one.voxels[..<count] != given.voxels[..<count])
        #expect(auto.report.warnings.isEmpty, "\(auto.report.warnings.map(\.description))")
    }

    @Test func tilesUseItToo() throws {
        let image = [Self.recorded(offset: 100)]
        let whole = try run(image) { $0.background = .auto }
        let tiled = try run(image) {
            $0.background = .auto
            $0.tileShape = VolumeShape(z: 12, y: 20, x: 24)
        }
        #expect(whole.report.backgrounds == tiled.report.backgrounds && tiled.report.tileCount > 1)
        let largest = whole.voxels.max() ?? 0
        #expect(zip(whole.voxels, tiled.voxels).allSatisfy { abs($0 - $1) < 1e-3 * largest })
    }

    @Test func asManyBackgroundsAsChannelsAreAskedFor() throws {
        let error = #expect(throws: DeconvolutionError.self) {
            _ = try run([Self.recorded(offset: 100)]) { $0.background = [100, 90] }
        }
        #expect(
            error?.text(.flag)
                == "--background 100,90: 2 values, but series.tif has 1 channel; give one for all or one a channel"
        )
        #expect(throws: DeconvolutionError.self) {
            _ = try run([Self.recorded(offset: 100)]) { $0.background = .values([100, -1]) }
        }
    }

    @Test func theHintNamesTheLevel() throws {
        let hint = try #require(said(try run([Self.recorded(offset: 100)]) { _ in }.report, .cameraOffset))
        let number = try #require(hint.split(separator: " ").compactMap { Double($0) }.last)
        #expect(hint.contains("--background auto") && abs(number - 100) < 1, "\(hint)")
        #expect(said(try run([Self.recorded(offset: 4)]) { _ in }.report, .cameraOffset) == nil)
        #expect(said(try run([Self.recorded(offset: 100)]) { $0.background = 90 }.report, .cameraOffset) == nil)
    }

    /// A part cut out of a cell: light everywhere, of another brightness from place to place.
    @Test func lightThatIsTakenForBackgroundIsSaid() throws {
        var light = Self.light
        for index in light.indices {
            let (z, y, x) = (index / 1920, index / 48 % 40, index % 48)
            light[index] = 60 + 25 * sin(Double(x) / 5) * cos(Double(y) / 6) + 2 * Double(z) + 0.02 * light[index]
        }
        let cut = Self.recorded(offset: 100, light: light)
        let report = try run([cut]) { $0.background = .auto }.report
        let warning = try #require(said(report, .backgroundTakesLight), "\(report.warnings.map(\.description))")
        #expect(warning.contains("--background") && warning.hasSuffix(" % of the light)"), "\(warning)")
        // What it says it takes is what it takes.
        let percent = try #require(warning.split(separator: " ").compactMap { Double($0) }.last)
        let mean = light.reduce(0, +) / Double(light.count)
        #expect(abs(percent / 100 - (report.backgrounds[0] - 100) / mean) < 0.12, "\(warning)")
        #expect(said(try run([cut]) { $0.background = 100 }.report, .backgroundTakesLight) == nil)
        // With a dark part there is nothing to say, even where haze lies on all of it.
        for haze in [0.0, 40] {
            let whole = Self.recorded(offset: 100, light: Self.light.map { $0 + haze })
            #expect(said(try run([whole]) { $0.background = .auto }.report, .backgroundTakesLight) == nil)
        }
    }

    // MARK: Saturation

    @Test(arguments: [Float(600), 255])
    func aPlateauIsNamedAndLeftOutOnRequest(top: Float) throws {
        let clipped = [Self.recorded(offset: 30).map { min($0, top) }]
        let unaware = try run(clipped) { $0.background = 30 }
        let warning = try #require(said(unaware.report, .saturationSeen))
        #expect(warning.contains("saturat") && warning.contains("\(Int(top)) counts"), "\(warning)")
        let auto = try run(clipped) { ($0.background, $0.saturation) = (30, .auto) }
        let given = try run(clipped) { ($0.background, $0.saturation) = (30, .value(Double(top))) }
        #expect(auto.voxels == given.voxels && auto.voxels != unaware.voxels)
        #expect(auto.report.saturatedInputVoxelCount == clipped[0].count { $0 == top })
        #expect(said(auto.report, .saturationSeen) == nil)
    }

    @Test func withoutAPlateauNothingIsLeftOut() throws {
        let image = [Self.recorded(offset: 30)]
        let auto = try run(image) { ($0.background, $0.saturation) = (30, .auto) }
        #expect(try auto.voxels == run(image) { $0.background = 30 }.voxels)
        #expect(auto.report.saturatedInputVoxelCount == 0)
    }

    // MARK: Bad pixels and planes

    @Test(arguments: [Float(4000), 0])
    func hotAndDeadPixelsAreNamedAndLeftOutOnRequest(addition: Float) throws {
        let pixels = [5 * 48 + 7, 20 * 48 + 30, 33 * 48 + 11]
        var image = Self.recorded(offset: 100)
        var mask = [Float](repeating: 1, count: image.count)
        for z in 0..<Self.shape.z {
            for pixel in pixels {
                let index = z * Self.shape.planeVoxelCount + pixel
                image[index] = addition > 0 ? image[index] + addition : 0
                mask[index] = 0
            }
        }
        let unaware = try run([image]) { $0.background = 100 }
        let warning = try #require(said(unaware.report, .badPixels))
        #expect(warning.contains("hot") && warning.contains("--mask auto"), "\(warning)")
        let auto = try run([image]) { ($0.background, $0.masksBadPixels) = (100, true) }
        let masked = try run([image], mask: mask) { $0.background = 100 }
        #expect(auto.voxels == masked.voxels && auto.voxels != unaware.voxels)
        #expect(auto.report.maskedVoxelCount == 3 * Self.shape.z)
        // Those of a mask are known.
        #expect(said(masked.report, .badPixels) == nil)
    }

    @Test(arguments: [nil, VolumeShape(z: 12, y: 20, x: 24)])
    func droppedPlanesAreNamedAndLeftOutOnRequest(tile: VolumeShape?) throws {
        let good = Self.recorded(offset: 100)
        var dropped = Self.recorded(offset: 100, seed: 6)
        var mask = [Float](repeating: 1, count: good.count)
        for index in [3, 8].flatMap({ $0 * Self.shape.planeVoxelCount..<($0 + 1) * Self.shape.planeVoxelCount }) {
            (dropped[index], mask[index]) = (0, 0)
        }
        let unaware = try run([good, dropped]) { ($0.background, $0.tileShape) = (100, tile) }
        let warning = try #require(said(unaware.report, .emptyPlanes))
        #expect(warning.hasSuffix("(channel 0, time point 1: planes 3, 8)"), "\(warning)")
        let auto = try run([good, dropped]) {
            ($0.background, $0.tileShape, $0.masksBadPixels) = (100, tile, true)
        }
        let count = good.count
        let masked = try run([dropped], mask: mask) { ($0.background, $0.tileShape) = (100, tile) }
        #expect(Array(auto.voxels[count...]) == masked.voxels)
        #expect(Array(auto.voxels[..<count]) == Array(unaware.voxels[..<count]))
    }

    @Test func aGoodCameraHasNothingToLeaveOut() throws {
        let image = [Self.recorded(offset: 100)]
        let auto = try run(image) { ($0.background, $0.masksBadPixels) = (100, true) }
        #expect(try auto.voxels == run(image) { $0.background = 100 }.voxels && auto.report.maskedVoxelCount == 0)
    }

    // MARK: Negative voxels

    @Test func anImageWithoutItsBackgroundIsThatOfOneThatHasIt() throws {
        let image = Self.recorded(offset: 100)
        let taken = image.map { $0 - 100 }
        let result = try run([taken]) { _ in }
        let shift = try #require(result.report.survey.first?.shift)
        #expect(shift > 2 && shift < 12, "\(shift)")
        // What an offset of that size would have given.
        let level = result.report.backgrounds[0]
        #expect(level <= 0 && level > -0.5, "\(level)")
        let shifted = try run([taken.map { $0 + Float(shift) }]) { $0.background = .value(level + shift) }
        #expect(result.voxels == shifted.voxels)
        let change = result.report.resultSum / taken.reduce(0.0) { $0 + Double($1) }
        #expect(abs(change - 1) < 0.1, "\(change)")
        let warning = try #require(said(result.report, .negativeVoxels))
        #expect(warning.contains("offset") && warning.contains("--background auto"), "\(warning)")
    }

    @Test func whatWasTakenOffTooMuchIsPutBack() throws {
        let taken = Self.recorded(offset: 100).map { $0 - 130 }
        let result = try run([taken]) { _ in }
        #expect(abs(result.report.backgrounds[0] + 30) < 1)
        #expect(try result.voxels == run([taken]) { $0.background = .auto }.voxels)
        #expect(result.voxels.contains { $0 > 500 })
    }

    @Test func aFewVoxelsBelowZeroCountAsNone() throws {
        var image = Self.recorded(offset: 100)
        image[77] = -3
        let result = try run([image]) { $0.background = 100 }
        #expect(result.report.survey.first?.shift == 0)
        #expect(said(result.report, .negativeVoxels)?.contains("negative voxels count as 0 (1 voxels") == true)
    }

    // MARK: Light

    @Test func aBackgroundThatIsTooHighIsBlamed() throws {
        let warning = try #require(
            said(try run([Self.recorded(offset: 100)]) { $0.background = 110 }.report, .lightChanged)
        )
        #expect(warning.contains("more than the dark parts") && !warning.contains("noise"), "\(warning)")
    }

    @Test(arguments: [true, false])
    func aPSFThatStandsOnSomethingIsBlamed(hasSlope: Bool) throws {
        let shape = VolumeShape(z: 7, y: 17, x: 17)
        var voxels = GaussianPSF.voxels(shape: shape, sigma: [1.2, 1.3, 1.3])
        for index in voxels.indices { voxels[index] += hasSlope ? 0.004 * Double(index % 17) : 0.02 }
        let sum = voxels.reduce(0, +)
        let psf = Volume(shape: shape, voxels: voxels.map { Float($0 / sum) })
        let image = Self.recorded(offset: 100)
        let warning = try #require(said(try run([image], psf: psf) { $0.background = 100 }.report, .lightChanged))
        #expect(warning.contains(hasSlope ? "along one side" : "at its sides"), "\(warning)")
    }

    /// Bad pixels are so few that what is estimated on them explains nothing.
    @Test func aMaskOfAFewPixelsSilencesNothing() throws {
        let image = Self.recorded(offset: 100, light: Self.light.map { $0 / 100 })
        var mask = [Float](repeating: 1, count: image.count)
        mask[3] = 0
        let report = try run([image], mask: mask) { $0.background = 100 }.report
        #expect(report.maskedVoxelCount == 1 && said(report, .lightChanged) != nil)
    }

    /// What may be on one saturated voxel explains nothing of half of the light, on a hundred it does.
    @Test(arguments: [1, 300])
    func saturatedVoxelsSilenceNoMoreThanTheyExplain(count: Int) throws {
        var image = Self.recorded(offset: 100)
        let top = try #require(image.max()) + 100
        for index in 0..<count { image[index * 37] = top }
        let report = try run([image]) { ($0.background, $0.saturation) = (112, .value(Double(top))) }.report
        #expect(report.saturatedInputVoxelCount == count)
        #expect((said(report, .lightChanged) == nil) == (count > 1), "\(report.resultSum / report.observedSum)")
    }

    @Test func noiseIsBlamedWhereThereIsHardlyAnyLight() throws {
        let image = Self.recorded(offset: 100, light: Self.light.map { $0 / 100 })
        let warning = try #require(said(try run([image]) { $0.background = 100 }.report, .lightChanged))
        #expect(warning.contains("what noise adds counts"), "\(warning)")
    }
}
