import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Beads as cameras record them, and what is wrong with some.
private struct Bead {
    static let shape = VolumeShape(z: 25, y: 33, x: 33)

    /// Expected counts above the offset: a core on a halo, as of a widefield microscope.
    static func light(
        _ shape: VolumeShape = shape,
        center: [Double]? = nil,
        peak: Double = 2000,
        hasHalo: Bool = true
    ) -> [Double] {
        let core = GaussianPSF.voxels(shape: shape, center: center, sigma: [3, 1.8, 1.8], peak: peak)
        guard hasHalo else { return core }
        let halo = GaussianPSF.voxels(shape: shape, center: center, sigma: [6, 5, 5], peak: 0.02 * peak)
        return zip(core, halo).map(+)
    }

    /// Photons on an offset.
    static func counts(_ light: [Double], offset: Double = 100, seed: UInt64 = 5) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return light.map { Float(generator.poisson($0 + offset)) }
    }

    static func report(
        _ voxels: [Float],
        _ shape: VolumeShape = shape,
        _ preparation: PSFPreparation = PSFPreparation(warnsOfNoSpacing: false),
        spacing: VoxelSpacing? = nil,
        imageSpacing: VoxelSpacing? = nil,
        limit: DiffractionLimit? = nil
    ) throws -> PSFPreparationReport {
        try prepared(voxels, shape, preparation, spacing: spacing, imageSpacing: imageSpacing, limit: limit).report
    }

    static func prepared(
        _ voxels: [Float],
        _ shape: VolumeShape = shape,
        _ preparation: PSFPreparation = PSFPreparation(warnsOfNoSpacing: false),
        spacing: VoxelSpacing? = nil,
        imageSpacing: VoxelSpacing? = nil,
        limit: DiffractionLimit? = nil
    ) throws -> PreparedPSF {
        try preparation.prepare(
            Volume(shape: shape, voxels: voxels, spacing: spacing),
            name: "bead.tif",
            imageSpacing: imageSpacing ?? spacing,
            limit: limit
        )
    }

    /// The relative error of a prepared PSF beside the light that made it.
    static func error(_ psf: PointSpreadFunction, _ light: [Double]) -> Double {
        let total = light.reduce(0, +)
        var (difference, square) = (0.0, 0.0)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let place = VolumeIndex(
                        z: z - shape.z / 2 + psf.shape.z / 2,
                        y: y - shape.y / 2 + psf.shape.y / 2,
                        x: x - shape.x / 2 + psf.shape.x / 2
                    )
                    let isInside = (0..<3).allSatisfy { (0..<psf.shape[$0]).contains(place[$0]) }
                    let found = isInside ? Double(psf.volume[place.z, place.y, place.x]) : 0
                    let expected = light[(z * shape.y + y) * shape.x + x] / total
                    difference += (found - expected) * (found - expected)
                    square += expected * expected
                }
            }
        }
        return (difference / square).squareRoot()
    }
}

extension PSFPreparationReport {
    fileprivate func warning(_ kind: Diagnostic.Kind) -> Diagnostic? { warnings.filter { $0.kind == kind }.first }

    /// Kinds that say that something is wrong, beyond tails that reach the edge.
    fileprivate var faults: [Diagnostic.Kind] { warnings.map(\.kind).filter { $0 != .psfCutOff } }
}

@Suite struct PSFFaultTests {
    @Test(arguments: [UInt64(1), 2, 3]) func aGoodBeadHasNoFaults(seed: UInt64) throws {
        let report = try Bead.report(Bead.counts(Bead.light(), seed: seed))
        #expect(report.faults == [], "\(report.warnings)")
        #expect(report.peakCount == 1 && report.backgroundRise == nil)
    }

    // MARK: Zeros

