import DeconvPlan
package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// The projection on the frame to the ratio; see `Workspace.takeRatio`. Sums the divergence.
    static func takeRatio(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        _ constants: RatioConstants,
        measuring measured: Region?
    ) -> RowOperation {
        switch observed.voxels {
        case .uint8(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        case .uint16(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        case .float32(let voxels): takeRatio(voxels, sensitivity?.planes, frame, constants, measured)
        }
    }

    @inline(__always)
    private static func takeRatio<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostPlanes?,
        _ frame: Region,
        _ constants: RatioConstants,
        _ measured: Region?
    ) -> RowOperation {
        let (observedOffset, projectedOffset) = (constants.offset, constants.background + constants.readNoiseVariance)
        let (variance, floor) = (constants.readNoiseVariance, constants.floor)
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
                    constants
                )
            }
            if let weight {
                for x in 0..<shape.x {
                    let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                    let expected = max(weight[x] * projection[x] + projectedOffset, floor)
                    projection[x] = weight[x] * observedValue / expected
                }
            } else {
                for x in 0..<shape.x {
                    let observedValue = max(recorded[x].asFloat, 0) - observedOffset + variance
                    projection[x] = observedValue / max(projection[x] + projectedOffset, floor)
                }
            }
            return divergence
        }
    }
}

extension HostWorkspace {
    package func takeRatio(
        _ constants: RatioConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeRatio") }
        let ratio = RowOperation.takeRatio(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            constants,
            measuring: measured
        )
        let divergence = applyToWork(ratio, layout.frame, .update)
        ended(.rowsAndRatio)
        return measured == nil ? nil : divergence
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← f·(max(g, 0) − offset + s²) / max(f·work + b + s², floor) on the frame, 0 in the rest of its planes.
    package func takeRatio(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) {
        let frame = layout.frame
        try self["take_ratio"].run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            [.buffer(observed), .buffer(sensitivity)] + workArguments(work, layout) + [
                .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x),
                .float(constants.offset), .float(constants.background), .float(constants.readNoiseVariance),
                .float(constants.floor),
            ]
        )
    }

    /// Σ g·ln(g/y) − g + y over the voxels of a region of the frame with f > 0, y = max(f·work + offset + b, floor).
    package func poissonDivergence(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        in region: Region,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) -> Double {
        let frame = layout.frame
        let kernel = self["poisson_divergence"]
        let groups = groups(for: region.shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [
                .buffer(observed), .buffer(sensitivity), .uint(frame.origin.z), .uint(frame.origin.y),
                .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x), .buffer(work),
            ] + pitches(layout) + box(region) + [
                .float(constants.offset + constants.background), .float(constants.floor),
                .buffer(partialSums), .local(kernel.groupSize * (hasDouble ? 8 : 4)),
            ]
        )
        if hasDouble { return try queue.read(groups, of: Double.self, from: partialSums).reduce(0, +) }
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0.0) { $0 + Double($1) }
    }
}

extension OpenCLWorkspace {
    package func takeRatio(
        _ constants: RatioConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeRatio") }
        if let passes, content == .rowSpectra(layout.frame), sensitivity == nil, measured == nil {
            if try passes.inverseRows(takingRatio: observed, constants) {
                content = .planes(layout.frame.zRange)
                try checkRatio(constants)
                return nil
            }
        }
        try finishRows()
        var divergence: Double?
        if let measured {
            divergence = try kernels.poissonDivergence(
                observed.voxels,
                sensitivity: sensitivity,
                work,
                layout,
                in: measured,
                constants
            )
        }
        try kernels.takeRatio(observed.voxels, sensitivity: sensitivity, work, layout, constants)
        try queue.ended(.ratio)
        try checkRatio(constants)
        return divergence
    }

    private func checkRatio(_ constants: RatioConstants) throws(DeconvolutionError) {
        let variance = Double(constants.readNoiseVariance)
        try checkComparison { projection, recorded, f in
            let light = f * (max(recorded, 0) - Double(constants.offset) + variance)
            return light / max(f * projection + Double(constants.background) + variance, Double(constants.floor))
        }
    }
}
