extension ContinuousClock {
    /// Runs work and adds its seconds to a sum.
    package func measure<T>(
        into seconds: inout Double,
        _ work: () throws(DeconvolutionError) -> T
    ) throws(DeconvolutionError) -> T {
        let started = now
        defer { seconds += (now - started).inSeconds }
        return try work()
    }
}

extension Duration {
    /// The duration in seconds.
    package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
