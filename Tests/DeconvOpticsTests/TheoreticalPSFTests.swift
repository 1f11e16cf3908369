import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct TheoreticalPSFTests {
    @Test func widefieldAgreesWithAdaptiveQuadrature() throws {
        let shape = VolumeShape(z: 21, y: 41, x: 31)
        let psf = try WidefieldOptics(emissionWavelength: 520, numericalAperture: 1.2, immersionIndex: 1.33)
            .pointSpreadFunction(shape: shape, spacing: VoxelSpacing(z: 0.2, y: 0.05, x: 0.05))
        let peak = psf.volume[10, 20, 15]
        for row in try PSFFixture.table("debye.txt") {
            let (z, y, x) = (Int(row[0]), Int(row[1]), Int(row[2]))
            for sign in [1, -1] where 20 + sign * y < 41 && 15 + sign * x < 31 && 10 + sign * z < 21 {
                let found = Double(psf.volume[10 + sign * z, 20 + sign * y, 15 + sign * x] / peak)
                #expect(abs(found - row[3]) < 1e-6)
            }
        }
        #expect(abs(sum(psf.voxels) - 1) < 1e-6)
    }

    @Test func atLowApertureTheFocusIsAnAiryPattern() throws {
        // λ 0.5 µm, NA 0.1: first zero at 0.6098 λ/NA = 3.049 µm, sampled every 10 nm.
        let psf = try WidefieldOptics(emissionWavelength: 500, numericalAperture: 0.1, immersionIndex: 1)
            .pointSpreadFunction(
                shape: VolumeShape(z: 1, y: 1, x: 801),
                spacing: VoxelSpacing(z: 1, y: 0.01, x: 0.01)
            )
        let darkest = (401 + 200..<801).min { psf.voxels[$0] < psf.voxels[$1] }!
        #expect(abs(Double(darkest - 400) * 0.01 - 3.049) < 0.02)
        for i in stride(from: 401, to: 800, by: 20) {
            let v = 2 * Double.pi / 0.5 * 0.1 * Double(i - 400) * 0.01
            let airy = pow(2 * j1(v) / v, 2)
            #expect(abs(Double(psf.voxels[i] / psf.voxels[400]) - airy) < 2e-3)
        }
    }

    @Test func atLowApertureTheAxisIsASincSquared() throws {
        // (sin(u/4) / (u/4))² with u = k NA² z (Born and Wolf 8.8), first zero at 2 λ/NA² = 100 µm.
        let psf = try WidefieldOptics(emissionWavelength: 500, numericalAperture: 0.1, immersionIndex: 1)
            .pointSpreadFunction(shape: VolumeShape(z: 401, y: 1, x: 1), spacing: VoxelSpacing(z: 1, y: 1, x: 1))
        for z in stride(from: 205, to: 401, by: 15) {
            let u = 2 * Double.pi / 0.5 * 0.01 * Double(z - 200) / 4
            #expect(abs(Double(psf.voxels[z] / psf.voxels[200]) - pow(sin(u) / u, 2)) < 5e-3)
        }
    }

    @Test func everyPlaneOfAWidefieldPSFHasTheSameEnergy() throws {
        let psf = try WidefieldOptics(emissionWavelength: 520, numericalAperture: 0.8, immersionIndex: 1)
            .pointSpreadFunction(
                shape: VolumeShape(z: 9, y: 201, x: 201),
                spacing: VoxelSpacing(z: 0.5, y: 0.1, x: 0.1)
            )
        let energies = (0..<9).map { z in sum(Array(psf.voxels[z * 201 * 201..<(z + 1) * 201 * 201])) }
        // The box is 20 µm wide; an Airy pattern has about 2 % of its energy beyond ten rings.
        #expect(energies.max()! / energies.min()! < 1.02)
    }

    @Test func confocalIsNarrowerThanWidefieldAndTheProductOfBoth() throws {
        let shape = VolumeShape(z: 21, y: 31, x: 31)
        let spacing = VoxelSpacing(z: 0.1, y: 0.04, x: 0.04)
        let detection = WidefieldOptics(emissionWavelength: 520, numericalAperture: 1.2, immersionIndex: 1.33)
        var excitation = detection
        excitation.emissionWavelength = 488
        let product = zip(
            try detection.pointSpreadFunction(shape: shape, spacing: spacing).voxels,
            try excitation.pointSpreadFunction(shape: shape, spacing: spacing).voxels
        ).map { $0 * $1 }
        let psf = try ConfocalOptics(detection: detection, excitationWavelength: 488)
            .pointSpreadFunction(shape: shape, spacing: spacing)
        let total = Float(sum(product))
        #expect(largestDifference(psf.voxels, product.map { $0 / total }) < 1e-5)
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

    @Test func figuresThatNoMicroscopeHasAreArgumentErrors() throws {
        let good = WidefieldOptics(emissionWavelength: 520, numericalAperture: 1.2, immersionIndex: 1.33)
        let grid = (VolumeShape(z: 3, y: 3, x: 3), VoxelSpacing(z: 0.1, y: 0.1, x: 0.1))
        func code(_ optics: WidefieldOptics, _ grid: (VolumeShape, VoxelSpacing)) -> DeconvolutionError.Code? {
            do throws(DeconvolutionError) {
                _ = try optics.pointSpreadFunction(shape: grid.0, spacing: grid.1)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code(good, grid) == nil)
        for change in [
            { $0.numericalAperture = 1.33 }, { $0.numericalAperture = 0 }, { $0.numericalAperture = .nan },
            { $0.immersionIndex = 0.9 }, { $0.emissionWavelength = 0.52 }, { $0.emissionWavelength = 2001 },
        ] as [(inout WidefieldOptics) -> Void] {
            var bad = good
            change(&bad)
            #expect(code(bad, grid) == .invalidArgument)
        }
        #expect(code(good, (VolumeShape(z: 0, y: 3, x: 3), grid.1)) == .invalidArgument)
        #expect(code(good, (VolumeShape(z: 1 << 40, y: 1 << 40, x: 3), grid.1)) == .invalidArgument)
        #expect(code(good, (grid.0, VoxelSpacing(z: 0.1, y: -1, x: 0.1))) == .invalidArgument)
        #expect(code(good, (grid.0, VoxelSpacing(z: 1e12, y: 1, x: 1))) == .invalidArgument)
        #expect(throws: DeconvolutionError.self) {
            try ConfocalOptics(detection: good, excitationWavelength: 100).pointSpreadFunction(
                shape: grid.0,
                spacing: grid.1
            )
        }
    }
}
