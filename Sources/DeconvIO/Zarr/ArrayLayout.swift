package import DeconvVolume

/// What the axes of an array mean, and where its volumes lie in it.
///
/// The axes may come in any order. Those that are neither the channel nor an axis of a volume count as time: with several of
/// them time points are numbered as the array has them, the last of these axes fastest.
package struct ArrayLayout: Hashable, Sendable {
    /// What one axis means.
    package enum Axis: String, Hashable, Sendable {
        case timepoint = "t"
        case channel = "c"
        case z, y, x
        /// Positions, angles, or whatever else there is more than one volume for.
        case other = "*"
    }

    /// One meaning per axis: y and x once each, z, time and channel at most once.
    package let axes: [Axis]
    /// Elements per axis.
    package let shape: [Int]

    /// The layout of an array.
    package init(axes: [Axis], shape: [Int]) {
        precondition(axes.count == shape.count, "a meaning per axis")
        precondition(
            [Axis.y, .x].allSatisfy { axis in axes.count { $0 == axis } == 1 }
                && [Axis.z, .channel, .timepoint].allSatisfy { axis in axes.count { $0 == axis } <= 1 },
            "an axis comes once"
        )
        self.axes = axes
        self.shape = shape
    }

    /// Voxels of one volume; one plane where there is no z.
    package var volumeShape: VolumeShape { VolumeShape(z: extent(.z), y: extent(.y), x: extent(.x)) }

    /// Elements along the channel axis, 1 where there is none.
    package var channelCount: Int { extent(.channel) }

    /// Elements along time and all other axes, multiplied; the largest number there is where a file claims more.
    package var timepointCount: Int { Int.product(timeAxes.map { shape[$0] }) ?? .max }

    /// The number of an axis, or nil where there is none.
    package func index(of axis: Axis) -> Int? { axes.firstIndex(of: axis) }

    /// The numbers of the axes that count as time.
    package var timeAxes: [Int] { axes.indices.filter { axes[$0] == .timepoint || axes[$0] == .other } }

    private func extent(_ axis: Axis) -> Int { index(of: axis).map { shape[$0] } ?? 1 }

    /// Where a box of one volume lies in the array.
    package func region(_ box: Region, channel: Int, timepoint: Int) -> ArrayRegion {
        var region = ArrayRegion(origin: axes.map { _ in 0 }, shape: axes.map { _ in 1 })
        var rest = timepoint
        for axis in axes.indices.reversed() {
            switch axes[axis] {
            case .timepoint, .other:
                region.origin[axis] = rest % shape[axis]
                rest /= shape[axis]
            case .channel: region.origin[axis] = channel
            case .z: (region.origin[axis], region.shape[axis]) = (box.origin.z, box.shape.z)
            case .y: (region.origin[axis], region.shape[axis]) = (box.origin.y, box.shape.y)
            case .x: (region.origin[axis], region.shape[axis]) = (box.origin.x, box.shape.x)
            }
        }
        return region
    }

    /// How many elements to the next voxel along z, y and x of a volume in memory (x fastest), per axis of the array; 0 for the
    /// other axes.
    package func steps(in box: VolumeShape) -> [Int] {
        axes.map {
            switch $0 {
            case .z: box.planeVoxelCount
            case .y: box.x
            case .x: 1
            case .timepoint, .channel, .other: 0
            }
        }
    }
}

extension ArrayLayout {
    /// The same axes with volumes of another shape.
    func with(_ volume: VolumeShape) -> ArrayLayout {
        var shape = shape
        for (axis, extent) in [(Axis.z, volume.z), (.y, volume.y), (.x, volume.x)] {
            if let index = index(of: axis) { shape[index] = extent }
        }
        return ArrayLayout(axes: axes, shape: shape)
    }

    /// A number per axis from one per axis of a volume, and one for all other axes.
    func extents(_ volume: VolumeShape, others: Int = 1) -> [Int] {
        axes.map {
            switch $0 {
            case .z: volume.z
            case .y: volume.y
            case .x: volume.x
            case .timepoint, .channel, .other: others
            }
        }
    }
}
