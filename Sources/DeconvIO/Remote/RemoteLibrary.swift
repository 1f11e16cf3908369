import CCurl
import DeconvVolume

/// The system's libcurl.
enum RemoteLibrary {
    /// Loads it.
    /// - Throws: `inputNotFound` where the system has none.
    static func require(for name: String) throws(DeconvolutionError) {
        guard let problem = gpudeconv_curl_load() else { return }
        throw DeconvolutionError(
            .inputNotFound,
            "\(name.inMessage): is read with libcurl, which this system lacks (\(String(cString: problem))); install its package, "
                + "libcurl4 or libcurl, or copy the store to a disk"
        )
    }

    /// Whether it signs requests to S3: version 7.88 signs every header that S3 wants to be signed.
    static var signs: Bool { gpudeconv_curl_version() >= 0x07_58_00 }

    /// Whether its options say by name which protocols may be used.
    static var namesProtocols: Bool { gpudeconv_curl_version() >= 0x07_55_00 }
}

/// A connection that is kept open for the next request. Unchecked: who has it is the only one that uses it.
final class RemoteHandle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = gpudeconv_curl_init() else { return nil }
        self.pointer = pointer
    }

    deinit { gpudeconv_curl_cleanup(pointer) }

    func set(_ option: CURLoption, _ value: Int) { _ = gpudeconv_curl_set_number(pointer, option, value) }

    func set(_ option: CURLoption, _ value: String) { _ = gpudeconv_curl_set_text(pointer, option, value) }
}
