import COpenCL
package import DeconvPlan
package import DeconvVolume
import Synchronization

/// The work volume and its transforms on one OpenCL device.
package final class OpenCLWorkspace: Workspace {
    package let layout: WorkspaceLayout
    let queue: CommandQueue
    let kernels: KernelTable
    let work: DeviceBuffer
    let transforms: DeviceTransforms
    /// What transforms planes instead of `transforms`, or nil where that does.
    let passes: (any PlanePasses)?
    /// What a person should know of how the transforms were chosen.
    package private(set) var warnings: [Diagnostic]
    var observed: ObservedFrame?
    private(set) var sensitivity: DeviceBuffer?
    private var otherView = OtherView<ObservedFrame, DeviceBuffer>()
    private(set) var weights: [DeviceWeights?] = []
    /// The PSFs, and Σ|psf| of each.
    private var psfs: [(volume: Volume, sum: Float)] = []
    /// The PSF in use, and Σ|psf|.
    private(set) var psf = (volume: Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [0]), sum: Float(0))
    /// Whether the transfer function is the PSF's inverse, of which there are no sums to check.
    var isInverse = false
    /// Whether and how far the plans of this workspace were seen to be right; nil where nobody looks.
    var check: PlanCheck?
    /// A box of the work volume on its way to the host.
    private var box: DeviceBuffer?
    private let fields = LiveFields()
    var content = Content.planes(0..<0)
    private let takesTime: Bool
    package let worksAhead: Bool

    /// What the work volume holds.
    enum Content: Equatable {
        /// Voxels in these planes, and nothing of use elsewhere.
        case planes(Range<Int>)
        /// Voxels that are still half spectra of the rows of a region, for the next step to take them from there.
        case rowSpectra(Region)
    }

    /// A workspace whose transforms are made by one library.
    /// - Parameters:
    ///   - fuses: whether the product with the transfer function may be made within the transforms.
    ///   - usesPasses: whether planes may be transformed in passes, with the steps between transforms in them.
    ///   - takesTime: whether the device's clock is read.
    ///   - worksAhead: whether work is given while earlier work is waited for.
    ///   - warnings: what was said when the library was chosen.
    init(
        _ layout: WorkspaceLayout,
        _ engine: any TransformEngine,
        fuses: Bool,
        usesPasses: Bool = false,
        takesTime: Bool = false,
        worksAhead: Bool = false,
        warnings: [Diagnostic] = [],
        in context: OpenCLContext
    ) throws(DeconvolutionError) {
        self.layout = layout
        self.warnings = warnings
        self.takesTime = takesTime
        self.worksAhead = worksAhead
        queue = try CommandQueue(context, takesTime: takesTime)
        kernels = try KernelTable(for: layout.pixelType, on: queue)
        work = try DeviceBuffer(byteCount: layout.spectrumCount * 8, in: context)
        guard engine.supports(layout.workShape) else {
            let remedy: Message =
                engine.library == .clfft ? "use \(.fft, "vkfft"), or \(.backend, "cpu")" : "use \(.backend, "cpu")"
            throw DeconvolutionError(
                .deviceFailed,
                "\(engine.library.name) has no transform of \(layout.workShape) on \(context.name): \(remedy)"
            )
        }
        // The gaps between planes are transformed along with them and must be finite.
        try queue.fill(work, with: Float(0), byteCount: work.byteCount)
        transforms = try DeviceTransforms(engine, layout, of: work, kernels, fuses: fuses, on: queue)
        passes = usesPasses ? engine.planePasses(layout, of: work, on: queue) : nil
    }

    /// Adds to what a person should know.
    func warn(_ warning: Diagnostic) { warnings.append(warning) }

    package var byteCount: Int {
        work.byteCount + transforms.byteCount + fields.count * layout.domain.shape.voxelCount * 4
            + (observed?.buffer.byteCount ?? 0) + (sensitivity?.byteCount ?? 0) + (box?.byteCount ?? 0)
            + (otherView.observed?.buffer.byteCount ?? 0) + (otherView.sensitivity?.byteCount ?? 0)
            + weights.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    }

    package var fft: FFTLibrary { transforms.engine.library }

    /// Whether the product with the transfer function is made within the transforms.
    package var isFused: Bool { transforms.isFused }

    package var passStructure: PassStructure {
        let (isFused, hasRealOTF) = (transforms.isFused, transforms.hasRealOTF)
        return passes == nil
            ? .planes(isFused: isFused, hasRealOTF: hasRealOTF)
            : .rowsAndLines(isFused: isFused, hasRealOTF: hasRealOTF)
    }

    /// Whether planes are transformed in passes, with the steps between transforms in them.
    package var usesPasses: Bool { passes != nil }
}

