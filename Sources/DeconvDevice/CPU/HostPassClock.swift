import DeconvPlan

/// Takes the time of the passes of iterations on this machine's cores, which are done when their call returns.
struct HostPassClock {
    /// The passes of every iteration so far, in their order.
    private(set) var iterations: [[PassDuration]] = []
    private let clock = ContinuousClock()
    private var last = ContinuousClock.now

    /// Begins an iteration.
    mutating func begin() {
        iterations.append([])
        last = clock.now
    }

    /// Tells that a pass is done.
    mutating func ended(_ pass: IterationPass) {
        let now = clock.now
        guard !iterations.isEmpty else { return }
        iterations[iterations.count - 1].append(PassDuration(pass, seconds: (now - last) / .seconds(1)))
        last = now
    }
}
