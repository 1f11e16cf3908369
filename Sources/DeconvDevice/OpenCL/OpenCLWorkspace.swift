import COpenCL
package import DeconvVolume

/// The work volume and its transforms on one OpenCL device.
package final class OpenCLWorkspace: Workspace {
    package let layout: WorkspaceLayout
    let queue: CommandQueue
    private let kernels: KernelTable
    private let work: DeviceBuffer
    private let otf: DeviceBuffer
    private let columnsForward: CLFFTPlan?
    private let columnsInverse: CLFFTPlan?
    /// Plans of planes by how many they transform; made when first needed, kept for the life of the tile shape.
    private var planesForward: [Int: CLFFTPlan] = [:]
    private var planesInverse: [Int: CLFFTPlan] = [:]
    /// Parts of the work volume by their first plane.
    private var planeParts: [Int: DeviceBuffer] = [:]
    /// Scratch memory of the transforms, which run one after the other.
    private var temporary: DeviceBuffer?
    var observed: DeviceBuffer?
    private var sensitivity: DeviceBuffer?
    /// A box of the work volume on its way to the host.
    private var box: DeviceBuffer?
    private var fieldCount = 0
    /// The planes of the work volume that may differ from 0.
    private var dataPlanes: Range<Int>

    init(_ layout: WorkspaceLayout, context: OpenCLContext) throws(DeconvolutionError) {
        self.layout = layout
        queue = try CommandQueue(context)
        kernels = try KernelTable(for: layout.pixelType, on: queue)
        work = try DeviceBuffer(byteCount: layout.spectrumCount * 8, in: context)
        otf = try DeviceBuffer(byteCount: layout.spectrumCount * 8, in: context)
        let isFlat = layout.workShape.z == 1
        columnsForward = isFlat ? nil : try .columns(layout, inverse: false, on: queue)
        columnsInverse = isFlat ? nil : try .columns(layout, inverse: true, on: queue)
        dataPlanes = 0..<0
        // The gaps between planes are transformed along with them and must be finite.
        try queue.fill(work, with: 0, byteCount: work.byteCount)
        try reserveTemporary(for: columnsForward)
        try reserveTemporary(for: columnsInverse)
    }

    package var byteCount: Int {
        work.byteCount + otf.byteCount + fieldCount * layout.domain.shape.voxelCount * 4
            + (temporary?.byteCount ?? 0) + (observed?.byteCount ?? 0)
            + (sensitivity?.byteCount ?? 0) + (box?.byteCount ?? 0)
    }

    private func reserveTemporary(for plan: CLFFTPlan?) throws(DeconvolutionError) {
        guard let plan, plan.temporaryByteCount > temporary?.byteCount ?? 0 else { return }
        // The smaller buffer may still be in use by what is enqueued.
        try queue.finish()
        temporary = nil
        temporary = try DeviceBuffer(byteCount: plan.temporaryByteCount, in: queue.context)
    }
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
        try transformPlanes(0..<layout.workShape.z, inverse: false)
        try columnsForward?.run(work, temporary: temporary)
        try kernels.scaleSpectrum(work, into: otf, by: layout.transformScale, count: layout.spectrumCount)
        try queue.finish()
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
        try transformPlanes(dataPlanes, inverse: false)
        if let columnsForward {
            let planeBytes = layout.planePitch * 8
            try queue.fill(work, with: 0, byteCount: dataPlanes.lowerBound * planeBytes)
            let end = dataPlanes.upperBound
            try queue.fill(
                work,
                with: 0,
                from: end * planeBytes,
                byteCount: (layout.workShape.z - end) * planeBytes
            )
            try columnsForward.run(work, temporary: temporary)
        }
        try kernels.complexMultiply(work, by: otf, conjugate: adjoint, count: layout.spectrumCount)
        try columnsInverse?.run(work, temporary: temporary)
        try transformPlanes(output, inverse: true)
        dataPlanes = output
    }

    private func transformPlanes(_ planes: Range<Int>, inverse: Bool) throws(DeconvolutionError) {
        let plan: CLFFTPlan
        if let known = inverse ? planesInverse[planes.count] : planesForward[planes.count] {
            plan = known
        } else {
            if inverse {
                plan = try .planesInverse(layout, count: planes.count, on: queue)
                planesInverse[planes.count] = plan
            } else {
                plan = try .planesForward(layout, count: planes.count, on: queue)
                planesForward[planes.count] = plan
            }
            try reserveTemporary(for: plan)
        }
        try plan.run(part(from: planes.lowerBound), temporary: temporary)
    }

    /// The work volume from a plane to its end.
    private func part(from plane: Int) throws(DeconvolutionError) -> DeviceBuffer {
        if plane == 0 { return work }
        if let known = planeParts[plane] { return known }
        let offset = plane * layout.planePitch * 8
        let part = try DeviceBuffer(partOf: work, offset: offset, byteCount: work.byteCount - offset)
        planeParts[plane] = part
        return part
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
