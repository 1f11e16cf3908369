import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct PSFCheckTests {
    private func failure(
        _ shape: VolumeShape,
        _ voxels: [Float],
        spacing: VoxelSpacing? = nil,
        _ preparation: PSFPreparation = PSFPreparation()
    ) throws -> DeconvolutionError {
        try #require(throws: DeconvolutionError.self) {
            try preparation.prepare(
                Volume(shape: shape, voxels: voxels, spacing: spacing),
                name: "psf.tif",
                imageSpacing: nil
            )
        }
    }

    @Test func anEmptyFileAnAllZeroFileAndNaNAreErrorsThatSayWhere() throws {
        let empty = try failure(VolumeShape(z: 0, y: 4, x: 4), [])
        #expect(empty.code == .invalidData && empty.text(.flag) == "psf.tif: a PSF of 0x4x4 has no voxels")

        let zeros = try failure(VolumeShape(z: 2, y: 2, x: 2), [Float](repeating: 0, count: 8))
        #expect(zeros.code == .invalidData && zeros.text(.flag).hasPrefix("psf.tif: every voxel of the PSF is 0"))

        var voxels = [Float](repeating: 1, count: 2 * 3 * 4)
        voxels[(1 * 3 + 2) * 4 + 3] = .nan
        for preparation in [PSFPreparation(), PSFPreparation(isAsIs: true)] {
            let nan = try failure(VolumeShape(z: 2, y: 3, x: 4), voxels, preparation)
            #expect(nan.code == .invalidData && nan.text(.flag).contains("nan at (z 1, y 2, x 3)"))
        }
    }

    @Test func noLightAboveTheBackgroundNamesTheBackgroundAndTheWayOut() throws {
        let flat = try failure(VolumeShape(z: 16, y: 16, x: 16), [Float](repeating: 7, count: 4096))
        #expect(flat.code == .invalidData)
        #expect(flat.text(.flag).contains("background of 7.0") && flat.text(.flag).contains("--psf-background 0"))

        var generator = SeededGenerator(seed: 3)
        let noise = try failure(
            VolumeShape(z: 20, y: 20, x: 20),
            (0..<8000).map { _ in Float(100 + generator.normal()) }
        )
        #expect(noise.code == .invalidData && noise.text(.flag).contains("--psf-background"))

        let negative = try failure(VolumeShape(z: 1, y: 1, x: 3), [-1, 0.5, -1], PSFPreparation(isAsIs: true))
        #expect(negative.code == .invalidData && negative.message.contains("sums to -1.5"))
    }

    @Test func aSpacingThatIsNotPositiveIsAnArgumentError() throws {
        let error = try failure(
            VolumeShape(z: 1, y: 1, x: 1),
            [1],
            spacing: VoxelSpacing(z: 0, y: 0.1, x: 0.1)
        )
        #expect(error.code == .invalidArgument && error.text(.flag).contains("--psf-spacing"))
        let nan = try failure(VolumeShape(z: 1, y: 1, x: 1), [1], PSFPreparation(background: .value(.nan)))
        #expect(nan.code == .invalidArgument)
    }

    @Test func asItIsMeansNormalisedAndNothingElse() throws {
        let shape = VolumeShape(z: 1, y: 2, x: 4)
        let prepared = try PSFPreparation(isAsIs: true).prepare(
            Volume(shape: shape, voxels: [0, 0, 3, 0, 0, 0, 2, -1], spacing: VoxelSpacing(z: 1, y: 0.2, x: 0.2)),
            name: "psf.tif",
            imageSpacing: VoxelSpacing(z: 1, y: 0.1, x: 0.1)
        )
        #expect(prepared.psf.voxels == [0, 0, 0.75, 0, 0, 0, 0.5, -0.25])
        #expect(prepared.report.negativeFraction == 0.2)
        #expect(prepared.report.backgroundMethod == .notMeasured)
        #expect(prepared.report.warnings.count == 2)
        #expect(prepared.report.warnings.contains { $0.text(.flag).contains("does not resample") })
    }

    @Test func theReportEncodesEveryStepWithNullForWhatWasNotDone() throws {
        let measured = GaussianPSF.normalized(
            shape: VolumeShape(z: 25, y: 25, x: 25),
            center: [12, 12.5, 12],
            sigma: [2, 2, 2]
        )
        let report = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil).report
        let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any]
        let json = try #require(object)
        #expect(json["inputShape"] as? [Int] == [25, 25, 25])
        #expect(json["inputSpacing"] is NSNull && json["resampledFrom"] is NSNull)
        #expect(json["backgroundMethod"] as? String == "lightAtBorder")
        #expect((json["center"] as? [Double])?.count == 3)
        #expect(abs((json["fullWidthAtHalfMaximum"] as! [Double])[0] - 4.71) < 0.05)
        #expect((json["warnings"] as? [String])?.count == 1)
        #expect((json["diagnostics"] as? [[String: Any]])?.first?["kind"] as? String == "spacingUnknown")
        #expect(json.count == 27)
    }
}

/// A PSF that is narrower than a voxel of the image takes nothing out of it.
@Suite struct NarrowPSFTests {
    /// A Gaussian 4.7, 2.8 and 2.8 voxels wide at half maximum, in voxels of 0.1 µm.
    private let measured = GaussianPSF.normalized(
        shape: VolumeShape(z: 25, y: 25, x: 25),
        sigma: [2, 1.2, 1.2],
        spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
    )

