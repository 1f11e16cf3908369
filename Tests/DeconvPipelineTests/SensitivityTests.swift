import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Synchronization
import Testing

/// Flat fields, bad and saturated voxels, from the maps to the result.
@Suite struct SensitivityTests {
    private static let shape = VolumeShape(z: 8, y: 30, x: 32)
    private static let psf = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 9, x: 9), sigma: [0.8, 1.2, 1.2])
    private static let background = 20.0

    /// Bars along y and x, in the dark.
    private static let truth: [Double] = {
        var light = [Double](repeating: 0, count: shape.voxelCount)
        for z in 2..<6 {
            for y in 6..<24 {
                for x in 6..<26 where (y < 15 ? x : y) % 8 < 4 {
                    light[(z * shape.y + y) * shape.x + x] = 1000
                }
            }
        }
        return light
    }()

    private static let blurred = DirectConvolution(psf, frame: shape, boundary: .zero).forward(truth)

    /// A lamp that is brightest off centre, with mean 1.
    private static let vignette: [Float] = {
        var field: [Double] = []
        for _ in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let (v, u) = (Double(y) / Double(shape.y) - 0.6, Double(x) / Double(shape.x) - 0.4)
                    field.append(1.4 - 1.2 * v * v - 1.5 * u * u)
                }
            }
        }
        let mean = field.reduce(0, +) / Double(field.count)
        return field.map { Float($0 / mean) }
    }()

    private static func photographed(_ sensitivity: [Float]? = nil, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return blurred.enumerated().map {
            Float(generator.poisson($0.element * Double(sensitivity?[$0.offset] ?? 1) + background))
        }
    }

    /// One voxel in fifty.
    private static let isDead: [Bool] = TestImage.random(shape.voxelCount, seed: 3).map { $0 < 0.02 }

    private static var options: DeconvolutionOptions {
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.psfAsIs = true
        options.background = .value(background)
        options.iterationCount = 20
        return options
    }

    private static func volume(_ voxels: [Float]) -> Volume { Volume(shape: shape, voxels: voxels) }

    private func deconvolve(
        _ voxels: [Float],
        flatField: [Float]? = nil,
        mask: [Float]? = nil,
        _ options: DeconvolutionOptions = options
    ) throws -> (voxels: [Float], report: RunReport) {
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: ArraySource(Self.volume(voxels), name: "image.tif"),
            psfs: [.init(name: "psf.tif", volume: Self.psf)],
            sensitivity: Sensitivity(flatField: flatField.map(Self.volume), mask: mask.map(Self.volume)),
            options: options
        )
        let report = try job.run(into: sink)
        return (sink.voxels, report)
    }

    private func error(_ result: [Float]) -> Double { relativeRMSE(result, Self.truth.map { Float($0) }) }

    // MARK: What it is for

    @Test func aMaskTakesDeadVoxelsOutOfTheResult() throws {
        let intact = Self.photographed(seed: 1)
        let broken = zip(intact, Self.isDead).map { $1 ? 0 : $0 }
        let mask: [Float] = Self.isDead.map { $0 ? 0 : 255 }
        let masked = try deconvolve(broken, mask: mask)
        let (ideal, unaware) = try (deconvolve(intact).voxels, deconvolve(broken).voxels)
        #expect(error(masked.voxels) < 1.01 * error(ideal), "\(error(masked.voxels)), \(error(ideal))")
        #expect(error(unaware) > 1.03 * error(ideal), "\(error(unaware)), \(error(ideal))")
        // Most of both errors is what no deconvolution brings back; beside it, the dead voxels are plain to see.
        let (less, more) = (relativeRMSE(masked.voxels, ideal), relativeRMSE(unaware, ideal))
        #expect(less < more / 3, "\(less), \(more)")
        #expect(masked.report.maskedVoxelCount == Self.isDead.count { $0 })
        #expect(masked.report.saturatedInputVoxelCount == 0)
        #expect(masked.report.mask == "the mask" && masked.report.flatField == nil)
        #expect(masked.report.warnings.isEmpty, "\(masked.report.warnings)")
        let good = zip(broken, Self.isDead).reduce(0.0) { $0 + ($1.1 ? 0 : Double($1.0) - Self.background) }
        #expect(abs(masked.report.observedSum - good) <= 1e-9 * good)
    }

    /// Two photographs of one specimen differ by their noise; one through a vignette, with its flat field, by no more.
    @Test func aFlatFieldTakesTheLampOutOfTheResult() throws {
        let first = try deconvolve(Self.photographed(seed: 1)).voxels
        let second = try deconvolve(Self.photographed(seed: 2)).voxels
        let vignetted = Self.photographed(Self.vignette, seed: 2)
        let flat = try deconvolve(vignetted, flatField: Self.vignette).voxels
        let noise = relativeRMSE(second, first)
        #expect(relativeRMSE(flat, first) < 1.2 * noise, "\(relativeRMSE(flat, first)), \(noise)")
        let unaware = try relativeRMSE(deconvolve(vignetted).voxels, first)
        #expect(unaware > 2 * noise, "\(unaware), \(noise)")
        #expect(error(flat) < 1.05 * error(second), "\(error(flat)), \(error(second))")
    }

    @Test func onlyTheRatiosOfAFlatFieldCount() throws {
        let observed = Self.photographed(Self.vignette, seed: 4)
        let one = try deconvolve(observed, flatField: Self.vignette).voxels
        #expect(try deconvolve(observed, flatField: Self.vignette.map { $0 * 8 }).voxels == one)
        #expect(try relativeRMSE(deconvolve(observed, flatField: Self.vignette.map { $0 * 7 }).voxels, one) < 1e-5)
    }

    @Test(arguments: BoundaryMode.allCases)
    func aPerfectCameraNeedsNoMaps(boundary: BoundaryMode) throws {
        var options = Self.options
        options.boundary = boundary
        let observed = Self.photographed(seed: 5)
        let plain = try deconvolve(observed, options).voxels
        let sevens = [Float](repeating: 7, count: observed.count)
        #expect(try relativeRMSE(deconvolve(observed, flatField: sevens, mask: sevens, options).voxels, plain) < 1e-6)
        // No voxel is as bright: there is nothing to weigh.
        options.saturation = 1e6
        let saturated = try deconvolve(observed, options)
        #expect(saturated.voxels == plain)
        #expect(saturated.report.saturatedInputVoxelCount == 0 && saturated.report.warnings.isEmpty)
    }

    // MARK: Bad voxels

    @Test(arguments: BoundaryMode.allCases, [nil, VolumeShape(z: 8, y: 15, x: 32)])
    func whatBadVoxelsHoldDoesNotLeak(boundary: BoundaryMode, tile: VolumeShape?) throws {
        let observed = Self.photographed(seed: 6)
        // At a corner too, from where edges and mirror images are taken.
        let mask: [Float] = Self.isDead.enumerated().map { $0.offset == 0 || $0.element ? 0 : 1 }
        func filled(_ filler: [Float]) -> [Float] {
            observed.enumerated().map { mask[$0.offset] == 0 ? filler[$0.offset % filler.count] : $0.element }
        }
        for start in StartingEstimate.allCases {
            var options = Self.options
            options.boundary = boundary
            options.tileShape = tile
            options.start = start
            options.iterationCount = 5
            let dark = try deconvolve(filled([0]), mask: mask, options)
            let wild = try deconvolve(filled([.nan, .infinity, -.infinity, 1e30, -5]), mask: mask, options)
            #expect(wild.voxels == dark.voxels)
            #expect(wild.voxels.allSatisfy { $0.isFinite && $0 >= 0 })
            #expect(wild.report.warnings == dark.report.warnings)
            #expect(wild.report.observedSum == dark.report.observedSum)
            #expect(
                wild.report.convergence.map(\.poissonDivergence) == dark.report.convergence.map(\.poissonDivergence)
            )
        }
    }

    @Test func aGoodVoxelThatIsNoNumberIsStillAnError() throws {
        var observed = Self.photographed(seed: 6)
        observed[(3 * Self.shape.y + 4) * Self.shape.x + 5] = .nan
        var mask = [Float](repeating: 1, count: observed.count)
        mask[0] = 0
        for tile in [nil, VolumeShape(z: 8, y: 15, x: 32)] {
            var options = Self.options
            options.tileShape = tile
            let error = #expect(throws: DeconvolutionError.self) { try deconvolve(observed, mask: mask, options) }
            #expect(
                error?.text(.flag)
                    == "image.tif: the voxel at (z 3, y 4, x 5) is nan; replace it by a number and try again"
            )
        }
    }

    /// Beads so bright that the camera saturates in their middle: what it shows around them tells how bright.
    @Test(arguments: [nil, VolumeShape(z: 8, y: 15, x: 32)])
    func saturatedVoxelsAreBadVoxels(tile: VolumeShape?) throws {
        let beads = [(3, 3, 4), (4, 27, 20), (4, 10, 29)].map { z, y, x in (z * Self.shape.y + y) * Self.shape.x + x }
        var truth = Self.truth
        for bead in beads { truth[bead] = 60000 }
        var generator = SeededGenerator(seed: 7)
        let top: Float = 1200
        let clipped = DirectConvolution(Self.psf, frame: Self.shape, boundary: .zero).forward(truth)
            .map { min(Float(generator.poisson($0 + Self.background)), top) }
        let count = clipped.count { $0 == top }
        #expect(count > 20 && count < 200, "\(count)")
        var options = Self.options
        options.tileShape = tile
        let unaware = try deconvolve(clipped, options).voxels
        let mask: [Float] = clipped.map { $0 < top ? 1 : 0 }
        let masked = try deconvolve(clipped, mask: mask, options).voxels
        options.saturation = .value(Double(top))
        let saturated = try deconvolve(clipped, options)
        #expect(saturated.voxels == masked)
        let expected = truth.map { Float($0) }
        #expect(relativeRMSE(masked, expected) < 0.9 * relativeRMSE(unaware, expected))
        for bead in beads { #expect(masked[bead] > 1.4 * unaware[bead] && masked[bead] < 60000) }
        #expect(saturated.report.saturatedInputVoxelCount == count)
        #expect(saturated.report.maskedVoxelCount == 0)
        #expect(
            saturated.report.warnings.map { $0.description(.flag) }
                == ["image.tif: --saturation 1200 leaves voxels out (\(count) of \(clipped.count))"]
        )
        // A voxel that is bad for two reasons is counted once.
        let both = try deconvolve(clipped, mask: mask.map { 1 - $0 == 1 ? 0 : 1 }, options).report
        #expect(both.maskedVoxelCount == count && both.saturatedInputVoxelCount == 0)
    }

    // MARK: Many volumes

    /// Volumes in memory; counts how often they are read.
    private final class Series: VolumeSource {
        let name: String
        let image: ImageDescription
        let readCount = Mutex(0)
        private let volumes: [[Float]]

        init(_ name: String, shape: VolumeShape = shape, channels: Int = 1, _ volumes: [[Float]]) {
            self.name = name
            self.volumes = volumes
            image = ImageDescription(
                shape: shape,
                channelCount: channels,
                timepointCount: volumes.count / channels,
                pixelType: .float32
            )
        }

        func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
            readCount.withLock { $0 += 1 }
            return .float32(volumes[timepoint * image.channelCount + channel].cropped(from: image.shape, to: region))
        }
    }

    private func deconvolve(
        _ series: Series,
        flatField: Series?,
        mask: Series?,
        _ options: DeconvolutionOptions
    ) throws -> (voxels: [Float], report: RunReport) {
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: series,
            psfs: [.init(name: "psf.tif", volume: Self.psf)],
            sensitivity: Sensitivity(flatFieldSource: flatField, maskSource: mask),
            options: options
        )
        let report = try job.run(into: sink)
        return (sink.voxels, report)
    }

    /// A flat field of one plane a channel, and a mask that changes with time.
    @Test(arguments: [nil, VolumeShape(z: 8, y: 15, x: 32)])
    func everyVolumeOfASeriesHasItsOwnMaps(tile: VolumeShape?) throws {
        let plane = VolumeShape(z: 1, y: Self.shape.y, x: Self.shape.x)
        let even = [Float](repeating: 3, count: plane.voxelCount)
        let lamp = Array(Self.vignette.prefix(plane.voxelCount))
        let images = (0..<4).map { Self.photographed($0 % 2 == 0 ? Self.vignette : nil, seed: 10 + UInt64($0)) }
        let masks: [[Float]] = [Self.isDead.map { $0 ? 0 : 1 }, Self.isDead.reversed().map { $0 ? 0 : 1 }]
        var options = Self.options
        options.iterationCount = 5
        options.tileShape = tile
        let together = try deconvolve(
            Series("image.tif", channels: 2, images),
            flatField: Series("flat.tif", shape: plane, channels: 2, [lamp, even]),
            mask: Series("mask.tif", masks),
            options
        )
        // Channel fastest, then z, then the time point.
        let count = plane.voxelCount
        for (number, image) in images.enumerated() {
            // A mask that changes with time takes no part in the mean of the flat field; this one does not, but might.
            let mask = masks[number / 2]
            let alone = try deconvolve(
                Series("image.tif", [image, image]),
                flatField: number % 2 == 0 ? Series("flat.tif", [Self.vignette]) : nil,
                mask: Series("mask.tif", [mask, mask]),
                options
            ).voxels.prefix(Self.shape.voxelCount)
            var part: [Float] = []
            for z in 0..<Self.shape.z {
                let start = ((number / 2 * Self.shape.z + z) * 2 + number % 2) * count
                part += together.voxels[start..<start + count]
            }
            #expect(relativeRMSE(part, Array(alone)) < 1e-5, "volume \(number)")
        }
        #expect(together.report.maskedVoxelCount == 4 * Self.isDead.count { $0 })
    }

    @Test func mapsThatDoNotChangeAreNotBroughtAgain() throws {
        let images = (0..<3).map { Self.photographed(seed: 20 + UInt64($0)) }
        var options = Self.options
        options.iterationCount = 1
        options.tileShape = VolumeShape(z: 8, y: 15, x: 32)
        let flatField = Series("flat.tif", [Self.vignette])
        let plane = VolumeShape(z: 1, y: Self.shape.y, x: Self.shape.x)
        let mask = Series("mask.tif", shape: plane, [[Float](repeating: 1, count: plane.voxelCount)])
        _ = try deconvolve(Series("image.tif", images), flatField: flatField, mask: mask, options)
        // Plane by plane: for its mean, to look at every volume and to bring it, with the image it belongs to.
        #expect(flatField.readCount.withLock { $0 } == Self.shape.z * (1 + 1 + 2 * 3))
        // For the look at the image, and to be used.
        #expect(mask.readCount.withLock { $0 } == 2)
    }

    @Test func aVolumeOfASeriesWithoutAGoodVoxelIsZeroAndTheOthersAreDone() throws {
        let images = [Self.photographed(seed: 30), Self.photographed(seed: 31)]
        let none = [Float](repeating: 0, count: Self.shape.voxelCount)
        let all = [Float](repeating: 1, count: Self.shape.voxelCount)
        var options = Self.options
        options.iterationCount = 2
        let series = Series("image.tif", images)
        let result = try deconvolve(series, flatField: nil, mask: Series("mask.tif", [none, all]), options)
        #expect(result.voxels.prefix(Self.shape.voxelCount).allSatisfy { $0 == 0 })
        #expect(try Array(result.voxels.suffix(Self.shape.voxelCount)) == deconvolve(images[1], options).voxels)
        #expect(
            result.report.warnings.map(\.description) == [
                "image.tif: where no voxel is good the result is 0 (channel 0, time point 0: mask.tif, channel 0, time point "
                    + "0: every voxel is 0, so none of image.tif, channel 0, time point 0 is good)"
            ]
        )
        // A mask for all time points has no such excuse.
        let error = #expect(throws: DeconvolutionError.self) {
            try deconvolve(series, flatField: nil, mask: Series("mask.tif", [none]), options)
        }
        #expect(error?.text(.flag).hasPrefix("mask.tif: every voxel is 0, so none of image.tif, channel 0") == true)
    }
}
