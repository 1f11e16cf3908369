package import DeconvVolume

/// Which planes of a channel stand for all of them: few, spread evenly, and the same in every run.
package struct SamplePlan: Sendable {
    /// One plane of one volume.
    package struct Plane: Hashable, Sendable {
        /// Time point of the volume, from 0.
        package let timepoint: Int
        /// Plane of the volume, from 0.
        package let z: Int
    }

    /// Enough for the noise of a level, and less than a hundredth of what ten iterations take.
    private static let planeCount = 24
    /// Planes of a camera with many pixels are fewer, down to `fewestPlanes`.
    private static let voxelCount = 8 << 20
    private static let fewestPlanes = 8
    /// The level of a camera does not change with time, but the lamp may: first, middle and last.
    private static let volumeCount = 3

    /// In the order of time points, then planes.
    package let planes: [Plane]

    /// The sample of one channel of an image.
    package init(_ image: ImageDescription) {
        let most = max(min(Self.planeCount, Self.voxelCount / image.shape.planeVoxelCount), Self.fewestPlanes)
        let volumes = max(Self.volumeCount, (most + image.shape.z - 1) / image.shape.z)
        let timepoints = Self.spread(volumes, over: image.timepointCount)
        let perVolume = max(most / timepoints.count, 1)
        planes = timepoints.flatMap { timepoint in
            Self.spread(perVolume, over: image.shape.z).map { Plane(timepoint: timepoint, z: $0) }
        }
    }

    /// At most `count` of the numbers 0 ..< `extent`, each in the middle of its share; first and last where all are taken.
    private static func spread(_ count: Int, over extent: Int) -> [Int] {
        guard count < extent else { return Array(0..<extent) }
        return (0..<count).map { (2 * $0 + 1) * extent / (2 * count) }
    }
}
