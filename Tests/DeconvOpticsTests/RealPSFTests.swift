import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite(.enabled(if: SharedData.isPresent, Comment(rawValue: SharedData.skipReason)))
struct RealPSFTests {
    @Test func theLatticeLightSheetPSFIsCentredResampledAndFreeOfItsPedestal() throws {
        let measured = try RealStack.read(
            SharedData.url("lattice-cell/psf.tif"),
            spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        )
        #expect(measured.shape == VolumeShape(z: 61, y: 128, x: 128))
        let prepared = try PSFPreparation()
            .prepare(measured, name: "psf.tif", imageSpacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1))
        let report = prepared.report
        #expect(report.backgroundMethod == .noiseAtBorder)
        #expect(abs(report.background - 141.8) < 0.3)
        // NumPy, a box of 37x29x24 around the light: 1.036e6 counts; all of it cut at zero: 5.28e6.
        #expect(abs(report.sumBeforeNormalization * 3 / 1.036e6 - 1) < 0.02)
        #expect(zip(report.center!, [29.83, 71.13, 64.31]).allSatisfy { abs($0 - $1) < 0.3 })
        #expect(prepared.psf.shape.z <= 15 && prepared.psf.shape.y <= 41 && prepared.psf.shape.x <= 31)
        #expect(report.warnings.isEmpty)
    }

    /// NumPy: 1.036e6 counts in single voxels, 1.07e6 to 1.11e6 within 20 to 30 voxels of the axis, in which rings stand out.
    @Test func ringsShowTheSkirtOfTheLatticeLightSheetPSF() throws {
        let measured = try RealStack.read(
            SharedData.url("lattice-cell/psf.tif"),
            spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        )
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        let plain = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: spacing)
        let round = try PSFPreparation(symmetry: .radial).prepare(measured, name: "psf.tif", imageSpacing: spacing)
        let (before, after) = (plain.report.sumBeforeNormalization * 3, round.report.sumBeforeNormalization * 3)
        #expect(after > 1.06e6 && after < 1.12e6, "\(before), \(after)")
        #expect(round.psf.shape.x > plain.psf.shape.x)
        #expect(round.report.symmetryChange < 0.15)
    }

    @Test func theConfocalPSFLosesItsPedestalOfOneToTwoCounts() throws {
        let measured = try RealStack.read(SharedData.url("confocal-grid/psf.tif"))
        let report = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil).report
        // Planes 2 to 42 hold 1 and 2 at the border, mean 1.46; the others are padding of zeros.
        #expect(report.background >= 1 && report.background < 1.6)
        // NumPy: the centroid of what is above half of the peak. The PSF is skewed, so definitions differ by part of a voxel.
        #expect(zip(report.center!, [25.52, 20.15, 23.29]).allSatisfy { abs($0 - $1) < 0.7 })
        #expect(report.negativeFraction < 0.02)
    }

    @Test func thePSFOfTheBarsIsMovedByTheHalfPlaneItIsOff() throws {
        let measured = try RealStack.read(SharedData.url("hollow-bars/psf.tif"))
        let prepared = try PSFPreparation().prepare(measured, name: "psf.tif", imageSpacing: nil)
        #expect(prepared.report.backgroundMethod == .lightAtBorder)
        #expect(prepared.report.background == 0 && prepared.report.noise == 0)
        // Planes 15 and 16 hold 4719 and 5155 at the axis; columns 31, 32 and 33 hold 2256, 5155 and 212.
        #expect(zip(prepared.report.center!, [15.5, 31.7, 31.7]).allSatisfy { abs($0 - $1) < 0.1 })
        // Two voxels wide at half maximum: too coarse to move without ringing, and said so.
        #expect(prepared.report.warnings.contains { $0.text(.flag).contains("--psf-as-is") })

        let asIs = try PSFPreparation(isAsIs: true).prepare(measured, name: "psf.tif", imageSpacing: nil)
        #expect(asIs.psf.shape == measured.shape)
        #expect(asIs.report.sumBeforeNormalization == 500193.625)
    }
}
