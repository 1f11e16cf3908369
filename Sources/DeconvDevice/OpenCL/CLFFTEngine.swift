import CCLFFT
import DeconvKernels
import DeconvPlan
import DeconvVolume

/// clFFT: not maintained any more, with the widest record on GPUs, and with callbacks.
struct CLFFTEngine: TransformEngine {
    /// A work volume of fewer complex values gets pitches that are powers of two, by which the callbacks of passes divide fast:
    /// padding at most doubles a pitch, and clFFT counts real values in 32 bits.
    var largestPaddedCount = 1 << 30

    var library: FFTLibrary { .clfft }

    /// clFFT's kernels have the factors 2, 3, 5, 7, 11 and 13.
    func supportsLength(_ length: Int) -> Bool { FFTPadding.isSmooth(length, largest: 13) }

    /// Whether clFFT transforms a length in one kernel, where a device has 32 KiB of local memory.
    ///
    /// Others it splits in two lengths, with transpositions between them: those above 4096, those with all of 3, 5 and 7, and
    /// those in which 11 or 13 meets another odd factor (`Is1DPossible` in clFFT 2.12.2).
    static func isOneKernel(_ length: Int) -> Bool {
        func has(_ factor: Int) -> Bool { length % factor == 0 }
        let odd = [3, 5, 7, 11, 13].filter(has)
        return length <= 4096 && !(has(3) && has(5) && has(7)) && (odd.max() ?? 1 < 11 || odd.count == 1)
    }

    /// Callbacks take the place of one kernel's reads and writes. Rows and lines of one value are none.
    func hasPlanePasses(_ shape: VolumeShape) -> Bool {
        shape.y > 1 && shape.x > 1 && shape.axes.allSatisfy(Self.isOneKernel)
    }

    /// A trial has products with real and with complex transfer functions.
    func programCount(inPasses: Bool, triesThem: Bool) -> Int { (inPasses ? 13 : 7) + (triesThem ? 4 : 0) }

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

    func planePasses(
        _ layout: WorkspaceLayout,
        of work: DeviceBuffer,
        on queue: CommandQueue
    ) -> (any PlanePasses)? {
        guard hasPlanePasses(layout.workShape) else { return nil }
        return CLFFTPlanePasses(layout, of: work, isPadded: layout.spectrumCount < largestPaddedCount, on: queue)
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