    /// As a rotated or deskewed stack has them: corners along z, or a wedge.
    @Test(arguments: [0, 1, 2]) func cornersOfZerosAreSaidAndTakenAsNotRecorded(kind: Int) throws {
        let shape = Bead.shape
        let light = Bead.light()
        let whole = Bead.counts(light)
        var cut = whole
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let (b, a, c) = (Double(y - 16), Double(x - 16), Double(z - 12))
                    let isZero =
                        switch kind {
                        case 0: b * b + a * a >= 15.5 * 15.5
                        case 1: a + c > 20 || a + c < -20
                        default: x > 29
                        }
                    if isZero { cut[(z * shape.y + y) * shape.x + x] = 0 }
                }
            }
        }
        let prepared = try Bead.prepared(cut)
        #expect(prepared.report.faults == [.psfZeros], "\(prepared.report.warnings)")
        #expect(abs(prepared.report.background - 101) < 3)
        // NumPy on the whole bead, prepared the same way: 0.06. With the zeros taken for background it was 0.81.
        #expect(Bead.error(prepared.psf, light) < 0.12)
    }

    @Test func zerosOfACameraWithoutOffsetAreNone() throws {
        for offset in [0.02, 0.3, 2] {
            let report = try Bead.report(Bead.counts(Bead.light(), offset: offset))
            #expect(report.warning(.psfZeros) == nil, "\(report.warnings)")
        }
    }

    // MARK: Gradient

    @Test(arguments: [[0.0, 0, 4], [3, 0, 0], [1.5, -4, 2]])
    func aGradientIsSubtractedAndSaid(slope: [Double]) throws {
        let shape = Bead.shape
        let light = Bead.light()
        var voxels = Bead.counts(light)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let rise = slope[0] * Double(z) + slope[1] * Double(y - 32) + slope[2] * Double(x)
                    voxels[(z * shape.y + y) * shape.x + x] += Float(rise)
                }
            }
        }
        let prepared = try Bead.prepared(voxels)
        #expect(prepared.report.faults == [.psfSlope], "\(prepared.report.warnings)")
        let rises = try #require(prepared.report.backgroundRise)
        for axis in 0..<3 { #expect(abs(rises[axis] - abs(slope[axis]) * Double(shape[axis] - 1)) < 4) }
        // Without a gradient 0.06; before it was subtracted, 0.8.
        #expect(Bead.error(prepared.psf, light) < 0.12)
        let given = try Bead.report(
            voxels,
            shape,
            PSFPreparation(background: .value(164), warnsOfNoSpacing: false)
        )
        let said = try #require(given.warning(.psfSlope))
        #expect(said.text(.flag).contains("without --psf-background"))
    }

    /// Haze that is stronger on one side of the focus is light.
    @Test func theLightOfAnAberratedPSFIsNoGradient() throws {
        let shape = VolumeShape(z: 25, y: 33, x: 33)
        let voxels = GaussianPSF.voxels(shape: shape, center: [17, 16, 16], sigma: [7, 4, 4], peak: 1000)
        let report = try Bead.report(voxels.map { Float($0) }, shape)
        #expect(report.faults == [] && report.backgroundRise == nil, "\(report.warnings)")
    }

    // MARK: Several peaks

    @Test(arguments: [([15.0, 28, 26], 0.75), ([12, 16, 27], 0.3), ([20, 8, 8], 0.9)])
    func aSecondBeadIsSaidWithItsPlace(center: [Double], share: Double) throws {
        let light = zip(Bead.light(), Bead.light(center: center, peak: 2000 * share)).map(+)
        let prepared = try Bead.prepared(Bead.counts(light))
        let report = prepared.report
        // With the second bead in it 0.35 to 0.68; without it 0.06.
        #expect(Bead.error(prepared.psf, Bead.light()) < 0.12)
        let said = try #require(report.warning(.psfSeveralPeaks), "\(report.warnings)")
        #expect(report.peakCount == 2)
        #expect(said.text(.flag).contains("second peak"))
        let figures = try #require(said.figures?.text(.flag))
        let numbers = figures.split { !"0123456789-".contains($0) }.compactMap { Int($0) }
        // Peaks, percent, and the way from the first to the second.
        #expect(numbers.count == 5 && numbers[0] == 2 && abs(Double(numbers[1]) - 100 * share) < 8, "\(figures)")
        for axis in 0..<3 {
            #expect(abs(numbers[2 + axis] - (Int(center[axis]) - Bead.shape[axis] / 2)) <= 1, "\(figures)")
        }
    }

    @Test func aFieldOfBeadsIsCounted() throws {
        let shape = VolumeShape(z: 25, y: 80, x: 80)
        let centers: [[Double]] = [[12, 20, 22], [12, 60, 18], [13, 24, 62], [11, 58, 57]]
        let light = centers.map { Bead.light(shape, center: $0) }.reduce(
            [Double](repeating: 0, count: shape.voxelCount)
        ) {
            zip($0, $1).map(+)
        }
        let report = try Bead.report(Bead.counts(light), shape)
        #expect(report.peakCount == 4)
        #expect(report.warning(.psfSeveralPeaks)?.text(.flag).contains("beads") == true)
    }

    /// Lobes on both sides belong to the PSF, as those of a lattice light sheet.
    @Test func sideLobesAreNoBeads() throws {
        let lobes = [-9.0, 9].map { Bead.light(center: [12 + $0, 16, 16], peak: 600, hasHalo: false) }
        let light = zip(zip(Bead.light(hasHalo: false), lobes[0]).map(+), lobes[1]).map(+)
        let report = try Bead.report(Bead.counts(light))
        #expect(report.peakCount == 1 && report.warning(.psfSeveralPeaks) == nil, "\(report.warnings)")
    }

    // MARK: Peak

    @Test(arguments: [0.5, 0.8]) func aClippedPeakIsSaid(level: Double) throws {
        let top = Float(level * 60_000)
        let report = try Bead.report(Bead.counts(Bead.light(peak: 60_000)).map { min($0, top) })
        #expect(report.faults == [.psfClipped], "\(report.warnings)")
        let noiseFree = try Bead.report(
            Bead.light(peak: 60_000, hasHalo: false).map { min(Float($0), top) },
            Bead.shape,
            PSFPreparation(background: .value(0), warnsOfNoSpacing: false)
        )
        #expect(noiseFree.warning(.psfClipped) != nil)
    }

    @Test func aCenterBetweenVoxelsAndABoxOfOnesAreNotClipped() throws {
        let shape = VolumeShape(z: 24, y: 24, x: 24)
        let between = GaussianPSF.voxels(shape: shape, center: [11.5, 11.5, 11.5], sigma: [2, 2, 2], peak: 1000)
        let even = try Bead.report(between.map { Float($0.rounded()) }, shape)
        #expect(even.warning(.psfClipped) == nil, "\(even.warnings)")
        var box = [Float](repeating: 0, count: shape.voxelCount)
        for z in 8..<13 { for y in 8..<13 { for x in 8..<13 { box[(z * 24 + y) * 24 + x] = 1 } } }
        let kernel = try Bead.report(box, shape)
        #expect(kernel.warning(.psfClipped) == nil, "\(kernel.warnings)")
    }

    /// Without noise a few voxels tell: three in a row, or a block of which some are missing.
    @Test(arguments: [0.4, 0.7]) func aClippedPeakOfFewVoxelsIsSaid(level: Double) throws {
        let shape = VolumeShape(z: 15, y: 15, x: 15)
        let whole = GaussianPSF.voxels(shape: shape, sigma: [1.2, 1, 1], peak: 1000)
        #expect(try Bead.report(whole.map { Float($0) }, shape).faults == [])
        let clipped = try Bead.report(whole.map { Float(min($0, level * 1000)) }, shape)
        #expect(clipped.faults == [.psfClipped], "\(clipped.warnings)")
        // A ring of four around a dark middle is a hollow focus.
        let places = [[7.0, 7, 5], [7, 7, 9], [7, 5, 7], [7, 9, 7]]
        let ring = places.map { GaussianPSF.voxels(shape: shape, center: $0, sigma: [1.2, 1, 1], peak: 1000) }
        let hollow = try Bead.report((0..<shape.voxelCount).map { i in Float(ring.map { $0[i] }.max()!) }, shape)
        #expect(hollow.warning(.psfClipped) == nil, "\(hollow.warnings)")
    }

    /// As a median over beads, or a denoised one, has it.
    @Test(arguments: [0.02, 0.05, 0.2], [0, 1, 2])
    func aGradientWithoutNoiseIsSaidAndTakenOff(rise: Double, axis: Int) throws {
        let light = Bead.light()
        let shape = Bead.shape
        let top = light.max()!
        let voxels = light.indices.map { offset -> Float in
            let place = [offset / shape.planeVoxelCount, offset / shape.x % shape.y, offset % shape.x]
            return Float(light[offset] + rise * top * Double(place[axis]) / Double(shape[axis] - 1))
        }
        let prepared = try Bead.prepared(voxels)
        #expect(prepared.report.faults == [.psfSlope], "\(prepared.report.warnings)")
        let found = try #require(prepared.report.backgroundRise)
        #expect(abs(found[axis] - rise * top) < 0.1 * rise * top, "\(found)")
        #expect(Bead.error(prepared.psf, light) < 0.05)
    }

    /// Computed PSFs are not the same on both sides of focus where the sample's index is another one.
    @Test(arguments: [0.0, 5, 20]) func aComputedPSFHasNoGradient(depth: Double) throws {
        var microscope = Microscope(
            kind: .widefield,
            numericalAperture: 1.3,
            emissionWavelength: 520,
            excitationWavelength: nil,
            immersionIndex: 1.515
        )
        (microscope.sampleIndex, microscope.depth, microscope.model) = (1.33, depth, .scalar)
        let spacing = VoxelSpacing(z: 0.25, y: 0.1, x: 0.1)
        let shape = VolumeShape(z: 31, y: 33, x: 33)
        let psf = try microscope.pointSpreadFunction(shape: shape, spacing: spacing, limit: nil).psf
        let report = try Bead.report(psf.voxels, psf.shape, spacing: spacing)
        #expect(report.warning(.psfSlope) == nil && report.warning(.psfClipped) == nil, "\(report.warnings)")
    }

    // MARK: Origin

    /// Its point is voxel n/2, wherever its light is brightest.
    @Test func aComputedPSFIsOnlyResampled() throws {
        let shape = VolumeShape(z: 24, y: 17, x: 17)
        let light = GaussianPSF.voxels(shape: shape, center: [13, 8, 8], sigma: [2.5, 1.5, 1.5], peak: 1)
        let voxels = light.map { Float($0 + 0.01) }
        let spacing = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        let preparation = PSFPreparation(origin: .computed)
        let same = try Bead.prepared(voxels, shape, preparation, spacing: spacing)
        let sum = voxels.reduce(0.0) { $0 + Double($1) }
        #expect(
            same.report.isAsIs && zip(same.psf.voxels, voxels).allSatisfy { abs(Double($0) - Double($1) / sum) < 1e-9 }
        )
        let twice = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
        let coarse = try Bead.prepared(voxels, shape, preparation, spacing: spacing, imageSpacing: twice)
        #expect(coarse.report.center == [12, 8, 8] && coarse.report.background == 0)
        // Neither centered: the brightest plane lies half a voxel behind the middle.
        let planes = (0..<coarse.psf.shape.z).map { z in coarse.psf.volume[z, coarse.psf.center.y, coarse.psf.center.x]
        }
        let middle = coarse.psf.center.z
        #expect(abs(planes[middle] / planes[middle + 1] - 1) < 0.05, "\(planes)")
    }

    // MARK: Place

    @Test(arguments: [[12.0, 16, 5], [3, 16, 16], [12, 29, 28]]) func aBeadFarOffTheMiddleIsSaid(center: [Double])
        throws
    {
        let report = try Bead.report(Bead.counts(Bead.light(center: center)))
        #expect(report.warning(.psfOffCenter) != nil, "\(report.warnings)")
    }

    // MARK: Widths

    /// 0.51 · 0.52 / 1.4 and 0.88 · 0.52 / (1.515 - √(1.515² - 1.4²)), worked out by hand.
    @Test func theLimitIsThatOfTheFormulas() throws {
        let limit = try DiffractionLimit(emissionWavelength: 520, numericalAperture: 1.4, immersionIndex: 1.515)
        #expect(abs(limit.fullWidths[0]! - 0.4892) < 1e-3)
        #expect(abs(limit.fullWidths[1]! - 0.1894) < 1e-4 && limit.fullWidths[1] == limit.fullWidths[2])
        for (wavelength, aperture, index) in [
            (520.0, 1.6, 1.515), (0, 1.4, 1.515), (520, .nan, 1.515), (520, -1, 1),
        ] {
            #expect(throws: DeconvolutionError.self) {
                try DiffractionLimit(emissionWavelength: wavelength, numericalAperture: aperture, immersionIndex: index)
            }
        }
    }

    @Test func widthsThatTheOpticsDoNotAllowAreSaid() throws {
        // 7.1, 4.2 and 4.2 voxels wide at half maximum.
        let voxels = Bead.light(hasHalo: false).map { Float($0) }
        let limit = DiffractionLimit(fullWidths: [0.5, 0.2, 0.2])
        func kinds(_ spacing: VoxelSpacing) throws -> [Diagnostic.Kind] {
            try Bead.report(voxels, spacing: spacing, limit: limit).faults
        }
        #expect(try kinds(VoxelSpacing(z: 0.1, y: 0.06, x: 0.06)) == [])
        #expect(try kinds(VoxelSpacing(z: 0.03, y: 0.06, x: 0.06)) == [.psfTooSharp])
        #expect(try kinds(VoxelSpacing(z: 0.1, y: 0.3, x: 0.06)) == [.psfTooWide])
        let said = try Bead.report(voxels, spacing: VoxelSpacing(z: 0.1, y: 0.3, x: 0.06), limit: limit)
        #expect(
            said.warning(.psfTooWide)?.figures?.text(.flag).contains("along y, where diffraction allows 0.2") == true
        )
    }

    @Test func lessThanTwoVoxelsOfTheImageAreSaid() throws {
        let voxels = Bead.light(hasHalo: false).map { Float($0) }
        let fine = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        let coarse = try Bead.report(voxels, spacing: fine, imageSpacing: VoxelSpacing(z: 0.5, y: 0.1, x: 0.1))
        // 7.08 voxels between straight lines, of which five make one.
        #expect(coarse.warning(.psfCoarse)?.figures == "1.42 voxels along z")
        let enough = try Bead.report(voxels, spacing: fine, imageSpacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        #expect(enough.faults == [], "\(enough.warnings)")
    }

    // MARK: Not a PSF

    @Test func anImageIsCalledOne() throws {
        let shape = VolumeShape(z: 16, y: 64, x: 64)
        var generator = SeededGenerator(seed: 8)
        var spots = [Double](repeating: 0, count: shape.voxelCount)
        for _ in 0..<40 {
            let center = shape.axes.map { 2 + generator.uniform() * Double($0 - 4) }
            spots = zip(spots, Bead.light(shape, center: center, peak: 300, hasHalo: false)).map(+)
        }
        let image = try Bead.report(Bead.counts(spots), shape)
        #expect(image.warning(.psfIsImage)?.text(.flag).contains("looks like an image") == true, "\(image.warnings)")
        // One sheet that fills the box has a single peak, and its light all over.
        let sheet = (0..<shape.voxelCount).map { index -> Double in
            let (y, x) = (Double(index / 64 % 64), Double(index % 64))
            return 400 + 100 * sin(y / 9) * cos(x / 7) + (abs(x - 30) < 2 && abs(y - 30) < 2 ? 300 : 0)
        }
        let cell = try Bead.report(Bead.counts(sheet), shape)
        #expect(cell.warning(.psfIsImage) != nil || cell.background > 200, "\(cell.warnings)")
    }

    @Test func voxelsThatAreLongAlongXAreDoubted() throws {
        let voxels = Bead.light(hasHalo: false).map { Float($0) }
        let swapped = try Bead.report(voxels, spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.3))
        #expect(swapped.faults == [.spacingDoubtful])
        #expect(swapped.warning(.spacingDoubtful)?.text(.flag).contains("--psf-spacing takes z,y,x") == true)
        let usual = try Bead.report(voxels, spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        #expect(usual.faults == [], "\(usual.warnings)")
    }
}

@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.skipReason)))
struct RealPSFFaultTests {
    /// PSFs of real microscopes and of a public data set are what they are: off center, on a pedestal, but PSFs.
    @Test(arguments: ["lattice-cell", "confocal-grid", "hollow-bars"]) func realPSFsHaveNoFaults(name: String) throws {
        let measured = try RealStack.read(SharedData.url("\(name)/psf.tif"))
        let report = try PSFPreparation(warnsOfNoSpacing: false)
            .prepare(measured, name: "psf.tif", imageSpacing: nil).report
        // The bars' PSF is two voxels wide and cannot be moved by half a voxel.
        #expect(report.warnings.map(\.kind).filter { $0 != .psfNegative } == [], "\(report.warnings)")
        #expect(report.peakCount == 1)
    }

    @Test func realImagesAreCalledImages() throws {
        let beads = try RealStack.read(SharedData.url("confocal-grid/beads.tif"))
        let several = try PSFPreparation(warnsOfNoSpacing: false)
            .prepare(beads, name: "beads.tif", imageSpacing: nil).report
        // Four beads, counted by eye in its projection.
        #expect(several.peakCount == 4 && several.warnings.contains { $0.kind == .psfSeveralPeaks })
    }
}
