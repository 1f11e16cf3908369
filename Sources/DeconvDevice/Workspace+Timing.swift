package import DeconvVolume

extension Workspace {
    /// Seconds of the transforms of one iteration and nothing else, as often as asked for and once before to warm up.
    /// - Parameters:
    ///   - field: what is transformed; the work volume holds it, blurred again and again.
    ///   - afterEach: called after every iteration; what it throws ends the measurement.
    /// - Returns: `count` durations.
    package func measureTransforms(
        _ field: Field,
        count: Int,
        afterEach: () throws(DeconvolutionError) -> Void = {}
    ) throws(DeconvolutionError) -> [Double] {
        precondition(count >= 1, "something is measured")
        let clock = ContinuousClock()
        var durations: [Double] = []
        try forwardProject(field)
        try backProject()
        for _ in 0...count {
            let started = clock.now
            try runTransforms()
            try synchronize()
            durations.append((clock.now - started) / .seconds(1))
            try afterEach()
        }
        return Array(durations.dropFirst())
    }
}
