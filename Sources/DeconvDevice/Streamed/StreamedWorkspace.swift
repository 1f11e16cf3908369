package import DeconvPlan
package import DeconvVolume

/// A workspace whose fields lie in host memory or in scratch files, and whose convolutions are made tile by tile on a
/// device with less memory than they take.
///
/// Overlap-save: each tile reads as far around what it delivers as the PSF reaches, so the convolution is that of the whole
/// volume to rounding. What lies outside the domain is nothing, or the opposite side where the layout wraps.
package final class StreamedWorkspace<Tile: Projector>: HostWorkspace {
    package let layout: WorkspaceLayout
    private let tile: Tile
    /// The box that a tile reads.
    private let box: Tile.Field
    package let pool: WorkerPool
    private let scratchFolder: String?
    /// Forward projection, ratio and back projection in turn.
    private var work: HostField
    /// Takes the next projection while tiles still read the last one.
    private var next: HostField
    /// The part of the work field that is not 0; what lies outside counts as 0, whatever the field holds.
    private var data: Region
    package private(set) var observed: HostObserved?
    package private(set) var sensitivity: HostField?
    private var otherView = OtherView<HostObserved, HostField>()
    package private(set) var weights: [HostWeights?] = []
    private let cancellation: () throws(DeconvolutionError) -> Void

    /// A workspace over a projector of tiles.
    /// - Parameters:
    ///   - layout: of the whole volume.
    ///   - scratchFolder: where fields go, or nil for memory.
    ///   - threadCount: for the elementwise steps on the host, at least 1.
    ///   - cancellation: called before every tile; what it throws ends the operation.
    package init(
        _ layout: WorkspaceLayout,
        tile: Tile,
        scratchFolder: String?,
        threadCount: Int,
        cancellation: @escaping () throws(DeconvolutionError) -> Void = {}
    ) throws(DeconvolutionError) {
        self.layout = layout
        self.tile = tile
        self.scratchFolder = scratchFolder
        self.cancellation = cancellation
        box = try tile.makeField()
        pool = WorkerPool(threadCount: threadCount)
        work = try HostField(layout.domain.shape, scratchFolder: scratchFolder)
        next = try HostField(layout.domain.shape, scratchFolder: scratchFolder)
        data = layout.frame
    }

    /// Bytes held on the device.
    package var byteCount: Int { tile.byteCount }

    package var fft: FFTLibrary { tile.fft }

    package var warnings: [Diagnostic] { tile.warnings }

    package func setPSFs(_ psfs: [Volume]) throws(DeconvolutionError) { try tile.setPSFs(psfs) }

    package func usePSF(_ number: Int) throws(DeconvolutionError) { try tile.usePSF(number) }

    package func setWeights(_ weights: [WeightGrid?]) {
        self.weights = weights.map { $0.map { HostWeights($0, on: layout.domain.shape) } }
    }
}

// MARK: - Moving data

extension StreamedWorkspace {
    package func makeField() throws(DeconvolutionError) -> HostField {
        try HostField(layout.domain.shape, scratchFolder: scratchFolder)
    }

    package func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let target: HostObserved
        if let observed { target = observed } else { target = try HostObserved(layout, scratchFolder: scratchFolder) }
        observed = target
        for plane in framePlanes {
            try cancellation()
            target.store(try read(plane), firstPlane: plane.origin.z)
        }
    }

    /// The frame plane by plane, in its own coordinates.
    private var framePlanes: [Region] {
        let shape = layout.frame.shape
        return (0..<shape.z).map { z in
            Region(origin: VolumeIndex(z: z, y: 0, x: 0), shape: VolumeShape(z: 1, y: shape.y, x: shape.x))
        }
    }

    package func useView(_ number: Int) { otherView.use(number, &observed, &sensitivity) }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] { work.planes.copy(region) }

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        guard let read else {
            sensitivity = nil
            return
        }
        let target: HostField
        if let sensitivity {
            target = sensitivity
        } else {
            target = try HostField(layout.frame.shape, scratchFolder: scratchFolder)
        }
        sensitivity = target
        for plane in framePlanes {
            try cancellation()
            target.planes.store(try read(plane), in: plane)
        }
    }
}

extension StreamedWorkspace {
    /// None: a volume that does not fit where it is computed has no room for a second one there.
    package func makeTransfer(for shape: VolumeShape) throws(DeconvolutionError) -> HostTransfer? { nil }

    package func swapObserved(with transfer: HostTransfer) throws(DeconvolutionError) {
        preconditionFailure("no transfer was made")
    }
}

// MARK: - Convolution

