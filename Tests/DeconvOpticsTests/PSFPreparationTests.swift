import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct PSFCenteringTests {
    @Test(arguments: [[15.3, 14.8, 13.45], [12.0, 18.0, 15.0], [14.5, 15.5, 16.5], [15.99, 16.01, 15.0]])
    func aGaussianAnywhereBecomesTheCentredGaussian(center: [Double]) throws {
        let sigma = [2.2, 1.8, 1.9]
        let measured = Volume(
            shape: VolumeShape(z: 32, y: 31, x: 30),
            voxels: GaussianPSF.voxels(shape: VolumeShape(z: 32, y: 31, x: 30), center: center, sigma: sigma)
                .map { Float($0 * 700) }
        )
        let prepared = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil)
        let expected = GaussianPSF.normalized(shape: prepared.psf.shape, sigma: sigma)
        #expect(largestDifference(prepared.psf.voxels, expected.voxels) < 1e-5)
        #expect(abs(sum(prepared.psf.voxels) - 1) < 1e-6)
        for axis in 0..<3 { #expect(abs(prepared.report.center![axis] - center[axis]) < 1e-5) }
    }

    @Test(arguments: [
        VolumeShape(z: 32, y: 31, x: 40), VolumeShape(z: 1, y: 33, x: 32), VolumeShape(z: 1, y: 1, x: 41),
    ])
    func aCentredPSFKeepsItsVoxelsBitForBit(shape: VolumeShape) throws {
        let voxels = GaussianPSF.voxels(shape: shape, sigma: [6, 6, 6]).map { Float($0) }
        let prepared = try PSFPreparation(background: .value(0))
            .prepare(Volume(shape: shape, voxels: voxels), name: "psf.tif", imageSpacing: nil)
        #expect(prepared.report.shift == [0, 0, 0])
        #expect(prepared.psf.shape == shape)
        let total = sum(voxels)
        let isSame = prepared.psf.voxels == voxels.map { Float(Double($0) / total) }
        #expect(isSame)
    }

    @Test func aWholeVoxelIsMovedWithoutInterpolation() throws {
        let shape = VolumeShape(z: 9, y: 11, x: 12)
        var measured = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        measured[2, 3, 7] = 5
        measured[2, 3, 8] = 1
        measured[2, 3, 6] = 1
        let prepared = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil)
        #expect(prepared.psf.shape == VolumeShape(z: 1, y: 1, x: 3))
        let seventh = Float(1.0 / 7)
        #expect(prepared.psf.voxels == [seventh, Float(5.0 / 7), seventh])
        #expect(prepared.report.shift == [2, 2, -1])
    }

    @Test func aBrightHotPixelAndASecondBeadDoNotPullTheCentre() throws {
        let shape = VolumeShape(z: 41, y: 41, x: 41)
        var voxels = GaussianPSF.voxels(shape: shape, center: [20.25, 19.6, 20.4], sigma: [2, 2, 2], peak: 1000)
        for (i, value) in GaussianPSF.voxels(shape: shape, center: [36, 36, 5], sigma: [2, 2, 2], peak: 300)
            .enumerated()
        {
            voxels[i] += value
        }
        voxels[(5 * 41 + 5) * 41 + 30] += 1500
        let measured = Volume(shape: shape, voxels: voxels.map { Float($0) })
        let center = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil).report.center!
        #expect(zip(center, [20.25, 19.6, 20.4]).allSatisfy { abs($0 - $1) < 0.01 })
    }
}

@Suite struct PSFResamplingTests {
    private func gaussian(spacing: VoxelSpacing?) -> Volume {
        let shape = VolumeShape(z: 31, y: 25, x: 25)
        let voxels = GaussianPSF.voxels(shape: shape, center: [15.3, 12.8, 11.45], sigma: [3, 2, 1.8])
        return Volume(shape: shape, voxels: voxels.map { Float($0) }, spacing: spacing)
    }

