import DeconvVolume
import Testing

@testable import DeconvPreview

@Suite struct PSFPictureTests {
    /// Where McCutchen's torus is highest, and where it ends.
    @Test func theSupportIsThatOfTheAperture() {
        let (aperture, medium) = (1.4 / 0.52, 1.515 / 0.52)
        let support = PSFPicture.TransferSupport(apertureFrequency: aperture, mediumFrequency: medium)
        #expect(abs(support.axial(at: 0)) < 1e-12 && abs(support.axial(at: 2 * aperture)) < 1e-12)
        let highest = medium - (medium * medium - aperture * aperture).squareRoot()
        #expect(abs(support.axial(at: aperture) - highest) < 1e-12)
        #expect(support.axial(at: 3 * aperture) == 0)
    }

    @Test func aPageHoldsAllAndSaysFaultsBelow() throws {
        let shape = VolumeShape(z: 9, y: 9, x: 9)
        var volume = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        volume[4, 4, 4] = 1
        let views = try VolumeViews(through: VolumeIndex(z: 4, y: 4, x: 4), of: ArraySource(volume))
        var picture = PSFPicture(
            title: "psf.tif",
            prepared: views,
            measured: (views, [4, 4, 4], nil),
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1),
            widths: [1, 1, nil],
            transfer: (3, [Float](repeating: 1, count: 9), [Float](repeating: 1, count: 9))
        )
        let without = picture.draw()
        picture.faults = ["a second peak, as of another bead, which leaves ghosts in results"]
        let with = picture.draw()
        #expect(with.width == without.width && with.height > without.height)
        let warned = (without.height - 24..<with.height).contains { y in
            (0..<with.width).contains { with[$0, y] == PictureColor(rgb: 0xFFA050) }
        }
        #expect(warned)
    }
}