extension StreamedWorkspace {
    package func forwardProject(_ field: HostField) throws(DeconvolutionError) {
        try convolve(field, within: layout.domain, onto: layout.frame, adjoint: false)
    }

    package func backProject(_ field: HostField) throws(DeconvolutionError) {
        try convolve(field, within: layout.domain, onto: layout.mirroredFrame, adjoint: true)
    }

    package func backProject() throws(DeconvolutionError) {
        try convolve(work, within: data, onto: layout.domain, adjoint: true)
    }

    package func runTransforms() throws(DeconvolutionError) {
        try convolve(work, within: data, onto: layout.frame, adjoint: false)
        try convolve(work, within: data, onto: layout.domain, adjoint: true)
    }

    @discardableResult
    package func applyToWork(_ operation: RowOperation, _ region: Region, _ access: RowAccess) -> Double {
        if access == .write { data = region }
        return work.planes.apply(operation, to: region, pool)
    }

    package func invertTransferFunction(_ filter: InverseFilter, probing _: HostField) throws(DeconvolutionError) {
        preconditionFailure("an inverse reaches further than tiles do, so that no plan has both")
    }

    /// Leaves the convolution of a region of a field in the work field, on the region `output`.
    private func convolve(
        _ source: HostField,
        within data: Region,
        onto output: Region,
        adjoint: Bool
    ) throws(DeconvolutionError) {
        let delivered = adjoint ? tile.layout.mirroredFrame : tile.layout.frame
        let step = delivered.shape
        for z in stride(from: 0, to: output.shape.z, by: step.z) {
            for y in stride(from: 0, to: output.shape.y, by: step.y) {
                for x in stride(from: 0, to: output.shape.x, by: step.x) {
                    try cancellation()
                    let part = Region(
                        origin: VolumeIndex(z: output.origin.z + z, y: output.origin.y + y, x: output.origin.x + x),
                        shape: VolumeShape(
                            z: min(step.z, output.shape.z - z),
                            y: min(step.y, output.shape.y - y),
                            x: min(step.x, output.shape.x - x)
                        )
                    )
                    let first = VolumeIndex { part.origin[$0] - delivered.origin[$0] }
                    let values = gather(tile.layout.domain.shape, at: first, from: source, within: data)
                    try tile.upload(values, to: box)
                    if adjoint { try tile.backProject(box) } else { try tile.forwardProject(box) }
                    let result = try tile.downloadWork(Region(origin: delivered.origin, shape: part.shape))
                    next.planes.store(result, in: part)
                }
            }
        }
        swap(&work, &next)
        self.data = output
    }

    /// The box of a shape whose first voxel lies at `origin`, which may be outside the domain; 0 outside `data`.
    private func gather(
        _ shape: VolumeShape,
        at origin: VolumeIndex,
        from field: HostField,
        within data: Region
    ) -> [Float] {
        let (domain, wraps, source) = (layout.domain.shape, layout.wraps, field.planes)
        // Runs of voxels along x that lie next to each other in the field.
        let runs = Self.runs(origin.x, shape.x, data.xRange, wraps: wraps)
        return [Float](unsafeUninitializedCapacity: shape.voxelCount) { target, count in
            let values = SharedValues(base: target.baseAddress!)
            values.base.initialize(repeating: 0, count: shape.voxelCount)
            pool.forEach(shape.z) { _, index in
                let z = wraps ? wrapped(origin.z + index, domain.z) : origin.z + index
                guard data.zRange.contains(z) else { return }
                for row in 0..<shape.y {
                    let y = wraps ? wrapped(origin.y + row, domain.y) : origin.y + row
                    guard data.yRange.contains(y) else { continue }
                    let start = values.base + (index * shape.y + row) * shape.x
                    for run in runs {
                        (start + run.target).update(from: source.row(z, y) + run.source, count: run.count)
                    }
                }
            }
            count = shape.voxelCount
        }
    }

    private static func runs(
        _ origin: Int,
        _ count: Int,
        _ data: Range<Int>,
        wraps: Bool
    ) -> [(target: Int, source: Int, count: Int)] {
        if !wraps {
            let (first, end) = (max(origin, data.lowerBound), min(origin + count, data.upperBound))
            return first < end ? [(first - origin, first, end - first)] : []
        }
        // Where the volume wraps, the frame is all of it.
        let extent = data.upperBound
        var runs: [(target: Int, source: Int, count: Int)] = []
        var target = 0
        while target < count {
            let source = wrapped(origin + target, extent)
            let length = min(count - target, extent - source)
            runs.append((target, source, length))
            target += length
        }
        return runs
    }
}

/// Values that threads write, each its own part.
///
/// Unchecked for that reason.
private struct SharedValues: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
}
