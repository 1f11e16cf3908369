import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvOptics

/// What other programs, quadrature and formulas say of a point's image.
@Suite struct ComputedPSFTests {
    /// psfmodels and psf at their own sampling: air, water and oil, 0 and 10 µm deep, with both models, pinholes, two photons.
    @Test(arguments: try MicroscopeFixture.all())
    func itIsThatOfOtherPrograms(fixture: MicroscopeFixture) throws {
        // A camera's pixel is averaged in psfmodels; the others are sampled.
        let isCamera = fixture.program == "psfmodels" && fixture.microscope.kind == .widefield
        let computed = try fixture.microscope.pointSpreadFunction(
            shape: fixture.shape,
            spacing: fixture.spacing,
            averaging: isCamera ? .pixel : .none,
            middle: fixture.middle
        )
        #expect(scaledDifference(computed.psf.voxels, fixture.voxels) <= 1e-3)
    }

    /// With light that is totally reflected, which neither of the other programs has right.
    @Test func itIsThatOfAdaptiveQuadrature() throws {
        let (shape, spacing) = (VolumeShape(z: 7, y: 1, x: 17), VoxelSpacing(z: 0.3, y: 0.15, x: 0.15))
        var computed: [Microscope: Volume] = [:]
        for row in try PSFFixture.words("layers.txt") {
            let figures = row.compactMap(Double.init)
            var microscope = Microscope(
                kind: .widefield,
                numericalAperture: figures[0],
                emissionWavelength: 520,
                immersionIndex: figures[1]
            )
            microscope.sampleIndex = figures[2]
            microscope.depth = figures[3]
            microscope.model = try #require(Microscope.Model(rawValue: row[4]))
            let middle = microscope.depth * microscope.immersionIndex / figures[2]
            let volume =
                try computed[microscope]
                ?? microscope.pointSpreadFunction(shape: shape, spacing: spacing, averaging: .none, middle: middle).psf
                .volume
            computed[microscope] = volume
            let z = Int(((figures[4] - middle) / spacing.z).rounded()) + 3
            let x = Int((figures[5] / spacing.x).rounded()) + 8
            #expect(abs(Double(volume[z, 0, x] / volume[3, 0, 8]) - figures[6]) < 2e-5, "\(row)")
        }
        #expect(computed.count == 6)
    }

    @Test(arguments: Microscope.Model.allCases)
    func atLowApertureTheFocusIsAnAiryPattern(model: Microscope.Model) throws {
        // λ 0.5 µm, NA 0.1: first zero at 0.6098 λ/NA = 3.049 µm, sampled every 10 nm.
        let psf = try low(model).pointSpreadFunction(
            shape: VolumeShape(z: 1, y: 1, x: 801),
            spacing: VoxelSpacing(z: 1, y: 0.01, x: 0.01),
            averaging: .none
        ).psf
        let darkest = (401 + 200..<801).min { psf.voxels[$0] < psf.voxels[$1] }!
        #expect(abs(Double(darkest - 400) * 0.01 - 3.049) < 0.02)
        for i in stride(from: 401, to: 800, by: 20) {
            let v = 2 * Double.pi / 0.5 * 0.1 * Double(i - 400) * 0.01
            let airy = pow(2 * j1(v) / v, 2)
            #expect(abs(Double(psf.voxels[i] / psf.voxels[400]) - airy) < 2e-3)
        }
    }

    @Test(arguments: Microscope.Model.allCases)
    func atLowApertureTheAxisIsASincSquared(model: Microscope.Model) throws {
        // (sin(u/4) / (u/4))² with u = k NA² z (Born and Wolf 8.8), first zero at 2 λ/NA² = 100 µm.
        let psf = try low(model).pointSpreadFunction(
            shape: VolumeShape(z: 401, y: 1, x: 1),
            spacing: VoxelSpacing(z: 1, y: 1, x: 1),
            averaging: .none
        ).psf
        for z in stride(from: 205, to: 401, by: 15) {
            let u = 2 * Double.pi / 0.5 * 0.01 * Double(z - 200) / 4
            #expect(abs(Double(psf.voxels[z] / psf.voxels[200]) - pow(sin(u) / u, 2)) < 5e-3)
        }
    }

