import Foundation
import GPUDeconv
import Synchronization

/// One line on the terminal that says what is being done, how far it is and how long it will take.
final class ProgressBar: Sendable {
    private struct State {
        var lastDrawn: ContinuousClock.Instant?
        var computingSince: (instant: ContinuousClock.Instant, iterations: Int)?
        var isDrawn = false
    }

    private static let width = 20
    private let state = Mutex(State())

    /// Draws a step, at most ten times a second.
    func show(_ progress: DeconvolutionProgress) {
        state.withLock { state in
            let now = ContinuousClock.now
            let isLast = progress.completedIterations == progress.totalIterations
            // What takes long must not be kept back by what went before.
            let isSlow = progress.stage == .compiling
            if let last = state.lastDrawn, now - last < .milliseconds(100), !isLast, !isSlow { return }
            state.lastDrawn = now
            var remaining = ""
            if progress.stage == .computing {
                if let since = state.computingSince, progress.completedIterations > since.iterations {
                    // Compute time only: reading and writing are a small part of a run.
                    let done = Double(progress.completedIterations - since.iterations)
                    let left = Double(progress.totalIterations - progress.completedIterations)
                    remaining = ", \(Self.text(seconds: (now - since.instant) / .seconds(1) * left / done)) left"
                } else if state.computingSince == nil {
                    state.computingSince = (now, progress.completedIterations)
                }
            }
            // A line that wraps could not be taken away again.
            let line = (Self.line(progress) + remaining).prefix(max(Terminal.columns - 1, 1))
            Terminal.writeError("\r\u{1B}[K" + line)
            state.isDrawn = true
        }
    }

    /// Takes the line away.
    func clear() {
        state.withLock { state in
            if state.isDrawn { Terminal.writeError("\r\u{1B}[K") }
            state.isDrawn = false
        }
    }

    static func line(_ progress: DeconvolutionProgress) -> String {
        let filled = Int(progress.fraction * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var parts = ["\(bar) \(Int(progress.fraction * 100)) %"]
        parts.append(
            progress.stage == .compiling ? "compiling kernels for \(progress.device)" : progress.stage.rawValue
        )
        if progress.volumeCount > 1 { parts.append("volume \(progress.volume) of \(progress.volumeCount)") }
        return parts.joined(separator: ", ")
    }

    static func text(seconds: Double) -> String {
        let seconds = Int(seconds.rounded(.up))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
