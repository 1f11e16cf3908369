import Dispatch
import Foundation
import GPUDeconv

/// Ctrl-C and SIGTERM: the first asks the run to stop and clean up, the second ends the process at once.
final class Interruption {
    private var sources: [any DispatchSourceSignal] = []

    /// Listens from now on.
    init(_ cancellation: Cancellation) {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler {
                if cancellation.isCancelled {
                    Deconvolver.removeUnfinishedOutputs()
                    _exit(130)
                }
                cancellation.cancel()
                if Terminal.showsProgress {
                    Terminal.writeError("\r\u{1B}[Kstopping after this iteration; once more to stop at once\n")
                }
            }
            source.resume()
            sources.append(source)
        }
    }
}
