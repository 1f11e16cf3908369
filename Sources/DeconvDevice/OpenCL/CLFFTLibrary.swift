import CCLFFT
import DeconvPlan
import DeconvVolume
import Synchronization

/// clFFT's process-wide state: set up while at least one context lives, and torn down with the last.
///
/// Programs and the texts they were made from are kept until then, a few hundred kilobytes for each new shape.
///
/// Making, baking and destroying plans is not thread-safe in clFFT 2.12.2, which aborts the process: all of it happens
/// under `lock`.
final class CLFFTLibrary: Sendable {
    /// Held around every call that makes or destroys a plan; the value counts the contexts.
    static let lock = Mutex(0)

    /// The version of the library that was found, such as 2.12.2.
    static let version: String = {
        var (major, minor, patch) = (cl_uint(0), cl_uint(0), cl_uint(0))
        clfftGetVersion(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }()

    init(for device: String) throws(DeconvolutionError) {
        let status = Self.lock.withLock { users -> clfftStatus in
            users += 1
            guard users == 1 else { return CLFFT_SUCCESS }
            // `clfftInitSetupData` is an inline function that debug builds do not link.
            var data = clfftSetupData(
                major: cl_uint(clfftVersionMajor),
                minor: cl_uint(clfftVersionMinor),
                patch: cl_uint(clfftVersionPatch),
                debugFlags: 0
            )
            return clfftSetup(&data)
        }
        // The object is whole by now, so its deinit runs and counts back when this throws.
        try check(status, "clfftSetup", on: device)
    }

    deinit {
        Self.lock.withLock { users in
            users -= 1
            guard users == 0 else { return }
            clfftTeardown()
            CallbackText.removeAll()
        }
    }
}

/// Turns clFFT's status into an error that names the device and the call.
func check(_ status: clfftStatus, _ call: String, on device: String) throws(DeconvolutionError) {
    try check(cl_int(status.rawValue), call, for: .transforms(.clfft), on: device)
}
