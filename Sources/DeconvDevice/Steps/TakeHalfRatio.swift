import DeconvPlan
package import DeconvVolume

// The ratio of a random half of the photons, as if one of two cameras that shared the light had recorded them.

// MARK: - On the host

extension RowOperation {
    /// The projection on the frame to the ratio of a half; see `Workspace.takeHalfRatio`.
    static func takeHalfRatio(
        _ observed: HostObserved,
        sensitivity: HostField?,
        frame: Region,
        _ constants: RatioConstants,
        _ split: PhotonSplit
    ) -> RowOperation {
        switch observed.voxels {
        case .uint8(let voxels): takeHalfRatio(voxels, sensitivity?.planes, frame, constants, split)
        case .uint16(let voxels): takeHalfRatio(voxels, sensitivity?.planes, frame, constants, split)
        case .float32(let voxels): takeHalfRatio(voxels, sensitivity?.planes, frame, constants, split)
        }
    }

    @inline(__always)
    private static func takeHalfRatio<Voxel: StoredVoxel>(
        _ observed: SharedPointer<Voxel>,
        _ sensitivity: HostPlanes?,
        _ frame: Region,
        _ constants: RatioConstants,
        _ split: PhotonSplit
    ) -> RowOperation {
        let (origin, shape) = (frame.origin, frame.shape)
        let (gain, level) = (Float(split.noise.gain), Float(split.noise.level))
        let (dark, variance) = (Float(split.noise.darkVariance), constants.readNoiseVariance)
        return RowOperation { z, y, row in
            let projection = row + origin.x
            let recorded = observed.base + ((z - origin.z) * shape.y + (y - origin.y)) * shape.x
            let weight = sensitivity?.row(z - origin.z, y - origin.y)
            for x in 0..<shape.x {
                let counts = max(recorded[x].asFloat, 0)
                let photons = max(gain * (counts - level) + dark, 0) / (gain * gain)
                let excess = split.excess(photons: photons, z: z, y: y, x: x + origin.x)
                let f = weight?[x] ?? 1
                let expected = max(f * projection[x] + constants.background + variance, constants.floor)
                projection[x] = f * (counts + 2 * gain * excess - constants.offset + variance) / expected
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func takeHalfRatio(_ constants: RatioConstants, _ split: PhotonSplit) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before takeHalfRatio") }
        let ratio = RowOperation.takeHalfRatio(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            constants,
            split
        )
        applyToWork(ratio, layout.frame, .update)
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← f·(2 · half − offset + s²) / max(f·work + b + s², floor) on the frame, 0 in the rest of its planes.
    package func takeHalfRatio(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        _ constants: RatioConstants,
        _ split: PhotonSplit
    ) throws(DeconvolutionError) {
        let (frame, noise) = (layout.frame, split.noise)
        /// A number of 32 bits, of which those below 0 are large ones.
        func word(_ number: Int) -> Kernel.Argument { .uint(Int(UInt32(truncatingIfNeeded: number))) }
        try self["take_half_ratio"].run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            [.buffer(observed), .buffer(sensitivity)] + workArguments(work, layout) + [
                .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x),
                .float(constants.offset), .float(constants.background), .float(constants.readNoiseVariance),
                .float(constants.floor), .float(Float(noise.gain)), .float(Float(noise.level)),
                .float(Float(noise.darkVariance)), word(Int(split.random.key[0])), word(Int(split.random.key[1])),
                word(split.origin.z), word(split.origin.y), word(split.origin.x), word(split.step),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func takeHalfRatio(_ constants: RatioConstants, _ split: PhotonSplit) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before takeHalfRatio") }
        try finishRows()
        check?.projected = nil
        try kernels.takeHalfRatio(observed.voxels, sensitivity: sensitivity, work, layout, constants, split)
    }
}
