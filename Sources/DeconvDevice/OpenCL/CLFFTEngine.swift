import CCLFFT
import DeconvKernels
import DeconvPlan
import DeconvVolume

/// clFFT: not maintained any more, with the widest record on GPUs, and with callbacks.
struct CLFFTEngine: TransformEngine {
    var library: FFTLibrary { .clfft }

    /// clFFT's kernels have the factors 2, 3, 5, 7, 11 and 13.
    func supportsLength(_ length: Int) -> Bool { FFTPadding.isSmooth(length, largest: 13) }

    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        let real = CLFFTPlan.Side(CLFFT_REAL, strides: [1, 2 * layout.halfRow], distance: 2 * layout.planePitch)
        let spectrum = CLFFTPlan.Side(
            CLFFT_HERMITIAN_INTERLEAVED,
            strides: [1, layout.halfRow],
            distance: layout.planePitch
        )
        return try CLFFTPlan(
            CLFFTPlan.Layout(
                lengths: [layout.workShape.x, layout.workShape.y],
                batch: count,
                input: inverse ? spectrum : real,
                output: inverse ? real : spectrum
            ),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            on: queue
        )
    }

    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        try CLFFTPlan(columnLayout(layout), inverse ? CLFFT_BACKWARD : CLFFT_FORWARD, on: queue)
    }

    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)? {
        let product = transfer.isReal ? KernelSource.writeTimesRealOTF : KernelSource.writeTimesOTF
        return try CLFFTPlan(
            columnLayout(layout),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            reading: inverse ? nil : KernelSource.readDataPlanes,
            writing: inverse ? KernelSource.writeOutputPlanes : product,
            callbackData: transfer.buffer,
            on: queue
        )
    }

    func planePasses(_ layout: WorkspaceLayout, of work: DeviceBuffer, on queue: CommandQueue) -> PlanePasses? {
        PlanePasses(layout, of: work, on: queue)
    }

    private func columnLayout(_ layout: WorkspaceLayout) -> CLFFTPlan.Layout {
        let side = CLFFTPlan.Side(CLFFT_COMPLEX_INTERLEAVED, strides: [layout.planePitch], distance: 1)
        return CLFFTPlan.Layout(
            lengths: [layout.workShape.z],
            batch: layout.workShape.y * layout.halfRow,
            input: side,
            output: side
        )
    }
}
