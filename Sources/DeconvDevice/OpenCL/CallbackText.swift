import DeconvVolume
import Glibc
import Synchronization

/// The names and texts of callbacks as C strings that stay: clFFT keeps the pointers, and compares them to tell kernels apart.
enum CallbackText {
    private static let known = Mutex<[String: UInt]>([:])

    /// A text as a C string, the same one each time.
    static func pointer(to text: String) -> UnsafePointer<CChar>? {
        let address = known.withLock { known in
            if let address = known[text] { return address }
            let address = UInt(bitPattern: strdup(text))
            known[text] = address
            HandleCounter.made(.callbackText)
            return address
        }
        return UnsafePointer(bitPattern: address)
    }

    /// Frees all of them; clFFT must have been torn down.
    static func removeAll() {
        known.withLock { known in
            for address in known.values {
                free(UnsafeMutableRawPointer(bitPattern: address))
                HandleCounter.released(.callbackText)
            }
            known = [:]
        }
    }
}
