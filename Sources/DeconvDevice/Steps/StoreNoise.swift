import DeconvPlan
package import DeconvVolume

// How much of what an update would change is the noise of the image, by the projection before it.

// MARK: - On the host

extension RowOperation {
    /// The rows of a field that a row of the frame is nearest to, to their noise; see `Workspace.storeNoise`.
    static func storeNoise(
        in target: HostField,
        spread: HostField?,
        normalization: HostField?,
        frame: Region,
        _ constants: NoiseConstants
    ) -> RowOperation {
        let (values, spreads, weights, shape) = (target.planes, spread?.planes, normalization?.planes, target.shape)
        let (gain, level) = (Float(constants.noise.gain), Float(constants.noise.level))
        let (dark, scale) = (Float(constants.noise.darkVariance), constants.scale)
        let (sign, first): (Float, Float) = constants.isComplemented ? (-1, 1) : (1, 0)
        return RowOperation { z, y, row in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.x) { scratch in
                let noise = scratch.baseAddress!
                for x in frame.xRange {
                    let counts = row[x] + constants.background
                    let expected = max(counts + constants.readNoiseVariance, constants.floor)
                    noise[x] = scale * max(gain * (counts - level) + dark, 0) / expected / expected
                }
                for x in 0..<frame.origin.x { noise[x] = noise[frame.origin.x] }
                for x in frame.xRange.upperBound..<shape.x { noise[x] = noise[frame.xRange.upperBound - 1] }
                for plane in nearest(z, of: frame.zRange, in: shape.z) {
                    for line in nearest(y, of: frame.yRange, in: shape.y) {
                        let target = values.row(plane, line)
                        target.update(from: noise, count: shape.x)
                        if let spread = spreads?.row(plane, line) {
                            for x in 0..<shape.x { target[x] *= max(first + sign * spread[x], 0) }
                        }
                        if let weight = weights?.row(plane, line) {
                            for x in 0..<shape.x { target[x] *= weight[x] * weight[x] }
                        }
                    }
                }
                return 0
            }
        }
    }

    /// Those of `count` places to which a place of a range is the nearest one.
    private static func nearest(_ place: Int, of range: Range<Int>, in count: Int) -> Range<Int> {
        let first = place == range.lowerBound ? 0 : place
        return first..<(place == range.upperBound - 1 ? count : place + 1)
    }
}

extension HostWorkspace {
    package func storeNoise(
        in target: HostField,
        spread: HostField?,
        normalization: HostField?,
        _ constants: NoiseConstants
    ) throws(DeconvolutionError) {
        willChange(target)
        let store = RowOperation.storeNoise(
            in: target,
            spread: spread,
            normalization: normalization,
            frame: layout.frame,
            constants
        )
        applyToWork(store, layout.frame, .read)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← c · spread · normalization² · V(work + b) / max(work + b + s², floor)², with `work` at the nearest voxel of the frame.
    package func storeNoise(
        in target: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        spread: DeviceBuffer?,
        normalization: DeviceBuffer?,
        _ constants: NoiseConstants
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        let noise = constants.noise
        try self["store_noise"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(target), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout) + box(layout.frame) + [
                .buffer(spread), .buffer(normalization), .float(constants.isComplemented ? 1 : 0),
                .float(constants.isComplemented ? -1 : 1), .float(constants.scale), .float(Float(noise.gain)),
                .float(Float(noise.level)), .float(Float(noise.darkVariance)), .float(constants.background),
                .float(constants.readNoiseVariance), .float(constants.floor),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func storeNoise(
        in target: Field,
        spread: Field?,
        normalization: Field?,
        _ constants: NoiseConstants
    ) throws(DeconvolutionError) {
        try finishRows()
        try kernels.storeNoise(
            in: target.buffer,
            work,
            layout,
            spread: spread?.buffer,
            normalization: normalization?.buffer,
            constants
        )
    }
}
