package import DeconvPlan
package import DeconvVolume

/// Convolutions on this machine's cores, with what is done to voxels between them while their row is in cache.
///
/// The work volume is held as half spectra of its rows. A convolution is made slab by slab along y and z; the ratio and the
/// update are taken on rows that come back from their spectra for it and go there again.
package final class CPUWorkspace: Workspace {
    package typealias Field = HostField

    package let layout: WorkspaceLayout
    private let pool: WorkerPool
    private let spectra: RowSpectra
    private let rows: RowTransform
    private let slabs: SlabConvolution
    var observed: HostObserved?
    private var sensitivity: HostField?
    /// The part of the work volume that may differ from 0.
    private var data: Region
    /// The field that the work volume is a copy of, ready to be projected.
    private weak var projected: HostField?
    private var fieldCount = 0
    /// Takes the time of passes, where that was asked for.
    private var passClock: HostPassClock?

    init(_ layout: WorkspaceLayout, pool: WorkerPool) throws(DeconvolutionError) {
        self.layout = layout
        self.pool = pool
        spectra = try RowSpectra(layout.domain.shape, halfRow: layout.halfRow)
        rows = try RowTransform(spectra, width: layout.workShape.x, pool)
        slabs = try SlabConvolution(layout, spectra, pool)
        FFTWPlanner.saveWisdom()
        data = layout.frame
    }

    package var fft: FFTLibrary { .fftw }

    package var warnings: [Diagnostic] { [] }

    /// Bytes that workspaces of a geometry take for their transforms.
    static func transformBytes(_ geometry: WorkGeometry, threadCount: Int) -> TransformBytes {
        let (shape, domain) = (geometry.workShape, geometry.domain.shape)
        let scratch = RowTransform.scratchBytes(width: shape.x) + SlabConvolution.scratchBytes(shape, domain: domain)
        return TransformBytes(
            work: RowSpectra.byteCount(domain, halfRow: geometry.halfRow),
            temporary: threadCount * scratch,
            otf: SlabConvolution.otfBytes(shape)
        )
    }

    package var byteCount: Int {
        spectra.byteCount + rows.byteCount + slabs.byteCount + 4 * fieldCount * layout.domain.shape.voxelCount
            + (observed?.byteCount ?? 0) + (sensitivity?.memory.byteCount ?? 0)
    }
}

// MARK: - Moving data

extension CPUWorkspace {
    package func makeField() throws(DeconvolutionError) -> HostField {
        let field = try HostField(layout.domain.shape)
        fieldCount += 1
        return field
    }

    package func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let target: HostObserved
        if let observed { target = observed } else { target = try HostObserved(layout) }
        observed = target
        target.store(try read(Region(layout.frame.shape)))
    }

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        guard let read else {
            sensitivity = nil
            return
        }
        let target: HostField
        if let sensitivity { target = sensitivity } else { target = try HostField(layout.frame.shape) }
        sensitivity = target
        target.replace(by: try read(Region(layout.frame.shape)))
    }

    package func fill(_ field: HostField, with value: Float) throws(DeconvolutionError) {
        change(field)
        field.planes.fill(value, pool)
    }

    package func upload(_ voxels: [Float], to field: HostField) throws(DeconvolutionError) {
        change(field)
        field.replace(by: voxels)
    }

    package func download(_ field: HostField, region: Region) throws(DeconvolutionError) -> [Float] {
        field.planes.copy(region)
    }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
        let box = try HostField(region.shape)
        let (target, origin) = (box.planes, region.origin)
        let copy = RowOperation { z, y, row in
            target.row(z - origin.z, y - origin.y).update(from: row + origin.x, count: region.shape.x)
            return 0
        }
        rows.apply(copy, to: region, .read)
        return target.copy(Region(region.shape))
    }

    package func synchronize() throws(DeconvolutionError) {}

    /// A field that is about to change is no longer what the work volume is a copy of.
    private func change(_ field: HostField) {
        if field === projected { projected = nil }
    }
}

// MARK: - Convolution

extension CPUWorkspace {
    package func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a PSF of \(shape)")
        slabs.setPSF(voxels, shape: shape, scale: layout.transformScale, rows: rows)
    }

    package func forwardProject(_ field: HostField) throws(DeconvolutionError) {
        passClock?.begin()
        embed(field)
        convolve(onto: layout.frame, adjoint: false)
        passClock?.ended(IterationPass(.forward, .slabs))
    }

    package func backProject(_ field: HostField) throws(DeconvolutionError) {
        embed(field)
        convolve(onto: layout.mirroredFrame, adjoint: true)
    }

    package func backProject() throws(DeconvolutionError) {
        convolve(onto: layout.domain, adjoint: true)
        passClock?.ended(IterationPass(.back, .slabs))
    }

    package func measurePasses(
        of run: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [[PassDuration]]? {
        passClock = HostPassClock()
        defer { passClock = nil }
        try run()
        return passClock?.iterations
    }

    package func runTransforms() throws(DeconvolutionError) {
        convolve(onto: layout.frame, adjoint: false)
        rows.apply(.nothing, to: layout.frame, .update)
        convolve(onto: layout.domain, adjoint: true)
        rows.apply(.nothing, to: layout.domain, .update)
    }

    private func embed(_ field: HostField) {
        guard projected !== field else { return }
        write(.load(from: field), to: layout.domain)
        projected = field
    }

    private func write(_ operation: RowOperation, to region: Region) {
        rows.apply(operation, to: region, .write)
        data = region
        projected = nil
    }

    private func convolve(onto output: Region, adjoint: Bool) {
        slabs.convolve(from: data, to: output, adjoint: adjoint)
        data = output
        projected = nil
    }
}

// MARK: - Elementwise

extension CPUWorkspace {
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
        let divergence = rows.apply(ratio, to: layout.frame, .update)
        passClock?.ended(IterationPass(.forward, .rowsAndRatio))
        return measured == nil ? nil : divergence
    }

    package func fillFromObserved(
        _ field: HostField,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before fillFromObserved") }
        change(field)
        let fill = RowOperation.fillFromObserved(
            observed,
            sensitivity: sensitivity,
            frame: layout.frame,
            offset: offset,
            least: least,
            outside: outside,
            width: layout.domain.shape.x
        )
        field.planes.apply(fill, to: layout.domain, pool)
    }

    package func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError) {
        write(.fill(sensitivity: sensitivity, frame: layout.frame, complemented: complemented), to: layout.frame)
    }

    package func storeNormalization(
        in field: HostField,
        threshold: Float,
        complemented: Bool
    ) throws(DeconvolutionError) {
        change(field)
        rows.apply(RowOperation.store(in: field, complemented: complemented), to: layout.domain, .read)
        field.planes.invert(threshold: threshold, pool)
    }

    package func multiply(
        _ estimate: HostField,
        byWorkAnd normalization: HostField?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let update = RowOperation.multiply(into: estimate, normalization: normalization, least: least)
        rows.apply(update, to: layout.domain, projectingNext ? .update : .read)
        data = layout.domain
        projected = projectingNext ? estimate : nil
        passClock?.ended(IterationPass(.back, .rowsAndUpdate))
    }
}
