import DeconvPlan
import DeconvVolume

/// Takes the time of the passes of iterations on a queue: a mark after each, with the time of the device's clock.
///
/// From mark to mark, so that whatever idles before a pass counts with it, and the passes of an iteration add up to what the
/// device took for it.
final class PassClock {
    /// Iterations whose marks are kept, lest a long run holds thousands of events: the device may be at the last two.
    private static let openIterations = 2

    /// Which half of an iteration is given to the queue.
    var projection = IterationPass.Projection.forward
    private unowned let queue: CommandQueue
    private var done: [[PassDuration]] = []
    private var open: [Iteration] = []
    /// Marks after the launches of a pass that has not ended.
    private var launches: [QueueMark] = []
    /// Why one of them is missing.
    private var failure: DeconvolutionError?

    private struct Iteration {
        let start: QueueMark
        var passes: [(pass: IterationPass, mark: QueueMark)] = []
    }

    init(on queue: CommandQueue) { self.queue = queue }

    /// Begins an iteration.
    func begin() throws(DeconvolutionError) {
        projection = .forward
        while open.count > Self.openIterations { done.append(try durations(open.removeFirst())) }
        open.append(Iteration(start: try mark()))
    }

    /// Tells of a kernel that a library launched within a pass, for that may tell its parts apart.
    func launched() {
        do throws(DeconvolutionError) {
            launches.append(try mark())
        } catch {
            failure = failure ?? error
        }
    }

    /// Tells that all of a pass was given to the queue.
    func ended(_ step: IterationPass.Step) throws(DeconvolutionError) {
        if let failure { throw failure }
        let parts = step.parts
        defer { launches = [] }
        guard !open.isEmpty else { return }
        if parts.count > 1, launches.count == parts.count {
            for (part, mark) in zip(parts, launches) { add(part, mark) }
        } else if let last = launches.last {
            add(step, last)
        } else {
            add(step, try mark())
        }
    }

    /// The passes of every iteration, once the device has done them all.
    func durations() throws(DeconvolutionError) -> [[PassDuration]] {
        while !open.isEmpty { done.append(try durations(open.removeFirst())) }
        return done
    }

    private func add(_ step: IterationPass.Step, _ mark: QueueMark) {
        open[open.count - 1].passes.append((IterationPass(projection, step), mark))
    }

    private func mark() throws(DeconvolutionError) -> QueueMark { try QueueMark(on: queue, flushes: false) }

    private func durations(_ iteration: Iteration) throws(DeconvolutionError) -> [PassDuration] {
        func time(_ mark: QueueMark) throws(DeconvolutionError) -> Double {
            try mark.wait()
            guard let time = mark.deviceTime else {
                throw DeconvolutionError(
                    .deviceFailed,
                    "\(queue.context.name) does not tell the time of its commands: leave out \(on: .passes)"
                )
            }
            return time
        }
        var last = try time(iteration.start)
        var durations: [PassDuration] = []
        for (pass, mark) in iteration.passes {
            let time = try time(mark)
            durations.append(PassDuration(pass, seconds: time - last))
            last = time
        }
        return durations
    }
}

extension CommandQueue {
    /// Tells the clock of passes, where there is one, that all of a pass was given to the queue.
    func ended(_ step: IterationPass.Step) throws(DeconvolutionError) { try passClock?.ended(step) }
}
