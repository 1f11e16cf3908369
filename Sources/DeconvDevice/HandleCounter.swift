import Synchronization

/// Counts the C objects that this module made and has not released, by kind.
///
/// A release that fails is counted as well: it must not stop a program that has its result.
package enum HandleCounter {
    /// A kind of C object.
    package enum Kind: String, CaseIterable, Sendable {
        case context, queue, event, program, kernel, buffer, clfftPlan, callbackText, vkfftPlan, fftwPlan, hostBuffer
    }

    private struct Counts {
        var live: [Kind: Int] = [:]
        var failedReleases = 0
        var hostBytes = 0
        var mostHostBytes = 0
        var deviceBytes = 0
        var mostDeviceBytes = 0
    }

    private static let counts = Mutex(Counts())

    static func made(_ kind: Kind) { counts.withLock { $0.live[kind, default: 0] += 1 } }

    static func released(_ kind: Kind, succeeded: Bool = true) {
        counts.withLock {
            $0.live[kind, default: 0] -= 1
            if !succeeded { $0.failedReleases += 1 }
        }
    }

    /// Counts the bytes of host buffers that are made, or with a minus released.
    static func changeHostBytes(by byteCount: Int) {
        counts.withLock {
            $0.hostBytes += byteCount
            $0.mostHostBytes = max($0.mostHostBytes, $0.hostBytes)
        }
    }

    /// Counts the bytes of buffers on devices that are made, or with a minus released.
    static func changeDeviceBytes(by byteCount: Int) {
        counts.withLock {
            $0.deviceBytes += byteCount
            $0.mostDeviceBytes = max($0.mostDeviceBytes, $0.deviceBytes)
        }
    }

    /// Most bytes that buffers on devices had at a time, since the last reset.
    package static var mostDeviceBytes: Int { counts.withLock { $0.mostDeviceBytes } }

    /// Has `mostDeviceBytes` begin anew from what is held now.
    package static func resetMostDeviceBytes() { counts.withLock { $0.mostDeviceBytes = $0.deviceBytes } }

    /// Most bytes that host buffers had at a time, since the last reset.
    package static var mostHostBytes: Int { counts.withLock { $0.mostHostBytes } }

    /// Has `mostHostBytes` begin anew from what is held now.
    package static func resetMostHostBytes() { counts.withLock { $0.mostHostBytes = $0.hostBytes } }

    /// Objects alive now, without kinds that have none.
    package static var live: [Kind: Int] { counts.withLock { $0.live.filter { $0.value != 0 } } }

    /// Releases that their library refused.
    package static var failedReleases: Int { counts.withLock { $0.failedReleases } }
}
