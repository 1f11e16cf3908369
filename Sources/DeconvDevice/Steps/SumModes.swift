import DeconvPlan
package import DeconvVolume

// Weights multiply and projections are added up: what the modes of a PSF that varies take between transforms.

// MARK: - On the host

extension RowOperation {
    /// sum ← sum + weight · row on some voxels of rows, or weight · row alone; see `Workspace.addWork`.
    static func addRow(
        to sum: HostField,
        weights: HostWeights?,
        _ range: Range<Int>,
        replacing: Bool
    ) -> RowOperation {
        let target = sum.planes
        return RowOperation { z, y, row in
            let values = target.row(z, y)
            if replacing { (values + range.lowerBound).update(repeating: 0, count: range.count) }
            if let weights {
                weights.forEach(z, y, range) { x, weight in values[x] += weight * row[x] }
            } else {
                for x in range { values[x] += row[x] }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func weigh(
        _ field: HostField,
        byMode mode: Int,
        into target: HostField
    ) throws(DeconvolutionError) {
        willChange(target)
        let (weigh, domain) = (
            RowOperation.addRow(to: target, weights: weights[mode], layout.domain.xRange, replacing: true),
            layout.domain
        )
        field.planes.apply(weigh, to: domain, pool)
    }

    package func addWork(
        to sum: HostField,
        in region: Region,
        weightedByMode mode: Int?,
        replacing: Bool
    ) throws(DeconvolutionError) {
        willChange(sum)
        let weights = mode.flatMap { self.weights[$0] }
        applyToWork(.addRow(to: sum, weights: weights, region.xRange, replacing: replacing), region, .read)
    }

    package func loadWork(from field: HostField, in region: Region) throws(DeconvolutionError) {
        applyToWork(.load(from: field), region, .write)
    }
}

// MARK: - On a device

/// The weights of a mode on a device.
struct DeviceWeights {
    /// Nodes along z, y and x.
    let nodes: VolumeShape
    /// The weights at the nodes.
    let values: DeviceBuffer
    /// For each plane, row and column of the domain the node before it and the part of the way to the next one.
    let places: DeviceBuffer

    init(_ grid: WeightGrid, on domain: VolumeShape, _ queue: CommandQueue) throws(DeconvolutionError) {
        nodes = grid.shape
        var places: [Float] = []
        for axis in 0..<3 {
            for place in grid.places(axis: axis, count: domain[axis]) {
                places += [Float(place.node), place.fraction]
            }
        }
        values = try DeviceBuffer(byteCount: grid.values.count * 4, in: queue.context)
        self.places = try DeviceBuffer(byteCount: places.count * 4, in: queue.context)
        try queue.write(grid.values, to: values)
        try queue.write(places, to: self.places)
    }

    var byteCount: Int { values.byteCount + places.byteCount }
}

extension KernelTable {
    /// sum ← sum + weight · source in a region, or weight · source alone.
    /// - Parameters:
    ///   - pitches: from row to row and from plane to plane of the source.
    ///   - weights: nil for 1.
    func addWeighted(
        to sum: DeviceBuffer,
        _ source: DeviceBuffer,
        _ pitches: [Kernel.Argument],
        in region: Region,
        _ layout: WorkspaceLayout,
        weights: DeviceWeights?,
        replacing: Bool
    ) throws(DeconvolutionError) {
        let (shape, nodes) = (layout.domain.shape, weights?.nodes ?? VolumeShape(z: 1, y: 1, x: 1))
        try self["add_weighted"].run(
            x: region.shape.x,
            y: region.shape.y,
            z: region.shape.z,
            [.buffer(sum), .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(source)] + pitches + box(region)
                + [.uint(nodes.z), .uint(nodes.y), .uint(nodes.x), .buffer(weights?.values), .buffer(weights?.places)]
                + [.uint(replacing ? 1 : 0)]
        )
    }
}

extension OpenCLWorkspace {
    package func weigh(_ field: Field, byMode mode: Int, into target: Field) throws(DeconvolutionError) {
        check?.projected = nil
        let shape = layout.domain.shape
        try kernels.addWeighted(
            to: target.buffer,
            field.buffer,
            [.uint(shape.x), .ulong(shape.planeVoxelCount)],
            in: layout.domain,
            layout,
            weights: weights[mode],
            replacing: true
        )
    }

    package func addWork(
        to sum: Field,
        in region: Region,
        weightedByMode mode: Int?,
        replacing: Bool
    ) throws(DeconvolutionError) {
        try finishRows()
        try checkProjection()
        try checkBackProjection()
        try kernels.addWeighted(
            to: sum.buffer,
            work,
            kernels.pitches(layout),
            in: region,
            layout,
            weights: mode.flatMap { weights[$0] },
            replacing: replacing
        )
    }

    package func loadWork(from field: Field, in region: Region) throws(DeconvolutionError) {
        check?.forget()
        try kernels.embedField(field.buffer, region, into: work, layout)
        content = .planes(region.zRange)
    }
}
