package import DeconvPlan
package import DeconvVolume

/// Reads the frame of a tile, with the voxels that the boundary mode puts outside the image.
package struct FrameReader: Sendable {
    private let source: any VolumeSource
    private let boundary: BoundaryMode

    /// A reader of one source.
    package init(_ source: any VolumeSource, boundary: BoundaryMode) {
        self.source = source
        self.boundary = boundary
    }

    /// The voxels of `frame`, which may reach outside the image.
    package func read(_ frame: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        let shape = source.image.shape
        if Region(shape).contains(frame) {
            return try source.read(frame, channel: channel, timepoint: timepoint)
        }
        let indices = (0..<3).map { axis in
            (frame.origin[axis]..<frame.origin[axis] + frame.shape[axis]).map { index in
                guard let source = boundary.sourceIndex(index, extent: shape[axis]) else {
                    preconditionFailure("\(boundary) has no voxels outside the image")
                }
                return source
            }
        }
        // The box of all voxels that are needed is read once.
        let box = Region(
            origin: VolumeIndex { indices[$0].min()! },
            shape: VolumeShape { indices[$0].max()! - indices[$0].min()! + 1 }
        )
        let data = try source.read(box, channel: channel, timepoint: timepoint)
        let local = (0..<3).map { axis in indices[axis].map { $0 - box.origin[axis] } }
        return switch data {
        case .uint8(let voxels): .uint8(gather(voxels, box.shape, local))
        case .uint16(let voxels): .uint16(gather(voxels, box.shape, local))
        case .float32(let voxels): .float32(gather(voxels, box.shape, local))
        }
    }

    private func gather<T>(_ voxels: [T], _ shape: VolumeShape, _ indices: [[Int]]) -> [T] {
        var result: [T] = []
        result.reserveCapacity(indices.reduce(1) { $0 * $1.count })
        for z in indices[0] {
            for y in indices[1] {
                let row = (z * shape.y + y) * shape.x
                for x in indices[2] { result.append(voxels[row + x]) }
            }
        }
        return result
    }
}
