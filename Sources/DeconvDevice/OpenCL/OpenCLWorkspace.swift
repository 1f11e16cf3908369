import COpenCL
package import DeconvVolume

/// The work volume and its transforms on one OpenCL device.
package final class OpenCLWorkspace: Workspace {
    package let layout: WorkspaceLayout
    let queue: CommandQueue
    private let kernels: KernelTable
    private let work: DeviceBuffer
    private let transforms: DeviceTransforms
    /// What a person should know of how the transforms were chosen.
    package let warnings: [Diagnostic]
    var observed: DeviceBuffer?
    private var sensitivity: DeviceBuffer?
    /// A box of the work volume on its way to the host.
    private var box: DeviceBuffer?
    private var fieldCount = 0
    /// The planes of the work volume that may differ from 0.
    private var dataPlanes: Range<Int>

    /// A workspace whose transforms are made by one library.
    /// - Parameters:
    ///   - fuses: whether the product with the transfer function may be made within the transforms.
    ///   - warnings: what was said when the library was chosen.
    init(
        _ layout: WorkspaceLayout,
        _ engine: any TransformEngine,
        fuses: Bool,
        warnings: [Diagnostic] = [],
        in context: OpenCLContext
    ) throws(DeconvolutionError) {
        self.layout = layout
        self.warnings = warnings
        queue = try CommandQueue(context)
        kernels = try KernelTable(for: layout.pixelType, on: queue)
        work = try DeviceBuffer(byteCount: layout.spectrumCount * 8, in: context)
        guard engine.supports(layout.workShape) else {
            let remedy = engine.library == .clfft ? "use --fft vkfft, or --backend cpu" : "use --backend cpu"
            throw DeconvolutionError(
                .deviceFailed,
                "\(engine.library.name) has no transform of \(layout.workShape) on \(context.name): \(remedy)"
            )
        }
        // The gaps between planes are transformed along with them and must be finite.
        try queue.fill(work, with: Float(0), byteCount: work.byteCount)
        transforms = try DeviceTransforms(engine, layout, of: work, kernels, fuses: fuses, on: queue)
        dataPlanes = 0..<0
    }

    package var byteCount: Int {
        work.byteCount + transforms.byteCount + fieldCount * layout.domain.shape.voxelCount * 4
            + (observed?.byteCount ?? 0) + (sensitivity?.byteCount ?? 0) + (box?.byteCount ?? 0)
    }

    package var fft: FFTLibrary { transforms.engine.library }

    /// Whether the product with the transfer function is made within the transforms.
    package var isFused: Bool { transforms.isFused }
}

// MARK: - Moving data

extension OpenCLWorkspace {
    /// Real values on the domain, contiguous.
    package final class Field {
        let buffer: DeviceBuffer
        init(_ buffer: DeviceBuffer) { self.buffer = buffer }
    }

    package func makeField() throws(DeconvolutionError) -> Field {
        let field = Field(try DeviceBuffer(byteCount: layout.domain.shape.voxelCount * 4, in: queue.context))
        fieldCount += 1
        return field
    }

    /// Sets one value of a field.
    func set(_ field: Field, at index: VolumeIndex, to value: Float) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        let offset = (index.z * shape.y + index.y) * shape.x + index.x
        try queue.fill(field.buffer, with: value, from: offset * 4, byteCount: 4)
    }

    /// Takes a field that goes out of use off the count of bytes.
    func forget(_ field: Field) { fieldCount -= 1 }

    package func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        let data = try read(Region(layout.frame.shape))
        precondition(data.count == layout.frame.shape.voxelCount && data.pixelType == layout.pixelType, "frame")
        let buffer: DeviceBuffer
        if let observed {
            buffer = observed
        } else {
            buffer = try DeviceBuffer(byteCount: data.count * layout.pixelType.byteCount, in: queue.context)
            observed = buffer
        }
        switch data {
        case .uint8(let voxels): try write(voxels, to: buffer)
        case .uint16(let voxels): try write(voxels, to: buffer)
        case .float32(let voxels): try write(voxels, to: buffer)
        }
    }

    private func write<T: BitwiseCopyable>(_ values: [T], to buffer: DeviceBuffer) throws(DeconvolutionError) {
        let result = values.withUnsafeBytes { bytes in
            Result { () throws(DeconvolutionError) in try queue.write(bytes, to: buffer) }
        }
        try result.get()
    }

    package func fill(_ field: Field, with value: Float) throws(DeconvolutionError) {
        try queue.fill(field.buffer, with: value, byteCount: field.buffer.byteCount)
    }

    package func upload(_ voxels: [Float], to field: Field) throws(DeconvolutionError) {
        precondition(voxels.count == layout.domain.shape.voxelCount, "a field has the domain's shape")
        try write(voxels, to: field.buffer)
    }

    package func download(_ field: Field, region: Region) throws(DeconvolutionError) -> [Float] {
        let shape = layout.domain.shape
        return try queue.read(region, from: field.buffer, rowPitch: shape.x, planePitch: shape.planeVoxelCount)
    }

    package func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] {
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

    package func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
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
        try write(values, to: buffer)
    }

    package func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError) {
        precondition(!complemented || layout.frame == layout.domain, "1 − f is that of the whole domain")
        try kernels.fillWork(work, layout, sensitivity: sensitivity)
        dataPlanes = layout.frame.zRange
        if complemented { try kernels.complementWork(work, layout) }
    }

    package func synchronize() throws(DeconvolutionError) { try queue.finish() }
}

