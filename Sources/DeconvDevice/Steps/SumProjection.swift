import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// Leaves the projection on the frame as it is, and sums it times f.
    static func sumProjection(sensitivity: HostField?, frame: Region) -> RowOperation {
        let (planes, origin, shape) = (sensitivity?.planes, frame.origin, frame.shape)
        return RowOperation { z, y, row in
            let projection = row + origin.x
            var sum = 0.0
            if let weight = planes?.row(z - origin.z, y - origin.y) {
                for x in 0..<shape.x { sum += Double(weight[x] * projection[x]) }
            } else {
                for x in 0..<shape.x { sum += Double(projection[x]) }
            }
            return sum
        }
    }
}

extension HostWorkspace {
    package func sumProjection() throws(DeconvolutionError) -> Double {
        applyToWork(.sumProjection(sensitivity: sensitivity, frame: layout.frame), layout.frame, .read)
    }
}

// MARK: - On a device

extension KernelTable {
    /// Σ f·work over the frame.
    package func sumProjection(
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) -> Double {
        let kernel = self["sum_projection"]
        let groups = groups(for: layout.frame.shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(sensitivity), .buffer(work)] + pitches(layout) + box(layout.frame) + [
                .buffer(partialSums), .local(kernel.groupSize * (hasDouble ? 8 : 4)),
            ]
        )
        if hasDouble { return try queue.read(groups, of: Double.self, from: partialSums).reduce(0, +) }
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0.0) { $0 + Double($1) }
    }
}

extension OpenCLWorkspace {
    package func sumProjection() throws(DeconvolutionError) -> Double {
        try finishRows()
        return try kernels.sumProjection(sensitivity: sensitivity, work, layout)
    }
}
