import CCLFFT
import COpenCL
import DeconvVolume
import Synchronization

/// One baked clFFT plan, in place, single precision, unnormalized in both directions; belongs to one queue.
final class CLFFTPlan {
    private let handle: clfftPlanHandle
    private let direction: clfftDirection
    private let queue: CommandQueue
    /// Bytes of scratch memory that it needs when it runs.
    let temporaryByteCount: Int

    /// Lengths and pitches of a batch of transforms, fastest axis first, in elements of the respective layout.
    struct Layout {
        var lengths: [Int]
        var batch: Int
        var input: clfftLayout
        var inputStrides: [Int]
        var inputDistance: Int
        var output: clfftLayout
        var outputStrides: [Int]
        var outputDistance: Int
    }

    init(_ layout: Layout, _ direction: clfftDirection, on queue: CommandQueue) throws(DeconvolutionError) {
        var lengths = layout.lengths
        var inputStrides = layout.inputStrides
        var outputStrides = layout.outputStrides
        let dimension = clfftDim(rawValue: UInt32(lengths.count))
        var handle: clfftPlanHandle = 0
        var temporary = 0
        var queueHandle: cl_command_queue? = queue.handle
        let (status, call) = CLFFTLibrary.lock.withLock { _ -> (clfftStatus, String) in
            var status = clfftCreateDefaultPlan(&handle, queue.context.handle, dimension, &lengths)
            guard status == CLFFT_SUCCESS else { return (status, "clfftCreateDefaultPlan") }
            let settings: [(String, () -> clfftStatus)] = [
                ("clfftSetPlanPrecision", { clfftSetPlanPrecision(handle, CLFFT_SINGLE) }),
                ("clfftSetLayout", { clfftSetLayout(handle, layout.input, layout.output) }),
                ("clfftSetResultLocation", { clfftSetResultLocation(handle, CLFFT_INPLACE) }),
                ("clfftSetPlanBatchSize", { clfftSetPlanBatchSize(handle, layout.batch) }),
                ("clfftSetPlanInStride", { clfftSetPlanInStride(handle, dimension, &inputStrides) }),
                ("clfftSetPlanOutStride", { clfftSetPlanOutStride(handle, dimension, &outputStrides) }),
                (
                    "clfftSetPlanDistance",
                    { clfftSetPlanDistance(handle, layout.inputDistance, layout.outputDistance) }
                ),
                ("clfftSetPlanScale", { clfftSetPlanScale(handle, CLFFT_FORWARD, 1) }),
                ("clfftSetPlanScale", { clfftSetPlanScale(handle, CLFFT_BACKWARD, 1) }),
                ("clfftBakePlan", { clfftBakePlan(handle, 1, &queueHandle, nil, nil) }),
                ("clfftGetTmpBufSize", { clfftGetTmpBufSize(handle, &temporary) }),
            ]
            for (call, run) in settings {
                status = run()
                guard status == CLFFT_SUCCESS else {
                    clfftDestroyPlan(&handle)
                    return (status, "\(call) of \(layout.lengths)")
                }
            }
            return (status, "")
        }
        try check(status, call, on: queue.context.name)
        self.handle = handle
        self.direction = direction
        self.queue = queue
        temporaryByteCount = temporary
        HandleCounter.made(.clfftPlan)
    }

    deinit {
        var handle = handle
        let status = CLFFTLibrary.lock.withLock { _ in clfftDestroyPlan(&handle) }
        HandleCounter.released(.clfftPlan, succeeded: status == CLFFT_SUCCESS)
    }

    /// Real planes to half spectra.
    static func planesForward(
        _ layout: WorkspaceLayout,
        count: Int,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> CLFFTPlan {
        try CLFFTPlan(
            Layout(
                lengths: [layout.workShape.x, layout.workShape.y],
                batch: count,
                input: CLFFT_REAL,
                inputStrides: [1, 2 * layout.halfRow],
                inputDistance: 2 * layout.planePitch,
                output: CLFFT_HERMITIAN_INTERLEAVED,
                outputStrides: [1, layout.halfRow],
                outputDistance: layout.planePitch
            ),
            CLFFT_FORWARD,
            on: queue
        )
    }

    /// Half spectra to real planes.
    static func planesInverse(
        _ layout: WorkspaceLayout,
        count: Int,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> CLFFTPlan {
        try CLFFTPlan(
            Layout(
                lengths: [layout.workShape.x, layout.workShape.y],
                batch: count,
                input: CLFFT_HERMITIAN_INTERLEAVED,
                inputStrides: [1, layout.halfRow],
                inputDistance: layout.planePitch,
                output: CLFFT_REAL,
                outputStrides: [1, 2 * layout.halfRow],
                outputDistance: 2 * layout.planePitch
            ),
            CLFFT_BACKWARD,
            on: queue
        )
    }

    /// All columns along z, complex.
    static func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> CLFFTPlan {
        try CLFFTPlan(
            Layout(
                lengths: [layout.workShape.z],
                batch: layout.workShape.y * layout.halfRow,
                input: CLFFT_COMPLEX_INTERLEAVED,
                inputStrides: [layout.planePitch],
                inputDistance: 1,
                output: CLFFT_COMPLEX_INTERLEAVED,
                outputStrides: [layout.planePitch],
                outputDistance: 1
            ),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            on: queue
        )
    }

    /// Enqueues the transform of a buffer in place.
    /// - Parameter temporary: at least `temporaryByteCount` bytes, or nil where that is 0.
    func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError) {
        var queueHandle: cl_command_queue? = queue.handle
        var memory: cl_mem? = buffer.handle
        let status = clfftEnqueueTransform(
            handle,
            direction,
            1,
            &queueHandle,
            0,
            nil,
            nil,
            &memory,
            nil,
            temporary?.handle
        )
        try check(status, "clfftEnqueueTransform", on: queue.context.name)
    }
}
