import ArgumentParser
import Foundation
import GPUDeconv
import Synchronization

/// Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, keep what it can and clean up, the second ends the process at once. Where no
/// run can be asked, the first ends it; and so it does while a driver compiles, which takes minutes and cannot be interrupted, as long
/// as there is nothing to keep.
///
/// The signals are blocked and a thread of its own waits for them, so it may lock, print and remove files as it likes. A
/// dispatch source would not do: with two signals in quick succession the second one killed the process.
enum Interruption {
    private static let cancellation = Mutex<Cancellation?>(nil)
    private static let isAnnounced = Mutex(false)
    private static let asked = Mutex<ContinuousClock.Instant?>(nil)

    /// Listens from now on. Called before any other thread exists, since threads inherit what is blocked.
    static func listen() {
        var awaited = sigset_t()
        sigemptyset(&awaited)
        // What whoever started us has switched off stays so: nohup switches off SIGHUP.
        for number in [SIGINT, SIGTERM, SIGHUP] where !isIgnored(number) { sigaddset(&awaited, number) }
        pthread_sigmask(SIG_BLOCK, &awaited, nil)
        Thread.detachNewThread { [awaited] in
            var awaited = awaited
            var number: Int32 = 0
            while true {
                if sigwait(&awaited, &number) == 0 { handle() }
            }
        }
    }

    private static let isCompiling = Mutex(false)

    /// Looks at how far the run is.
    static func note(_ progress: DeconvolutionProgress) {
        let heldIterations = progress.totalIterations / max(progress.volumeCount, 1) * progress.resumedVolumeCount
        let hasComputed = progress.completedIterations > heldIterations
        isCompiling.withLock { $0 = progress.stage == .compiling && !hasComputed }
    }

    /// Has the next interruption ask a run to stop.
    /// - Parameter keepsUnfinished: whether what is unfinished stays for another run.
    static func cancels(_ run: Cancellation, keepsUnfinished: Bool = false) {
        keeps.withLock { $0 = keepsUnfinished }
        cancellation.withLock { $0 = run }
    }

    private static let keeps = Mutex(false)

    private static func handle() {
        // One request may come twice: `timeout` and queues signal the process, and then its group.
        let now = ContinuousClock.now
        if let asked = asked.withLock({ $0 }), now - asked < .milliseconds(300) { return }
        let isCompiling = isCompiling.withLock { $0 }
        if let run = cancellation.withLock({ $0 }), !run.isCancelled, !isCompiling {
            asked.withLock { $0 = now }
            run.cancel()
            if Terminal.showsProgress {
                Terminal.writeError(
                    "\r\u{1B}[Kstopping after this iteration, and after what is being written; once more to stop at once\n"
                )
            }
            return
        }
        Deconvolver.removeUnfinishedOutputs()
        if isCompiling, !keeps.withLock({ $0 }) { announce("interrupted; nothing was written") }
        announce("interrupted; nothing that looks finished is left, and what is NAME.partial can be gone on with")
        _exit(ExitStatus.interrupted.rawValue)
    }

    /// Says that the process was interrupted, once: the run and a second signal may come to it at the same time.
    static func announce(_ text: String) {
        isAnnounced.withLock { isAnnounced in
            if !isAnnounced { Terminal.complain(text, ExitStatus.interrupted) }
            isAnnounced = true
        }
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        let previous = signal(number, SIG_IGN)
        signal(number, previous)
        return unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