    @Test(arguments: Microscope.Model.allCases, [0, 10.0])
    func everyPlaneOfAWidefieldPSFHasTheSameEnergy(model: Microscope.Model, depth: Double) throws {
        var microscope = water
        microscope.model = model
        microscope.sampleIndex = 1.4
        microscope.depth = depth
        let computed = try microscope.pointSpreadFunction(
            shape: VolumeShape(z: 7, y: 401, x: 401),
            spacing: VoxelSpacing(z: 0.5, y: 0.1, x: 0.1)
        )
        let energies = (0..<7).map { sum(Array(computed.psf.voxels[$0 * 401 * 401..<($0 + 1) * 401 * 401])) }
        #expect(energies.max()! / energies.min()! < 1.01)
        // By Parseval's theorem over the pupil, which knows nothing of planes; an Airy pattern has 0.2 % that far out.
        #expect((0.001..<0.01).contains(computed.shareCutOff))
    }

    /// A voxel has the mean of what finer voxels within it have.
    @Test(arguments: [Microscope.Kind.widefield, .confocal])
    func aVoxelIsTheMeanOfFinerOnes(kind: Microscope.Kind) throws {
        let microscope = deep(kind)
        let coarse = try microscope.pointSpreadFunction(
            shape: VolumeShape(z: 3, y: 5, x: 5),
            spacing: VoxelSpacing(z: 0.45, y: 0.15, x: 0.15)
        ).psf
        let fine = try microscope.pointSpreadFunction(
            shape: VolumeShape(z: 27, y: 45, x: 45),
            spacing: VoxelSpacing(z: 0.05, y: 0.15 / 9, x: 0.15 / 9),
            averaging: .none
        ).psf.volume
        var means = [Float](repeating: 0, count: coarse.voxels.count)
        for z in 0..<27 {
            for y in 0..<45 {
                for x in 0..<45 { means[(z / 9 * 5 + y / 9) * 5 + x / 9] += fine[z, y, x] }
            }
        }
        #expect(scaledDifference(coarse.voxels, means) < 5e-3)
    }

    @Test func aConfocalPSFIsAProduct() throws {
        let (shape, spacing) = (VolumeShape(z: 11, y: 21, x: 21), VoxelSpacing(z: 0.15, y: 0.05, x: 0.05))
        func psf(_ microscope: Microscope) throws -> [Float] {
            try microscope.pointSpreadFunction(shape: shape, spacing: spacing, averaging: .none).psf.voxels
        }
        var confocal = water
        confocal.kind = .confocal
        confocal.excitationWavelength = 488
        var excitation = water
        excitation.emissionWavelength = 488
        // A hole of a hundredth of the Airy disk takes a point, one of a hundred takes all light that is near.
        confocal.pinhole = .airyUnits(0.01)
        let product = zip(try psf(water), try psf(excitation)).map { $0 * $1 * 1e4 }
        #expect(scaledDifference(try psf(confocal), product) < 1e-4)
        confocal.pinhole = .airyUnits(100)
        #expect(scaledDifference(try psf(confocal), try psf(excitation)) < 3e-3)
        // The light of two photons goes with the square.
        var twoPhoton = confocal
        twoPhoton.kind = .twoPhoton
        twoPhoton.pinhole = nil
        twoPhoton.excitationWavelength = 900
        excitation.emissionWavelength = 900
        #expect(scaledDifference(try psf(twoPhoton), try psf(excitation).map { $0 * $0 * 1e4 }) < 1e-4)
        var disk = confocal
        disk.kind = .spinningDisk
        #expect(try psf(disk) == psf(confocal))
    }

    @Test func aPinholeIsADiameterInAiryUnitsOrInTheSample() throws {
        var one = water
        one.kind = .confocal
        one.excitationWavelength = 488
        var other = one
        other.pinhole = .micrometers(1.22 * 0.52 / 1.2)
        let (shape, spacing) = (VolumeShape(z: 5, y: 9, x: 9), VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        let voxels = try one.pointSpreadFunction(shape: shape, spacing: spacing).psf.voxels
        #expect(
            try scaledDifference(other.pointSpreadFunction(shape: shape, spacing: spacing).psf.voxels, voxels) < 1e-6
        )
    }

