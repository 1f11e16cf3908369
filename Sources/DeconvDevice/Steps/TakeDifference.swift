import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// The projection on the frame to the difference; see `Workspace.takeDifference`. Sums the divergence.
    static func takeDifference(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        _ constants: DifferenceConstants,
        measuring measured: Region?
    ) -> RowOperation {
        switch observed.voxels {
        case .uint8(let voxels): takeDifference(voxels, sensitivity?.planes, frame, constants, measured)
        case .uint16(let voxels): takeDifference(voxels, sensitivity?.planes, frame, constants, measured)
        case .float32(let voxels): takeDifference(voxels, sensitivity?.planes, frame, constants, measured)
        }
    }

    @inline(__always)
    private static func takeDifference<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostPlanes?,
        _ frame: Region,
        _ constants: DifferenceConstants,
        _ measured: Region?
    ) -> RowOperation {
        let (background, ofDivergence) = (constants.background, constants.ofDivergence)
        let (scale, variance, floor) = (constants.scale, constants.relativeTo, constants.floor)
        let (origin, shape) = (frame.origin, frame.shape)
        return RowOperation { z, y, row in
            let projection = row + origin.x
            let recorded = observed.base + ((z - origin.z) * shape.y + (y - origin.y)) * shape.x
            let weight = sensitivity?.row(z - origin.z, y - origin.y)
            var divergence = 0.0
            if let measured, measured.zRange.contains(z), measured.yRange.contains(y) {
                let first = measured.origin.x - origin.x
                divergence = poissonDivergence(
                    recorded + first,
                    projection + first,
                    weight.map { $0 + first },
                    measured.shape.x,
                    ofDivergence
                )
            }
            if let variance {
                for x in 0..<shape.x {
                    let f = weight?[x] ?? 1
                    let expected = scale * f * projection[x] + background
                    let difference = f * (max(recorded[x].asFloat, 0) - expected) / max(expected + variance, floor)
                    projection[x] = f > 0 ? difference : 0
                }
            } else if let weight {
                for x in 0..<shape.x {
                    let difference = weight[x] * (recorded[x].asFloat - background - scale * weight[x] * projection[x])
                    projection[x] = weight[x] > 0 ? difference : 0
                }
            } else {
                for x in 0..<shape.x { projection[x] = recorded[x].asFloat - background - scale * projection[x] }
            }
            return divergence
        }
    }
}

extension HostWorkspace {
    package func takeDifference(
        _ constants: DifferenceConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeDifference") }
        let difference = RowOperation.takeDifference(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            constants,
            measuring: measured
        )
        let divergence = applyToWork(difference, layout.frame, .update)
        ended(.rowsAndDifference)
        return measured == nil ? nil : divergence
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← f·(g − y), y = s·f·work + b, on the frame, or relative to y; 0 in the rest of its planes and where f = 0.
    package func takeDifference(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        _ constants: DifferenceConstants
    ) throws(DeconvolutionError) {
        let frame = layout.frame
        try self["take_difference"].run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            [.buffer(observed), .buffer(sensitivity)] + workArguments(work, layout) + [
                .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x), .float(constants.background), .float(constants.scale),
                .float(constants.relativeTo ?? -1), .float(constants.floor),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func takeDifference(
        _ constants: DifferenceConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeDifference") }
        try finishRows()
        let divergence = try measured.map { (measured) throws(DeconvolutionError) in
            try kernels.poissonDivergence(
                observed.voxels,
                sensitivity: sensitivity,
                work,
                layout,
                in: measured,
                constants.ofDivergence
            )
        }
        try kernels.takeDifference(
            observed.voxels,
            sensitivity: sensitivity,
            work,
            layout,
            constants
        )
        try queue.ended(.difference)
        let (background, scale) = (Double(constants.background), Double(constants.scale))
        try checkComparison { projection, recorded, f in
            guard f > 0 else { return 0 }
            let expected = scale * f * projection + background
            guard let variance = constants.relativeTo else { return f * (recorded - expected) }
            return f * (max(recorded, 0) - expected) / max(expected + Double(variance), Double(constants.floor))
        }
        return divergence
    }
}
