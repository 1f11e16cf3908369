import CGPUDeconv
import DeconvVolume
import Foundation

/// What went wrong last on each thread.
enum LastError {
    /// Each thread's text, which ends with it.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { free($0) }
        return key
    }()

    /// The text of this thread; valid until it is set again.
    static var text: UnsafePointer<CChar> {
        guard let known = pthread_getspecific(key) else { return UnsafePointer(none) }
        return UnsafePointer(known.assumingMemoryBound(to: CChar.self))
    }

    /// Never freed.
    nonisolated(unsafe) private static let none = strdup("")!

    static func set(_ message: String) {
        free(pthread_getspecific(key))
        pthread_setspecific(key, strdup(message))
    }
}

/// Runs a call: an error becomes a status, and its message the last error of the thread.
func call(_ body: () throws(DeconvolutionError) -> Void) -> gpudeconv_status {
    do throws(DeconvolutionError) {
        try body()
        return GPUDECONV_OK
    } catch {
        LastError.set(error.description(.keyword))
        return error.code.status
    }
}

extension DeconvolutionError.Code {
    fileprivate var status: gpudeconv_status {
        switch self {
        case .invalidArgument: GPUDECONV_INVALID_ARGUMENT
        case .invalidData: GPUDECONV_INVALID_DATA
        case .inputNotFound: GPUDECONV_INPUT_NOT_FOUND
        case .deviceUnavailable: GPUDECONV_DEVICE_UNAVAILABLE
        case .deviceFailed: GPUDECONV_DEVICE_FAILED
        case .outOfMemory: GPUDECONV_OUT_OF_MEMORY
        case .cannotCreateOutput: GPUDECONV_CANNOT_CREATE_OUTPUT
        case .outputExists: GPUDECONV_OUTPUT_EXISTS
        case .inputOutput: GPUDECONV_INPUT_OUTPUT
        case .diskFull: GPUDECONV_DISK_FULL
        case .cancelled: GPUDECONV_CANCELLED
        default: GPUDECONV_INTERNAL_ERROR
        }
    }
}

extension Optional {
    /// What a pointer that may not be NULL points to.
    func required(_ name: String) throws(DeconvolutionError) -> Wrapped {
        guard let self else { throw DeconvolutionError(.invalidArgument, "\(name) is NULL") }
        return self
    }
}
