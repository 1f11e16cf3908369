import DeconvPlan
import DeconvVolume
import Synchronization

@testable import DeconvDevice

/// A library whose plans fail.
final class FailingEngine: TransformEngine {
    private let engine: any TransformEngine
    private let status: OpenCLStatus
    private let failuresLeft: Atomic<Int>

    /// - Parameter count: how many plans fail; the next ones are made.
    init(_ engine: any TransformEngine, _ status: OpenCLStatus, count: Int = .max) {
        self.engine = engine
        self.status = status
        failuresLeft = Atomic(count)
    }

    var library: FFTLibrary { engine.library }
    func supportsLength(_ length: Int) -> Bool { engine.supportsLength(length) }
    func hasPlanePasses(_ shape: VolumeShape) -> Bool { engine.hasPlanePasses(shape) }

    private func fail(_ queue: CommandQueue) throws(DeconvolutionError) {
        guard failuresLeft.load(ordering: .relaxed) > 0 else { return }
        failuresLeft.subtract(1, ordering: .relaxed)
        throw OpenCLError(call: "\(library.name), taken to fail,", purpose: .transforms(library), status: status)
            .deconvolutionError(on: queue.context.name)
    }

    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        try fail(queue)
        return try engine.planes(layout, count: count, inverse: inverse, on: queue)
    }

    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        try fail(queue)
        return try engine.columns(layout, inverse: inverse, on: queue)
    }

    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)? {
        try engine.fusedColumns(layout, inverse: inverse, by: transfer, on: queue)
    }

    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)? { engine.planePasses(layout, of: work, on: queue) }
}

/// clFFT on a device that does not do what callbacks say.
struct FaultyCLFFTEngine: TransformEngine {
    enum Fault: Sendable {
        /// Passes that leave out the lines of inverse transforms.
        case wrongPasses
        /// The same of the first workspace only.
        case wrongPassesOnce
        /// Inverse transforms with the product in them that go forward.
        case wrongProducts
        /// Rows with ratio or update in them are refused.
        case refusedSteps
        /// There is no memory for transforms with the product in them.
        case noMemoryForProducts
    }

    let fault: Fault
    private let engine = CLFFTEngine()
    private let workspaces = Workspaces()

    private final class Workspaces: Sendable { let count = Atomic(0) }

    init(_ fault: Fault) { self.fault = fault }

    var library: FFTLibrary { .clfft }
    func supportsLength(_ length: Int) -> Bool { engine.supportsLength(length) }
    func hasPlanePasses(_ shape: VolumeShape) -> Bool { engine.hasPlanePasses(shape) }

    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        try engine.planes(layout, count: count, inverse: inverse, on: queue)
    }

    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        try engine.columns(layout, inverse: inverse, on: queue)
    }

    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)? {
        guard fault != .noMemoryForProducts else {
            throw DeconvolutionError(.outOfMemory, "\(queue.context.name) is taken to have no memory left")
        }
        return try engine.fusedColumns(
            layout,
            inverse: inverse && fault != .wrongProducts,
            by: transfer,
            on: queue
        )
    }

    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)? {
        let isFirst = workspaces.count.add(1, ordering: .relaxed).newValue == 1
        return engine.planePasses(layout, of: work, on: queue).map {
            Passes(passes: $0, fault: fault == .wrongPassesOnce && isFirst ? .wrongPasses : fault)
        }
    }

    private final class Passes: PlanePasses {
        let passes: any PlanePasses
        let fault: Fault

        init(passes: any PlanePasses, fault: Fault) {
            self.passes = passes
            self.fault = fault
        }

        var planCount: Int { passes.planCount }
        func transform(_ field: DeviceBuffer) throws(DeconvolutionError) { try passes.transform(field) }
        func transform(_ region: Region) throws(DeconvolutionError) { try passes.transform(region) }
        func inverseRows(_ region: Region) throws(DeconvolutionError) { try passes.inverseRows(region) }
        func forgetBuffers() { passes.forgetBuffers() }

        func inverseLines(_ region: Region) throws(DeconvolutionError) {
            if fault != .wrongPasses { try passes.inverseLines(region) }
        }

        func inverseRows(
            takingRatio observed: ObservedFrame,
            _ constants: RatioConstants
        ) throws(DeconvolutionError) -> Bool {
            if fault == .refusedSteps { return false }
            return try passes.inverseRows(takingRatio: observed, constants)
        }

        func inverseRows(
            multiplying estimate: DeviceBuffer,
            normalization: DeviceBuffer?
        ) throws(DeconvolutionError) -> Bool {
            if fault == .refusedSteps { return false }
            return try passes.inverseRows(multiplying: estimate, normalization: normalization)
        }
    }
}

