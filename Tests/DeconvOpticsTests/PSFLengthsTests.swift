import DeconvOptics
import DeconvVolume
import Foundation
import Testing

/// Sizes of voxels that are known along some axes only, and such as no microscope has.
@Suite struct PSFLengthsTests {
    /// A Gaussian of 15 x 15 x 15 voxels with a standard deviation of 2 voxels.
    private let measured: Volume = {
        let shape = VolumeShape(z: 15, y: 15, x: 15)
        var voxels: [Float] = []
        for z in -7...7 {
            for y in -7...7 { for x in -7...7 { voxels.append(exp(Float(-(z * z + y * y + x * x)) / 8)) } }
        }
        return Volume(shape: shape, voxels: voxels)
    }()

    private func prepare(_ lengths: AxisLengths, image: AxisLengths) throws(DeconvolutionError) -> PreparedPSF {
        try PSFPreparation().prepare(measured, lengths: lengths, name: "p.tif", imageLengths: image, imageName: "a.tif")
    }

    private static let whole = AxisLengths(z: 0.3, y: 0.1, x: 0.1)

    // Which axis nobody knows of the image, of the PSF, or of both.
    @Test(arguments: [
        (AxisLengths(y: 0.2, x: 0.2), whole, "z", true),
        (AxisLengths(z: 0.3, y: 0.2, x: 0.2), AxisLengths(y: 0.1, x: 0.1), "z", true),
        (AxisLengths(y: 0.2, x: 0.2), AxisLengths(y: 0.1, x: 0.1), "z", false),
    ])
    func aPSFIsResampledAlongTheAxesThatAreKnown(image: AxisLengths, psf: AxisLengths, axis: String, isKnown: Bool)
        throws
    {
        let half = try prepare(psf, image: image)
        let wanted = try prepare(Self.whole, image: AxisLengths(z: 0.3, y: 0.2, x: 0.2))
        #expect(half.psf.shape == wanted.psf.shape)
        #expect(half.psf.voxels == wanted.psf.voxels)
        #expect((half.psf.spacing != nil) == isKnown)
        let warning = try #require(half.report.warnings.first { $0.kind == .spacingUnknown })
        #expect(warning.message.contains("the size of voxels along \(axis) is not known of both PSF and image"))
        #expect(warning.message.contains(".spacing and .psfSpacing give it"))
        #expect(!wanted.report.warnings.contains { $0.kind == .spacingUnknown })
    }

    @Test func aBoxThatShrinksToOneVoxelIsSaidAndRefusedWhereAUnitIsWrong() throws {
        // A PSF that is as wide as its box has no width at half of its maximum.
        let flat = Volume(shape: measured.shape, voxels: [Float](repeating: 1, count: 3375))
        func prepare(_ z: Double) throws(DeconvolutionError) -> PreparedPSF {
            try PSFPreparation(background: .value(0)).prepare(
                flat,
                lengths: AxisLengths(z: 0.1, y: 0.1, x: 0.1),
                name: "p.tif",
                imageLengths: AxisLengths(z: z, y: 0.1, x: 0.1)
            )
        }
        #expect(try prepare(2).report.warnings.contains { $0.kind == .psfNarrow })
        let error = #expect(throws: DeconvolutionError.self) { _ = try prepare(100) }
        #expect(error?.message.contains("would be a single voxel of 100.0, 0.1, 0.1 µm along z") ?? false)
    }

    @Test(
        arguments: [
            (VoxelSpacing(z: 0.3, y: 25, x: 25), 9, "larger than 20 µm"),
            (VoxelSpacing(z: 0.3, y: 1e-4, x: 1e-4), 1, "smaller than 1 nm"),
            (VoxelSpacing(z: 6, y: 0.1, x: 0.1), 9, "more than 50 times as long one way as another"),
            (VoxelSpacing(z: 6, y: 0.1, x: 0.1), 1, nil), (VoxelSpacing(z: 0.3, y: 0.1, x: 0.1), 9, nil),
        ] as [(VoxelSpacing, Int, String?)]
    )
    func voxelsOfNoMicroscopeAreKnown(spacing: VoxelSpacing, planeCount: Int, words: String?) {
        #expect(spacing.implausibility(planeCount: planeCount) == words)
    }
}