// MARK: - Moving data

extension OpenCLWorkspace {
    /// Real values on the domain, contiguous.
    package final class Field {
        let buffer: DeviceBuffer
        private let fields: LiveFields

        fileprivate init(_ buffer: DeviceBuffer, of fields: LiveFields) {
            self.buffer = buffer
            self.fields = fields
            fields.add(1)
        }

        deinit { fields.add(-1) }
    }

    /// How many fields there are; the last one to hold a field may be another thread than the workspace's.
    fileprivate final class LiveFields: Sendable {
        private let value = Atomic(0)
        var count: Int { value.load(ordering: .relaxed) }
        func add(_ number: Int) { value.add(number, ordering: .relaxed) }
    }

    package func makeField() throws(DeconvolutionError) -> Field {
        Field(try DeviceBuffer(byteCount: layout.domain.shape.voxelCount * 4, in: queue.context), of: fields)
    }

    /// Sets one value of a field.
    func set(_ field: Field, at index: VolumeIndex, to value: Float) throws(DeconvolutionError) {
        check?.projected = nil
        let shape = layout.domain.shape
        let offset = (index.z * shape.y + index.y) * shape.x + index.x
        try queue.fill(field.buffer, with: value, from: offset * 4, byteCount: 4)
    }

    package func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let data = try read(Region(layout.frame.shape))
        precondition(data.count == layout.frame.shape.voxelCount && data.pixelType == layout.pixelType, "frame")
        let target: ObservedFrame
        if let observed {
            target = observed
        } else {
            target = try ObservedFrame(layout, in: queue.context)
            observed = target
        }
        try queue.write(data, to: target.voxels)
    }

    package func fill(_ field: Field, with value: Float) throws(DeconvolutionError) {
        check?.projected = nil
        try queue.fill(field.buffer, with: value, byteCount: field.buffer.byteCount)
    }

    package func upload(_ voxels: [Float], to field: Field) throws(DeconvolutionError) {
        precondition(voxels.count == layout.domain.shape.voxelCount, "a field has the domain's shape")
        check?.projected = nil
        try queue.write(voxels, to: field.buffer)
    }

    package func download(_ field: Field, region: Region) throws(DeconvolutionError) -> [Float] {
        let shape = layout.domain.shape
        return try queue.read(region, from: field.buffer, rowPitch: shape.x, planePitch: shape.planeVoxelCount)
    }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
        try finishRows()
        try checkProjection()
        return try extractWork(region)
    }

    /// The values of the work volume in a region, where it holds voxels.
    func extractWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
        // A rectangular read wants a plane to be a whole number of rows, which the pitch of the work volume is not.
        let byteCount = region.shape.voxelCount * 4
        let target: DeviceBuffer
        if let box, box.byteCount >= byteCount {
            target = box
        } else {
            box = nil
            target = try DeviceBuffer(byteCount: byteCount, in: queue.context)
            box = target
        }
        try kernels.extractBox(region, of: work, layout, into: target)
        return try queue.read(region.shape.voxelCount, of: Float.self, from: target)
    }

    /// Lets go of what brought parts of the work volume to the host.
    func forgetBox() { box = nil }

    package func useView(_ number: Int) { otherView.use(number, &observed, &sensitivity) }

    /// Lets go of the observed frame.
    func forgetObserved() {
        observed = nil
        passes?.forgetBuffers()
    }

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        check?.forget()
        guard let read else {
            sensitivity = nil
            return
        }
        let values = try read(Region(layout.frame.shape))
        precondition(values.count == layout.frame.shape.voxelCount, "frame")
        let buffer: DeviceBuffer
        if let sensitivity {
            buffer = sensitivity
        } else {
            buffer = try DeviceBuffer(byteCount: values.count * 4, in: queue.context)
            sensitivity = buffer
        }
        try queue.write(values, to: buffer)
    }

    package func synchronize() throws(DeconvolutionError) { try queue.finish() }

    package func mark() throws(DeconvolutionError) -> any WorkMark {
        guard worksAhead || takesTime else {
            try queue.finish()
            return ReachedMark()
        }
        let mark = try QueueMark(on: queue)
        if !worksAhead { try queue.finish() }
        return mark
    }
}

