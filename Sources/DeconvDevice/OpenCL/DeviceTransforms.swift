import DeconvPlan
import DeconvVolume

/// The transforms of one work volume by one library, and the convolution made from them.
///
/// Plans are made when first needed and kept for the life of the workspace.
final class DeviceTransforms {
    let engine: any TransformEngine
    private let layout: WorkspaceLayout
    private let work: DeviceBuffer
    private let kernels: KernelTable
    private let queue: CommandQueue
    /// Whether the product with the transfer function may be made within the transforms of columns.
    private let fuses: Bool

    private struct Key: Hashable {
        var count: Int
        var inverse: Bool
    }
    /// Plans of planes by how many they transform.
    private var planes: [Key: any TransformPlan] = [:]
    private var columnsForward: (any TransformPlan)?
    private var columnsInverse: (any TransformPlan)?
    private var fused: (forward: any TransformPlan, inverse: any TransformPlan)?
    /// Kinds of transfer function, real or not, for which fused plans were found not to work.
    private var refusesFusion: Set<Bool> = []
    /// The transfer functions, once there are PSFs.
    private var transfers: [TransferFunction?] = []
    private var current = 0
    /// Parts of the work volume by their first plane.
    private var planeParts: [Int: DeviceBuffer] = [:]
    /// Scratch memory of the transforms, which run one after the other.
    private var temporary: DeviceBuffer?

    init(
        _ engine: any TransformEngine,
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        _ kernels: KernelTable,
        fuses: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) {
        self.engine = engine
        self.layout = layout
        self.work = work
        self.kernels = kernels
        self.queue = queue
        self.fuses = fuses && layout.workShape.z > 1
        guard layout.workShape.z > 1 else { return }
        // Made at once: a device or length that the library cannot serve should not be found after the data was read.
        columnsForward = try reserved(engine.columns(layout, inverse: false, on: queue))
    }

    /// Plans made so far.
    private(set) var planCount = 0

    /// Bytes of the transfer functions and of scratch memory.
    var byteCount: Int { transfers.reduce(temporary?.byteCount ?? 0) { $0 + ($1?.buffer.byteCount ?? 0) } }

    /// The transfer function in use, once there is one.
    var transfer: TransferFunction? { transfers.indices.contains(current) ? transfers[current] : nil }

    /// Has the next convolutions made with another transfer function.
    func use(_ number: Int) { current = number }

    /// Whether the transfer function is stored as real numbers.
    var hasRealOTF: Bool { transfer?.isReal ?? false }

    /// Whether the product is made within the transforms of columns.
    var isFused: Bool { fused != nil }

    /// Makes the transfer function of a PSF whose centre is on voxel (0, 0, 0), from the spectra of its planes in the work
    /// volume, and has it in use.
    /// - Parameters:
    ///   - number: its place among the transfer functions.
    ///   - count: the transfer functions that there are to be; the product is made within the transforms with one only.
    ///   - sum: Σ |psf|, which no value of the transfer function exceeds.
    func takeTransferFunction(_ number: Int, of count: Int, sum: Float) throws(DeconvolutionError) {
        if count > 1 { fused = nil }
        transfers.removeLast(max(transfers.count - count, 0))
        if number == transfers.count { transfers.append(nil) }
        current = number
        try columnsForward?.run(work, temporary: temporary)
        let valueCount = layout.spectrumCount
        let isReal = try kernels.largestImaginary(work, count: valueCount) <= Float(TransferFunction.rounding) * sum
        let target: TransferFunction
        if let transfer, transfer.isReal == isReal {
            target = transfer
        } else {
            // The other kind has its own plans, and the smaller one makes room.
            fused = nil
            transfers[number] = nil
            target = try TransferFunction(count: valueCount, isReal: isReal, in: queue.context)
            transfers[number] = target
        }
        if isReal {
            try kernels.realPart(of: work, into: target.values, by: layout.transformScale, count: valueCount)
        } else {
            try kernels.scaleSpectrum(work, into: target.values, by: layout.transformScale, count: valueCount)
        }
        if fuses, count == 1, fused == nil, !refusesFusion.contains(isReal) {
            fused = try makeFused(target)
            if fused == nil { refusesFusion.insert(isReal) }
        }
        try queue.finish()
    }

