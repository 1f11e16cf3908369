/// Physical size of a voxel in micrometers, in the order z, y, x.
public struct VoxelSpacing: Hashable, Sendable {
    /// Distance between planes, µm.
    public var z: Double
    /// Distance between rows, µm.
    public var y: Double
    /// Distance between the voxels of a row, µm.
    public var x: Double

    /// A spacing from its three distances in micrometers, each positive and finite.
    public init(z: Double, y: Double, x: Double) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// Whether every distance is positive and finite.
    public var isValid: Bool { [z, y, x].allSatisfy { $0 > 0 && $0.isFinite } }

    /// Whether it is that of no microscope: larger along x than along y and z, as where axes were given in another order.
    package var isDoubtful: Bool { x > 1.2 * y && x > 1.2 * z }

    /// The largest voxel that deconvolution could be of use for, µm: below 1x a camera's pixels are smaller.
    package static let largestPlausible = 20.0

    /// The smallest, µm: below an electron microscope's.
    package static let smallestPlausible = 0.001

    /// What is implausible about it, in words that are the same for all; nil where nothing is.
    /// - Parameter planeCount: of the volume; one plane has no distance to another.
    package func implausibility(planeCount: Int) -> String? {
        let lengths = planeCount > 1 ? [z, y, x] : [y, x]
        if lengths.contains(where: { $0 > Self.largestPlausible }) { return "larger than 20 µm" }
        if lengths.contains(where: { $0 < Self.smallestPlausible }) { return "smaller than 1 nm" }
        let lateral = (y * x).squareRoot()
        guard planeCount > 1, z > 50 * lateral || lateral > 50 * z else { return nil }
        return "more than 50 times as long one way as another"
    }

    /// The distance along one axis (0 is z, 1 is y, 2 is x), µm.
    public subscript(axis: Int) -> Double {
        switch axis {
        case 0: z
        case 1: y
        case 2: x
        default: preconditionFailure("axis \(axis) is not one of z, y, x")
        }
    }

    /// The distances along z, y and x, µm.
    package var axes: [Double] { [z, y, x] }

    /// The smallest distance over that along z, y and x: what differences between neighbors are multiplied by to be those of steps of
    /// one length; 1 where a distance is not known.
    package var rates: SIMD3<Float> {
        guard isValid, let least = axes.min() else { return SIMD3(1, 1, 1) }
        return SIMD3(Float(least / z), Float(least / y), Float(least / x))
    }

    /// Whether two spacings are the same to within `relativeTolerance` on every axis.
    ///
    /// The default lets through what a rounded text in a file header does to a number.
    public func matches(_ other: VoxelSpacing, relativeTolerance: Double = 1e-3) -> Bool {
        (0..<3).allSatisfy { abs(self[$0] - other[$0]) <= relativeTolerance * max(self[$0], other[$0]) }
    }
}

extension VoxelSpacing: CustomStringConvertible {
    /// For example `0.3, 0.1, 0.1 µm`.
    public var description: String { "\(z), \(y), \(x) µm" }
}