/// A library that worked until its constants ceased to arrive.
final class ForgetfulEngine: TransformEngine {
    enum Fault: CaseIterable, Sendable {
        /// Columns are transformed for no column.
        case columns
        /// The product is made for no column.
        case products
        /// Rows or planes go back for none.
        case inversePlanes
        /// Of the ratio the last row is left out.
        case lastRowOfRatio
        /// Of the update the last row is left out.
        case lastRowOfUpdate
    }

    private let engine: any TransformEngine
    private let fault: Fault
    private let isForgetting = Atomic(false)

    init(_ engine: any TransformEngine, _ fault: Fault) {
        self.engine = engine
        self.fault = fault
    }

    /// Plans that are made from now on lack their constants.
    func forget() { isForgetting.store(true, ordering: .relaxed) }

    private func has(_ fault: Fault) -> Bool { isForgetting.load(ordering: .relaxed) && fault == self.fault }

    var library: FFTLibrary { engine.library }
    func supportsLength(_ length: Int) -> Bool { engine.supportsLength(length) }
    func hasPlanePasses(_ shape: VolumeShape) -> Bool { engine.hasPlanePasses(shape) }

    /// A plan that does nothing.
    private final class Idle: TransformPlan {
        var temporaryByteCount: Int { 0 }
        func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError) {}
    }

    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        if inverse, has(.inversePlanes) { return Idle() }
        return try engine.planes(layout, count: count, inverse: inverse, on: queue)
    }

    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        has(.columns) ? Idle() : try engine.columns(layout, inverse: inverse, on: queue)
    }

    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)? {
        has(.products) ? Idle() : try engine.fusedColumns(layout, inverse: inverse, by: transfer, on: queue)
    }

    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)? {
        engine.planePasses(layout, of: work, on: queue).map { Passes($0, self, layout, work, queue) }
    }

    private final class Passes: PlanePasses {
        let passes: any PlanePasses
        let engine: ForgetfulEngine
        let layout: WorkspaceLayout
        let work: DeviceBuffer
        let queue: CommandQueue

        init(
            _ passes: any PlanePasses,
            _ engine: ForgetfulEngine,
            _ layout: WorkspaceLayout,
            _ work: DeviceBuffer,
            _ queue: CommandQueue
        ) {
            self.passes = passes
            self.engine = engine
            self.layout = layout
            self.work = work
            self.queue = queue
        }

        var planCount: Int { passes.planCount }
        func transform(_ field: DeviceBuffer) throws(DeconvolutionError) { try passes.transform(field) }
        func transform(_ region: Region) throws(DeconvolutionError) { try passes.transform(region) }
        func inverseLines(_ region: Region) throws(DeconvolutionError) { try passes.inverseLines(region) }
        func forgetBuffers() { passes.forgetBuffers() }

        func inverseRows(_ region: Region) throws(DeconvolutionError) {
            if !engine.has(.inversePlanes) { try passes.inverseRows(region) }
        }

        func inverseRows(
            takingRatio observed: ObservedFrame,
            _ constants: RatioConstants
        ) throws(DeconvolutionError) -> Bool {
            guard try passes.inverseRows(takingRatio: observed, constants) else { return false }
            if engine.has(.lastRowOfRatio) {
                let frame = layout.frame
                let row =
                    (frame.zRange.upperBound - 1) * layout.planePitch + (frame.yRange.upperBound - 1) * layout.halfRow
                try queue.fill(work, with: Float(0), from: row * 8, byteCount: layout.halfRow * 8)
            }
            return true
        }

        func inverseRows(
            multiplying estimate: DeviceBuffer,
            normalization: DeviceBuffer?
        ) throws(DeconvolutionError) -> Bool {
            guard try passes.inverseRows(multiplying: estimate, normalization: normalization) else { return false }
            if engine.has(.lastRowOfUpdate) {
                let byteCount = layout.domain.shape.x * 4
                try queue.fill(estimate, with: Float(7), from: estimate.byteCount - byteCount, byteCount: byteCount)
            }
            return true
        }
    }
}