// MARK: - Convolution

extension OpenCLWorkspace {
    package func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        precondition(voxels.count == shape.voxelCount, "\(voxels.count) voxels do not make a PSF of \(shape)")
        let psf = try DeviceBuffer(byteCount: voxels.count * 4, in: queue.context)
        try write(voxels, to: psf)
        try kernels.embedPSF(psf, shape: shape, into: work, layout)
        try transforms.takeTransferFunction(sum: Float(voxels.reduce(0.0) { $0 + Double(abs($1)) }))
        dataPlanes = 0..<0
    }

    package func forwardProject(_ field: Field) throws(DeconvolutionError) {
        try embed(field)
        try convolve(readingBack: layout.frame.zRange, adjoint: false)
    }

    package func backProject(_ field: Field) throws(DeconvolutionError) {
        try embed(field)
        try convolve(readingBack: layout.mirroredFrame.zRange, adjoint: true)
    }

    package func runTransforms() throws(DeconvolutionError) {
        try convolve(readingBack: layout.frame.zRange, adjoint: false)
        try convolve(readingBack: layout.domain.zRange, adjoint: true)
    }

    private func embed(_ field: Field) throws(DeconvolutionError) {
        try kernels.embedField(field.buffer, into: work, layout)
        dataPlanes = layout.domain.zRange
    }

    package func backProject() throws(DeconvolutionError) {
        try convolve(readingBack: layout.domain.zRange, adjoint: true)
    }

    /// Convolves the data planes; of the result only the planes `output` are transformed back.
    private func convolve(readingBack output: Range<Int>, adjoint: Bool) throws(DeconvolutionError) {
        try transforms.convolve(data: dataPlanes, output: output, adjoint: adjoint)
        dataPlanes = output
    }
}

// MARK: - Elementwise

extension OpenCLWorkspace {
    package func takeRatio(
        _ constants: RatioConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        guard let observed else { preconditionFailure("setObserved comes before takeRatio") }
        var divergence: Double?
        if let measured {
            divergence = try kernels.poissonDivergence(
                observed,
                sensitivity: sensitivity,
                work,
                layout,
                in: measured,
                constants
            )
        }
        try kernels.takeRatio(observed, sensitivity: sensitivity, work, layout, constants)
        return divergence
    }

    package func fillFromObserved(
        _ field: Field,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        guard let observed else { preconditionFailure("setObserved comes before fillFromObserved") }
        try kernels.fillFromObserved(
            field.buffer,
            observed,
            sensitivity: sensitivity,
            layout,
            offset: offset,
            least: least,
            outside: outside
        )
    }

    package func storeNormalization(
        in field: Field,
        threshold: Float,
        complemented: Bool
    ) throws(DeconvolutionError) {
        if complemented { try kernels.complementWork(work, layout) }
        let largest = try kernels.largestValue(work, layout)
        try kernels.storeNormalization(field.buffer, work, layout, least: threshold * largest)
    }

    package func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try kernels.multiplyEstimate(
            estimate.buffer,
            work,
            layout,
            normalization: normalization?.buffer,
            least: least
        )
    }
}