    @Test func resamplingAgreesWithNumPysFFT() throws {
        let from = VoxelSpacing(z: 0.1, y: 0.2, x: 0.5)
        let to = VoxelSpacing(z: 0.3, y: 0.3, x: 0.3)
        let prepared = try PSFPreparation(background: .value(0))
            .prepare(gaussian(spacing: from), name: "psf.tif", imageSpacing: to)
        let reference = try PSFFixture.doubles("resampled.raw")
        let referenceShape = VolumeShape(z: 5, y: 9, x: 21)
        let psf = prepared.psf
        // Both are centred on n/2; compared where they overlap, and both scaled to their peak.
        var largest = 0.0
        for z in -2...2 {
            for y in -4...4 {
                for x in -10...10 {
                    let expected = reference[((z + 2) * referenceShape.y + y + 4) * referenceShape.x + x + 10]
                    let found = psf.volume[z + psf.shape.z / 2, y + psf.shape.y / 2, x + psf.shape.x / 2]
                    let peak = psf.volume[psf.shape.z / 2, psf.shape.y / 2, psf.shape.x / 2]
                    largest = max(largest, abs(Double(found / peak) - expected / reference[reference.count / 2]))
                }
            }
        }
        #expect(largest < 2e-5)
        #expect(psf.spacing == to)
        #expect(prepared.report.resampled?.from == from && prepared.report.resampled?.to == to)
        #expect(abs(sum(psf.voxels) - 1) < 1e-6)
    }

    @Test(arguments: [0.1, 0.25, 0.04])
    func aGaussianKeepsItsWidthInMicrometres(spacing: Double) throws {
        let shape = VolumeShape(z: 41, y: 41, x: 41)
        // 3 voxels of 0.1 µm.
        let measured = GaussianPSF.normalized(
            shape: shape,
            center: [20.2, 19.7, 20],
            sigma: [3, 3, 3],
            spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        )
        let prepared = try PSFPreparation().prepare(
            measured,
            name: "psf.tif",
            imageSpacing: VoxelSpacing(z: spacing, y: 0.1, x: spacing)
        )
        let expected = GaussianPSF.normalized(shape: prepared.psf.shape, sigma: [0.3 / spacing, 3, 0.3 / spacing])
        // The box of 41 voxels ends at 6.6 standard deviations, where a step of 3e-10 of the peak remains. At
        // 0.25 µm the voxels are 0.83 of a standard deviation apart: aliasing of exp(-2 (π·0.3/0.25 / 2)²) is 0.1 %.
        #expect(largestDifference(prepared.psf.voxels, expected.voxels) < (spacing > 0.2 ? 3e-3 : 1e-5))
    }

    @Test func spacingsThatMatchWithinARoundedHeaderAreLeftAlone() throws {
        let prepared = try PSFPreparation().prepare(
            gaussian(spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)),
            name: "psf.tif",
            imageSpacing: VoxelSpacing(z: 0.10005, y: 0.1, x: 0.1)
        )
        #expect(prepared.report.resampled == nil)
        #expect(prepared.report.warnings.isEmpty)
    }

    @Test func anUnknownSpacingIsTakenAsEqualAndSaidSo() throws {
        let known = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        for (psf, image, words) in [
            (nil, known, ["psf.tif", "--psf-spacing"]), (known, nil, ["cell.tif", "--spacing"]),
            (nil, nil, ["cell.tif", "psf.tif", "--psf-spacing"]),
        ] as [(VoxelSpacing?, VoxelSpacing?, [String])] {
            let prepared = try PSFPreparation()
                .prepare(gaussian(spacing: psf), name: "psf.tif", imageSpacing: image, imageName: "cell.tif")
            #expect(prepared.report.warnings.count == 1)
            let text = prepared.report.warnings.first?.text(.flag) ?? ""
            #expect(words.allSatisfy { text.contains($0) })
            #expect(prepared.report.resampled == nil)
        }
    }

    @Test func aTypingErrorInTheSpacingIsAnErrorAboutSizes() throws {
        let error = try #require(throws: DeconvolutionError.self) {
            try PSFPreparation().prepare(
                gaussian(spacing: VoxelSpacing(z: 1000, y: 1000, x: 1000)),
                name: "psf.tif",
                imageSpacing: VoxelSpacing(z: 1e-9, y: 0.1, x: 0.1)
            )
        }
        #expect(error.code == .invalidArgument && error.text(.flag).contains("--psf-spacing"))
    }

    @Test func aFlatPSFIsNotResampledAlongItsOnlyPlane() throws {
        let shape = VolumeShape(z: 1, y: 25, x: 25)
        let measured = GaussianPSF.normalized(
            shape: shape,
            sigma: [1, 2, 2],
            spacing: VoxelSpacing(z: 1, y: 0.1, x: 0.1)
        )
        let prepared = try PSFPreparation()
            .prepare(measured, name: "psf.tif", imageSpacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        #expect(prepared.psf.shape.z == 1)
        #expect(prepared.report.resampled == nil)
    }
}