// MARK: - Convolution

extension OpenCLWorkspace {
    package func setPSFs(_ psfs: [Volume]) throws(DeconvolutionError) {
        self.psfs = []
        for (number, volume) in psfs.enumerated() {
            let psf = try DeviceBuffer(byteCount: volume.voxels.count * 4, in: queue.context)
            try queue.write(volume.voxels, to: psf)
            try kernels.embedPSF(psf, shape: volume.shape, into: work, layout)
            if let passes {
                try passes.transform(Region(layout.workShape))
            } else {
                try transforms.transformPlanes(0..<layout.workShape.z, inverse: false)
            }
            let sum = Float(volume.voxels.reduce(0.0) { $0 + Double(abs($1)) })
            try transforms.takeTransferFunction(number, of: psfs.count, sum: sum)
            self.psfs.append((volume, sum))
        }
        content = .planes(0..<0)
        isInverse = false
        usePSF(0)
        check?.forget()
    }

    package func usePSF(_ number: Int) {
        transforms.use(number)
        psf = psfs[number]
    }

    package func setWeights(_ weights: [WeightGrid?]) throws(DeconvolutionError) {
        self.weights = []
        for grid in weights {
            self.weights.append(
                try grid.map { grid throws(DeconvolutionError) in
                    try DeviceWeights(grid, on: layout.domain.shape, queue)
                }
            )
        }
    }

    package func forwardProject(_ field: Field) throws(DeconvolutionError) {
        try queue.passClock?.begin()
        try project(field, readingBack: layout.frame, adjoint: false)
    }

    package func backProject(_ field: Field) throws(DeconvolutionError) {
        try project(field, readingBack: layout.mirroredFrame, adjoint: true)
    }

    package func runTransforms() throws(DeconvolutionError) {
        check?.forget()
        try convolve(layout.domain, readingBack: layout.frame, adjoint: false)
        try convolve(layout.frame, readingBack: layout.domain, adjoint: true)
        try finishRows()
    }

    package func backProject() throws(DeconvolutionError) {
        try expectBackProjection()
        try convolve(layout.frame, readingBack: layout.domain, adjoint: true)
    }

    package func measurePasses(
        of run: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [[PassDuration]]? {
        precondition(takesTime, "the queue takes the time of commands")
        let clock = PassClock(on: queue)
        queue.passClock = clock
        defer { queue.passClock = nil }
        try run()
        try queue.finish()
        return try clock.durations()
    }

    /// Convolves a field; the result can be read in a region.
    private func project(
        _ field: Field,
        readingBack output: Region,
        adjoint: Bool
    ) throws(DeconvolutionError) {
        check?.forget()
        defer { if !isInverse { check?.projected = (field, adjoint) } }
        queue.passClock?.projection = adjoint ? .back : .forward
        guard let passes else {
            try kernels.embedField(field.buffer, into: work, layout)
            try queue.ended(.embed)
            content = .planes(layout.domain.zRange)
            return try convolve(layout.domain, readingBack: output, adjoint: adjoint)
        }
        try passes.transform(field.buffer)
        try finishConvolution(passes, data: layout.domain, readingBack: output, adjoint: adjoint)
    }

    /// Convolves the work volume, which holds data in a region; the result can be read in another.
    private func convolve(
        _ data: Region,
        readingBack output: Region,
        adjoint: Bool
    ) throws(DeconvolutionError) {
        try finishRows()
        precondition(content == .planes(data.zRange), "what is convolved lies in the work volume")
        queue.passClock?.projection = adjoint ? .back : .forward
        guard let passes else {
            try transforms.convolve(data: data.zRange, output: output.zRange, adjoint: adjoint)
            content = .planes(output.zRange)
            return
        }
        try passes.transform(data)
        try finishConvolution(passes, data: data, readingBack: output, adjoint: adjoint)
    }

    private func finishConvolution(
        _ passes: any PlanePasses,
        data: Region,
        readingBack output: Region,
        adjoint: Bool
    ) throws(DeconvolutionError) {
        try transforms.multiplySpectra(data: data.zRange, output: output.zRange, adjoint: adjoint)
        try passes.inverseLines(output)
        content = .rowSpectra(output)
    }

    /// Makes voxels of what is half spectra of rows.
    func finishRows() throws(DeconvolutionError) {
        guard case .rowSpectra(let region) = content, let passes else { return }
        try passes.inverseRows(region)
        content = .planes(region.zRange)
    }
}
