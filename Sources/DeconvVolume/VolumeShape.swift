/// Voxels per axis of a volume, in the order z, y, x; x varies fastest in memory.
public struct VolumeShape: Hashable, Sendable {
    /// Number of planes.
    public var z: Int
    /// Rows of a plane.
    public var y: Int
    /// Voxels of a row.
    public var x: Int

    /// A shape of `z` planes of `y` rows of `x` voxels, each at least 0.
    public init(z: Int, y: Int, x: Int) {
        precondition(z >= 0 && y >= 0 && x >= 0, "a shape has no negative axis")
        self.z = z
        self.y = y
        self.x = x
    }

    /// Product of the three axes.
    public var voxelCount: Int { z * y * x }

    /// Voxels of one plane.
    public var planeVoxelCount: Int { y * x }

    /// The axes as an array in the order z, y, x.
    public var axes: [Int] { [z, y, x] }

    /// A shape made axis by axis, from a function of the axis number (0 is z, 1 is y, 2 is x).
    public init(perAxis value: (Int) throws -> Int) rethrows {
        self.init(z: try value(0), y: try value(1), x: try value(2))
    }

    /// The extent of one axis (0 is z, 1 is y, 2 is x).
    public subscript(axis: Int) -> Int {
        switch axis {
        case 0: z
        case 1: y
        case 2: x
        default: preconditionFailure("axis \(axis) is not one of z, y, x")
        }
    }
}

extension VolumeShape: CustomStringConvertible {
    /// For example `88x320x481`.
    public var description: String { "\(z)x\(y)x\(x)" }
}

/// The position of a voxel, or an offset between voxels, in the order z, y, x. May be negative.
public struct VolumeIndex: Hashable, Sendable {
    /// Plane.
    public var z: Int
    /// Row in its plane.
    public var y: Int
    /// Voxel in its row.
    public var x: Int

    /// A position from its three coordinates.
    public init(z: Int, y: Int, x: Int) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// A position made axis by axis, from a function of the axis number (0 is z, 1 is y, 2 is x).
    public init(perAxis value: (Int) throws -> Int) rethrows {
        self.init(z: try value(0), y: try value(1), x: try value(2))
    }

    /// The first voxel of a volume.
    public static let zero = VolumeIndex(z: 0, y: 0, x: 0)

    /// The coordinate along one axis (0 is z, 1 is y, 2 is x).
    public subscript(axis: Int) -> Int {
        switch axis {
        case 0: z
        case 1: y
        case 2: x
        default: preconditionFailure("axis \(axis) is not one of z, y, x")
        }
    }
}

extension VolumeIndex: CustomStringConvertible {
    /// For example `(z 3, y 10, x 7)`.
    public var description: String { "(z \(z), y \(y), x \(x))" }
}

/// A box of voxels: `origin` belongs to it, `origin + shape` does not.
public struct Region: Hashable, Sendable {
    /// First voxel.
    public var origin: VolumeIndex
    /// Extent.
    public var shape: VolumeShape

    /// The box of `shape` voxels that starts at `origin`.
    public init(origin: VolumeIndex, shape: VolumeShape) {
        self.origin = origin
        self.shape = shape
    }

    /// A whole volume.
    public init(_ shape: VolumeShape) {
        self.init(origin: .zero, shape: shape)
    }

    /// The planes of the box.
    public var zRange: Range<Int> { origin.z..<origin.z + shape.z }
    /// The rows of the box.
    public var yRange: Range<Int> { origin.y..<origin.y + shape.y }
    /// The voxels of each row of the box.
    public var xRange: Range<Int> { origin.x..<origin.x + shape.x }

    /// Whether every voxel of `other` is a voxel of this box.
    public func contains(_ other: Region) -> Bool {
        (0..<3).allSatisfy {
            other.origin[$0] >= origin[$0] && other.origin[$0] + other.shape[$0] <= origin[$0] + shape[$0]
        }
    }
}

extension Region: CustomStringConvertible {
    /// For example `88x320x481 at (z 0, y 0, x 0)`.
    public var description: String { "\(shape) at \(origin)" }
}