@Suite struct PSFBackgroundTests {
    /// Camera counts: an offset of 100, haze of 4 photons, read noise of 2, on top of a blob.
    private func noisy(_ blob: [Double], shape: VolumeShape, seed: UInt64 = 7) -> Volume {
        var generator = SeededGenerator(seed: seed)
        return Volume(
            shape: shape,
            voxels: blob.map { Float(($0 + 4 < 0 ? 0 : generator.poisson($0 + 4)) + 100 + 2 * generator.normal()) }
        )
    }

    @Test func noiseAroundABeadLeavesNoPedestal() throws {
        let shape = VolumeShape(z: 51, y: 61, x: 57)
        let blob = GaussianPSF.voxels(shape: shape, center: [24.3, 31.2, 27.6], sigma: [3, 2, 2], peak: 300)
        let measured = noisy(blob, shape: shape)
        let prepared = try PSFPreparation().prepare(measured, name: "bead.tif", imageSpacing: nil)
        let report = prepared.report
        #expect(report.backgroundMethod == .noiseAtBorder)
        #expect(abs(report.background - 104) < 0.05)
        #expect(abs(report.noise - 8.0.squareRoot()) < 0.1)
        #expect(abs(report.sumBeforeNormalization / blob.reduce(0, +) - 1) < 0.04)
        #expect(zip(report.center!, [24.3, 31.2, 27.6]).allSatisfy { abs($0 - $1) < 0.05 })
        let expected = GaussianPSF.normalized(shape: prepared.psf.shape, sigma: [3, 2, 2])
        #expect(relativeRMSE(prepared.psf.voxels, expected.voxels) < 0.12)
        // What cutting the noise at zero gives: several times the light of the bead.
        let rectified = measured.voxels.reduce(0.0) { $0 + Double(max(0, $1 - 104)) }
        #expect(rectified > 4 * blob.reduce(0, +))
        #expect(prepared.psf.shape.axes.allSatisfy { $0 <= 31 })
    }

    @Test(arguments: [
        VolumeShape(z: 1, y: 64, x: 71), VolumeShape(z: 5, y: 48, x: 48),
    ])
    func noiseIsToldFromLightWithFewPlanesToo(shape: VolumeShape) throws {
        let blob = GaussianPSF.voxels(
            shape: shape,
            center: shape.axes.map { 0.49 * Double($0) },
            sigma: [3, 3, 3],
            peak: 1000
        )
        let report = try PSFPreparation()
            .prepare(noisy(blob, shape: shape), name: "bead.tif", imageSpacing: nil).report
        #expect(report.backgroundMethod == .noiseAtBorder)
        #expect(abs(report.background - 104) < 0.5)
        #expect(abs(report.sumBeforeNormalization / blob.reduce(0, +) - 1) < 0.05)
    }

