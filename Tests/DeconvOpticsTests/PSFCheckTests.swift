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
        #expect(empty.code == .invalidData && empty.message == "psf.tif: a PSF of 0x4x4 has no voxels")

        let zeros = try failure(VolumeShape(z: 2, y: 2, x: 2), [Float](repeating: 0, count: 8))
        #expect(zeros.code == .invalidData && zeros.message.hasPrefix("psf.tif: every voxel of the PSF is 0"))

        var voxels = [Float](repeating: 1, count: 2 * 3 * 4)
        voxels[(1 * 3 + 2) * 4 + 3] = .nan
        for preparation in [PSFPreparation(), .asIs] {
            let nan = try failure(VolumeShape(z: 2, y: 3, x: 4), voxels, preparation)
            #expect(nan.code == .invalidData && nan.message.contains("nan at (z 1, y 2, x 3)"))
        }
    }

    @Test func noLightAboveTheBackgroundNamesTheBackgroundAndTheWayOut() throws {
        let flat = try failure(VolumeShape(z: 16, y: 16, x: 16), [Float](repeating: 7, count: 4096))
        #expect(flat.code == .invalidData)
        #expect(flat.message.contains("background of 7.0") && flat.message.contains("--psf-background 0"))

        var generator = SeededGenerator(seed: 3)
        let noise = try failure(
            VolumeShape(z: 20, y: 20, x: 20),
            (0..<8000).map { _ in Float(100 + generator.normal()) }
        )
        #expect(noise.code == .invalidData && noise.message.contains("--psf-background"))

        let negative = try failure(VolumeShape(z: 1, y: 1, x: 3), [-1, 0.5, -1], .asIs)
        #expect(negative.code == .invalidData && negative.message.contains("sums to -1.5"))
    }

    @Test func aSpacingThatIsNotPositiveIsAnArgumentError() throws {
        let error = try failure(
            VolumeShape(z: 1, y: 1, x: 1),
            [1],
            spacing: VoxelSpacing(z: 0, y: 0.1, x: 0.1)
        )
        #expect(error.code == .invalidArgument && error.message.contains("--psf-spacing"))
        let nan = try failure(VolumeShape(z: 1, y: 1, x: 1), [1], PSFPreparation(background: .value(.nan)))
        #expect(nan.code == .invalidArgument)
    }

    @Test func asItIsMeansNormalisedAndNothingElse() throws {
        let shape = VolumeShape(z: 1, y: 2, x: 4)
        let prepared = try PSFPreparation.asIs.prepare(
            Volume(shape: shape, voxels: [0, 0, 3, 0, 0, 0, 2, -1], spacing: VoxelSpacing(z: 1, y: 0.2, x: 0.2)),
            name: "psf.tif",
            imageSpacing: VoxelSpacing(z: 1, y: 0.1, x: 0.1)
        )
        #expect(prepared.psf.voxels == [0, 0, 0.75, 0, 0, 0, 0.5, -0.25])
        #expect(prepared.report.negativeFraction == 0.2)
        #expect(prepared.report.backgroundMethod == .notMeasured)
        #expect(prepared.report.warnings.count == 2)
        #expect(prepared.report.warnings.contains { $0.message.contains("does not resample") })
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
        #expect(json.count == 21)
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
