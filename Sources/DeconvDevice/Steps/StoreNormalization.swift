package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// The frame of a row to the sensitivity f, nil for 1, or to 1 − f.
    static func fill(sensitivity: HostField?, frame: Region, complemented: Bool) -> RowOperation {
        let (weights, origin, count) = (sensitivity?.planes, frame.origin, frame.shape.x)
        return RowOperation { z, y, row in
            let target = row + origin.x
            if let weights {
                target.update(from: weights.row(z - origin.z, y - origin.y), count: count)
            } else {
                target.update(repeating: 1, count: count)
            }
            if complemented {
                for x in 0..<count { target[x] = 1 - target[x] }
            }
            return 0
        }
    }

    /// A row, or 1 − its values, into a field's.
    static func store(in field: HostField, complemented: Bool) -> RowOperation {
        let (target, count) = (field.planes, field.shape.x)
        return RowOperation { z, y, row in
            let values = target.row(z, y)
            values.update(from: row, count: count)
            if complemented {
                for x in 0..<count { values[x] = 1 - values[x] }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError) {
        let fill = RowOperation.fill(sensitivity: sensitivity, frame: layout.frame, complemented: complemented)
        applyToWork(fill, layout.frame, .write)
    }

    package func storeNormalization(
        in field: HostField,
        threshold: Float,
        complemented: Bool
    ) throws(DeconvolutionError) {
        willChange(field)
        applyToWork(.store(in: field, complemented: complemented), layout.domain, .read)
        field.planes.invert(threshold: threshold, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// work ← f on the frame, 0 in the rest of its planes; no sensitivity stands for 1.
    package func fillWork(
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        sensitivity: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let frame = layout.frame
        try self["fill_work"].run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            workArguments(work, layout) + [
                .buffer(sensitivity), .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x),
            ]
        )
    }

    /// work ← 1 − work on the domain.
    package func complementWork(_ work: DeviceBuffer, _ layout: WorkspaceLayout) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["complement_work"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(work)] + pitches(layout) + [.uint(shape.y), .uint(shape.x)]
        )
    }

    /// normalization ← 1 / work where work > least, else 0.
    package func storeNormalization(
        _ field: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        least: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["store_normalization"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout) + [.float(least)]
        )
    }
}

extension OpenCLWorkspace {
    package func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError) {
        precondition(!complemented || layout.frame == layout.domain, "1 − f is that of the whole domain")
        try kernels.fillWork(work, layout, sensitivity: sensitivity)
        content = .planes(layout.frame.zRange)
        if complemented { try kernels.complementWork(work, layout) }
    }

    package func storeNormalization(
        in field: Field,
        threshold: Float,
        complemented: Bool
    ) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        if complemented { try kernels.complementWork(work, layout) }
        let largest = try kernels.largestValue(work, layout)
        try kernels.storeNormalization(field.buffer, work, layout, least: threshold * largest)
    }
}