    @Test func brightFacesFromDeskewingDoNotRaiseTheBackground() throws {
        let shape = VolumeShape(z: 41, y: 49, x: 49)
        var measured = noisy(GaussianPSF.voxels(shape: shape, sigma: [3, 2, 2], peak: 500), shape: shape)
        for z in 0..<41 {
            for y in 0..<49 {
                for x in 0..<49 where z == 0 || y == 0 || x == 48 { measured[z, y, x] += 60 }
            }
        }
        let prepared = try PSFPreparation().prepare(measured, name: "bead.tif", imageSpacing: nil)
        #expect(abs(prepared.report.background - 104) < 0.2)
        #expect(prepared.report.sumBeforeNormalization > 0)
    }

    @Test func facesOfZerosAreNotTakenForBackground() throws {
        let shape = VolumeShape(z: 45, y: 45, x: 45)
        var measured = noisy(GaussianPSF.voxels(shape: shape, sigma: [3, 2, 2], peak: 500), shape: shape)
        for z in 0..<45 {
            for y in 0..<45 {
                for x in 0..<45 where z < 6 || z > 40 || x < 5 { measured[z, y, x] = 0 }
            }
        }
        let prepared = try PSFPreparation().prepare(measured, name: "bead.tif", imageSpacing: nil)
        #expect(abs(prepared.report.background - 104) < 0.2)
    }

    @Test func faintRingsAboveTheNoiseAreKept() throws {
        // A core, and a shell of radius 8 at a twentieth of its brightness, twice the noise voxel by voxel.
        let shape = VolumeShape(z: 41, y: 41, x: 41)
        var blob = GaussianPSF.voxels(shape: shape, sigma: [2, 2, 2], peak: 120)
        var shell = 0.0
        for z in 0..<41 {
            for y in 0..<41 {
                for x in 0..<41 {
                    let radius = Double((z - 20) * (z - 20) + (y - 20) * (y - 20) + (x - 20) * (x - 20)).squareRoot()
                    let value = 6 * exp(-0.5 * pow((radius - 8) / 1.5, 2))
                    blob[(z * 41 + y) * 41 + x] += value
                    shell += value
                }
            }
        }
        let prepared = try PSFPreparation().prepare(noisy(blob, shape: shape), name: "bead.tif", imageSpacing: nil)
        #expect(shell > 5000)
        #expect(abs(prepared.report.sumBeforeNormalization / blob.reduce(0, +) - 1) < 0.06)
    }

    @Test func aComputedWidefieldPSFIsNotTakenForNoise() throws {
        let optics = Microscope(
            kind: .widefield,
            numericalAperture: 1.4,
            emissionWavelength: 520,
            immersionIndex: 1.515
        )
        let spacing = VoxelSpacing(z: 0.3, y: 0.09, x: 0.09)
        let psf = try optics.pointSpreadFunction(shape: VolumeShape(z: 24, y: 48, x: 49), spacing: spacing).psf
        let scaled = psf.voxels.map { $0 * 60000 }
        let prepared = try PSFPreparation()
            .prepare(Volume(shape: psf.shape, voxels: scaled, spacing: spacing), name: "psf.tif", imageSpacing: spacing)
        #expect(prepared.report.backgroundMethod == .lightAtBorder)
        #expect(prepared.report.background == 0 && prepared.report.noise == 0)
        #expect(prepared.psf.shape == psf.shape)
        #expect(largestDifference(prepared.psf.voxels, psf.voxels) < 1e-6)
    }

    @Test func aComputedWidefieldPSFOffTheGridIsNotTakenForNoiseEither() throws {
        let optics = Microscope(
            kind: .widefield,
            numericalAperture: 1.4,
            emissionWavelength: 520,
            immersionIndex: 1.515
        )
        let fine = try optics.pointSpreadFunction(
            shape: VolumeShape(z: 72, y: 144, x: 144),
            spacing: VoxelSpacing(z: 0.1, y: 0.03, x: 0.03)
        ).psf
        // Every third voxel, from the second on: the centre lies a third of a voxel off the coarse grid.
        let shape = VolumeShape(z: 24, y: 48, x: 48)
        var coarse = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        let volume = fine.volume
        for z in 0..<24 {
            for y in 0..<48 {
                for x in 0..<48 { coarse[z, y, x] = volume[3 * z + 1, 3 * y + 1, 3 * x + 1] }
            }
        }
        let report = try PSFPreparation().prepare(coarse, name: "psf.tif", imageSpacing: nil).report
        #expect(report.backgroundMethod == .lightAtBorder)
        let third = 1.0 / 3
        for (found, expected) in zip(report.center!, [12 - third, 24 - third, 24 - third]) {
            #expect(abs(found - expected) < 2e-3)
        }
    }

