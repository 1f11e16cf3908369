import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvOptics

@Suite struct BeadSphereTests {
    /// The transform of a sphere is that of the areas of its slices: ∫ 6 (1/4 − t²) cos(2qt) dt over −1/2 … 1/2.
    @Test(arguments: [0.0, 0.01, 0.019, 0.021, 0.5, 1, 3, 4.4934094579, 7])
    func theTransformIsThatOfTheSlices(q: Double) {
        let steps = 20_000
        let sum = (0..<steps).reduce(0.0) { sum, i in
            let t = (Double(i) + 0.5) / Double(steps) - 0.5
            return sum + 6 * (0.25 - t * t) * cos(2 * q * t) / Double(steps)
        }
        #expect(abs(BeadSphere.transform(q) - sum) < 1e-8)
        if q == 4.4934094579 { #expect(abs(BeadSphere.transform(q)) < 1e-9) }
    }

    /// A Gaussian through a sphere: in the spectrum their product, so the Gaussian must come back.
    @Test func aGaussianComesBackThroughASphere() {
        let shape = VolumeShape(z: 21, y: 31, x: 33)
        let spacing = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
        let gaussian = PSFField(shape: shape, values: GaussianPSF.voxels(shape: shape, sigma: [1.8, 1.5, 1.5]))
        var spectrum = BoxSpectrum(gaussian, padded: VolumeShape(z: 31, y: 45, x: 45))
        spectrum.multiply { frequency in
            let z = frequency[0] / spacing.z
            let y = frequency[1] / spacing.y
            let x = frequency[2] / spacing.x
            return BeadSphere.transform(.pi * 0.25 * (z * z + y * y + x * x).squareRoot())
        }
        let image = spectrum.field(shape: shape)
        let widths = (0..<3).map { image.halfMaximum(through: shape.centerVoxel, axis: $0).width! }
        let point = BeadSphere(diameter: 0.25, spacing: spacing).removed(from: image, noise: 1e-6, width: widths)
        let before = largest(image, gaussian)
        let after = largest(point, gaussian)
        #expect(before > 0.1 && after < 0.01, "\(before), \(after)")
    }

    private func largest(_ a: PSFField, _ b: PSFField) -> Double {
        zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    /// cos(2πks) in the spectrum is the mean of both shifts by s.
    @Test func aSpectrumShiftsWhatItIsOf() {
        let shape = VolumeShape(z: 3, y: 4, x: 5)
        let field = PSFField(shape: shape, values: (0..<60).map { Double($0 * $0 % 17) })
        var spectrum = BoxSpectrum(field, padded: shape)
        spectrum.multiply { cos(2 * .pi * $0[2]) }
        let shifted = spectrum.field(shape: shape)
        for offset in field.values.indices {
            let place = field.index(of: offset)
            let left = VolumeIndex(z: place.z, y: place.y, x: (place.x + 4) % 5)
            let right = VolumeIndex(z: place.z, y: place.y, x: (place.x + 1) % 5)
            #expect(abs(shifted.values[offset] - (field[left] + field[right]) / 2) < 1e-9)
        }
    }
}
