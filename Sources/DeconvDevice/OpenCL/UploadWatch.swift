import COpenCL
import CUploadWatch

/// What becomes of the uploads that clFFT makes while it bakes a plan.
///
/// clFFT 2.12.2 uploads the number of transforms of a plan and does not look whether that worked. Kernels that read another number
/// leave lines out or write beyond the ends of buffers, and nothing that is checked afterwards makes up for the latter.
enum UploadWatch {
    /// Whether failed uploads are seen in this process.
    static var isPossible: Bool { gpudeconv_can_watch_clfft_uploads() != 0 }

    /// Runs `body`, under the lock of `CLFFTLibrary`.
    /// - Returns: what it gave, and the status of the first upload of this thread that failed meanwhile.
    static func during<T>(_ body: () -> T) -> (result: T, failure: OpenCLStatus?) {
        var result: T?
        let status = withoutActuallyEscaping({ result = body() }) { body in
            let run = Body(body)
            return withExtendedLifetime(run) {
                gpudeconv_watch_clfft_uploads(
                    { Unmanaged<Body>.fromOpaque($0!).takeUnretainedValue().run() },
                    Unmanaged.passUnretained(run).toOpaque()
                )
            }
        }
        return (result!, status == CL_SUCCESS ? nil : OpenCLStatus(status))
    }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
