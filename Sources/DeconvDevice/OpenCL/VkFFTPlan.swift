import COpenCL
import CVkFFT
import DeconvPlan
import DeconvVolume

/// One plan of VkFFT, of one direction.
final class VkFFTPlan: TransformPlan {
    /// The end of a compiler's log is seldom of use.
    private static let logByteCount = 4096

    let handle: OpaquePointer
    private let queue: CommandQueue
    let temporaryByteCount: Int

    init(_ layout: gpudeconv_vkfft_layout, on queue: CommandQueue) throws(DeconvolutionError) {
        var layout = layout
        var log = [CChar](repeating: 0, count: Self.logByteCount)
        var handle: OpaquePointer?
        let context = queue.context
        let compilation = Compilation(context)
        var compiler = gpudeconv_vkfft_compiler(
            build: { owner, source in
                guard let owner, let source else { return nil }
                let compilation = Unmanaged<Compilation>.fromOpaque(owner).takeUnretainedValue()
                return compilation.program(String(cString: source))
            },
            owner: Unmanaged.passUnretained(compilation).toOpaque()
        )
        let result = withExtendedLifetime(compilation) {
            gpudeconv_vkfft_create(
                &layout,
                context.device.id,
                context.handle,
                &compiler,
                &log,
                log.count,
                &handle
            )
        }
        let what = "VkFFT's plan of \(layout.row_length)x\(layout.column_length)"
        if let failure = compilation.failure {
            throw OpenCLError(call: what, purpose: .transforms(.vkfft), status: failure.status, log: failure.log)
                .deconvolutionError(on: context.name)
        }
        guard let handle, result == 0 else {
            throw Self.error(what, result, CL_SUCCESS, log, on: context.name)
        }
        self.handle = handle
        self.queue = queue
        temporaryByteCount = Int(gpudeconv_vkfft_temporary_bytes(handle))
        HandleCounter.made(.vkfftPlan)
    }

    /// Gives one plan its programs, and keeps the reason where there is none.
    private final class Compilation {
        let context: OpenCLContext
        var failure: OpenCLError?

        init(_ context: OpenCLContext) { self.context = context }

        func program(_ source: String) -> cl_program? {
            do {
                return try context.vkfftProgram(source)
            } catch {
                failure =
                    error.cause as? OpenCLError
                    ?? OpenCLError(
                        call: "clBuildProgram",
                        purpose: .build,
                        status: OpenCLStatus(CL_BUILD_PROGRAM_FAILURE)
                    )
                return nil
            }
        }
    }

    deinit {
        gpudeconv_vkfft_destroy(handle)
        HandleCounter.released(.vkfftPlan)
    }

    func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError) {
        var log = [CChar](repeating: 0, count: Self.logByteCount)
        var status = CL_SUCCESS
        let (values, scratch) = (buffer.handle, temporary?.handle)
        func run(_ watcher: UnsafePointer<gpudeconv_vkfft_watcher>?) -> Int32 {
            gpudeconv_vkfft_run(handle, queue.handle, values, scratch, watcher, &log, log.count, &status)
        }
        let result: Int32
        if let clock = queue.passClock {
            var watcher = gpudeconv_vkfft_watcher(
                launched: { owner in
                    if let owner { Unmanaged<PassClock>.fromOpaque(owner).takeUnretainedValue().launched() }
                },
                owner: Unmanaged.passUnretained(clock).toOpaque()
            )
            result = run(&watcher)
        } else {
            result = run(nil)
        }
        guard result == 0 else {
            throw Self.error("VkFFT's transform", result, status, log, on: queue.context.name)
        }
    }

    /// VkFFT's results for lengths that it has not; it numbers them so.
    private static let unsupported = 3001...3005 as ClosedRange<Int32>

    /// What a result means to a user.
    /// - Parameter openCLStatus: why OpenCL did not take a kernel, or `CL_SUCCESS`.
    static func error(
        _ call: String,
        _ result: Int32,
        _ openCLStatus: Int32,
        _ log: [CChar],
        on device: String
    ) -> DeconvolutionError {
        if unsupported.contains(result) {
            return DeconvolutionError(
                .deviceFailed,
                "\(call) is not to be had on \(device), whose local memory is too small for it: use another "
                    + "\(.device), or \(.backend, "cpu")"
            )
        }
        let status =
            if openCLStatus != CL_SUCCESS {
                openCLStatus
            } else if gpudeconv_vkfft_is_out_of_memory(result) != 0 {
                CL_MEM_OBJECT_ALLOCATION_FAILURE
            } else {
                result
            }
        let text = String(decoding: log.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return OpenCLError(call: call, purpose: .transforms(.vkfft), status: OpenCLStatus(status), log: text)
            .deconvolutionError(on: device)
    }
}
