import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvOptics

@Suite struct PSFSymmetryTests {
    private static let shape = VolumeShape(z: 9, y: 41, x: 41)

    private static func gaussian(_ sigma: [Double], center: [Double]? = nil, shape: VolumeShape = shape) -> PSFField {
        let middle = center ?? shape.axes.map { Double($0 / 2) }
        return PSFField(
            shape: shape,
            values: GaussianPSF.voxels(shape: shape, center: middle, sigma: sigma, peak: 1).map { Double($0) }
        )
    }

    private static func largestDifference(_ a: PSFField, _ b: PSFField) -> Double {
        zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test func aRoundPSFStaysWhatItIs() {
        let round = Self.gaussian([2, 2.5, 2.5])
        let average = PSFSymmetry.radial.applied(to: round, spacing: nil)
        let shape = average.shape
        let same = round.centered(rows: shape.y / 2, columns: shape.x / 2)
        #expect(Self.largestDifference(average, same) < 1e-6)
    }

    /// The mean of exp(−x²/2a² − y²/2b²) over angles is exp(−r²/4·(1/a² + 1/b²)) I₀(r²/4·(1/a² − 1/b²)).
    @Test func anEllipseBecomesItsMeanOverAngles() {
        let (a, b) = (2.0, 3.5)
        let average = PSFSymmetry.radial.applied(to: Self.gaussian([2, b, a]), spacing: nil)
        let center = average.shape.centerVoxel
        func bessel(_ t: Double) -> Double {
            // I₀ by its power series.
            var (term, sum) = (1.0, 1.0)
            for k in 1..<60 {
                term *= (t / 2) * (t / 2) / Double(k * k)
                sum += term
            }
            return sum
        }
        for (dy, dx) in [(0, 0), (0, 3), (3, 0), (2, 2), (5, 1), (0, 9), (7, 7)] {
            let square = Double(dy * dy + dx * dx)
            let expected =
                exp(-square / 4 * (1 / (a * a) + 1 / (b * b))) * bessel(square / 4 * (1 / (a * a) - 1 / (b * b)))
            let value = average[VolumeIndex(z: center.z, y: center.y + dy, x: center.x + dx)]
            #expect(abs(value - expected) < 1e-5, "\(dy), \(dx): \(value), not \(expected)")
        }
        #expect(abs(average.sum / Self.gaussian([2, b, a]).sum - 1) < 1e-4)
    }

    /// The same ellipse on voxels twice as long along y.
    @Test func voxelsMayBeLongerAlongOneAxis() {
        let fine = PSFSymmetry.radial.applied(to: Self.gaussian([2, 3.2, 4.8]), spacing: nil)
        let flat = Self.gaussian([2, 1.6, 4.8], shape: VolumeShape(z: 9, y: 21, x: 41))
        let coarse = PSFSymmetry.radial.applied(to: flat, spacing: VoxelSpacing(z: 0.3, y: 0.2, x: 0.1))
        for (dy, dx) in [(0, 0), (0, 4), (2, 0), (3, 5)] {
            let a = fine[VolumeIndex(z: 4, y: fine.shape.y / 2 + 2 * dy, x: fine.shape.x / 2 + dx)]
            let b = coarse[VolumeIndex(z: 4, y: coarse.shape.y / 2 + dy, x: coarse.shape.x / 2 + dx)]
            #expect(abs(a - b) < 2e-3, "\(dy), \(dx): \(a), \(b)")
        }
    }

    /// The sum of a plane is its spectrum on the optical axis: what the mean over rings may not touch.
    @Test func planesKeepTheirLightAndTheirOrder() {
        var field = Self.gaussian([1.4, 2, 3], center: [3, 20, 20])
        for i in field.values.indices { field.values[i] *= 1 + 0.3 * Double(field.index(of: i).x - 20) / 20 }
        let plane = field.shape.planeVoxelCount
        for symmetry in [PSFSymmetry.radial, .mirrored] {
            let result = symmetry.applied(to: field, spacing: nil)
            #expect(result.shape.z == field.shape.z)
            for z in 0..<field.shape.z {
                let before = field.values[z * plane..<(z + 1) * plane].reduce(0, +)
                let size = result.shape.planeVoxelCount
                let after = result.values[z * size..<(z + 1) * size].reduce(0, +)
                #expect(abs(after - before) < 2e-4 * field.sum)
            }
        }
    }

    @Test func mirrorImagesAreAveragedInTheirPlane() {
        // Even along x, so that the center voxel has one neighbor more before it than behind it.
        let shape = VolumeShape(z: 2, y: 3, x: 4)
        let field = PSFField(shape: shape, values: (0..<24).map { Double($0) })
        let result = PSFSymmetry.mirrored.applied(to: field, spacing: nil)
        #expect(result.shape == VolumeShape(z: 2, y: 3, x: 5))
        // Plane 0: rows 0 1 2 3, 4 5 6 7 and 8 9 10 11 with the center on 6.
        #expect(Array(result.values[5..<10]) == [2, 6, 6, 6, 2])
        #expect(Array(result.values[0..<5]) == [2, 6, 6, 6, 2])
        #expect(Array(result.values[20..<25]) == [8, 18, 18, 18, 8])
    }

    @Test func theReportSaysHowFarThePSFWasFromRound() throws {
        let field = Self.gaussian([2, 2, 4])
        let volume = Volume(shape: field.shape, voxels: field.values.map { Float($0) })
        let plain = try PSFPreparation().prepare(volume, name: "psf", imageSpacing: nil)
        let round = try PSFPreparation(symmetry: .radial).prepare(volume, name: "psf", imageSpacing: nil)
        #expect(plain.report.symmetry == .none && plain.report.symmetryChange == 0)
        #expect(round.report.symmetry == .radial && round.report.symmetryChange > 0.2)
        #expect(abs(round.psf.fullWidthAtHalfMaximum(axis: 1)! - round.psf.fullWidthAtHalfMaximum(axis: 2)!) < 1e-3)
        #expect(abs(plain.psf.fullWidthAtHalfMaximum(axis: 1)! - plain.psf.fullWidthAtHalfMaximum(axis: 2)!) > 3)
    }

    @Test func aPSFTakenAsItIsIsNotMadeRound() throws {
        let field = Self.gaussian([2, 2, 4])
        let volume = Volume(shape: field.shape, voxels: field.values.map { Float($0) })
        for (symmetry, option) in [(PSFSymmetry.radial, "--radial-average"), (.mirrored, "--symmetrize")] {
            let error = try #require(throws: DeconvolutionError.self) {
                try PSFPreparation(isAsIs: true, symmetry: symmetry).prepare(volume, name: "psf", imageSpacing: nil)
            }
            #expect(error.code == .invalidArgument)
            #expect(
                error.text(.flag) == "\(option) changes the PSF, which --psf-as-is leaves as it is; give one of the two"
            )
        }
    }
}
