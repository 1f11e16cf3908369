import CCLFFT
import COpenCL
import DeconvKernels
import DeconvPlan
import DeconvVolume
import Synchronization

/// One baked clFFT plan.
final class CLFFTPlan: TransformPlan {
    private let handle: clfftPlanHandle
    private let direction: clfftDirection
    private let queue: CommandQueue
    private let isInPlace: Bool
    /// What the callbacks are given; clFFT does not keep it alive.
    private let callbackData: DeviceBuffer?
    let temporaryByteCount: Int

    /// How one side of a transform lies in memory, fastest axis first, in elements of its type.
    struct Side {
        var type: clfftLayout
        var strides: [Int]
        var distance: Int

        init(_ type: clfftLayout, strides: [Int], distance: Int) {
            self.type = type
            self.strides = strides
            self.distance = distance
        }
    }

    /// A batch of transforms.
    struct Layout {
        var lengths: [Int]
        var batch: Int
        var input: Side
        var output: Side
        /// Whether it reads and writes one buffer.
        var isInPlace = true
    }

    /// Makes and bakes a plan.
    /// - Parameters:
    ///   - read: takes the place of the transform's reads, or nil.
    ///   - write: takes the place of its writes, or nil.
    ///   - data: given to both.
    init(
        _ layout: Layout,
        _ direction: clfftDirection,
        reading read: KernelSource.Callback? = nil,
        writing write: KernelSource.Callback? = nil,
        callbackData data: DeviceBuffer? = nil,
        on queue: CommandQueue
    ) throws(DeconvolutionError) {
        var lengths = layout.lengths
        var inputStrides = layout.input.strides
        var outputStrides = layout.output.strides
        let dimension = clfftDim(rawValue: UInt32(lengths.count))
        var handle: clfftPlanHandle = 0
        var temporary = 0
        var queueHandle: cl_command_queue? = queue.handle
        var callbackMemory: cl_mem? = data?.handle
        var failedUpload: OpenCLStatus?
        func register(_ callback: KernelSource.Callback?, _ type: clfftCallbackType) -> clfftStatus {
            guard let callback else { return CLFFT_SUCCESS }
            let function = CallbackText.pointer(to: callback.function)
            let text = CallbackText.pointer(to: callback.text)
            return clfftSetPlanCallback(handle, function, text, 0, type, &callbackMemory, 1)
        }
        func make() -> (status: clfftStatus, call: String) {
            var status = clfftCreateDefaultPlan(&handle, queue.context.handle, dimension, &lengths)
            guard status == CLFFT_SUCCESS else { return (status, "clfftCreateDefaultPlan") }
            let settings: [(String, () -> clfftStatus)] = [
                ("clfftSetPlanPrecision", { clfftSetPlanPrecision(handle, CLFFT_SINGLE) }),
                ("clfftSetLayout", { clfftSetLayout(handle, layout.input.type, layout.output.type) }),
                (
                    "clfftSetResultLocation",
                    { clfftSetResultLocation(handle, layout.isInPlace ? CLFFT_INPLACE : CLFFT_OUTOFPLACE) }
                ),
                ("clfftSetPlanBatchSize", { clfftSetPlanBatchSize(handle, layout.batch) }),
                ("clfftSetPlanInStride", { clfftSetPlanInStride(handle, dimension, &inputStrides) }),
                ("clfftSetPlanOutStride", { clfftSetPlanOutStride(handle, dimension, &outputStrides) }),
                (
                    "clfftSetPlanDistance",
                    { clfftSetPlanDistance(handle, layout.input.distance, layout.output.distance) }
                ),
                ("clfftSetPlanScale", { clfftSetPlanScale(handle, CLFFT_FORWARD, 1) }),
                ("clfftSetPlanScale", { clfftSetPlanScale(handle, CLFFT_BACKWARD, 1) }),
                ("clfftSetPlanCallback", { register(read, PRECALLBACK) }),
                ("clfftSetPlanCallback", { register(write, POSTCALLBACK) }),
                (
                    "clfftBakePlan",
                    {
                        let baked = UploadWatch.during { clfftBakePlan(handle, 1, &queueHandle, nil, nil) }
                        failedUpload = baked.failure
                        return baked.result
                    }
                ),
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
        Compilation.begin()
        var ((status, call), text) = CLFFTLibrary.lock.withLock { _ in StandardErrorCapture.during(make) }
        if let log = Self.buildLog(text) {
            // Baking succeeds all the same, and the plan fails when it runs.
            if status == CLFFT_SUCCESS { _ = CLFFTLibrary.lock.withLock { _ in clfftDestroyPlan(&handle) } }
            status = CLFFT_BUILD_PROGRAM_FAILURE
            call = "clfftBakePlan of \(layout.lengths)"
            throw OpenCLError(
                call: call,
                purpose: .transforms(.clfft),
                status: OpenCLStatus(cl_int(status.rawValue)),
                log: log
            )

            .deconvolutionError(on: queue.context.name)
        }
        StandardErrorCapture.passOn(Self.withoutCompilerChatter(text))
        if status == CLFFT_SUCCESS, let failedUpload {
            // Its kernels would run over as many lines as happen to stand where their number never arrived.
            _ = CLFFTLibrary.lock.withLock { _ in clfftDestroyPlan(&handle) }
            throw OpenCLError(call: "clEnqueueWriteBuffer in clfftBakePlan of \(layout.lengths)", status: failedUpload)
                .deconvolutionError(on: queue.context.name)
        }
        try check(status, call, on: queue.context.name)
        self.handle = handle
        self.direction = direction
        self.queue = queue
        isInPlace = layout.isInPlace
        callbackData = data
        temporaryByteCount = temporary
        HandleCounter.made(.clfftPlan)
    }

    deinit {
        var handle = handle
        let status = CLFFTLibrary.lock.withLock { _ in clfftDestroyPlan(&handle) }
        HandleCounter.released(.clfftPlan, succeeded: status == CLFFT_SUCCESS)
    }

    /// All that clFFT printed where a compiler refused its kernels, else nil.
    private static func buildLog(_ text: String) -> String? {
        text.contains("BUILD LOG") || text.contains("compileKernels failed") ? text : nil
    }

    /// Text without the lines in which Clang counts the warnings about clFFT's kernels.
    private static func withoutCompilerChatter(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasSuffix("warning generated.") && !$0.hasSuffix("warnings generated.") }
            .joined(separator: "\n")
    }

    func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError) {
        try run(buffer, to: buffer, temporary: temporary)
    }

    /// Enqueues the transform from one buffer to another, or to the same where it is in place.
    func run(
        _ input: DeviceBuffer,
        to output: DeviceBuffer,
        temporary: DeviceBuffer? = nil
    ) throws(DeconvolutionError) {
        precondition(isInPlace == (input === output), "a plan is made for one buffer or for two")
        var queueHandle: cl_command_queue? = queue.handle
        var memory: cl_mem? = input.handle
        var target: cl_mem? = output.handle
        let status = withUnsafeMutablePointer(to: &target) { target in
            clfftEnqueueTransform(
                handle,
                direction,
                1,
                &queueHandle,
                0,
                nil,
                nil,
                &memory,
                isInPlace ? nil : target,
                temporary?.handle
            )
        }
        try check(status, "clfftEnqueueTransform", on: queue.context.name)
    }
}