    private func prepare(
        for spacing: VoxelSpacing,
        _ preparation: PSFPreparation = PSFPreparation()
    ) throws -> PSFPreparationReport {
        try preparation.prepare(measured, name: "psf.tif", imageSpacing: spacing).report
    }

    @Test func aCoarseDistanceBetweenPlanesIsSaidWithBothSpacingsAndTheWidth() throws {
        let said = try prepare(for: VoxelSpacing(z: 1, y: 0.1, x: 0.1)).warnings.filter { $0.kind == .psfNarrow }
        let warning = try #require(said.first)
        #expect(said.count == 1)
        #expect(
            warning.text(.flag).contains("voxels of 0.1, 0.1, 0.1 µm")
                && warning.text(.flag).contains("1.0, 0.1, 0.1 µm")
        )
        // 2.355 standard deviations of 2 voxels, of which ten make one; a little more, for lines are drawn between voxels.
        #expect(warning.figures == "voxels: 0.48 along z")
        let fine = try prepare(for: VoxelSpacing(z: 0.4, y: 0.1, x: 0.1)).warnings
        #expect(!fine.contains { $0.kind == .psfNarrow })
    }

    @Test func aPSFThatIsNarrowAlongAllAxesIsAnErrorUnlessItIsTakenAsItIs() throws {
        let coarse = VoxelSpacing(z: 1, y: 0.5, x: 0.5)
        let error = try #require(throws: DeconvolutionError.self) { try prepare(for: coarse) }
        #expect(error.code == .invalidData)
        for word in [
            "psf.tif", "0.1, 0.1, 0.1 µm", "1.0, 0.5, 0.5 µm", "0.48 along z, 0.58 along y, 0.58 along x",
            "--psf-as-is",
        ] {
            #expect(error.text(.flag).contains(word), "\(error.text(.flag))")
        }
        #expect(try prepare(for: coarse, PSFPreparation(isAsIs: true)).warnings.map(\.kind) == [.psfNotResampled])
    }

    /// A point stays one where one axis is made coarser.
    @Test func aPointOnAnotherGridIsAnError() throws {
        let psf = Volume(
            shape: VolumeShape(z: 3, y: 3, x: 3),
            voxels: (0..<27).map { $0 == 13 ? 1 : 0 },
            spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        )
        let error = try #require(throws: DeconvolutionError.self) {
            try PSFPreparation().prepare(psf, name: "psf.tif", imageSpacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        }
        #expect(
            error.code == .invalidData && error.text(.flag).contains("narrower than a voxel"),
            "\(error.text(.flag))"
        )
    }

    /// A number of nm under a unit of µm along one axis alone.
    @Test func spacingsThatOnlyAWrongUnitExplainsAreAnError() throws {
        let error = try #require(throws: DeconvolutionError.self) {
            try prepare(for: VoxelSpacing(z: 300, y: 0.1, x: 0.1))
        }
        #expect(error.code == .invalidData && error.text(.flag).contains("units"), "\(error.text(.flag))")
        #expect(
            error.text(.flag).contains("0.0016 along z") && error.text(.flag).contains("deconvolved along that axis"),
            "\(error.text(.flag))"
        )
    }

    @Test func aPointIsSaidToDeconvolveNothing() throws {
        var voxels = [Float](repeating: 0, count: 27)
        voxels[13] = 2
        for (shape, voxels) in [(VolumeShape(z: 1, y: 1, x: 1), [3 as Float]), (VolumeShape(z: 3, y: 3, x: 3), voxels)]
        {
            let psf = Volume(shape: shape, voxels: voxels)
            let report = try PSFPreparation(warnsOfNoSpacing: false).prepare(psf, name: "psf.tif", imageSpacing: nil)
                .report
            #expect(report.warnings.map(\.kind) == [.psfNarrow], "\(report.warnings)")
        }
    }

    @Test func aSmallPSFOnlyHasABackgroundToSpeakOfWhereItsFacesAreNotDark() throws {
        func warnings(_ line: [Float]) throws -> [Diagnostic] {
            let psf = Volume(shape: VolumeShape(z: 1, y: 1, x: line.count), voxels: line)
            return try PSFPreparation(warnsOfNoSpacing: false).prepare(psf, name: "psf.tif", imageSpacing: nil).report
                .warnings
        }
        #expect(try warnings([0, 1, 2, 1, 0]) == [])
        let said = try warnings([1, 2, 3, 2, 1])
        #expect(said.map(\.kind) == [.psfBackgroundUnknown])
        #expect(said.first?.figures == "1x1x5")
    }
}

@Suite struct PointSpreadFunctionTests {

    @Test func croppingKeepsOddSizesAndAllButTheToleranceOfTheEnergy() throws {
        let shape = VolumeShape(z: 64, y: 65, x: 66)
        let measured = GaussianPSF.normalized(shape: shape, sigma: [2, 3, 4])
        let prepared = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil)
        #expect(prepared.psf.shape.axes.allSatisfy { $0 % 2 == 1 })
        #expect(prepared.report.croppedFrom == shape)
        #expect(prepared.report.croppedFraction <= 1e-6)
        // Five standard deviations hold all but 6e-7 along an axis.
        #expect(zip(prepared.psf.shape.axes, [21, 31, 41]).allSatisfy { abs($0 - $1) <= 2 })
    }
}
