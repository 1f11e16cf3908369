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
            let isLast = progress.finishedVolumeCount == progress.volumeCount
            // What takes long must not be kept back by what went before.
            let isSlow = progress.stage == .compiling
            if let last = state.lastDrawn, now - last < .milliseconds(100), !isLast, !isSlow { return }
            state.lastDrawn = now
            Terminal.writeError("\r\u{1B}[K" + Self.line(progress, columns: Terminal.columns - 1))
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

    /// What there is to say, the most important first, as far as it fits: a line that wraps could not be taken away again.
    static func line(_ progress: DeconvolutionProgress, columns: Int) -> String {
        let filled = Int(progress.fraction * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var parts: [String] = progress.imageCount > 1 ? ["image \(progress.image) of \(progress.imageCount)"] : []
        switch progress.stage {
        case .compiling:
            let which =
                if let number = progress.program, let count = progress.programCount { "\(number) of \(count)" } else {
                    "kernels"
                }
            parts.append("compiling \(which) for \(progress.device)")
        case .computing where progress.volumeCount > 1: break
        default: parts.append(progress.stage.rawValue)
        }
        if progress.volumeCount > 1 {
            parts.append("\(progress.finishedVolumeCount) of \(progress.volumeCount) volumes")
        }
        if let left = progress.secondsLeft { parts.append("\(text(seconds: left)) left") }
        if progress.volumeCount > 1 {
            if let rate = progress.voxelsPerSecond { parts.append("\(text(voxels: rate))/s") }
            // What only one stage does says itself what it waits for.
            if let bottleneck = progress.bottleneck, bottleneck != .computing {
                parts.append("\(bottleneck.rawValue) is slowest")
            }
        }
        // The first part is cut, for names of devices are long; the others are there or not.
        var line = "\(bar) \(Int(progress.fraction * 100)) %, \(parts.removeFirst())"
        for part in parts where line.count + 2 + part.count <= columns { line += ", \(part)" }
        return String(line.prefix(max(columns, 1)))
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
