import CCLFFT
import DeconvKernels
import DeconvPlan
import DeconvVolume

/// The transforms of planes by clFFT, with what happens to the voxels between them in callbacks.
///
/// Only the rows and lines of a region are transformed, each pass in one launch, and no pass moves data for another. clFFT's own 2D
/// plans transform whole planes and, where they are large, transpose them on the way.
///
/// Plans are made when first needed and kept.
final class CLFFTPlanePasses: PlanePasses {
    private let layout: WorkspaceLayout
    private let work: DeviceBuffer
    private let queue: CommandQueue
    /// Whether pitches are powers of two.
    private let isPadded: Bool

    private enum Pass: Hashable {
        /// Rows of a field → half spectra.
        case fieldRows
        /// Rows of the work volume → half spectra.
        case rows(Region)
        case lines(Region)
        case inverseLines(Region)
        case inverseRows(Region)
        /// Half spectra → ratio on the frame, with the observed frame in a buffer.
        case ratio(ObjectIdentifier)
        /// Half spectra → estimate, with the normalization in a buffer or without one.
        case product(ObjectIdentifier?)

        /// Whether both do the same, with whatever buffer.
        func isLike(_ other: Pass) -> Bool {
            switch (self, other) {
            case (.ratio, .ratio), (.product(.some), .product(.some)): true
            default: self == other
            }
        }
    }
    private var plans: [Pass: CLFFTPlan] = [:]
    /// Passes that read a frame or a normalization, in the order in which they were planned.
    private var readers: [Pass] = []
    /// Passes that the device refused, whatever buffer they read.
    private var refused: [Pass] = []

    private(set) var planCount = 0

    /// The passes for a work volume that has them.
    /// - Parameter isPadded: whether transforms are told of pitches that are powers of two, by which offsets divide fast.
    init(_ layout: WorkspaceLayout, of work: DeviceBuffer, isPadded: Bool, on queue: CommandQueue) {
        self.layout = layout
        self.work = work
        self.isPadded = isPadded
        self.queue = queue
    }

    func transform(_ field: DeviceBuffer) throws(DeconvolutionError) {
        try plan(.fieldRows).run(field, to: work)
        try queue.ended(.rows)
        try run(.lines(layout.domain), .lines)
    }

    func transform(_ region: Region) throws(DeconvolutionError) {
        try run(.rows(region), .rows)
        try run(.lines(region), .lines)
    }

    func inverseLines(_ region: Region) throws(DeconvolutionError) { try run(.inverseLines(region), .inverseLines) }

    func inverseRows(_ region: Region) throws(DeconvolutionError) { try run(.inverseRows(region), .inverseRows) }

    func inverseRows(
        takingRatio observed: ObservedFrame,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) -> Bool {
        guard let plan = try replacing(.ratio(ObjectIdentifier(observed.buffer)), observed.buffer) else { return false }
        try observed.setConstants(constants, on: queue)
        try plan.run(work, to: work)
        try queue.ended(.inverseRowsAndRatio)
        return true
    }

    func inverseRows(
        multiplying estimate: DeviceBuffer,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) -> Bool {
        let pass = Pass.product(normalization.map { ObjectIdentifier($0) })
        guard let plan = try replacing(pass, normalization) else { return false }
        try plan.run(work, to: estimate)
        try queue.ended(.inverseRowsAndUpdate)
        return true
    }

    func forgetBuffers() {
        for pass in readers { plans[pass] = nil }
        readers = []
    }

    private func run(_ pass: Pass, _ step: IterationPass.Step) throws(DeconvolutionError) {
        try plan(pass).run(work, to: work)
        try queue.ended(step)
    }

    private func plan(_ pass: Pass, _ data: DeviceBuffer? = nil) throws(DeconvolutionError) -> CLFFTPlan {
        if let known = plans[pass] { return known }
        let plan = try make(pass, data)
        plans[pass] = plan
        planCount += 1
        forgetBuffers(after: pass)
        return plan
    }

    /// The plan of a pass in place of which rows can be finished and a kernel run; nil where the device refuses it.
    private func replacing(_ pass: Pass, _ data: DeviceBuffer?) throws(DeconvolutionError) -> CLFFTPlan? {
        if refused.contains(where: { $0.isLike(pass) }) { return nil }
        do {
            return try plan(pass, data)
        } catch  where error.code == .deviceFailed && error.remedy == nil {
            refused.append(pass)
            return nil
        }
    }

