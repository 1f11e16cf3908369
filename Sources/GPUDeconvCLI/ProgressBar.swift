import Foundation
import GPUDeconv
import Synchronization

/// One line on the terminal that says what is being done, how far it is and how long it will take.
final class ProgressBar: Sendable {
    private struct State {
        var lastDrawn: ContinuousClock.Instant?
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
            // A line that wraps could not be taken away again.
            let line = Self.line(progress).prefix(max(Terminal.columns - 1, 1))
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
        if progress.volumeCount > 1 {
            parts.append("volume \(progress.volume) of \(progress.volumeCount)")
            if let rate = progress.voxelsPerSecond { parts.append("\(text(voxels: rate))/s") }
            // What only one stage does says itself what it waits for.
            if let bottleneck = progress.bottleneck, bottleneck != .computing {
                parts.append("\(bottleneck.rawValue) is slowest")
            }
        }
        if let left = progress.secondsLeft, progress.completedIterations < progress.totalIterations {
            parts.append("\(text(seconds: left)) left")
        }
        return parts.joined(separator: ", ")
    }

    static func text(voxels: Double) -> String {
        voxels >= 1e6 ? String(format: "%.3g Mvoxel", voxels / 1e6) : String(format: "%.3g kvoxel", voxels / 1e3)
    }

    static func text(seconds: Double) -> String {
        let seconds = Int(seconds.rounded(.up))
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
