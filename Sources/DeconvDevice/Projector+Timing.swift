package import DeconvVolume

extension Projector {
    /// Seconds of the transforms of one iteration and nothing else: a forward and a back projection of a field, as often as asked
    /// for and once before to warm up.
    ///
    /// The pair transforms as many planes in and out as an iteration does, and all columns as often. What it adds is that it
    /// reads a field twice.
    /// - Parameter afterEach: called after every pair; what it throws ends the measurement.
    /// - Returns: `count` durations.
    package func measureTransforms(
        _ field: Field,
        count: Int,
        afterEach: () throws(DeconvolutionError) -> Void = {}
    ) throws(DeconvolutionError) -> [Double] {
        precondition(count >= 1, "something is measured")
        let clock = ContinuousClock()
        // Reading a voxel back waits for the device.
        let probe = Region(origin: layout.mirroredFrame.origin, shape: VolumeShape(z: 1, y: 1, x: 1))
        var durations: [Double] = []
        for _ in 0...count {
            let started = clock.now
            try forwardProject(field)
            try backProject(field)
            _ = try downloadWork(probe)
            durations.append((clock.now - started) / .seconds(1))
            try afterEach()
        }
        return Array(durations.dropFirst())
    }
}