    @Test func aNoiseFreePedestalIsSubtracted() throws {
        let shape = VolumeShape(z: 31, y: 31, x: 31)
        let blob = GaussianPSF.voxels(shape: shape, sigma: [2, 2, 2], peak: 1000)
        let prepared = try PSFPreparation()
            .prepare(Volume(shape: shape, voxels: blob.map { Float($0 + 100) }), name: "psf.tif", imageSpacing: nil)
        #expect(prepared.report.background == 100)
        let expected = GaussianPSF.normalized(shape: prepared.psf.shape, sigma: [2, 2, 2])
        #expect(largestDifference(prepared.psf.voxels, expected.voxels) < 1e-5)
    }

    @Test func aGivenBackgroundIsUsedAsItIs() throws {
        let shape = VolumeShape(z: 31, y: 31, x: 31)
        let measured = noisy(GaussianPSF.voxels(shape: shape, sigma: [2, 2, 2], peak: 1000), shape: shape)
        let prepared = try PSFPreparation(background: .value(104))
            .prepare(measured, name: "bead.tif", imageSpacing: nil)
        #expect(prepared.report.background == 104)
        #expect(prepared.report.backgroundMethod == .given)
        let expected = GaussianPSF.normalized(shape: prepared.psf.shape, sigma: [2, 2, 2])
        #expect(relativeRMSE(prepared.psf.voxels, expected.voxels) < 0.08)
    }

    @Test func aKernelOfOnesIsItsOwnBorderAndStaysWhole() throws {
        let shape = VolumeShape(z: 3, y: 3, x: 3)
        let prepared = try PSFPreparation()
            .prepare(Volume(shape: shape, voxels: [Float](repeating: 1, count: 27)), name: "box", imageSpacing: nil)
        #expect(prepared.psf.shape == shape)
        #expect(prepared.psf.voxels == [Float](repeating: 1 / 27, count: 27))
        #expect(prepared.report.backgroundMethod == .tooSmall)
    }

    @Test func aMeasuredLatticeLightSheetPSFComesOutCleanAndCentred() throws {
        let measured = try PSFFixture.lattice()
        let prepared = try PSFPreparation()
            .prepare(measured, name: "psf.tif", imageSpacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        let (psf, report) = (prepared.psf, prepared.report)
        #expect(abs(report.background - 142) < 1)
        #expect(abs(report.noise - 10.4) < 1)
        // NumPy over the core of 21x25x25 alone, less the border's median: 0.997e6; all of the crop cut at zero: 1.30e6;
        // over a larger box in the whole file: 1.036e6.
        #expect(abs(report.sumBeforeNormalization * 3 / 1.036e6 - 1) < 0.05)
        #expect(zip(report.center!, [20, 20, 20]).allSatisfy { abs($0 - $1) < 2 })
        #expect(psf.voxels.allSatisfy { $0 >= 0 && $0.isFinite })
        #expect(abs(sum(psf.voxels) - 1) < 1e-6)
        #expect(psf.shape.axes.allSatisfy { $0 % 2 == 1 } && psf.shape.z <= 15 && psf.shape.y <= 41)
        let again = try PSFPreparation(background: .value(0))
            .prepare(psf.volume, name: "psf.tif", imageSpacing: psf.spacing)
        #expect(zip(again.report.shift, [0, 0, 0]).allSatisfy { abs($0 - $1) < 0.05 })
    }
}
