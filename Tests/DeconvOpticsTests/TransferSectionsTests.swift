import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct TransferSectionsTests {
    /// The transform of a Gaussian is exp(-2 π² σ² k²).
    @Test func theTransferFunctionOfAGaussianIsAGaussian() throws {
        let sigma = [2.0, 1.5, 1.2]
        let volume = GaussianPSF.normalized(shape: VolumeShape(z: 25, y: 21, x: 19), sigma: sigma)
        let sections = TransferSections(of: PointSpreadFunction(shape: volume.shape, voxels: volume.voxels), count: 33)
        for (down, values) in [(1, sections.lateral), (0, sections.axial)] {
            for j in 0..<33 {
                for i in 0..<33 {
                    let (a, b) = (Double(j - 16) / 32, Double(i - 16) / 32)
                    let expected = exp(
                        -2 * .pi * .pi * (sigma[down] * sigma[down] * a * a + sigma[2] * sigma[2] * b * b)
                    )
                    #expect(abs(Double(values[j * 33 + i]) - expected) < 2e-3)
                }
            }
        }
    }
}
