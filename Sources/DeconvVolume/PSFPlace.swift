/// Where in an image a PSF was measured, or computed for: the light comes from there.
///
/// In micrometers from the center of the image's first voxel.
public struct PSFPlace: Hashable, Sendable {
    /// Along z: the depth.
    public var z: Double
    /// Along y.
    public var y: Double
    /// Along x.
    public var x: Double

    /// A place from its distances to the first voxel, µm; those along y and x mean nothing where they are the same for all PSFs.
    public init(z: Double, y: Double = 0, x: Double = 0) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// The distance along one axis (0 is z, 1 is y, 2 is x), µm.
    package subscript(axis: Int) -> Double {
        switch axis {
        case 0: z
        case 1: y
        case 2: x
        default: preconditionFailure("axis \(axis) is not one of z, y, x")
        }
    }

    /// The distances along z, y and x, µm.
    package var axes: [Double] { [z, y, x] }
}