    @Test func aLightSheetIsAGaussianAlongTheAxis() throws {
        let (shape, spacing) = (VolumeShape(z: 15, y: 11, x: 11), VoxelSpacing(z: 0.25, y: 0.15, x: 0.15))
        var sheet = water
        sheet.kind = .lightSheet
        sheet.sheet = .thickness(1.2)
        let found = try sheet.pointSpreadFunction(shape: shape, spacing: spacing, averaging: .none).psf.voxels
        let widefield = try water.pointSpreadFunction(shape: shape, spacing: spacing, averaging: .none).psf.voxels
        let expected = widefield.enumerated().map { i, value in
            value * Float(pow(0.5, pow(Double(i / 121 - 7) * 0.25 / 0.6, 2)))
        }
        #expect(scaledDifference(found, expected) < 1e-5)
        // A Gaussian beam of 488 nm with NA 0.1: waist 1.553 µm, √(2 ln 2) times that at half maximum.
        sheet.excitationWavelength = 488
        sheet.sheet = .numericalAperture(0.1)
        #expect(abs(sheet.sheetThickness! - 1.829) < 1e-3)
    }

    @Test func theBrightestPlaneIsTheMiddleOneHoweverDeep() throws {
        let computed = try deep(.widefield).pointSpreadFunction(
            shape: VolumeShape(z: 41, y: 21, x: 20),
            spacing: VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
        )
        let voxels = computed.psf.voxels
        let brightest = voxels.indices.max { voxels[$0] < voxels[$1] }!
        #expect(computed.psf.volume.shape.centerVoxel == VolumeIndex(z: 20, y: 10, x: 10))
        #expect(brightest == (20 * 21 + 10) * 20 + 10)
        // Paraxial rays see water 1.515/1.33 times as deep, those at the border of the pupil more.
        #expect((10 * 1.515 / 1.33 - 10..<3).contains(computed.focalShift))
        // From oil into water, the rays of the border come together farther away: the tail is where the planes are higher.
        let axis = (0..<41).map { voxels[($0 * 21 + 10) * 20 + 10] }
        #expect(axis[25..<36].reduce(0, +) > 2 * axis[5..<16].reduce(0, +))
        // Into a denser sample it is the other way round.
        var dense = deep(.widefield)
        dense.sampleIndex = 1.6
        #expect(
            try dense.pointSpreadFunction(
                shape: VolumeShape(z: 1, y: 1, x: 1),
                spacing: VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
            ).focalShift < 0
        )
    }

    /// Paraxial rays: the focus moves by n(sample)/n(immersion) of what the objective travels (Hecht, Optics, section 5.2).
    @Test(arguments: [(1.0, 1.33), (1.515, 1.33), (1.33, 1.47)])
    func paraxialRaysSayHowDeepAPlaneIsSharp(immersion: Double, sample: Double) throws {
        var microscope = Microscope(
            kind: .widefield,
            numericalAperture: 0.1,
            emissionWavelength: 520,
            immersionIndex: immersion
        )
        microscope.coverGlass.thickness = 0
        microscope.coverGlass.designThickness = 0
        microscope.sampleIndex = sample
        microscope.depth = 7
        #expect(abs(try microscope.travelPerDepth(over: 1000) * sample / immersion - 1) < 0.005)
        microscope.sampleIndex = nil
        #expect(try !microscope.dependsOnDepth && microscope.travelPerDepth(over: 1000) == 1)
    }

    @Test func whatIsComputedOnAllCoresIsWhatOneComputes() {
        let values = concurrentMap(count: 1000) { sin(Double($0)) }
        #expect(values == (0..<1000).map { sin(Double($0)) })
        #expect(concurrentMap(count: 0) { $0 }.isEmpty)
    }

    @Test func tabulatedBesselFunctionsAreThoseOfTheLibrary() {
        let table = BesselTable(limit: 500)
        let worst = (0...100_000).map { index in
            let x = 500 * Double(index) / 100_000
            let (zeroth, first) = table(x)
            return max(abs(zeroth - j0(x)), abs(first - j1(x)))
        }.max()!
        #expect(worst < 2e-10)
    }

    @Test func aThickCoverGlassIsAsGoodAsImmersionOfItsIndex() throws {
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        let shape = VolumeShape(z: 15, y: 15, x: 15)
        var oil = Microscope(kind: .widefield, numericalAperture: 1.3, emissionWavelength: 520, immersionIndex: 1.515)
        let thin = try oil.pointSpreadFunction(shape: shape, spacing: spacing)
        oil.coverGlass.thickness = 190
        let thick = try oil.pointSpreadFunction(shape: shape, spacing: spacing)
        #expect(scaledDifference(thick.psf.voxels, thin.psf.voxels) < 1e-4)
        #expect(abs(thick.focalShift) < 1e-3)
        // In air it blurs.
        var air = Microscope(kind: .widefield, numericalAperture: 0.8, emissionWavelength: 520, immersionIndex: 1)
        let sharp = try air.pointSpreadFunction(shape: shape, spacing: spacing)
        air.coverGlass.thickness = 190
        let blurred = try air.pointSpreadFunction(shape: shape, spacing: spacing)
        #expect(scaledDifference(blurred.psf.voxels, sharp.psf.voxels) > 0.1)
    }

    @Test func theBoxHoldsTheLightOfItsPlanes() throws {
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        for kind in Microscope.Kind.allCases {
            var microscope = water
            microscope.kind = kind
            microscope.excitationWavelength = kind == .twoPhoton ? 900 : 488
            microscope.sheet = kind == .lightSheet ? .thickness(1.5) : nil
            let computed = try microscope.pointSpreadFunction(shape: nil, spacing: spacing)
            #expect(computed.psf.shape.axes.allSatisfy { $0 % 2 == 1 })
            #expect(!computed.isLimited, "\(kind)")
            #expect(computed.endBrightness.allSatisfy { $0 < 0.06 })
            // What is in many more voxels is nearly all, and of it the box has what it says.
            let shape = computed.psf.shape
            let wide = try microscope.pointSpreadFunction(
                shape: VolumeShape(z: kind == .widefield ? shape.z : 31, y: 161, x: 161),
                spacing: spacing
            )
            let held = Double(wide.psf.voxels.max()! / computed.psf.voxels.max()!)
            #expect(abs((1 - computed.shareCutOff) / (1 - wide.shareCutOff) - held) < 5e-3, "\(kind)")
            #expect(held > (kind == .widefield || kind == .lightSheet ? 0.97 : 0.85), "\(kind)")
            #expect(abs(sum(computed.psf.voxels) - 1) < 1e-5)
        }
        let limited = try water.pointSpreadFunction(
            shape: nil,
            spacing: spacing,
            limit: VolumeShape(z: 5, y: 31, x: 33)
        )
        #expect(limited.psf.shape == VolumeShape(z: 5, y: 31, x: 33))
        #expect(limited.isLimited && limited.shareCutOff > 0.03)
    }

    @Test func aGaussianHasTheWidthThatWasAskedFor() throws {
        let width = VoxelSpacing(z: 0.8, y: 0.25, x: 0.3)
        let psf = try GaussianOptics(fullWidthAtHalfMaximum: width)
            .pointSpreadFunction(
                shape: VolumeShape(z: 61, y: 61, x: 60),
                spacing: VoxelSpacing(z: 0.05, y: 0.02, x: 0.02)
            )
        #expect(abs(psf.fullWidthAtHalfMaximum(axis: 0)! * 0.05 - 0.8) < 0.005)
        #expect(abs(psf.fullWidthAtHalfMaximum(axis: 1)! * 0.02 - 0.25) < 0.002)
        #expect(abs(psf.fullWidthAtHalfMaximum(axis: 2)! * 0.02 - 0.3) < 0.002)
    }

    private var water: Microscope {
        Microscope(kind: .widefield, numericalAperture: 1.2, emissionWavelength: 520, immersionIndex: 1.33)
    }

    /// Oil, and 10 µm of water.
    private func deep(_ kind: Microscope.Kind) -> Microscope {
        var microscope = Microscope(
            kind: kind,
            numericalAperture: 1.3,
            emissionWavelength: 520,
            excitationWavelength: 488,
            immersionIndex: 1.515
        )
        microscope.sampleIndex = 1.33
        microscope.depth = 10
        return microscope
    }

    private func low(_ model: Microscope.Model) -> Microscope {
        var microscope = Microscope(
            kind: .widefield,
            numericalAperture: 0.1,
            emissionWavelength: 500,
            immersionIndex: 1
        )
        microscope.model = model
        return microscope
    }
}
