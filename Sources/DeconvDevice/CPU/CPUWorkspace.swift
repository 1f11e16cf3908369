package import DeconvPlan
package import DeconvVolume

/// Convolutions on this machine's cores, with what is done to voxels between them while their row is in cache.
///
/// The work volume is held as half spectra of its rows. A convolution is made slab by slab along y and z; the ratio and the
/// update are taken on rows that come back from their spectra for it and go there again.
package final class CPUWorkspace: HostWorkspace {
    package let layout: WorkspaceLayout
    package let pool: WorkerPool
    private let spectra: RowSpectra
    private let rows: RowTransform
    private let slabs: SlabConvolution
    /// A transfer function for each PSF; room for one, until there is a PSF.
    private var otfs: [HostMemory]
    private var currentOTF = 0
    package var observed: HostObserved?
    package private(set) var sensitivity: HostField?
    private var otherView = OtherView<HostObserved, HostField>()
    package private(set) var weights: [HostWeights?] = []
    /// The part of the work volume that may differ from 0.
    private var data: Region
    /// Whether its rows are ready to be convolved: only a convolution divides by the length of their transform.
    private var isToBeConvolved = false
    /// The field that the work volume is a copy of, ready to be projected.
    private weak var projected: HostField?
    private var fieldCount = 0
    /// Takes the time of passes, where that was asked for.
    private var passClock: HostPassClock?
    /// The half of an iteration that is computed now.
    private var projection = IterationPass.Projection.forward

    init(_ layout: WorkspaceLayout, pool: WorkerPool) throws(DeconvolutionError) {
        self.layout = layout
        self.pool = pool
        spectra = try RowSpectra(layout.domain.shape, halfRow: layout.halfRow)
        rows = try RowTransform(spectra, width: layout.workShape.x, pool)
        slabs = try SlabConvolution(layout, spectra, pool)
        otfs = [try slabs.makeOTF()]
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
        otfs.reduce(spectra.byteCount + rows.byteCount + slabs.byteCount) { $0 + $1.byteCount } + 4 * fieldCount
            * layout.domain.shape.voxelCount
            + (observed?.byteCount ?? 0) + (sensitivity?.memory.byteCount ?? 0)
            + (otherView.observed?.byteCount ?? 0) + (otherView.sensitivity?.memory.byteCount ?? 0)
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

    package func useView(_ number: Int) { otherView.use(number, &observed, &sensitivity) }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
        let box = try HostField(region.shape)
        let (target, origin) = (box.planes, region.origin)
        let copy = RowOperation { z, y, row in
            target.row(z - origin.z, y - origin.y).update(from: row + origin.x, count: region.shape.x)
            return 0
        }
        applyToWork(copy, region, .read)
        return target.copy(Region(region.shape))
    }

    /// A field that is about to change is no longer what the work volume is a copy of.
    package func willChange(_ field: HostField) {
        if field === projected { projected = nil }
    }
}

// MARK: - Convolution

extension CPUWorkspace {
    package func setPSFs(_ psfs: [Volume]) throws(DeconvolutionError) {
        otfs.removeLast(max(otfs.count - psfs.count, 0))
        while otfs.count < psfs.count { otfs.append(try slabs.makeOTF()) }
        currentOTF = 0
        for (psf, otf) in zip(psfs, otfs) { slabs.transform(psf, into: otf, scale: layout.transformScale, rows: rows) }
    }

    package func usePSF(_ number: Int) { currentOTF = number }

    package func setWeights(_ weights: [WeightGrid?]) {
        self.weights = weights.map { $0.map { HostWeights($0, on: layout.domain.shape) } }
    }

    package func forwardProject(_ field: HostField) throws(DeconvolutionError) {
        passClock?.begin()
        projection = .forward
        if projected !== field {
            applyToWork(.load(from: field), layout.domain, .write)
            projected = field
            ended(.rows)
        }
        convolve(onto: layout.frame, adjoint: false)
        ended(.slabs)
    }

    package func backProject(_ field: HostField) throws(DeconvolutionError) {
        applyToWork(.load(from: field), layout.domain, .write)
        convolve(onto: layout.mirroredFrame, adjoint: true)
    }

    package func backProject() throws(DeconvolutionError) {
        projection = .back
        convolve(onto: layout.domain, adjoint: true)
        ended(.slabs)
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

    @discardableResult
    package func applyToWork(_ operation: RowOperation, _ region: Region, _ access: RowAccess) -> Double {
        if access == .write {
            data = region
            projected = nil
        }
        let isUnscaled = access != .write && isToBeConvolved
        if access != .read { isToBeConvolved = true }
        return rows.apply(
            isUnscaled ? operation.scaled(by: 1 / Float(layout.workShape.x), region.xRange) : operation,
            to: region,
            access
        )
    }

    package func didUpdate(_ estimate: HostField, projectingNext: Bool) {
        data = layout.domain
        projected = projectingNext ? estimate : nil
    }

    package func ended(_ step: IterationPass.Step) { passClock?.ended(IterationPass(projection, step)) }

    package func invertTransferFunction(_ filter: InverseFilter, probing _: HostField) throws(DeconvolutionError) {
        slabs.invert(otfs[currentOTF], filter)
    }

    private func convolve(onto output: Region, adjoint: Bool) {
        slabs.convolve(from: data, to: output, by: otfs[currentOTF], adjoint: adjoint)
        data = output
        isToBeConvolved = false
        projected = nil
    }
}
