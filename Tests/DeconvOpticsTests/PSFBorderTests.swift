import DeconvOptics
import DeconvTestSupport
import DeconvVolume
import Testing

/// The light at the sides of PSFs.
@Suite struct PSFBorderTests {
    @Test func aGoodPSFHasNoneThere() {
        let border = PSFBorder(GaussianPSF.normalized(shape: VolumeShape(z: 9, y: 17, x: 17), sigma: [1.5, 1.5, 1.5]))
        #expect(border.share < 1e-3)
    }

    @Test func aFlatOneHasThePartOfItsVoxels() {
        let shape = VolumeShape(z: 3, y: 16, x: 16)
        let border = PSFBorder(Volume(shape: shape, voxels: [Float](repeating: 1, count: shape.voxelCount)))
        #expect(abs(border.share - (1 - 144.0 / 256)) < 1e-9 && border.lopsidedness == 0)
    }

    @Test func aSlopeIsLopsided() {
        let shape = VolumeShape(z: 1, y: 16, x: 16)
        let border = PSFBorder(Volume(shape: shape, voxels: (0..<256).map { Float($0 % 16) }))
        // Of columns 0, 1 and 14, 15.
        #expect(abs(border.lopsidedness - (29.0 - 1) / 30) < 1e-9)
    }
}