    /// Forgets what was planned for buffers that a new pass's takes the place of: two frames take turns, and of normalizations
    /// there is one. Plans would keep the others alive.
    private func forgetBuffers(after pass: Pass) {
        let kept: Int
        switch pass {
        case .ratio: kept = 2
        case .product(.some): kept = 1
        default: return
        }
        readers.append(pass)
        for old in readers.filter({ $0.isLike(pass) }).dropLast(kept) {
            plans[old] = nil
            readers.removeAll { $0 == old }
        }
    }

    private func make(_ pass: Pass, _ data: DeviceBuffer?) throws(DeconvolutionError) -> CLFFTPlan {
        let (domain, frame) = (box(layout.domain), box(layout.frame))
        let plan: CLFFTPlan
        switch pass {
        case .fieldRows:
            plan = try rows(
                layout.domain,
                isInPlace: false,
                KernelSource.readFieldRows(domain),
                KernelSource.writeRowSpectra(domain)
            )
        case .rows(let region):
            let box = box(region)
            plan = try rows(region, KernelSource.readRows(box), KernelSource.writeRowSpectra(box))
        case .inverseRows(let region):
            let box = box(region)
            plan = try rows(region, inverse: true, KernelSource.readRowSpectra(box), KernelSource.writeRows(box))
        case .ratio:
            let ratio = KernelSource.writeRatio(frame, observed: OpenCLContext.typeName(layout.pixelType))
            plan = try rows(layout.frame, inverse: true, KernelSource.readRowSpectra(frame), ratio, data)
        case .product:
            let product = data == nil ? KernelSource.writeProduct(domain) : KernelSource.writeWeightedProduct(domain)
            plan = try rows(
                layout.domain,
                inverse: true,
                isInPlace: false,
                KernelSource.readRowSpectra(domain),
                product,
                data
            )
        case .lines(let region):
            let (read, write) = (KernelSource.readLines(box(region)), KernelSource.writeLines(wholePlanes(region)))
            plan = try lines(region, inverse: false, read, write)
        case .inverseLines(let region):
            let (read, write) = (KernelSource.readLines(wholePlanes(region)), KernelSource.writeLines(box(region)))
            plan = try lines(region, inverse: true, read, write)
        }
        guard plan.temporaryByteCount == 0 else {
            throw DeconvolutionError(
                .deviceFailed,
                "clFFT takes several kernels for lines of \(layout.workShape) on \(queue.context.name): use "
                    + "\(.fft, "vkfft")"
            )
        }
        return plan
    }

    private func box(_ region: Region) -> KernelSource.Box {
        KernelSource.Box(
            halfRow: layout.halfRow,
            planePitch: layout.planePitch,
            planes: region.zRange,
            rows: region.yRange,
            columns: region.xRange,
            isPadded: isPadded
        )
    }

    /// All rows of the planes of a region.
    private func wholePlanes(_ region: Region) -> KernelSource.Box {
        var box = box(region)
        box.rows = 0..<layout.workShape.y
        return box
    }

    private func rows(
        _ region: Region,
        inverse: Bool = false,
        isInPlace: Bool = true,
        _ read: KernelSource.Callback,
        _ write: KernelSource.Callback,
        _ data: DeviceBuffer? = nil
    ) throws(DeconvolutionError) -> CLFFTPlan {
        try CLFFTPlan(
            CLFFTPlan.Layout(
                lengths: [layout.workShape.x],
                batch: region.shape.z * region.shape.y,
                input: inverse ? halfSpectrum(region) : realRow(region),
                output: inverse ? realRow(region) : halfSpectrum(region),
                isInPlace: isInPlace
            ),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            reading: read,
            writing: write,
            callbackData: data,
            on: queue
        )
    }

    private func lines(
        _ region: Region,
        inverse: Bool,
        _ read: KernelSource.Callback,
        _ write: KernelSource.Callback
    ) throws(DeconvolutionError) -> CLFFTPlan {
        // As if the planes lay side by side in each row: the callbacks find the places where they are.
        let side = CLFFTPlan.Side(CLFFT_COMPLEX_INTERLEAVED, strides: [box(region).linePitch], distance: 1)
        let count = region.shape.z * layout.halfRow
        return try CLFFTPlan(
            CLFFTPlan.Layout(lengths: [layout.workShape.y], batch: count, input: side, output: side),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            reading: read,
            writing: write,
            on: queue
        )
    }

    /// As if the region's rows lay one after the other.
    private func realRow(_ region: Region) -> CLFFTPlan.Side {
        CLFFTPlan.Side(CLFFT_REAL, strides: [1], distance: 2 * box(region).rowPitch)
    }

    private func halfSpectrum(_ region: Region) -> CLFFTPlan.Side {
        CLFFTPlan.Side(CLFFT_HERMITIAN_INTERLEAVED, strides: [1], distance: box(region).rowPitch)
    }
}
