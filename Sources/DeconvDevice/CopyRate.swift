import DeconvVolume

/// How fast a device copies memory: what no algorithm that moves its data through memory can pass.
enum CopyRate {
    /// Bytes to copy at a time: more than caches hold, and little of what is free.
    static func byteCount(free: Int, largestBuffer: Int = .max) -> Int {
        max(min(1 << 28, free / 8, largestBuffer) / 4096, 1) * 4096
    }

    /// Bytes read and written a second in the fastest of several copies, the first of which does not count.
    /// - Parameter count: how often a copy moves each byte that counts: once where it is the way that counts, not the memory.
    static func best(
        of byteCount: Int,
        crossing count: Int = 2,
        _ copy: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> Double {
        let clock = ContinuousClock()
        try copy()
        var fastest = Double.infinity
        for _ in 0..<8 {
            let started = clock.now
            try copy()
            fastest = min(fastest, (clock.now - started) / .seconds(1))
        }
        return Double(count * byteCount) / max(fastest, 1e-9)
    }
}