    private func makeFused(
        _ transfer: TransferFunction
    ) throws(DeconvolutionError) -> (forward: any TransformPlan, inverse: any TransformPlan)? {
        do {
            guard let forward = try engine.fusedColumns(layout, inverse: false, by: transfer, on: queue),
                let inverse = try engine.fusedColumns(layout, inverse: true, by: transfer, on: queue)
            else { return nil }
            return try (reserved(forward), reserved(inverse))
        } catch  where error.code == .deviceFailed && error.remedy == nil {
            // A compiler that takes the plain transforms need not take those with callbacks.
            return nil
        }
    }

    /// Convolves the planes `data`, the others standing for 0; of the result only the planes `output` are made.
    /// - Parameter adjoint: whether the conjugate of the transfer function is taken.
    func convolve(data: Range<Int>, output: Range<Int>, adjoint: Bool) throws(DeconvolutionError) {
        try transformPlanes(data, inverse: false)
        try multiplySpectra(data: data, output: output, adjoint: adjoint)
        try transformPlanes(output, inverse: true)
    }

    /// The part of a convolution between the transforms of planes: from the spectra of the planes `data` to those of the planes
    /// `output`.
    func multiplySpectra(data: Range<Int>, output: Range<Int>, adjoint: Bool) throws(DeconvolutionError) {
        guard let transfer else { preconditionFailure("setPSF comes before convolutions") }
        if let fused {
            try transfer.setHeader(adjoint: adjoint, data: elements(data), output: elements(output), on: queue)
            try fused.forward.run(work, temporary: temporary)
            try queue.ended(.columnsAndProduct)
            try fused.inverse.run(work, temporary: temporary)
            try queue.ended(.inverseColumns)
        } else {
            if let columnsForward {
                try clear(0..<data.lowerBound)
                try clear(data.upperBound..<layout.workShape.z)
                if data.count < layout.workShape.z { try queue.ended(.clear) }
                try columnsForward.run(work, temporary: temporary)
                try queue.ended(.columns)
            }
            if transfer.isReal {
                try kernels.realMultiply(work, by: transfer.values, count: layout.spectrumCount)
            } else {
                try kernels.complexMultiply(
                    work,
                    by: transfer.values,
                    conjugate: adjoint,
                    count: layout.spectrumCount
                )
            }
            try queue.ended(.product)
            if layout.workShape.z > 1 {
                if columnsInverse == nil {
                    columnsInverse = try reserved(engine.columns(layout, inverse: true, on: queue))
                }
                try columnsInverse?.run(work, temporary: temporary)
                try queue.ended(.inverseColumns)
            }
        }
    }

    /// The complex values of some planes.
    private func elements(_ planes: Range<Int>) -> Range<Int> {
        planes.lowerBound * layout.planePitch..<planes.upperBound * layout.planePitch
    }

    private func clear(_ planes: Range<Int>) throws(DeconvolutionError) {
        let elements = elements(planes)
        try queue.fill(work, with: Float(0), from: elements.lowerBound * 8, byteCount: elements.count * 8)
    }

    /// Transforms planes of the work volume in place.
    func transformPlanes(_ range: Range<Int>, inverse: Bool) throws(DeconvolutionError) {
        let key = Key(count: range.count, inverse: inverse)
        let plan: any TransformPlan
        if let known = planes[key] {
            plan = known
        } else {
            plan = try reserved(engine.planes(layout, count: range.count, inverse: inverse, on: queue))
            planes[key] = plan
        }
        try plan.run(part(from: range.lowerBound), temporary: temporary)
        try queue.ended(inverse ? .inverseLinesAndRows : .rowsAndLines)
    }

    /// A plan, once there is enough scratch memory for it.
    private func reserved(_ plan: any TransformPlan) throws(DeconvolutionError) -> any TransformPlan {
        planCount += 1
        if plan.temporaryByteCount > temporary?.byteCount ?? 0 {
            // The smaller buffer may still be in use by what is enqueued.
            try queue.finish()
            temporary = nil
            temporary = try DeviceBuffer(byteCount: plan.temporaryByteCount, in: queue.context)
        }
        return plan
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
