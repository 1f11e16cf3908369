/// From how many counts on a voxel of an image is saturated.
public enum ImageSaturation: Hashable, Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// From the largest value of a channel on, where many voxels have it and hardly any come near.
    case auto
    /// From a number of counts on, above 0.
    case value(Double)

    /// Counts from which on a voxel is saturated.
    public init(floatLiteral counts: Double) { self = .value(counts) }

    /// Counts from which on a voxel is saturated.
    public init(integerLiteral counts: Int) { self = .value(Double(counts)) }

    /// The counts that were given; nil where they are to be found.
    package var given: Double? { if case .value(let counts) = self { counts } else { nil } }
}
